/**
 * How a request gets an upstream connection and gives it back. A connection is only used while no unsolicited
 * bytes have come on it.
 *
 * @module
 */

import type { ByteConn } from "../../http1/byte_conn.ts";
import { Deadline } from "./deadlines.ts";
import type { ResponseHead } from "../../http1/response.ts";
import type { OwnResponse } from "../../http1/own_response.ts";
import type { Pooled } from "../pool/pool.ts";
import { errnoOf } from "../pool/counters.ts";
import type { ProxyContext, Upstream } from "./proxy_context.ts";

/** Takes the idle connection that was used last; `undefined` if none is idle. */
export function takeFresh({ pool }: ProxyContext, upstream: Upstream): Pooled<ByteConn> | undefined {
  for (;;) {
    const held = pool.takeIdle(upstream.host);
    if (held === undefined || isFresh(held.conn)) return held;
    pool.discard(held, held.conn.over ? "closedByBackend" : "unsolicitedBytes");
  }
}

/** Whether a request can be sent on a connection: it is open, and no unsolicited bytes have come on it. */
export function isFresh(conn: ByteConn): boolean {
  return !conn.over && conn.start === conn.end;
}

/** Gives an upstream connection back after a complete response. Only a clean connection is kept. */
export function release(context: ProxyContext, held: Pooled<ByteConn>, response: ResponseHead): void {
  const { pool } = context;
  const { conn } = held;
  if (!response.keepAlive && !pool.limits.disableKeepAlives) return pool.discard(held, "backendSaidClose");
  if (conn.end !== conn.start) return pool.discard(held, "unsolicitedBytes");
  if (conn.over) return pool.discard(held, "closedByBackend");
  conn.shrink();
  conn.read();
  pool.put(held);
}

/** One client's wait for a connection: in the queue under `maxConnsPerHost`, and then for its dial. */
export class ConnectionWait {
  readonly #late: Deadline;
  #waiting: AbortController | undefined;
  #abandoned = false;

  constructor(readonly context: ProxyContext) {
    this.#late = new Deadline(
      context.connection,
      () =>
        this.#waiting?.abort(
          Object.assign(new Deno.errors.TimedOut("no connection in time"), { code: "ETIMEDOUT" }),
        ),
    );
  }

  /**
   * Waits for a connection. If there is none, returns the response to give, or `close` if the client has
   * left.
   */
  async connect(upstream: Upstream): Promise<Pooled<ByteConn> | OwnResponse | "close"> {
    const { pool } = this.context;
    const waiting = this.#waiting = new AbortController();
    if (this.#abandoned) return "close";
    this.#late.start();
    try {
      for (;;) {
        const held = await pool.get(upstream.host, waiting.signal);
        if (!isFresh(held.conn)) pool.discard(held, held.conn.over ? "closedByBackend" : "unsolicitedBytes");
        else if (!this.#abandoned) return held;
        else {
          pool.put(held);
          return "close";
        }
      }
    } catch (error) {
      if (this.#abandoned) return "close";
      const code = errnoOf(error);
      upstream.failures.add({ code, step: "connect", reason: dialReason(error) });
      return error instanceof Deno.errors.TimedOut
        ? { status: 504, reason: "the upstream took too long to connect to" }
        : { status: 502, reason: `the upstream cannot be connected to (${code})` };
    } finally {
      this.#late.stop();
      this.#waiting = undefined;
    }
  }

  /** Gives the client's place up for good, because the client has left. */
  abandon(): void {
    this.#abandoned = true;
    this.#waiting?.abort();
  }
}

function dialReason(error: unknown): string {
  const message = error instanceof Error ? error.message : String(error);
  return message.replace(/\s*\(os error \d+\)/, "").toLowerCase();
}
