/**
 * What the client connections of one proxy share.
 *
 * @module
 */

import type { ByteConn } from "../../http1/byte_conn.ts";
import { Deadlines } from "./deadlines.ts";
import type { FailureLog } from "../failure_log.ts";
import { HeadFields } from "../../http1/fields.ts";
import { makePseudonym } from "../../http1/forwarding_rules.ts";
import type { ConnectionPool, PoolHost } from "../pool/pool.ts";

/** How long the parts of an exchange may take, in milliseconds; 0 means no limit. */
export interface ProxyTimeouts {
  /** From the first byte of a request head to its end; then 408. Default 5,000. */
  readonly requestHeadMs: number;
  /** From a response to the client's next request; then the client's connection is closed. Default 75,000. */
  readonly clientIdleMs: number;
  /**
   * Until a connection to an upstream is open; then 504. The limit holds for each dial, and for a request's
   * whole wait for a connection, which includes its time in the queue under `maxConnsPerHost`. Default 5,000.
   */
  readonly dialMs: number;
  /** From the last piece of the request to the response head; then 504. Default 60,000. */
  readonly responseHeadMs: number;
  /** During a body, without a byte being forwarded; then both connections are closed. Default 60,000. */
  readonly stallMs: number;
  /**
   * How long a request of a client that has closed its sending side lives on without a byte being forwarded.
   * A client that has gone away looks the same as one that still reads. Default 500.
   */
  readonly halfCloseMs: number;
  /**
   * How long the client's connection is read on after its last response, when the gateway closes it; and how
   * long the rest of a request body is read after its response is complete. Default 1,000.
   */
  readonly lingerMs: number;
}

/** {@linkcode ProxyTimeouts} as a caller gives them; `undefined` means the default. */
export type ProxyTimeoutOptions = { readonly [K in keyof ProxyTimeouts]?: number | undefined };

/** The defaults of {@linkcode ProxyTimeouts}. */
export const DEFAULT_TIMEOUTS: ProxyTimeouts = {
  requestHeadMs: 5_000,
  clientIdleMs: 75_000,
  dialMs: 5_000,
  responseHeadMs: 60_000,
  stallMs: 60_000,
  halfCloseMs: 500,
  lingerMs: 1_000,
};

/** One origin that requests go to. */
export interface Upstream {
  /** The upstream's part of the pool. */
  readonly host: PoolHost<ByteConn>;
  /** The upstream's authority, as it stands in `Host`. */
  readonly authority: Uint8Array;
  /** The log of the upstream's failures. */
  readonly failures: FailureLog;
}

/** Everything that belongs to a proxy rather than to one of its sessions. */
export class ProxyContext implements Disposable {
  /**
   * The fields of all sessions' requests, one head at a time: {@linkcode HeadFields.assertCurrent} guards
   * them.
   */
  readonly requestFields: HeadFields = new HeadFields();
  /** The fields of all upstreams' responses, one head at a time, guarded as well. */
  readonly responseFields: HeadFields = new HeadFields();
  readonly requestHead: Deadlines;
  readonly clientIdle: Deadlines;
  readonly connection: Deadlines;
  readonly responseHead: Deadlines;
  readonly stall: Deadlines;
  readonly halfClose: Deadlines;
  readonly linger: Deadlines;
  /** The proxy's name in `Via`. */
  readonly pseudonym: string = makePseudonym();
  /** Whether the proxy has been asked to stop. Then each response is the last on its connection. */
  stopping = false;
  /** Requests whose heads were read. */
  requests = 0;
  /** Requests sent a second time because their connection had been closed while it was idle. */
  resent = 0;
  #turn = 0;

  constructor(
    readonly pool: ConnectionPool<ByteConn>,
    readonly upstreams: readonly [Upstream, ...Upstream[]],
    timeouts: ProxyTimeouts,
    now: () => number,
  ) {
    this.requestHead = new Deadlines(timeouts.requestHeadMs, now);
    this.clientIdle = new Deadlines(timeouts.clientIdleMs, now);
    this.connection = new Deadlines(timeouts.dialMs, now);
    this.responseHead = new Deadlines(timeouts.responseHeadMs, now);
    this.stall = new Deadlines(timeouts.stallMs, now);
    this.halfClose = new Deadlines(timeouts.halfCloseMs, now);
    this.linger = new Deadlines(timeouts.lingerMs, now);
  }

  /** The upstream whose turn is next, without taking it. */
  get nextUpstream(): Upstream {
    return this.upstreams[this.#turn]!;
  }

  /** Takes the upstream whose turn it is; the next request goes to the one after it. */
  takeUpstream(): Upstream {
    const upstream = this.upstreams[this.#turn]!;
    this.#turn = this.#turn + 1 < this.upstreams.length ? this.#turn + 1 : 0;
    return upstream;
  }

  /** Stops the deadlines. */
  [Symbol.dispose](): void {
    for (
      const deadlines of [
        this.requestHead,
        this.clientIdle,
        this.connection,
        this.responseHead,
        this.stall,
        this.halfClose,
        this.linger,
      ]
    ) deadlines[Symbol.dispose]();
  }
}
