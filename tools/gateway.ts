/**
 * The **gateway**: the reverse proxy under test.
 *
 * As a script: `deno task gateway --upstream http://127.0.0.1:8081 --pool-max-idle-per-host 100`. As a module: {@linkcode startGateway}.
 *
 * @module
 */

import {
  type ListenAddress,
  listFlag,
  type Main,
  mainOf,
  parseChoice,
  parseDurationMs,
  parseListen,
  parseText,
  runAsScript,
  UsageError,
  valueFlag,
} from "./cli/command_line.ts";
import { aborted, authorityOf } from "./server/http_server.ts";
import { assertNotProxied } from "./transport/http_client/environment_proxy.ts";
import { startHttpClientTransport } from "./transport/http_client/http_client.ts";
import { startHttpClientWorkers } from "./transport/http_client/http_client_workers.ts";
import { WORKERS_FLAG } from "./transport/workers/workers.ts";
import { HTTP_CLIENT_FLAGS } from "./cli/http_client_flags.ts";
import { type RunningNetHttp, startNetHttp } from "./transport/net_http/net_http.ts";
import {
  NET_HTTP_FLAGS,
  type NetHttpFlagValues,
  netHttpOptionsOf,
  refuseFlagsOf,
  renderCounters,
} from "./cli/net_http_flags.ts";
import type { ProxyTimeoutOptions } from "./transport/net_http/proxy_context.ts";
import type { PoolLimits } from "./transport/pool/limits.ts";
import type { RunningTransport } from "./transport/transport.ts";

/** The name of a transport. */
export type TransportName = "http-client" | "net-http";

/** How a gateway forwards, whatever its transport. `undefined` means the default. */
export interface CommonGatewayOptions {
  /** Where clients connect. Default 127.0.0.1:8080; port 0 asks the kernel for a free one. */
  readonly listen?: ListenAddress | undefined;
  /** How many threads, which share the limits of the pool. Default: `net-http` one for each core, `http-client` 1. */
  readonly workers?: number | undefined;
  /** How long a stop waits for requests in flight before it cuts them, in milliseconds. Default 10 s; 0 cuts at once. */
  readonly graceMs?: number | undefined;
  /** Receives each line of the gateway's log. Default: standard error. */
  readonly log?: ((line: string) => void) | undefined;
}

/** A gateway on `fetch`. */
export interface HttpClientGatewayOptions extends CommonGatewayOptions {
  /** What carries the requests. This one is the default. */
  readonly transport?: "http-client" | undefined;
  /** The origin that requests go to, such as `http://127.0.0.1:8081`. Without a path: each request brings its own. */
  readonly upstream: string | URL;
  /**
   * How many idle connections to the upstream are kept. Default `false`: no limit, as in Deno. 0 keeps none.
   * A connection that comes back when so many are idle is closed by the gateway, which then owns its TIME_WAIT.
   */
  readonly poolMaxIdlePerHost?: number | false | undefined;
  /** How long a connection is kept idle, in milliseconds. Default 90 s; 0 keeps none; `false` keeps it until the upstream closes it. */
  readonly poolIdleTimeoutMs?: number | false | undefined;
}

/** A gateway on our own proxy and its pool. */
export interface NetHttpGatewayOptions extends CommonGatewayOptions {
  /** What carries the requests. */
  readonly transport: "net-http";
  /** The origin that requests go to, or several in turn. */
  readonly upstream: string | URL | readonly (string | URL)[];
  /** The limits of the pool. */
  readonly pool?: PoolLimits | undefined;
  /** How long things may take. */
  readonly timeouts?: ProxyTimeoutOptions | undefined;
}

/** How a gateway forwards. */
export type GatewayOptions = HttpClientGatewayOptions | NetHttpGatewayOptions;

/** {@linkcode HttpClientGatewayOptions} with every default filled in. */
export interface ResolvedGatewayOptions {
  /** The origin that requests go to. */
  readonly upstream: URL;
  /** Where clients connect. */
  readonly listen: ListenAddress;
  /** How many threads. */
  readonly workers: number;
  /** How many idle connections are kept; `false` is no limit. */
  readonly poolMaxIdlePerHost: number | false;
  /** How long a connection is kept idle, in milliseconds; `false` is no limit. */
  readonly poolIdleTimeoutMs: number | false;
  /** How long a stop waits for requests in flight, in milliseconds. */
  readonly graceMs: number;
  /** Receives each line of the gateway's log. */
  readonly log: (line: string) => void;
}

/** A gateway that runs. Disposing it stops accepting, waits for requests in flight for `graceMs`, then cuts the rest. */
export type RunningGateway = RunningTransport;

/**
 * Fills in the defaults.
 *
 * @throws {TypeError} where the upstream is not an `http` origin.
 */
export function resolveGatewayOptions(options: HttpClientGatewayOptions): ResolvedGatewayOptions {
  const { upstream, workers = 1, poolMaxIdlePerHost = false, poolIdleTimeoutMs = 90_000 } = options;
  return {
    upstream: parseOrigin(String(upstream)),
    ...resolveCommon(options),
    workers,
    poolMaxIdlePerHost,
    poolIdleTimeoutMs,
  };
}

function resolveCommon(options: CommonGatewayOptions) {
  const {
    listen = { hostname: "127.0.0.1", port: 8080 },
    graceMs = 10_000,
    log = (line: string) => console.error(line),
  } = options;
  return { listen, graceMs, log };
}

/**
 * Starts a gateway.
 *
 * @throws {TypeError} where an upstream is not an `http` origin.
 * @throws {RangeError} for limits that make no sense.
 * @throws {Error} where the address cannot be listened on, or Deno does not permit so many `workers`.
 */
export async function startGateway(options: GatewayOptions): Promise<RunningGateway> {
  if (options.transport === "net-http") return await startNetHttpGateway(options);
  const resolved = resolveGatewayOptions(options);
  return resolved.workers === 1
    ? startHttpClientTransport(resolved)
    : await startHttpClientWorkers(resolved, resolved.workers);
}

function startNetHttpGateway(options: NetHttpGatewayOptions): Promise<RunningNetHttp> {
  const { upstream, workers, pool, timeouts } = options;
  const upstreams = [upstream].flat().map((origin) => parseOrigin(String(origin)));
  return startNetHttp({ ...resolveCommon(options), upstreams, workers, pool, timeouts });
}

function parseOrigin(text: string): URL {
  const url = URL.parse(text);
  const example = "give an origin such as http://127.0.0.1:8081";
  if (url === null) throw new TypeError(`the upstream is not a URL: "${text}"; ${example}`);
  if (url.protocol !== "http:") {
    throw new TypeError(`the upstream must be http, not "${text}"; ${example}`);
  }
  if (url.username !== "" || url.password !== "") {
    throw new TypeError(`the upstream takes no user name or password; ${example}`);
  }
  if (url.pathname !== "/" || /[?#]/.test(text)) {
    throw new TypeError(
      `the upstream takes no path, for each request brings its own: "${text}"; give ${url.origin}`,
    );
  }
  return url;
}

function parseUpstream(text: string, name: string): URL {
  try {
    return parseOrigin(parseText(text, name));
  } catch (error) {
    throw error instanceof TypeError ? new UsageError(`${name}: ${error.message}`) : error;
  }
}

/** The command, as a function: see {@linkcode Main}. Returns 0 once `signal` has stopped it. */
export const main: Main = mainOf({
  name: "gateway",
  summary: "A reverse proxy whose connection pool is the thing to be looked at.",
  flags: {
    upstream: listFlag(
      "URL",
      "where requests go: an http origin, such as http://127.0.0.1:8081; net-http takes several, in turn",
      parseUpstream,
    ),
    listen: valueFlag("HOST:PORT", "where clients connect (default 127.0.0.1:8080)", parseListen, undefined),
    transport: valueFlag(
      "NAME",
      "http-client (default), or net-http: our own proxy and connection pool",
      parseChoice(["http-client", "net-http"]),
      undefined,
    ),
    workers: WORKERS_FLAG,
    grace: valueFlag(
      "DURATION",
      "how long SIGTERM waits for requests in flight (default 10s)",
      parseDurationMs,
      undefined,
    ),
    ...HTTP_CLIENT_FLAGS,
    ...NET_HTTP_FLAGS,
  },
  examples: [
    "deno task gateway --listen 127.0.0.1:8080 --upstream http://127.0.0.1:8081 --pool-max-idle-per-host 100",
    "deno task gateway --transport net-http --upstream http://127.0.0.1:8081 --max-idle-conns 100 --max-idle-conns-per-host 200",
  ],
  async run(flags, _positionals, signal) {
    const { upstream: upstreams, listen, transport, workers, grace, ...limits } = flags;
    const { poolMaxIdlePerHost, poolIdleTimeout, ...netHttp } = limits;
    const [upstream] = upstreams;
    if (upstream === undefined) {
      throw new UsageError("--upstream is needed: give an origin such as http://127.0.0.1:8081");
    }
    if (transport === "net-http") {
      refuseFlagsOf("http-client", { poolMaxIdlePerHost, poolIdleTimeout });
      return await runNetHttp(upstreams, { listen, workers, grace, ...netHttp }, signal);
    }
    refuseFlagsOf("net-http", netHttp);
    if (upstreams.length > 1) {
      throw new UsageError("http-client takes one --upstream: give --transport net-http for several");
    }
    await assertNotProxied();
    await using gateway = await startGateway({
      listen,
      workers,
      upstream,
      poolMaxIdlePerHost,
      poolIdleTimeoutMs: poolIdleTimeout,
      graceMs: grace,
    });
    const inThreads = workers === undefined ? "" : ` with ${workers} worker(s)`;
    console.log(`listening on http://${authorityOf(gateway.address)}${inThreads}`);
    await aborted(signal);
    return 0;
  },
});

/**
 * Signals that make a `net-http` gateway print its counters. SIGUSR1 makes Deno open its debugger on 127.0.0.1:9229 besides, since
 * 2.9.2 and whatever the program says (denoland/deno#35738); SIGUSR2 does nothing else.
 */
const ASKS_FOR_COUNTERS = ["SIGUSR1", "SIGUSR2"] as const;

async function runNetHttp(
  upstreams: readonly URL[],
  flags: NetHttpFlagValues & {
    readonly listen: ListenAddress | undefined;
    readonly workers: number | undefined;
    readonly grace: number | undefined;
  },
  signal: AbortSignal,
): Promise<number> {
  const { listen, workers, grace: graceMs } = flags;
  const gateway = await startNetHttpGateway({
    transport: "net-http",
    upstream: upstreams,
    ...netHttpOptionsOf(flags),
    workers,
    listen,
    graceMs,
  });
  const print = async () => console.log(renderCounters(await gateway.counters()));
  for (const name of ASKS_FOR_COUNTERS) Deno.addSignalListener(name, print);
  try {
    console.log(`listening on http://${authorityOf(gateway.address)} with ${gateway.workers} worker(s)`);
    await aborted(signal);
  } finally {
    for (const name of ASKS_FOR_COUNTERS) Deno.removeSignalListener(name, print);
    await gateway[Symbol.asyncDispose]();
  }
  await print();
  return 0;
}

if (import.meta.main) {
  await runAsScript(main);
  // What the stop could not end, such as a client that does not read, must not keep the process. The exit code is set.
  Deno.exit();
}
