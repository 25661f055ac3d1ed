/**
 * What belongs to one client connection, and what both ways of carrying its requests work on: the fast lane and the exchange.
 *
 * @module
 */

import type { ByteConn } from "../../http1/byte_conn.ts";
import type { ForwardedLines } from "../../http1/forward.ts";
import type { OutBuffer } from "../../http1/out_buffer.ts";
import type { RequestHead } from "../../http1/request.ts";
import type { ProxyContext } from "./proxy_context.ts";

/** One client connection. */
export interface Session {
  /** The connection itself. */
  readonly client: ByteConn;
  /** The head of the request that is being carried. */
  readonly request: RequestHead;
  /** What is on its way out: the request towards the upstream, then the response towards the client. */
  readonly out: OutBuffer;
  /** What the session shares with all others of its proxy. */
  readonly context: ProxyContext;
  /** The lines that the gateway adds to this client's requests. */
  readonly lines: ForwardedLines;
}

/** How to close a client's connection behind its last response: with bytes unread, a plain close would be a reset. */
export function howToClose({ client }: Session): "close" | "linger" {
  return client.start < client.end ? "linger" : "close";
}
