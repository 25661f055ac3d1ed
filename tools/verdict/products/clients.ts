/**
 * HTTP clients of languages, of which people write gateways.
 *
 * @module
 */

import { note, type Product, setting, type Step } from "./product.ts";

const ONE_SESSION = (what: string): Step => ({
  setting: what,
  value: "one for the process, used by every request",
});

const READ_AND_CLOSE: Step = { setting: "the body of each answer", value: "read to its end, and closed" };

/** HTTP clients, by how often people ask about them. */
export const CLIENTS: readonly Product[] = [
  {
    id: "go",
    name: "Go net/http",
    version: "1.19",
    settings: [
      setting("MaxIdleConnsPerHost", "idle cap", "2", "each backend, in each Transport"),
      setting(
        "MaxIdleConns",
        "idle cap",
        "100 in DefaultTransport; 0 is no limit",
        "all backends, in each Transport",
      ),
      setting("DisableKeepAlives", "reuse", "false", "each Transport", { keeps: "false" }),
      setting("Request.Close", "reuse", "false", "each request", { keeps: "false" }),
      setting("IdleConnTimeout", "idle time", "90s in DefaultTransport", "each Transport"),
      setting("MaxConnsPerHost", "hard cap", "0, no limit", "each backend, in each Transport"),
    ],
    once: [
      ONE_SESSION("http.Transport and http.Client"),
      { setting: "resp.Body", value: "read to its end (io.Copy(io.Discard, resp.Body)) before Close" },
    ],
    leak: [
      ONE_SESSION("http.Transport and http.Client"),
      { setting: "resp.Body", value: "read to its end and closed for every answer" },
      { setting: "IdleConnTimeout", value: "90s; in `&http.Transport{}` it is 0, for ever" },
    ],
    sourceAddress: [{ setting: "net.Dialer.LocalAddr", value: "left out" }],
    notes: [
      note(
        "An idle connection must pass both caps: set MaxIdleConns to at least MaxIdleConnsPerHost.",
        "idle cap",
      ),
      note("`&http.Transport{}` has no limit in all, and still 2 for each host.", "idle cap"),
    ],
    source: "net/http/transport.go, httputil/reverseproxy.go",
  },
  {
    id: "node",
    name: "Node.js http.Agent",
    version: "19 and later",
    settings: [
      setting("keepAlive", "reuse", "true on the global agent, false on `new Agent()`", "each Agent", {
        before: { version: "19", byDefault: "false" },
        keeps: "true",
      }),
      setting("maxFreeSockets", "idle cap", "256", "each backend, in each Agent"),
      setting("timeout", "idle time", "5s on the global agent, none on `new Agent()`", "each Agent"),
      setting("maxSockets", "hard cap", "Infinity", "each backend, in each Agent"),
      setting("maxTotalSockets", "hard cap", "Infinity", "all backends, in each Agent"),
    ],
    once: [ONE_SESSION("http.Agent({ keepAlive: true })"), READ_AND_CLOSE],
    leak: [ONE_SESSION("http.Agent({ keepAlive: true })"), READ_AND_CLOSE],
    sourceAddress: [{ setting: "localAddress", value: "left out" }],
    listener: [{ setting: "server.keepAliveTimeout", value: "longer than a client pauses" }],
    notes: [
      note(
        "`agent: false` is a new agent for each request, which asks for the end of its connection.",
        "reuse",
      ),
    ],
    source: "lib/_http_agent.js, lib/_http_server.js, doc/api/http.md",
  },
  {
    id: "undici",
    name: "undici, Node's fetch",
    version: "8",
    settings: [
      setting("keepAliveTimeout", "idle time", "4s", "each origin"),
      setting("keepAliveMaxTimeout", "idle time", "600s", "each origin"),
      setting("connections", "hard cap", "null, no limit", "each origin"),
    ],
    once: [ONE_SESSION("the Agent or Pool"), READ_AND_CLOSE],
    leak: [ONE_SESSION("the Agent or Pool"), READ_AND_CLOSE],
    notes: [note("It has no idle cap.", "idle cap")],
    source: "lib/dispatcher/client.js, lib/dispatcher/pool.js",
  },
  {
    id: "deno",
    name: "Deno fetch, Deno.createHttpClient",
    version: "2.9",
    settings: [
      setting("poolMaxIdlePerHost", "idle cap", "no limit", "each host, in each HttpClient"),
      setting("poolIdleTimeout", "idle time", "90s", "each HttpClient"),
    ],
    once: [ONE_SESSION("Deno.createHttpClient"), READ_AND_CLOSE],
    leak: [ONE_SESSION("Deno.createHttpClient"), READ_AND_CLOSE],
    notes: [],
    source: "ext/fetch/lib.rs",
  },
  {
    id: "requests",
    name: "Python requests, urllib3",
    version: "requests 2.34, urllib3 2.7",
    settings: [
      setting(
        "HTTPAdapter(pool_maxsize)",
        "idle cap",
        "10; 1 in urllib3's PoolManager",
        "each host, in each Session",
      ),
    ],
    once: [ONE_SESSION("requests.Session"), { setting: "stream=True", value: "read to its end, or closed" }],
    leak: [ONE_SESSION("requests.Session"), READ_AND_CLOSE],
    notes: [
      note("`requests.get()` makes a Session for each call.", "reuse"),
      note(
        "It has pools for `pool_connections` hosts (10); one for a further host takes another's place.",
        "idle cap",
      ),
    ],
    source: "requests/adapters.py, urllib3/connectionpool.py",
  },
  {
    id: "httpx",
    name: "Python httpx",
    version: "0.28",
    settings: [
      setting("Limits(max_keepalive_connections)", "idle cap", "20", "each client"),
      setting("Limits(max_connections)", "hard cap", "100", "each client"),
      setting("Limits(keepalive_expiry)", "idle time", "5s", "each client"),
    ],
    once: [ONE_SESSION("httpx.Client or AsyncClient"), READ_AND_CLOSE],
    leak: [ONE_SESSION("httpx.Client or AsyncClient"), READ_AND_CLOSE],
    notes: [note("Between 20 and 100 connections are opened and closed again.", "idle cap")],
    source: "httpx/_config.py",
  },
  {
    id: "aiohttp",
    name: "Python aiohttp",
    version: "3.14",
    settings: [
      setting("TCPConnector(limit)", "hard cap", "100", "all hosts, in each connector"),
      setting("TCPConnector(limit_per_host)", "hard cap", "0, no limit", "each host", { unlimited: true }),
      setting("TCPConnector(keepalive_timeout)", "idle time", "15s", "each connector"),
      setting("TCPConnector(force_close)", "reuse", "False", "each connector", { keeps: "False" }),
    ],
    once: [
      ONE_SESSION("aiohttp.ClientSession"),
      { setting: "TCPConnector(force_close)", value: "False" },
      READ_AND_CLOSE,
    ],
    leak: [ONE_SESSION("aiohttp.ClientSession"), READ_AND_CLOSE],
    notes: [note("It has no idle cap.", "idle cap")],
    source: "aiohttp/connector.py",
  },
  {
    id: "dotnet",
    name: ".NET SocketsHttpHandler",
    version: ".NET 6 and later",
    settings: [
      setting("MaxConnectionsPerServer", "hard cap", "int.MaxValue", "each server, in each handler"),
      setting("PooledConnectionIdleTimeout", "idle time", "1 min", "each handler", {
        before: { version: "6", byDefault: "2 min" },
      }),
      setting("PooledConnectionLifetime", "age", "infinite", "each handler"),
    ],
    once: [{ setting: "HttpClient", value: "one for the process, or IHttpClientFactory" }, READ_AND_CLOSE],
    leak: [{ setting: "HttpClient", value: "one for the process, or IHttpClientFactory" }, READ_AND_CLOSE],
    notes: [note("It has no idle cap.", "idle cap")],
    source: "learn.microsoft.com, PooledConnectionIdleTimeout",
  },
  {
    id: "reqwest",
    name: "Rust reqwest, hyper-util",
    version: "reqwest 0.13, hyper-util 0.1.20",
    settings: [
      setting("pool_max_idle_per_host", "idle cap", "no limit", "each host, in each Client"),
      setting("pool_idle_timeout", "idle time", "90s", "each Client"),
    ],
    once: [ONE_SESSION("reqwest::Client"), READ_AND_CLOSE],
    leak: [ONE_SESSION("reqwest::Client"), READ_AND_CLOSE],
    notes: [note("In hyper-util the idle time works only with a `pool_timer`.", "idle time")],
    source: "src/async_impl/client.rs, legacy/client.rs",
  },
  {
    id: "httpclient5",
    name: "Apache HttpClient 5",
    version: "5.7-alpha",
    settings: [
      setting("setMaxConnPerRoute", "hard cap", "5", "each backend", {
        before: { version: "5", byDefault: "2" },
      }),
      setting("setMaxConnTotal", "hard cap", "25", "the manager", {
        before: { version: "5", byDefault: "20" },
      }),
      setting("connectionKeepAlive", "idle time", "3 min", "the manager", {
        before: { version: "5", byDefault: "no limit, unless the server says" },
      }),
    ],
    once: [ONE_SESSION("CloseableHttpClient and its connection manager"), READ_AND_CLOSE],
    leak: [ONE_SESSION("CloseableHttpClient and its connection manager"), READ_AND_CLOSE],
    notes: [],
    source: "PoolingHttpClientConnectionManager.java, RequestConfig.java",
  },
  {
    id: "jdk",
    name: "JDK java.net.http",
    version: "JDK 20 and later",
    settings: [
      setting("jdk.httpclient.connectionPoolSize", "idle cap", "0, no limit", "the client"),
      setting("jdk.httpclient.keepalive.timeout", "idle time", "30s", "the client"),
    ],
    once: [ONE_SESSION("HttpClient"), READ_AND_CLOSE],
    leak: [ONE_SESSION("HttpClient"), READ_AND_CLOSE],
    notes: [],
    source: "java.net.http module-summary",
  },
  {
    id: "httpurlconnection",
    name: "Java HttpURLConnection",
    version: "JDK 20 and later",
    settings: [
      setting("http.maxConnections", "idle cap", "5", "each destination"),
      setting("http.keepAlive", "reuse", "true", "the process", { keeps: "true" }),
      setting("http.keepAlive.time.server", "idle time", "the implementation's", "the process"),
    ],
    once: [{ setting: "http.keepAlive", value: "true" }, READ_AND_CLOSE],
    notes: [],
    source: "java.net net-properties.html",
  },
  {
    id: "okhttp",
    name: "OkHttp",
    version: "5.4",
    settings: [
      setting("ConnectionPool(maxIdleConnections)", "idle cap", "5", "all hosts together"),
      setting("ConnectionPool(keepAliveDuration)", "idle time", "5 min", "the client"),
      setting("Dispatcher.maxRequestsPerHost", "hard cap", "5, of asynchronous calls only", "each host"),
    ],
    once: [ONE_SESSION("OkHttpClient"), READ_AND_CLOSE],
    leak: [ONE_SESSION("OkHttpClient"), READ_AND_CLOSE],
    notes: [note("Synchronous calls from more than 5 threads open and close connections.", "idle cap")],
    source: "ConnectionPool.kt, Dispatcher.kt",
  },
  {
    id: "reactor-netty",
    name: "Reactor Netty HttpClient",
    version: "1.3",
    settings: [
      setting(
        "ConnectionProvider maxConnections",
        "hard cap",
        "500; of a provider of your own 2 × cores, at least 16",
        "each remote",
      ),
      setting("ConnectionProvider pendingAcquireMaxCount", "hard cap", "1000", "each remote"),
      setting("ConnectionProvider maxIdleTime", "idle time", "none", "the provider"),
    ],
    once: [
      { setting: "HttpClient.create(ConnectionProvider)", value: "one provider for the process" },
      READ_AND_CLOSE,
    ],
    leak: [READ_AND_CLOSE],
    notes: [],
    source: "TcpResources.java, ConnectionProvider.java",
  },
  {
    id: "vertx",
    name: "Vert.x HttpClient",
    version: "5",
    settings: [
      setting("PoolOptions.http1MaxSize", "hard cap", "5", "each backend"),
      setting("HttpClientOptions.keepAliveTimeout", "idle time", "60s", "the client"),
      setting("HttpClientOptions.keepAlive", "reuse", "true", "the client", { keeps: "true" }),
    ],
    once: [ONE_SESSION("HttpClient"), READ_AND_CLOSE],
    leak: [ONE_SESSION("HttpClient"), READ_AND_CLOSE],
    notes: [],
    source: "PoolOptions.java, HttpClientOptions.java",
  },
];

/** The two gateways of ours, by the flags that set them. */
export const OURS: readonly Product[] = [
  {
    id: "http-client",
    name: "Timewait's http-client",
    version: "this one",
    settings: [
      setting("--pool-max-idle-per-host", "idle cap", "no limit", "the gateway, divided among its workers"),
      setting("--pool-idle-timeout", "idle time", "90s", "the gateway"),
    ],
    once: [{ setting: "--pool-max-idle-per-host", value: "above 0" }],
    notes: [],
    source: "tools/scenario/resolve_gateway.ts",
  },
  {
    id: "net-http",
    name: "Timewait's net-http",
    version: "this one",
    settings: [
      setting("--max-idle-conns-per-host", "idle cap", "2", "each backend"),
      setting("--max-idle-conns", "idle cap", "100; 0 is no limit", "all backends"),
      setting("--disable-keep-alives", "reuse", "off", "the gateway", { keeps: "left out" }),
      setting("--idle-conn-timeout", "idle time", "90s", "the gateway"),
      setting("--max-conns-per-host", "hard cap", "0, no limit", "each backend, divided among the workers"),
    ],
    once: [{ setting: "--max-idle-conns-per-host", value: "above 0" }],
    notes: [],
    source: "tools/scenario/resolve_gateway.ts",
  },
];
