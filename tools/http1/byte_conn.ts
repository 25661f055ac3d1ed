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

import type { OutBuffer } from "./out_buffer.ts";

const SMALL_BYTES = 4_096;
const LARGE_BYTES = 65_536;
const MAX_SPARES = 64;
const NO_BYTES = new Uint8Array(0);

/**
 * Large buffers that no connection uses now. A buffer here belongs to nobody: its old content is never read.
 */
const spares: Uint8Array<ArrayBuffer>[] = [];

/** What carries the bytes of a {@linkcode ByteConn}. */
export interface Carrier extends Pick<Deno.TcpConn, "read" | "write" | "close" | "closeWrite"> {
  /** Ends the connection by a reset. Left out by what cannot. */
  reset?(): void;
  /**
   * Hands what comes next to `receiver`, once, and never before this call has returned. Left out by what can
   * only read.
   */
  receive?(receiver: Receiver): void;
  /**
   * Sends the first `length` of `bytes`, or as many as are taken at once, and returns how many. Left out by
   * what can only write.
   *
   * @throws where the connection is broken.
   */
  send?(bytes: Uint8Array, length: number): number;
}

/** What takes the bytes that a {@linkcode Carrier} hands over. */
export interface Receiver {
  /** Takes the first `count` of `bytes`, which hold them until this returns; 0 is the end. */
  arrived(bytes: Uint8Array<ArrayBuffer>, count: number): void;
  /** Takes the error that reading met. */
  failed(error: unknown): void;
}

/** A TCP connection as a proxy needs it, such as `Deno.TcpConn`. */
export interface TcpSocket extends Carrier, Pick<Deno.TcpConn, "setNoDelay" | "setKeepAlive"> {
  /** The peer. */
  readonly remoteAddr: Pick<Deno.NetAddr, "hostname">;
}

/** A connection that is read from and written to. */
export class ByteConn<C extends Carrier = TcpSocket> implements Receiver {
  /**
   * Bytes that were read and not yet consumed stand between `start` and `end`. While `onArrival` runs they
   * may stand in memory of the carrier's; what it leaves is moved here afterwards.
   */
  buffer: Uint8Array<ArrayBuffer> = NO_BYTES;
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
  /** The memory of this connection; there is none until it is needed. */
  #own: Uint8Array<ArrayBuffer> = NO_BYTES;
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
    if (this.start !== this.end || this.tcp.receive === undefined) return this.#fill();
    this.start = this.end = 0;
    this.#reading = true;
    this.tcp.receive(this);
  }

  /** Waits until bytes, the end or a failure have come, or until `interrupt` is called. */
  more(): Promise<void> {
    if (this.over) return Promise.resolve();
    // What is waited for is used later, so that it has to come into memory of this connection's.
    if (!this.#reading) this.#fill();
    return new Promise((resolve) => this.#wake = resolve);
  }

  /** Reads into memory of this connection's, behind what is there. */
  #fill(): void {
    this.#keep();
    if (this.start === this.end) this.start = this.end = 0;
    else if (this.end === this.buffer.length) this.#makeRoom();
    if (this.buffer.length === 0) this.buffer = this.#own = new Uint8Array(SMALL_BYTES);
    if (this.end === this.buffer.length) return;
    this.#reading = true;
    this.tcp.read(this.end === 0 ? this.buffer : this.buffer.subarray(this.end)).then(
      this.#read,
      this.#readFailed,
    );
  }

  /** Ends a wait in `more` before anything has come. */
  interrupt(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }

  /**
   * Begins to write what `out` holds, which must not change meanwhile. Tells `written` how many bytes were
   * taken: at once where the carrier can.
   */
  send(out: OutBuffer, written: (count: number) => void, failed: (error: unknown) => void): void {
    const { tcp } = this;
    if (tcp.send === undefined) {
      tcp.write(out.filled).then(written, failed);
      return;
    }
    let count: number;
    try {
      count = tcp.send(out.bytes, out.length);
    } catch (error) {
      return failed(error);
    }
    written(count);
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
    if (this.#own.length <= SMALL_BYTES || this.#reading || this.start !== this.end) return;
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
    if (this.#own.length === LARGE_BYTES && spares.length < MAX_SPARES) spares.push(this.#own);
    this.end -= this.start;
    this.start = 0;
    this.buffer = this.#own = buffer;
  }

  /** Moves what is left in memory of the carrier's into that of this connection. */
  #keep(): void {
    const { buffer, start, end } = this;
    if (buffer === this.#own) return;
    const left = end - start;
    if (left > this.#own.length) {
      this.#own = left <= SMALL_BYTES
        ? new Uint8Array(SMALL_BYTES)
        : left <= LARGE_BYTES
        ? spares.pop() ?? new Uint8Array(LARGE_BYTES)
        : new Uint8Array(left);
    }
    if (left > 0) this.#own.set(buffer.subarray(start, end));
    this.buffer = this.#own;
    this.start = 0;
    this.end = left;
  }

  /** {@linkcode Receiver.arrived}. */
  arrived(bytes: Uint8Array<ArrayBuffer>, count: number): void {
    this.#reading = false;
    this.#filled = false;
    if (count === 0) this.ended = true;
    else {
      this.buffer = bytes;
      this.end = count;
    }
    this.#announce();
    this.#keep();
  }

  /** {@linkcode Receiver.failed}. */
  failed(error: unknown): void {
    this.#readFailed(error);
  }

  readonly #read = (count: number | null): void => {
    this.#reading = false;
    if (count === null) this.ended = true;
    else {
      this.end += count;
      this.#filled = this.end === this.buffer.length;
    }
    this.#announce();
  };

  readonly #readFailed = (error: unknown): void => {
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
