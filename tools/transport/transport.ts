/**
 * What the gateway needs of a transport, which is the part that takes requests from clients and carries them
 * to the upstream.
 *
 * @module
 */

import type { ListenAddress } from "../server/address.ts";

/** Options of every transport. */
export interface TransportOptions {
  /** The origin that requests go to: `http`, a host, perhaps a port, and nothing else. */
  readonly upstream: URL;
  /** Where clients connect. Port 0 asks the kernel for a free one. */
  readonly listen: ListenAddress;
  /** Time that a stop waits for requests in flight before it cuts them, in milliseconds. */
  readonly graceMs: number;
  /** Receives each line for the gateway's log. */
  readonly log: (line: string) => void;
}

/**
 * A running transport. Disposing it stops accepting, waits up to `graceMs` for requests in flight, then cuts
 * the rest.
 */
export interface RunningTransport extends AsyncDisposable {
  /** Where the transport listens, with the real port if port 0 was asked for. */
  readonly address: ListenAddress;
}
