/**
 * A TCP connection with a buffer to read into. A pending read belongs to the connection, not to the code that
 * asked for it.
 *
 * So an idle connection can be watched: a read is always pending on it, and shows at once that the peer has
 * closed, or has sent bytes that no request asked for. When a request takes the connection, the same read
 * becomes the read of its response.
 *
 * @module
 */

const SMALL_BYTES = 4_096;
const LARGE_BYTES = 65_536;
const MAX_SPARES = 64;

/**
 * Large buffers that no connection uses now. A buffer here belongs to nobody: its old content is never read.
 */
const spares: Uint8Array<ArrayBuffer>[] = [];

/** What carries the bytes of a {@linkcode ByteConn}. */
export interface Carrier extends Pick<Deno.TcpConn, "read" | "write" | "close" | "closeWrite"> {
  /** Ends the connection by a reset. Left out by what cannot. */
  reset?(): void;
}

/** A TCP connection as a proxy needs it, such as `Deno.TcpConn`. */
export interface TcpSocket extends Carrier, Pick<Deno.TcpConn, "setNoDelay" | "setKeepAlive"> {
  /** The peer. */
  readonly remoteAddr: Pick<Deno.NetAddr, "hostname">;
}

/** A connection that is read from and written to. */
export class ByteConn<C extends Carrier = TcpSocket> {
  /** Bytes that were read and not yet consumed stand between `start` and `end`. */
  buffer: Uint8Array<ArrayBuffer> = new Uint8Array(SMALL_BYTES);
  start = 0;
  end = 0;
  /** Whether the peer has sent its FIN: no more bytes will come. */
  ended = false;
  /** The error that reading threw. A connection that was closed from this side counts as failed. */
  failure: unknown = undefined;
  /** Called when bytes, the end or a failure have come and no call of `more` waits for them. */
  onArrival: (() => void) | undefined;
  /** The value of `onArrival` while the connection is idle in a pool. */
  whileIdle: (() => void) | undefined;
  #reading = false;
  #filled = false;
  #closed = false;
  #wake: (() => void) | undefined;

  constructor(readonly tcp: C) {}

  /** Whether nothing more will come. */
  get over(): boolean {
    return this.ended || this.failure !== undefined;
  }

  /**
   * Starts a read unless one is pending or none is possible. `more` or `onArrival` announces what it brings.
   */
  read(): void {
    if (this.#reading || this.ended || this.failure !== undefined) return;
    if (this.start === this.end) this.start = this.end = 0;
    else if (this.end === this.buffer.length) this.#makeRoom();
    if (this.end === this.buffer.length) return;
    this.#reading = true;
    this.tcp.read(this.end === 0 ? this.buffer : this.buffer.subarray(this.end)).then(
      this.#arrived,
      this.#failed,
    );
  }

  /** Waits until bytes, the end or a failure have come, or until `interrupt` is called. */
  more(): Promise<void> {
    if (this.over) return Promise.resolve();
    this.read();
    return new Promise((resolve) => this.#wake = resolve);
  }

  /** Ends a wait in `more` before anything has come. */
  interrupt(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /** Writes all bytes. */
  async write(bytes: Uint8Array): Promise<void> {
    let written = await this.tcp.write(bytes);
    while (written < bytes.length) written += await this.tcp.write(bytes.subarray(written));
  }

  /** Makes the buffer larger, for a message that does not fit. No read may be pending. */
  grow(): void {
    const larger = this.buffer.length < LARGE_BYTES
      ? spares.pop() ?? new Uint8Array(LARGE_BYTES)
      : new Uint8Array(this.buffer.length * 2);
    larger.set(this.buffer.subarray(this.start, this.end));
    this.#replaceBuffer(larger);
  }

  /**
   * Makes the buffer large if the last read filled it, which means that a body comes faster than it is read.
   */
  widen(): void {
    if (this.#filled && this.buffer.length < LARGE_BYTES && !this.#reading) this.grow();
  }

  /** Makes an empty buffer small again, for the time until the next message. */
  shrink(): void {
    if (this.buffer.length === SMALL_BYTES || this.#reading || this.start !== this.end) return;
    this.#replaceBuffer(new Uint8Array(SMALL_BYTES));
  }

  /** Closes the connection at once. */
  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.failure ??= new Deno.errors.BadResource("closed here");
    try {
      this.tcp.close();
    } catch {
      // It was closed already.
    }
    if (!this.#reading) {
      this.start = this.end = 0;
      this.shrink();
    }
    this.interrupt();
  }

  /** Whether this side has closed the connection. */
  get closed(): boolean {
    return this.#closed;
  }

  #makeRoom(): void {
    this.buffer.copyWithin(0, this.start, this.end);
    this.end -= this.start;
    this.start = 0;
  }

  #replaceBuffer(buffer: Uint8Array<ArrayBuffer>): void {
    if (this.buffer.length === LARGE_BYTES && spares.length < MAX_SPARES) spares.push(this.buffer);
    this.end -= this.start;
    this.start = 0;
    this.buffer = buffer;
  }

  readonly #arrived = (count: number | null): void => {
    this.#reading = false;
    if (count === null) this.ended = true;
    else {
      this.end += count;
      this.#filled = this.end === this.buffer.length;
    }
    this.#announce();
  };

  readonly #failed = (error: unknown): void => {
    this.#reading = false;
    this.failure ??= error;
    this.#announce();
  };

  #announce(): void {
    const wake = this.#wake;
    if (wake === undefined) return this.onArrival?.();
    this.#wake = undefined;
    wake();
  }
}
