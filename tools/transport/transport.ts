/**
 * What the gateway asks of a transport: the part that takes requests from clients and carries them to the upstream.
 *
 * @module
 */

import type { ListenAddress } from "../server/address.ts";

/** What every transport needs to know. */
export interface TransportOptions {
  /** Where requests go. An origin: `http`, a host, perhaps a port, and nothing else. */
  readonly upstream: URL;
  /** Where clients connect. Port 0 asks the kernel for a free one. */
  readonly listen: ListenAddress;
  /** How long a stop waits for requests in flight before it cuts them, in milliseconds. */
  readonly graceMs: number;
  /** Receives each line for the gateway's log. */
  readonly log: (line: string) => void;
}

/** A transport that runs. Disposing it stops accepting, waits for requests in flight for `graceMs`, then cuts the rest. */
export interface RunningTransport extends AsyncDisposable {
  /** Where it listens: the port is the real one, also where 0 was asked for. */
  readonly address: ListenAddress;
}
