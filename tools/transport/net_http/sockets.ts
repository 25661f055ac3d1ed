/**
 * What a proxy needs of the sockets that it listens and connects with. Deno's own are the default.
 *
 * @module
 */

import type { TcpSocket } from "../../http1/byte_conn.ts";
import type { ListenAddress } from "../../server/address.ts";
import { listenOn, type ListenOptions } from "../../server/listener.ts";

/** Accepts connections, as `Deno.TcpListener` does. */
export interface SocketListener extends Disposable {
  /** Where it listens, with the real port if port 0 was asked for. */
  readonly addr: ListenAddress;
  /** The next connection. Rejects once the listener is closed. */
  accept(): Promise<TcpSocket>;
  /** Ends it. */
  close(): void;
}

/** Where to connect. */
export interface ConnectOptions extends ListenAddress {
  /** Gives the connection up. */
  readonly signal: AbortSignal;
}

/** Sockets of one thread. Disposing them closes whatever is still open. */
export interface Sockets extends AsyncDisposable {
  /**
   * Listens on an address.
   *
   * @throws {UnavailableError} where that cannot be done, in one line that says what to do.
   */
  listen(address: ListenAddress, options: ListenOptions): SocketListener;
  /**
   * What `performance.now()` said, in milliseconds, when whatever is being served now became ready; at other
   * times what it says.
   */
  now(): number;
  /** Opens a connection. */
  connect(options: ConnectOptions): Promise<TcpSocket>;
}

/** Deno's own sockets. What is open belongs to whoever opened it. */
export const DENO_SOCKETS: Sockets = {
  listen: listenOn,
  now: () => performance.now(),
  connect: (options) => Deno.connect({ ...options }),
  [Symbol.asyncDispose]: () => Promise.resolve(),
};
