/**
 * An HTTP/1.1 reverse proxy on `Deno.listen` and `Deno.connect`, in one thread, with a connection pool of its
 * own that has the limits of Go's `http.Transport`.
 *
 * Where RFC 9110 and 9112 leave a choice:
 *
 * - Input with two readings is refused, a request with 400 and a response with 502, even where a repair would
 *   be allowed (identical lengths given twice, bare LF, obs-fold). The connection that it came on is closed.
 * - Trailers are forwarded if both sides are chunked, and dropped for a client of HTTP/1.0; `TE` is not
 *   forwarded (RFC 9110 §6.5). Chunk extensions are dropped, and chunks may be cut elsewhere (RFC 9112
 *   §7.1.1).
 * - `Via` is written into requests (RFC 9110 §7.6.3), not into responses. The rules for the other fields are
 *   in `forwarding_rules.ts`.
 * - A response that breaks off ends the client's connection before its length or its last chunk. A client of
 *   HTTP/1.0 whose response has neither sees a FIN, as after a complete response, because Deno offers no way
 *   to reset a connection (`SO_LINGER`).
 * - Interim responses are forwarded, except to a client of HTTP/1.0. 101 is forwarded if the client asked for
 *   an upgrade; then the two connections become a tunnel. `CONNECT` is refused.
 *
 * @module
 */

import { TimewaitError } from "../../errors.ts";
import type { ListenAddress } from "../../server/address.ts";
import { ByteConn, type TcpSocket } from "../../http1/byte_conn.ts";
import { ClientSession } from "./client_session.ts";
import { Deadline, Deadlines } from "./deadlines.ts";
import { startFailureLog } from "../failure_log.ts";
import { latin1Bytes } from "../../http1/fields.ts";
import { ConnectionPool, type Dial } from "../pool/pool.ts";
import type { PoolLimits } from "../pool/limits.ts";
import type { PoolCounters } from "../pool/counters.ts";
import {
  DEFAULT_TIMEOUTS,
  ProxyContext,
  type ProxyTimeoutOptions,
  type ProxyTimeouts,
  type Upstream,
} from "./proxy_context.ts";
import type { RunningTransport } from "../transport.ts";
import { DENO_SOCKETS, type SocketListener, type Sockets } from "./sockets.ts";

/** Options of {@linkcode startProxy}. */
export interface ProxyOptions {
  /** Where clients connect. Port 0 asks the kernel for a free one. */
  readonly listen: ListenAddress;
  /**
   * Whether other threads listen on the same port, and the kernel shares the clients among them. Needs
   * `--unstable-net`. Default false.
   */
  readonly reusePort?: boolean | undefined;
  /**
   * The sockets that it listens and connects with, which are disposed with the proxy. Default: Deno's own.
   */
  readonly sockets?: Sockets | undefined;
  /** Origins that requests go to, in turn; at least one. */
  readonly upstreams: readonly URL[];
  /** The limits of the pool. */
  readonly pool?: PoolLimits | undefined;
  /**
   * The counts by which proxies in several threads keep to the limits together; see
   * {@linkcode ConnectionPool}.
   */
  readonly idleCounts?: Int32Array | undefined;
  /** How long the parts of an exchange may take. */
  readonly timeouts?: ProxyTimeoutOptions | undefined;
  /** Time that a stop waits for requests in flight before it cuts them, in milliseconds. */
  readonly graceMs: number;
  /** Receives each line for the gateway's log. */
  readonly log: (line: string) => void;
}

/** What has happened in a proxy so far. */
export interface ProxyCounters {
  /** Requests read from clients. */
  readonly requests: number;
  /** Requests sent a second time because their connection had been closed while it was idle. */
  readonly resent: number;
  /** How many connections to the upstreams were opened, and why they were closed. */
  readonly pool: PoolCounters;
}

/**
 * A running proxy. Disposing it stops accepting, waits up to `graceMs` for requests in flight, then cuts the
 * rest.
 */
export interface RunningProxy extends RunningTransport {
  /** What has happened so far. */
  counters(): ProxyCounters;
}

/** Pause after accepting has failed, as it does when file descriptors run out. */
const ACCEPT_PAUSE_MS = 10;

/**
 * Starts a proxy in this thread.
 *
 * @throws {TimewaitError} for a pool limit that {@linkcode resolvePoolLimits} does not take, or no upstream.
 * @throws {UnavailableError} where the address cannot be listened on, in one line that says what to do.
 */
export function startProxy(options: ProxyOptions): RunningProxy {
  const { listen, reusePort, sockets = DENO_SOCKETS, graceMs } = options;
  using started = new DisposableStack();
  // What is disposed of last, and waited for below where the proxy has run.
  started.defer(() => void sockets[Symbol.asyncDispose]());
  const context = createContext(options, sockets, started);
  const listener = started.use(sockets.listen(listen, { reusePort }));
  const sessions = new Set<ClientSession>();
  const accepting = acceptAll(listener, context, sessions);
  const parts = started.move();
  return {
    address: { hostname: listener.addr.hostname, port: listener.addr.port },
    counters: () => ({ requests: context.requests, resent: context.resent, pool: context.pool.counters() }),
    async [Symbol.asyncDispose]() {
      context.stopping = true;
      listener.close();
      await accepting;
      for (const session of sessions) session.closeIfIdle();
      const timer = setTimeout(() => sessions.forEach((session) => session.close()), graceMs);
      await Promise.all(Array.from(sessions, (session) => session.ended));
      clearTimeout(timer);
      parts.dispose();
      await sockets[Symbol.asyncDispose]();
    },
  };
}

function createContext(options: ProxyOptions, sockets: Sockets, started: DisposableStack): ProxyContext {
  const timeouts: ProxyTimeouts = { ...DEFAULT_TIMEOUTS, ...withoutUndefined(options.timeouts ?? {}) };
  const now = () => sockets.now();
  const dialing = started.use(new Deadlines(timeouts.dialMs));
  const pool = started.use(
    new ConnectionPool(dialWithin(dialing, sockets), options.pool, options.idleCounts, now),
  );
  const [first, ...others] = options.upstreams.map((url): Upstream => ({
    host: pool.host(url.host),
    authority: latin1Bytes(url.host),
    failures: started.use(startFailureLog(url.host, options.log)),
  }));
  if (first === undefined) throw new TimewaitError("must name at least one origin", { field: "upstreams" });
  return started.use(new ProxyContext(pool, [first, ...others], timeouts, now));
}

function withoutUndefined(options: ProxyTimeoutOptions): Partial<ProxyTimeouts> {
  return Object.fromEntries(Object.entries(options).filter(([, value]) => value !== undefined));
}

/** Makes a dialer that gives up when a connection takes too long. */
function dialWithin(dialing: Deadlines, sockets: Sockets): Dial<ByteConn> {
  return async (authority, lost) => {
    const { hostname, port } = new URL(`http://${authority}`);
    const late = new AbortController();
    const deadline = new Deadline(
      dialing,
      () => late.abort(new Deno.errors.TimedOut("connection timed out")),
    );
    deadline.start();
    try {
      const tcp = await sockets.connect({
        hostname: hostname.replace(/^\[|\]$/g, ""),
        port: Number(port || 80),
        signal: late.signal,
      });
      tcp.setNoDelay(true);
      const conn = new ByteConn(tcp);
      conn.onArrival = conn.whileIdle = () => lost(conn.over ? "closedByBackend" : "unsolicitedBytes");
      // The watch begins at once, because a dial that comes too late for its request goes straight into the
      // pool.
      conn.read();
      return conn;
    } catch (error) {
      throw late.signal.aborted ? Object.assign(late.signal.reason, { code: "ETIMEDOUT" }) : error;
    } finally {
      deadline.stop();
    }
  };
}

async function acceptAll(
  listener: SocketListener,
  context: ProxyContext,
  sessions: Set<ClientSession>,
): Promise<void> {
  while (!context.stopping) {
    let tcp: TcpSocket | undefined;
    try {
      tcp = await listener.accept();
      tcp.setNoDelay(true);
      const session = new ClientSession(tcp, context);
      sessions.add(session);
      session.ended.then(() => sessions.delete(session));
    } catch {
      // A client that has left already has no address, so that its session cannot be made.
      tcp?.close();
      if (!context.stopping) await new Promise((resolve) => setTimeout(resolve, ACCEPT_PAUSE_MS));
    }
  }
}

export type { ProxyTimeoutOptions, ProxyTimeouts } from "./proxy_context.ts";
export type { ConnectOptions, SocketListener, Sockets } from "./sockets.ts";
export type { Carrier, Receiver, TcpSocket } from "../../http1/byte_conn.ts";
