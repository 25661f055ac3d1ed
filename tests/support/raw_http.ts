/**
 * HTTP/1.1 by hand, byte for byte, for tests of what goes over the wire. In texts a character is a byte
 * (Latin-1).
 */

import { type ListenAddress } from "../../tools/server/address.ts";
import { within } from "./waiting.ts";

const DEADLINE_MS = 10_000;

/** A message as it came. */
export interface RawMessage {
  /** The first line, without its line end. */
  readonly startLine: string;
  /** The head as it came, with the empty line that ends it. */
  readonly head: string;
  /** The fields, names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The content, without its chunk framing. */
  readonly body: string;
  /** The head and the framed body, as they came. */
  readonly raw: string;
}

/** A text as bytes. */
export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

/** Bytes as a text. */
export function textOf(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
}

/** The status of a response: of a message, or of bytes that must begin as an HTTP/1.1 response does. */
export function statusOf(response: RawMessage | string): number {
  const match = typeof response === "string"
    ? /^HTTP\/1\.1 (\d{3})/.exec(response)
    : /^HTTP\/1\.\d (\d{3})/.exec(response.startLine);
  if (match === null) throw new Error(`no response: ${JSON.stringify(response).slice(0, 200)}`);
  return Number(match[1]);
}

/** The values of a field, joined as RFC 9110 §5.3 has it; `undefined` where there is none. */
export function fieldOf(message: Pick<RawMessage, "fields">, name: string): string | undefined {
  const values = message.fields.filter(([known]) => known === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

/** One end of a TCP connection. Every read has a deadline. */
export class RawConnection implements Disposable {
  /** What has come and has not been used yet. */
  received = "";
  /** Whether the peer has ended the connection, by FIN or RST. */
  ended = false;
  /** Why reading failed, as it does after a reset. */
  failure: unknown = undefined;
  /** Called with each message that was read. */
  onMessage: ((message: RawMessage) => void) | undefined;
  readonly #buffer = new Uint8Array(65_536);

  constructor(readonly conn: Deno.TcpConn) {}

  static async open({ hostname, port }: ListenAddress): Promise<RawConnection> {
    return new RawConnection(await Deno.connect({ hostname, port }));
  }

  /** Whether the connection was reset. */
  get broken(): boolean {
    return this.failure !== undefined;
  }

  async write(text: string): Promise<void> {
    let bytes = bytesOf(text);
    while (bytes.length > 0) bytes = bytes.subarray(await this.conn.write(bytes));
  }

  /** Reads once. */
  async read(): Promise<void> {
    try {
      const count = await this.conn.read(this.#buffer);
      if (count === null) this.ended = true;
      else this.received += textOf(this.#buffer.subarray(0, count));
    } catch (error) {
      this.ended = true;
      this.failure = error;
    }
  }

  /** Reads until it is done or the peer has ended, and returns what has come; uses nothing of it. */
  async until(done: (received: string) => boolean, what: string): Promise<string> {
    const reading = (async () => {
      while (!done(this.received) && !this.ended) await this.read();
    })();
    await within(reading, what, DEADLINE_MS).catch((error) => {
      this[Symbol.dispose]();
      throw new Error(`${error.message}; got ${JSON.stringify(this.received.slice(0, 500))}`);
    });
    return this.received;
  }

  /** Reads until `end` has come and uses everything up to and including it. */
  async readUntil(end: string): Promise<string> {
    let from = 0;
    let at = -1;
    await this.until((received) => {
      at = received.indexOf(end, from);
      from = Math.max(0, received.length - end.length);
      return at >= 0;
    }, JSON.stringify(end));
    if (at < 0) throw this.#endedBefore(JSON.stringify(end));
    return this.#take(at + end.length);
  }

  async readBytes(count: number): Promise<string> {
    await this.until((received) => received.length >= count, `${count} bytes`);
    if (this.received.length < count) throw this.#endedBefore(`${count} bytes`);
    return this.#take(count);
  }

  /** What has been read already and not yet been used. */
  takeUnread(): string {
    return this.#take(this.received.length);
  }

  /** Everything until the peer ends the connection, in whatever way; uses nothing of it. */
  async rest(): Promise<string> {
    return await this.until(() => false, "the end");
  }

  /** Everything until the peer closes; a reset is an error unless `toleratingReset`. */
  async readToEnd({ toleratingReset = false } = {}): Promise<string> {
    await this.rest();
    const isReset = this.failure instanceof Deno.errors.ConnectionReset;
    if (this.broken && !(toleratingReset && isReset)) throw this.failure;
    return this.takeUnread();
  }

  /** Resolves once the peer has closed, by FIN or RST, whatever it sent before. */
  async closedByPeer(): Promise<void> {
    await this.readToEnd({ toleratingReset: true });
  }

  /** Reads one message. A response to HEAD has no content, whatever it says. */
  async readMessage({ toHead = false } = {}): Promise<RawMessage> {
    const head = await this.readUntil("\r\n\r\n");
    const [startLine = "", ...lines] = head.trimEnd().split("\r\n");
    const fields = lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    });
    const isBodyless = toHead || /^HTTP\/1\.\d (?:1\d\d|204|304)/.test(startLine);
    const { body, raw } = isBodyless ? { body: "", raw: "" } : await this.#readBody({ fields });
    const message = { startLine, head, fields, body, raw: head + raw };
    this.onMessage?.(message);
    return message;
  }

  [Symbol.dispose](): void {
    try {
      this.conn.close();
    } catch {
      // Closed before.
    }
  }

  async #readBody(message: Pick<RawMessage, "fields">): Promise<{ body: string; raw: string }> {
    if (fieldOf(message, "transfer-encoding") === undefined) {
      const body = await this.readBytes(Number(fieldOf(message, "content-length") ?? 0));
      return { body, raw: body };
    }
    let [body, raw] = ["", ""];
    for (;;) {
      const line = await this.readUntil("\r\n");
      raw += line;
      const size = Number.parseInt(line, 16);
      if (size === 0) break;
      const chunk = await this.readBytes(size + 2);
      raw += chunk;
      body += chunk.slice(0, -2);
    }
    // The trailers, and the empty line that ends them.
    for (let line = ""; line !== "\r\n"; raw += line) line = await this.readUntil("\r\n");
    return { body, raw };
  }

  #endedBefore(what: string): unknown {
    return this.failure ??
      new Error(`the peer closed before ${what}: ${JSON.stringify(this.received.slice(0, 500))}`);
  }

  #take(count: number): string {
    const taken = this.received.slice(0, count);
    this.received = this.received.slice(count);
    return taken;
  }
}

/** What an upstream does with a connection; connections are numbered from 1. */
export type Converse = (connection: RawConnection, index: number, upstream: RawUpstream) => Promise<void>;

/** An upstream whose every byte the test decides. */
export class RawUpstream implements AsyncDisposable {
  readonly address: ListenAddress;
  readonly url: string;
  /** Every connection that was accepted. */
  readonly conns: RawConnection[] = [];
  /** Every request that was read with `readMessage`. */
  readonly received: RawMessage[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #conversations = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  /** Runs `converse` on each connection, which stays open when that has returned. */
  constructor(converse: Converse) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const { hostname, port } = this.#listener.addr;
    this.address = { hostname, port };
    this.url = `http://${hostname}:${port}`;
    this.#accepting = this.#accept(converse);
  }

  /** An upstream that gives the same bytes for each request, or what `response` makes of it. */
  static answering(response: string | ((request: RawMessage, nth: number) => string)): RawUpstream {
    let nth = 0;
    return new RawUpstream(async (connection) => {
      for (;;) {
        const request = await connection.readMessage();
        await connection.write(typeof response === "string" ? response : response(request, nth++));
      }
    });
  }

  /** How many connections were accepted. */
  get connections(): number {
    return this.conns.length;
  }

  /** The heads of the requests that were read. */
  get heads(): string[] {
    return this.received.map(({ head }) => head);
  }

  /** Stops accepting. */
  stopListening(): void {
    try {
      this.#listener.close();
    } catch {
      // Closed before.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    this.stopListening();
    for (const connection of this.conns) connection[Symbol.dispose]();
    await this.#accepting;
    await Promise.all(this.#conversations);
  }

  async #accept(converse: Converse): Promise<void> {
    try {
      for await (const conn of this.#listener) {
        const connection = new RawConnection(conn);
        connection.onMessage = (message) => this.received.push(message);
        const index = this.conns.push(connection);
        const conversation = converse(connection, index, this).catch(() => {});
        this.#conversations.add(conversation);
        conversation.finally(() => this.#conversations.delete(conversation));
      }
    } catch {
      // Closed.
    }
  }
}

/** Starts an upstream that runs `converse` on each connection and then closes it. */
export function startRawUpstream(converse: Converse): RawUpstream {
  return new RawUpstream(async (connection, index, upstream) => {
    try {
      await converse(connection, index, upstream);
    } finally {
      connection[Symbol.dispose]();
    }
  });
}

/** Starts an upstream that answers every request on every connection with the same bytes. */
export function startRepeatingUpstream(response: string | (() => string)): RawUpstream {
  return RawUpstream.answering(response);
}
