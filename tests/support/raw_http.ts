import { type ListenAddress } from "../../tools/server/address.ts";
/** HTTP/1.1 by hand, byte for byte, for tests of what goes over the wire. Texts are Latin-1: one character, one byte. */

const DEADLINE_MS = 10_000;

/** A message as it came. */
export interface RawMessage {
  /** The first line, without its line end. */
  readonly startLine: string;
  /** The fields, names in lower case. */
  readonly fields: readonly (readonly [name: string, value: string])[];
  /** The content, without its chunk framing. */
  readonly body: string;
  /** The head and the framed body, as they came. */
  readonly raw: string;
}

/** The status of a response. */
export function statusOf(message: RawMessage): number {
  return Number(message.startLine.split(" ")[1]);
}

/** The values of a field, joined as RFC 9110 §5.3 has it; `undefined` where there is none. */
export function fieldOf(message: RawMessage, name: string): string | undefined {
  const values = message.fields.filter(([known]) => known === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

/** One end of a TCP connection. Every read has a deadline. */
export class RawConnection implements Disposable {
  #unread = "";
  readonly #buffer = new Uint8Array(65_536);

  constructor(readonly conn: Deno.TcpConn) {}

  static async open({ hostname, port }: ListenAddress): Promise<RawConnection> {
    return new RawConnection(await Deno.connect({ hostname, port }));
  }

  async write(text: string): Promise<void> {
    let bytes = Uint8Array.from(text, (char) => char.charCodeAt(0));
    while (bytes.length > 0) bytes = bytes.subarray(await this.conn.write(bytes));
  }

  /** Reads until `end` has come and returns everything up to and including it. */
  async readUntil(end: string): Promise<string> {
    for (let from = 0;;) {
      const at = this.#unread.indexOf(end, from);
      if (at >= 0) return this.#take(at + end.length);
      from = Math.max(0, this.#unread.length - end.length);
      if (!await this.#fill()) {
        throw new Error(`the peer closed before ${JSON.stringify(end)}: ${JSON.stringify(this.#unread)}`);
      }
    }
  }

  async readBytes(count: number): Promise<string> {
    while (this.#unread.length < count) {
      if (!await this.#fill()) {
        throw new Error(`the peer closed after ${this.#unread.length} of ${count} bytes`);
      }
    }
    return this.#take(count);
  }

  /** What has been read already and not yet been used. */
  takeUnread(): string {
    return this.#take(this.#unread.length);
  }

  /** Everything until the peer closes; a reset is an error unless `toleratingReset`. */
  async readToEnd({ toleratingReset = false } = {}): Promise<string> {
    try {
      while (await this.#fill());
    } catch (error) {
      if (!toleratingReset || !(error instanceof Deno.errors.ConnectionReset)) throw error;
    }
    return this.#take(this.#unread.length);
  }

  /** Reads one message. A response to HEAD has no content, whatever it says. */
  async readMessage({ toHead = false } = {}): Promise<RawMessage> {
    const head = await this.readUntil("\r\n\r\n");
    const [startLine = "", ...lines] = head.trimEnd().split("\r\n");
    const fields = lines.map((line) => {
      const colon = line.indexOf(":");
      return [line.slice(0, colon).toLowerCase(), line.slice(colon + 1).trim()] as const;
    });
    const message = { startLine, fields, body: "", raw: head };
    const length = Number(fieldOf(message, "content-length") ?? 0);
    const status = statusOf(message);
    if (toHead || status === 204 || status === 304) return message;
    if (fieldOf(message, "transfer-encoding") === undefined) {
      const body = await this.readBytes(length);
      return { ...message, body, raw: head + body };
    }
    const { body, raw } = await this.#readChunks();
    return { ...message, body, raw: head + raw };
  }

  /** Resolves once the peer has closed, by FIN or RST, whatever it sent before. */
  async closedByPeer(): Promise<void> {
    await this.readToEnd({ toleratingReset: true });
  }

  [Symbol.dispose](): void {
    try {
      this.conn.close();
    } catch {
      // Closed before.
    }
  }

  async #readChunks(): Promise<{ body: string; raw: string }> {
    let [body, raw] = ["", ""];
    for (;;) {
      const line = await this.readUntil("\r\n");
      const size = Number.parseInt(line, 16);
      const chunk = size === 0 ? await this.readUntil("\r\n") : await this.readBytes(size + 2);
      raw += line + chunk;
      if (size === 0) return { body, raw };
      body += chunk.slice(0, -2);
    }
  }

  #take(count: number): string {
    const taken = this.#unread.slice(0, count);
    this.#unread = this.#unread.slice(count);
    return taken;
  }

  async #fill(): Promise<boolean> {
    const timer = setTimeout(() => this[Symbol.dispose](), DEADLINE_MS);
    try {
      const count = await this.conn.read(this.#buffer);
      if (count !== null) this.#unread += latin1(this.#buffer.subarray(0, count));
      return count !== null;
    } finally {
      clearTimeout(timer);
    }
  }
}

/** An upstream whose every byte the test decides. */
export interface RawUpstream extends AsyncDisposable {
  readonly address: ListenAddress;
  readonly url: string;
  /** Every request that was read with `readMessage`. */
  readonly received: RawMessage[];
  /** How many connections were accepted. */
  readonly connections: number;
}

/** Starts an upstream that runs `converse` on each connection, numbered from 1, and then closes it. */
export function startRawUpstream(
  converse: (connection: RawConnection, index: number) => Promise<void>,
): RawUpstream {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const open = new Set<RawConnection>();
  const conversations: Promise<void>[] = [];
  const received: RawMessage[] = [];
  let connections = 0;
  let closed = false;

  const accept = (async () => {
    for await (const conn of listener) {
      const connection = new RawConnection(conn);
      const readMessage = connection.readMessage.bind(connection);
      connection.readMessage = async (options) => {
        const message = await readMessage(options);
        received.push(message);
        return message;
      };
      open.add(connection);
      const conversation = converse(connection, ++connections).catch(() => {}).finally(() => {
        connection[Symbol.dispose]();
        open.delete(connection);
      });
      conversations.push(conversation);
    }
  })();
  const { hostname, port } = listener.addr as Deno.NetAddr;
  return {
    address: { hostname, port },
    url: `http://${hostname}:${port}`,
    received,
    get connections() {
      return connections;
    },
    async [Symbol.asyncDispose]() {
      if (!closed) listener.close();
      closed = true;
      for (const connection of open) connection[Symbol.dispose]();
      await Promise.all([accept, ...conversations]);
    },
  };
}

/** Starts an upstream that answers every request on every connection with the same bytes. */
export function startRepeatingUpstream(response: string | (() => string)): RawUpstream {
  return startRawUpstream(async (connection) => {
    for (;;) {
      await connection.readMessage();
      await connection.write(typeof response === "string" ? response : response());
    }
  });
}

function latin1(bytes: Uint8Array): string {
  let text = "";
  for (let i = 0; i < bytes.length; i += 8192) text += String.fromCharCode(...bytes.subarray(i, i + 8192));
  return text;
}
