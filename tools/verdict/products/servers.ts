/**
 * The other side: how long servers keep an idle connection, and for how many requests.
 *
 * @module
 */

/** A server, and when it ends a connection by itself. */
export interface Server {
  /** Its name. */
  readonly name: string;
  /** The setting of the idle time, its default, and after which times its versions end a connection. */
  readonly idleTime: { readonly name: string; readonly byDefault: string; readonly ms: readonly number[] };
  /** The setting of the limit of requests, and its default. Left out where it has none. */
  readonly requestLimit?: { readonly name: string; readonly byDefault: string; readonly requests?: number };
  /** Where it was read. */
  readonly source: string;
}

/** The servers. */
export const SERVERS: readonly Server[] = [
  {
    name: "nginx",
    idleTime: { name: "keepalive_timeout", byDefault: "75 s", ms: [75_000] },
    requestLimit: { name: "keepalive_requests", byDefault: "1000 (100 before 1.19.10)", requests: 1000 },
    source: "ngx_http_core_module.c, CHANGES of 1.19.10",
  },
  {
    name: "Apache httpd",
    idleTime: { name: "KeepAliveTimeout", byDefault: "5 s", ms: [5_000] },
    requestLimit: { name: "MaxKeepAliveRequests", byDefault: "100", requests: 100 },
    source: "include/httpd.h",
  },
  {
    name: "Tomcat",
    idleTime: {
      name: "keepAliveTimeout",
      byDefault: "60 s, in the shipped server.xml 20 s",
      ms: [20_000, 60_000],
    },
    requestLimit: { name: "maxKeepAliveRequests", byDefault: "100", requests: 100 },
    source: "http11/Constants.java, server.xml, AbstractEndpoint.java",
  },
  {
    name: "Node http.Server",
    idleTime: {
      name: "keepAliveTimeout",
      byDefault: "5 s, and 1 s of keepAliveTimeoutBuffer since 22.19 and 24.6",
      ms: [5_000, 6_000],
    },
    requestLimit: { name: "maxRequestsPerSocket", byDefault: "0, no limit" },
    // On the main branch it is 65 s; no release has that yet (node#62782).
    source: "lib/_http_server.js, doc/api/http.md, node#59243, node#62782",
  },
  {
    name: "uvicorn",
    idleTime: { name: "--timeout-keep-alive", byDefault: "5 s", ms: [5_000] },
    source: "uvicorn/config.py",
  },
  {
    name: "Kestrel",
    idleTime: { name: "KeepAliveTimeout", byDefault: "130 s", ms: [130_000] },
    source: "learn.microsoft.com",
  },
  {
    name: "aiohttp server",
    idleTime: {
      name: "keepalive_timeout",
      byDefault: "3630 s; 75 s in older versions",
      ms: [75_000, 3_630_000],
    },
    source: "aiohttp/web_protocol.py",
  },
  {
    name: "Puma",
    idleTime: { name: "persistent_timeout", byDefault: "20 s; 65 s in newer versions", ms: [20_000, 65_000] },
    source: "lib/puma/configuration.rb (65 s), gumroad#7527 (20 s)",
  },
];
