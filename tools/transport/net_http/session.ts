/**
 * The parts of one client connection on which both ways of carrying its requests work: the fast lane and the
 * exchange.
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
  /** Outgoing bytes: first the request to the upstream, then the response to the client. */
  readonly out: OutBuffer;
  /** What all sessions of a proxy share. */
  readonly context: ProxyContext;
  /** The lines that the gateway adds to this client's requests. */
  readonly lines: ForwardedLines;
}
