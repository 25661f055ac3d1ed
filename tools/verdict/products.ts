/**
 * The pools of products that people run as gateways or clients: what limits them, by the words of each
 * product.
 *
 * Read in the products' sources or documentation in the summer of 2026; the version that was read stands with
 * each. What could not be verified is left out.
 *
 * @module
 */

/**
 * - `idle cap`: connections beyond it are closed after use. Too small, it makes new connections and
 *   TIME_WAITs.
 * - `hard cap`: requests beyond it wait or fail. Too small, it makes latency and errors, and no TIME_WAIT.
 * - `idle time`: how long an idle connection is kept.
 * - `reuse`: whether connections are kept at all.
 */
export type SettingKind = "idle cap" | "hard cap" | "idle time" | "reuse";

/** One setting of a product's pool. */
export interface PoolSetting {
  /** As it is written in the product's configuration or code. */
  readonly name: string;
  /** What holds where nothing is set, in the product's own terms. */
  readonly byDefault: string;
  /** What it limits. */
  readonly kind: SettingKind;
  /** What one such limit is for: the whole process, each worker, each backend. */
  readonly scope: string;
}

/** A product and its pool. */
export interface Product {
  /** What to call it on a command line of ours, such as `nginx`. */
  readonly id: string;
  /** Its name. */
  readonly name: string;
  /** The version that was read. */
  readonly version: string;
  /** In the order in which to look at them. */
  readonly settings: readonly PoolSetting[];
  /** What is different in other versions, and what is easily missed. */
  readonly notes: readonly string[];
  /** Where it was read. */
  readonly source: string;
}

const setting = (name: string, kind: SettingKind, byDefault: string, scope: string): PoolSetting => ({
  name,
  kind,
  byDefault,
  scope,
});

/** The products, by how often people ask about them. */
export const PRODUCTS: readonly Product[] = [
  {
    id: "go",
    name: "Go net/http",
    version: "1.19",
    settings: [
      setting("MaxIdleConnsPerHost", "idle cap", "2", "each backend, in each Transport"),
      setting("MaxIdleConns", "idle cap", "100; 0 is no limit", "all backends, in each Transport"),
      setting("IdleConnTimeout", "idle time", "90 s", "each Transport"),
      setting("MaxConnsPerHost", "hard cap", "0, no limit", "each backend, in each Transport"),
    ],
    notes: [
      "An idle connection must pass both caps: set MaxIdleConns to at least MaxIdleConnsPerHost.",
      "`&http.Transport{}` has no limit in all, and still 2 for each host.",
      "A response body that is not read to its end takes its connection out of the pool.",
    ],
    source: "net/http/transport.go, httputil/reverseproxy.go",
  },
  {
    id: "nginx",
    name: "nginx",
    version: "1.31.4",
    settings: [
      setting("keepalive N (in upstream)", "idle cap", "32 since 1.29.7, none before", "each worker process"),
      setting("keepalive_timeout (in upstream)", "idle time", "60 s", "each worker process"),
      setting("proxy_http_version", "reuse", "1.1 since 1.29.7, 1.0 before", "each location"),
    ],
    notes: [
      'Before 1.29.7, connections are kept only with `keepalive`, `proxy_http_version 1.1` and `proxy_set_header Connection ""` together.',
      "`proxy_pass` to a literal address, without an upstream block, has no pool.",
      "`keepalive_requests` in upstream ends each connection after 1,000 requests (100 before 1.19.10).",
    ],
    source: "ngx_http_upstream_keepalive_module.c, ngx_http_proxy_module.c",
  },
  {
    id: "haproxy",
    name: "HAProxy",
    version: "3.5-dev5",
    settings: [
      setting("http-reuse", "reuse", "safe", "each backend section"),
      setting("pool-max-conn", "idle cap", "-1, no limit", "each server"),
      setting("pool-purge-delay", "idle time", "5 s", "each server"),
      setting("tune.pool-high-fd-ratio", "idle cap", "25% of the descriptors", "the process"),
      setting("maxconn (on server)", "hard cap", "none", "each server"),
    ],
    notes: [
      "Its idle cap has no limit by default: look at `http-reuse` (never and safe keep less than always) and `option http-server-close` first.",
      "Above a quarter of its descriptors it closes idle connections, whatever the pool may hold.",
      "It closes connections to servers by RST, so they leave no TIME_WAIT.",
    ],
    source: "the configuration manual",
  },
  {
    id: "envoy",
    name: "Envoy",
    version: "2026-01",
    settings: [
      setting("circuit_breakers max_connections", "hard cap", "1024", "each cluster"),
      setting("circuit_breakers max_requests", "hard cap", "1024", "each cluster"),
      setting("idle_timeout", "idle time", "1 h", "each cluster"),
      setting("max_requests_per_connection", "reuse", "no limit", "each cluster"),
    ],
    notes: [
      "It has no idle cap; its pools are one for each worker and host.",
      "An idle time of 1 h is longer than that of nearly every backend: requests then meet connections that the backend has closed.",
    ],
    source: "circuit_breaker.proto, protocol.proto",
  },
  {
    id: "traefik",
    name: "Traefik",
    version: "3.7",
    settings: [
      setting(
        "serversTransport.maxIdleConnsPerHost",
        "idle cap",
        "200 in the static configuration, 2 in a dynamic ServersTransport",
        "each backend",
      ),
      setting("forwardingTimeouts.idleConnTimeout", "idle time", "90 s", "each transport"),
    ],
    notes: ["A ServersTransport of the dynamic configuration or of the CRD begins at 0, which means Go's 2."],
    source: "cmd/configuration.go, pkg/server/service/transport.go",
  },
  {
    id: "caddy",
    name: "Caddy",
    version: "2.11",
    settings: [
      setting("keepalive_idle_conns_per_host", "idle cap", "32", "each backend"),
      setting("keepalive_idle_conns", "idle cap", "0, no limit", "the transport"),
      setting("keepalive", "idle time", "2 m", "the transport"),
      setting("max_conns_per_host", "hard cap", "0, no limit", "each backend"),
    ],
    notes: [],
    source: "modules/caddyhttp/reverseproxy/httptransport.go",
  },
  {
    id: "node",
    name: "Node.js http.Agent",
    version: "19 and later",
    settings: [
      setting(
        "keepAlive",
        "reuse",
        "true on the global agent since Node 19, false on `new Agent()`",
        "each Agent",
      ),
      setting("maxFreeSockets", "idle cap", "256", "each backend, in each Agent"),
      setting("timeout", "idle time", "5 s on the global agent, none on `new Agent()`", "each Agent"),
      setting("maxSockets", "hard cap", "Infinity", "each backend, in each Agent"),
    ],
    notes: [
      "node-http-proxy, http-proxy-middleware and vite's proxy pass `agent: false`, which keeps nothing.",
    ],
    source: "lib/_http_agent.js",
  },
  {
    id: "undici",
    name: "undici, Node's fetch",
    version: "8",
    settings: [
      setting("keepAliveTimeout", "idle time", "4 s", "each origin"),
      setting("connections", "hard cap", "null, no limit", "each origin"),
    ],
    notes: ["It has no idle cap."],
    source: "lib/dispatcher/client.js, lib/dispatcher/pool.js",
  },
  {
    id: "deno",
    name: "Deno fetch, Deno.createHttpClient",
    version: "2.9",
    settings: [
      setting("poolMaxIdlePerHost", "idle cap", "no limit", "each host, in each HttpClient"),
      setting("poolIdleTimeout", "idle time", "90 s", "each HttpClient"),
    ],
    notes: [],
    source: "ext/fetch/lib.rs",
  },
  {
    id: "reqwest",
    name: "Rust reqwest",
    version: "0.13",
    settings: [
      setting("pool_max_idle_per_host", "idle cap", "no limit", "each host, in each Client"),
      setting("pool_idle_timeout", "idle time", "90 s", "each Client"),
    ],
    notes: ["A Client for each request has no pool."],
    source: "src/async_impl/client.rs",
  },
  {
    id: "dotnet",
    name: ".NET SocketsHttpHandler, YARP",
    version: ".NET 6 and later",
    settings: [
      setting("MaxConnectionsPerServer", "hard cap", "int.MaxValue", "each server, in each handler"),
      setting("PooledConnectionIdleTimeout", "idle time", "1 min", "each handler"),
    ],
    notes: [
      "It has no idle cap. `new HttpClient()` for each request has no pool: share one, or IHttpClientFactory.",
    ],
    source: "learn.microsoft.com, PooledConnectionIdleTimeout; ForwarderHttpClientFactory.cs",
  },
  {
    id: "apache",
    name: "Apache httpd mod_proxy",
    version: "2.4.62",
    settings: [
      setting("max", "hard cap", "ThreadsPerChild", "each child process"),
      setting("enablereuse", "reuse", "on", "each worker"),
      setting("ttl", "idle time", "none", "each worker"),
    ],
    notes: ["prefork has one thread in each child, and ignores ttl."],
    source: "docs/manual/mod/mod_proxy.xml",
  },
  {
    id: "kong",
    name: "Kong",
    version: "3.9",
    settings: [
      setting("upstream_keepalive_pool_size", "idle cap", "512", "each worker process"),
      setting("upstream_keepalive_idle_timeout", "idle time", "60 s", "each worker process"),
    ],
    notes: ["`upstream_keepalive_max_requests` ends each connection after 10,000 requests."],
    source: "kong/templates/kong_defaults.lua",
  },
  {
    id: "java",
    name: "Java HTTP clients",
    version: "JDK 20 and later, Apache HttpClient 5, OkHttp 5.4, Reactor Netty 1.3",
    settings: [
      setting("Apache HttpClient setMaxConnPerRoute / setMaxConnTotal", "hard cap", "5 / 25", "the manager"),
      setting("OkHttp ConnectionPool(maxIdleConnections)", "idle cap", "5", "all hosts together"),
      setting("Reactor Netty maxConnections", "hard cap", "500", "each backend"),
      setting("jdk.httpclient.connectionPoolSize", "idle cap", "0, no limit", "the client"),
    ],
    notes: [],
    source: "PoolingHttpClientConnectionManager.java, ConnectionPool.kt, TcpResources.java, java.net.http",
  },
  {
    id: "python",
    name: "Python HTTP clients",
    version: "requests 2.34, httpx 0.28, aiohttp 3.14",
    settings: [
      setting("requests HTTPAdapter(pool_maxsize)", "idle cap", "10", "each host, in each Session"),
      setting("httpx Limits(max_keepalive_connections)", "idle cap", "20", "each client"),
      setting("httpx Limits(max_connections)", "hard cap", "100", "each client"),
      setting("aiohttp TCPConnector(limit)", "hard cap", "100", "all hosts, in each connector"),
    ],
    notes: ["`requests.get()`, `httpx.get()` and a ClientSession for each request keep nothing."],
    source: "requests/adapters.py, httpx/_config.py, aiohttp/connector.py",
  },
];

/** Words of a command line that give a product away, the more telling ones first. */
const SIGNS: readonly [RegExp, string][] = [
  [/(^|[\s/])(nginx|openresty)\b/, "nginx"],
  [/(^|[\s/])haproxy\b/, "haproxy"],
  [/(^|[\s/])envoy\b/, "envoy"],
  [/(^|[\s/])traefik\b/, "traefik"],
  [/(^|[\s/])caddy\b/, "caddy"],
  [/(^|[\s/])kong\b/, "kong"],
  [/(^|[\s/])(httpd|apache2(ctl)?)\b/, "apache"],
  [/(^|[\s/])deno\b/, "deno"],
  [/(^|[\s/])(node|nodejs|bun|tsx)\b|\.[cm]?js\b/, "node"],
  [/(^|[\s/])dotnet\b|\.dll\b/, "dotnet"],
  [/(^|[\s/])java\b|\.jar\b/, "java"],
  [/(^|[\s/])(python\d?(\.\d+)?|uvicorn|gunicorn)\b|\.py\b/, "python"],
  [/(^|\s)go run\b|\bpeers\/start\.sh go\b/, "go"],
];

/**
 * Guesses the product from the command line that starts it; `undefined` where nothing gives it away, as with
 * a program in Go or Rust.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { guessProduct } from "./products.ts";
 *
 * assertEquals(guessProduct("/usr/sbin/haproxy -db -f {folder}/haproxy.cfg")?.id, "haproxy");
 * assertEquals(guessProduct("./my-gateway --listen {listen}"), undefined);
 * ```
 */
export function guessProduct(command: string): Product | undefined {
  const sign = SIGNS.find(([pattern]) => pattern.test(command));
  return sign === undefined ? undefined : productOf(sign[1]);
}

/** The product of an id; `undefined` where there is none. */
export function productOf(id: string): Product | undefined {
  return PRODUCTS.find((product) => product.id === id);
}
