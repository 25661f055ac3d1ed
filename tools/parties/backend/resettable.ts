/**
 * Connections that this side can end by a reset: `Deno.TcpConn` cannot, a socket of `node:net` can.
 *
 * @module
 */

import { createServer, type Server, type Socket } from "node:net";
import type { Carrier } from "../../http1/byte_conn.ts";
import type { Accepting } from "../../server/accept.ts";
import type { ListenAddress } from "../../server/address.ts";
import { BACKLOG, listenOn } from "../../server/listener.ts";

/** What `listen` of `node:net` comes to once the address is known. Unlike `listen` it listens at once. */
interface ListensAtOnce {
  _listen2(address: string, port: number, family: 4 | 6, backlog: number, fd: null, flags: number): void;
}

/**
 * Accepts connections that can be reset, until it is stopped. The server of `node:net` stops accepting for
 * good when the file descriptors have run out (Deno 2.9.6), so it stands in only where resets are asked for.
 *
 * @throws {UnavailableError} where the address cannot be listened on.
 */
export function acceptResettable(
  listen: ListenAddress,
  onConnection: (carrier: Carrier) => void,
): { readonly address: ListenAddress; readonly accepting: Accepting } {
  // It chooses the port where that is 0, finds the address of a name, and says what is wrong.
  const chosen = listenOn(listen);
  const { hostname, port } = chosen.addr as Deno.NetAddr;
  chosen.close();
  const server = createServer({ allowHalfOpen: true, noDelay: true }, (socket) => {
    onConnection(new ResettableConn(socket));
  });
  server.on("error", () => {});
  (server as Server & ListensAtOnce)._listen2(
    hostname,
    port,
    hostname.includes(":") ? 6 : 4,
    BACKLOG,
    null,
    0,
  );
  if (server.address() === null) return acceptResettable(listen, onConnection);
  return { address: { hostname, port }, accepting: { stop: () => void server.close() } };
}

/** A socket of `node:net`, read and written as a `Deno.TcpConn` is. */
class ResettableConn implements Carrier {
  #chunk: Uint8Array | undefined;
  #ended = false;
  #failure: Error | undefined;
  #wake: (() => void) | undefined;

  constructor(readonly socket: Socket) {
    socket.on("data", (chunk: Uint8Array) => {
      socket.pause();
      this.#chunk = chunk;
      this.#arrived();
    });
    socket.on("end", () => {
      this.#ended = true;
      this.#arrived();
    });
    socket.on("error", (error: Error) => this.#fail(error));
    socket.on("close", () => this.#fail(new Deno.errors.BadResource("closed here")));
  }

  async read(buffer: Uint8Array): Promise<number | null> {
    while (this.#chunk === undefined) {
      if (this.#ended) return null;
      if (this.#failure !== undefined) throw this.#failure;
      this.socket.resume();
      await new Promise<void>((resolve) => this.#wake = resolve);
    }
    const count = Math.min(buffer.length, this.#chunk.length);
    buffer.set(this.#chunk.subarray(0, count));
    this.#chunk = count === this.#chunk.length ? undefined : this.#chunk.subarray(count);
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    return new Promise((resolve, reject) => {
      this.socket.write(bytes, (error) => error ? reject(error) : resolve(bytes.length));
    });
  }

  closeWrite(): Promise<void> {
    return new Promise((resolve) => this.socket.end(() => resolve()));
  }

  close(): void {
    this.socket.destroySoon();
  }

  reset(): void {
    this.socket.resetAndDestroy();
  }

  #fail(error: Error): void {
    this.#failure ??= error;
    this.#arrived();
  }

  #arrived(): void {
    const wake = this.#wake;
    this.#wake = undefined;
    wake?.();
  }
}
