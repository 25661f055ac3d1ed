/** Clients and backends that speak bytes, for tests of what goes over the wire. */

import { assert } from "@std/assert";
import { type ProxyOptions, type RunningProxy, startProxy } from "../../tools/transport/net_http/proxy.ts";

/** Fails a wait that takes longer than any machine needs. */
export async function within<T>(promise: Promise<T>, what: string, ms = 5000): Promise<T> {
  let timer: ReturnType<typeof setTimeout> | undefined;
  const late = new Promise<never>((_, reject) => {
    timer = setTimeout(() => reject(new Error(`${what}: not within ${ms} ms`)), ms);
  });
  try {
    return await Promise.race([promise, late]);
  } finally {
    clearTimeout(timer);
  }
}

export function bytesOf(text: string): Uint8Array<ArrayBuffer> {
  return Uint8Array.from(text, (char) => char.charCodeAt(0));
}

export function textOf(bytes: Uint8Array): string {
  return Array.from(bytes, (byte) => String.fromCharCode(byte)).join("");
}

/** One end of a TCP connection, as text whose characters are bytes. */
export class RawConn implements Disposable {
  received = "";
  ended = false;
  /** The connection was reset. */
  broken = false;
  constructor(readonly tcp: Deno.TcpConn) {}

  async send(text: string): Promise<void> {
    let bytes = bytesOf(text);
    while (bytes.length > 0) bytes = bytes.subarray(await this.tcp.write(bytes));
  }

  /** Reads once. */
  async read(): Promise<void> {
    const buffer = new Uint8Array(65_536);
    try {
      const count = await this.tcp.read(buffer);
      if (count === null) this.ended = true;
      else this.received += textOf(buffer.subarray(0, count));
    } catch {
      this.ended = this.broken = true;
    }
  }

  async until(done: (received: string) => boolean, what: string): Promise<string> {
    const reading = (async () => {
      while (!done(this.received) && !this.ended) await this.read();
    })();
    await within(reading, what).catch((error) => {
      throw new Error(`${error.message}; got ${JSON.stringify(this.received.slice(0, 500))}`);
    });
    return this.received;
  }

  /** Takes one response, or one request, off what has come: its head and its body, by Content-Length or chunks. */
  async message(isBodyless = false): Promise<{ head: string; body: string; start: string }> {
    await this.until((text) => text.includes("\r\n\r\n"), "a head");
    if (!this.received.includes("\r\n\r\n")) throw new Error("there is no head");
    const end = this.received.indexOf("\r\n\r\n") + 4;
    const head = this.received.slice(0, end);
    const length = /\r\ncontent-length: *(\d+)/i.exec(head);
    const start = head.slice(0, head.indexOf("\r\n"));
    const chunked = /\r\ntransfer-encoding: *chunked/i.test(head);
    let bodyEnd = end;
    if (!isBodyless && chunked) {
      const last = (text: string) => /\r\n0+(?:;[^\r]*)?\r\n(?:[^\r]+\r\n)*\r\n/.exec(text.slice(end - 2));
      await this.until((text) => last(text) !== null, "the last chunk");
      const found = last(this.received);
      bodyEnd = found === null ? Infinity : end - 2 + found.index + found[0].length;
    } else if (!isBodyless && length !== null) {
      bodyEnd = end + Number(length[1]);
      await this.until((text) => text.length >= bodyEnd, "the body");
    }
    if (this.received.length < bodyEnd) throw new Error("the message is cut short");
    const raw = this.received.slice(end, bodyEnd);
    this.received = this.received.slice(bodyEnd);
    return { head, start, body: chunked ? dechunk(raw) : raw };
  }

  /** Everything until the other side ends. */
  async rest(): Promise<string> {
    return await this.until(() => false, "the end");
  }

  [Symbol.dispose](): void {
    try {
      this.tcp.close();
    } catch {
      // Closed already.
    }
  }
}

function dechunk(raw: string): string {
  let body = "";
  for (let at = 0; at < raw.length;) {
    const lineEnd = raw.indexOf("\r\n", at);
    const size = parseInt(raw.slice(at, lineEnd), 16);
    if (size === 0) break;
    body += raw.slice(lineEnd + 2, lineEnd + 2 + size);
    at = lineEnd + 4 + size;
  }
  return body;
}

/** A backend that does with each connection what the test says. */
export class RawBackend implements AsyncDisposable {
  readonly conns: RawConn[] = [];
  /** Requests that `answering` has read, heads only. */
  readonly heads: string[] = [];
  readonly #listener: Deno.TcpListener;
  readonly #working = new Set<Promise<void>>();
  readonly #accepting: Promise<void>;

  constructor(serve: (conn: RawConn, index: number, backend: RawBackend) => Promise<void>) {
    this.#listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    this.#accepting = this.#accept(serve);
  }

  /** A backend that gives the same bytes for each request, after reading it. */
  static answering(response: string | ((head: string, body: string, nth: number) => string)): RawBackend {
    let nth = 0;
    return new RawBackend(async (conn, _index, backend) => {
      for (;;) {
        await conn.until((text) => text.includes("\r\n\r\n"), "a request").catch(() => conn.ended = true);
        if (conn.ended) return;
        const { head, body } = await conn.message();
        backend.heads.push(head);
        await conn.send(typeof response === "string" ? response : response(head, body, nth++));
      }
    });
  }

  get url(): URL {
    return new URL(`http://127.0.0.1:${this.#listener.addr.port}`);
  }

  async #accept(serve: (conn: RawConn, index: number, backend: RawBackend) => Promise<void>): Promise<void> {
    try {
      for await (const tcp of this.#listener) {
        const conn = new RawConn(tcp);
        this.conns.push(conn);
        const work = serve(conn, this.conns.length - 1, this).catch(() => {});
        this.#working.add(work);
        work.finally(() => this.#working.delete(work));
      }
    } catch {
      // Closed.
    }
  }

  async [Symbol.asyncDispose](): Promise<void> {
    try {
      this.#listener.close();
    } catch {
      // Closed already.
    }
    for (const conn of this.conns) conn[Symbol.dispose]();
    await this.#accepting;
    await Promise.all(this.#working);
  }

  /** Stops accepting. */
  stopListening(): void {
    this.#listener.close();
  }
}

export function startTestProxy(
  backends: RawBackend | RawBackend[] | URL,
  options: Partial<ProxyOptions> & { lines?: string[] } = {},
): RunningProxy {
  const upstreams = backends instanceof URL ? [backends] : [backends].flat().map((backend) => backend.url);
  return startProxy({
    listen: { hostname: "127.0.0.1", port: 0 },
    upstreams,
    graceMs: 0,
    log: (line) => options.lines?.push(line),
    ...options,
  });
}

export async function connectTo({ address }: Pick<RunningProxy, "address">): Promise<RawConn> {
  return new RawConn(await Deno.connect(address));
}

/** Sends bytes on a connection of its own and returns all that comes back until the other side ends. */
export async function exchangeOnce(proxy: RunningProxy, request: string): Promise<string> {
  using conn = await connectTo(proxy);
  await conn.send(request).catch(() => {});
  return await conn.rest();
}

export function statusOf(response: string): number {
  const match = /^HTTP\/1\.1 (\d{3})/.exec(response);
  assert(match !== null, `no response: ${JSON.stringify(response.slice(0, 200))}`);
  return Number(match[1]);
}

/** Waits until something is so. */
export async function eventually(check: () => boolean, what: string, ms = 5000): Promise<void> {
  for (const deadline = Date.now() + ms; !check();) {
    if (Date.now() > deadline) throw new Error(`${what}: not within ${ms} ms`);
    await new Promise((resolve) => setTimeout(resolve, 2));
  }
}
