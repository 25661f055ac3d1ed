/**
 * The **gateway** in this process: the reverse proxy under test, on either of our transports.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import type { HttpClientPlan, NetHttpPlan } from "../scenario/plan.ts";
import { resolveGateway } from "../scenario/resolve.ts";
import type { Duration, HttpClientGateway, NetHttpGateway } from "../scenario/scenario.ts";
import { parseDurationMs } from "../scenario/units.ts";
import { authorityOf, type ListenAddress, parseListen } from "../server/address.ts";
import { startHttpClientTransport } from "../transport/http_client/http_client.ts";
import { startHttpClientWorkers } from "../transport/http_client/http_client_workers.ts";
import { startNetHttp } from "../transport/net_http/net_http.ts";
import type { ProxyCounters } from "../transport/net_http/proxy.ts";
import type { RunningTransport } from "../transport/transport.ts";
import { checkWorkers, missingForWorkers } from "../transport/workers/workers.ts";

/** Where a gateway listens and forwards to. */
export interface GatewayPlace {
  /**
   * The origin to which requests go, such as `http://127.0.0.1:8081`. `net-http` takes several, which get
   * requests in turn.
   */
  readonly upstream: string | URL | readonly (string | URL)[];
  /**
   * Where clients connect, as `HOST:PORT` or as an object. Port 0 asks the kernel for a free one. Default
   * `127.0.0.1:8080`.
   */
  readonly listen?: string | ListenAddress | undefined;
  /** How long a stop waits for requests in flight before it cuts them (ms). Default 10 s; 0 cuts at once. */
  readonly grace?: Duration | undefined;
}

/** How a gateway of ours forwards, and where. */
export type GatewayServerOptions = (HttpClientGateway | NetHttpGateway) & GatewayPlace;

/** {@linkcode GatewayServerOptions}, and where the gateway's log goes. */
export type GatewayOptions = GatewayServerOptions & {
  /** Receives each line of the gateway's log. Default: standard error. */
  readonly log?: ((line: string) => void) | undefined;
};

/** {@linkcode GatewayServerOptions} with every default filled in, as data that JSON can carry. */
export interface GatewayServerPlan {
  /** The transport and its limits. */
  readonly gateway: HttpClientPlan | NetHttpPlan;
  /** The origins to which requests go, in turn. */
  readonly upstreams: readonly string[];
  /** Where clients connect. */
  readonly listen: ListenAddress;
  /** How long a stop waits for requests in flight, in milliseconds. */
  readonly graceMs: number;
}

/**
 * A gateway that runs. Disposing it stops accepting, waits for requests in flight for `grace`, then cuts the
 * rest.
 */
export interface RunningGateway extends RunningTransport {
  /** `http://HOST:PORT`. */
  readonly url: string;
  /** How many threads carry requests. */
  readonly workers: number;
  /**
   * What the pool of a `net-http` gateway has counted so far; works after its end too. `undefined` for
   * `http-client`, which counts nothing.
   */
  readonly counters?: () => Promise<ProxyCounters>;
}

/**
 * Fills in the defaults. Where no number of threads is given and Deno's permissions allow only one, it is
 * one.
 *
 * @throws {TimewaitError} for a value that does not fit, such as an upstream that is no `http` origin.
 */
export function resolveGatewayServer(options: GatewayServerOptions): GatewayServerPlan {
  const { upstream, listen = "127.0.0.1:8080", grace = "10s", ...gateway } = options;
  const upstreams = [upstream].flat().map((origin) => parseOrigin(String(origin)));
  if (upstreams.length === 0) {
    throw new TimewaitError("is needed: an origin such as http://127.0.0.1:8081", { field: "upstream" });
  }
  if (upstreams.length > 1 && gateway.transport !== "net-http") {
    throw new TimewaitError("takes one origin with http-client: the transport net-http takes several", {
      field: "upstream",
    });
  }
  const threads = gateway.workers ?? (missingForWorkers().length > 0 ? 1 : undefined);
  const plan = resolveGateway({ ...gateway, workers: threads }, "");
  if (!("transport" in plan)) {
    throw new TimewaitError("cannot be a command: this starts a gateway of Timewait's own", {
      field: "command",
    });
  }
  return {
    gateway: plan,
    upstreams,
    listen: typeof listen === "string" ? parseListen(listen, "listen") : listen,
    graceMs: parseDurationMs(grace, "grace"),
  };
}

/** An `http` origin, checked. */
function parseOrigin(text: string): string {
  const refuse = (problem: string) => {
    throw new TimewaitError(`${problem}; give an origin such as http://127.0.0.1:8081`, {
      field: "upstream",
    });
  };
  const url = URL.parse(text);
  if (url === null) return refuse(`is not a URL: "${text}"`);
  if (url.protocol !== "http:") return refuse(`must be http, not "${text}"`);
  if (url.username !== "" || url.password !== "") return refuse("takes no user name or password");
  if (url.pathname !== "/" || /[?#]/.test(text)) {
    return refuse(`takes no path, because each request brings its own: ${url.origin}, not "${text}"`);
  }
  return url.origin;
}

/**
 * Starts a gateway of ours in this process.
 *
 * @throws {TimewaitError} for an option that does not fit, for an address on which it cannot listen, and for
 * more `workers` than Deno's permissions allow.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { startBackend } from "./backend_server.ts";
 * import { startGateway } from "./gateway_server.ts";
 *
 * await using backend = startBackend({ listen: "127.0.0.1:0" });
 * await using gateway = await startGateway({ upstream: backend.url, listen: "127.0.0.1:0",
 * poolMaxIdlePerHost: 100 }); const response = await fetch(gateway.url);
 * assertEquals([response.status, await response.text()], [200, "x".repeat(12)]);
 * ```
 */
export async function startGateway(
  { log = (line: string) => console.error(line), ...options }: GatewayOptions,
): Promise<RunningGateway> {
  const missing = missingForWorkers();
  if (options.transport === "net-http" && options.workers === undefined && missing.length > 0) {
    log(`note: 1 worker; more than one need ${missing.join(" and ")}`);
  }
  return await startGatewayServer(resolveGatewayServer(options), log);
}

/** Starts a gateway as its plan says. */
export async function startGatewayServer(
  plan: GatewayServerPlan,
  log: (line: string) => void = (line) => console.error(line),
): Promise<RunningGateway> {
  const { gateway, listen, graceMs } = plan;
  const { workers } = gateway;
  checkWorkers(workers);
  const upstreams = plan.upstreams.map((origin) => new URL(origin));
  if (gateway.transport === "net-http") {
    const { dialTimeoutMs, responseHeaderTimeoutMs, requestHeaderTimeoutMs } = gateway;
    const timeouts = {
      dialMs: dialTimeoutMs,
      responseHeadMs: responseHeaderTimeoutMs,
      requestHeadMs: requestHeaderTimeoutMs,
    };
    const running = await startNetHttp({
      listen,
      upstreams,
      pool: gateway,
      workers,
      sockets: gateway.sockets,
      timeouts,
      graceMs,
      log,
    });
    return { ...running, url: `http://${authorityOf(running.address)}`, counters: () => running.counters() };
  }
  const options = { ...gateway, upstream: upstreams[0]!, listen, graceMs, log };
  const running = workers === 1
    ? startHttpClientTransport(options)
    : await startHttpClientWorkers(options, workers);
  return {
    address: running.address,
    url: `http://${authorityOf(running.address)}`,
    workers,
    [Symbol.asyncDispose]: () => running[Symbol.asyncDispose](),
  };
}
