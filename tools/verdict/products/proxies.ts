/**
 * Programs that people run as gateways.
 *
 * @module
 */

import { note, type Product, setting } from "./product.ts";

const EACH_WORKER = "each worker process";

/** Programs that people run as gateways, by how often people ask about them. */
export const PROXIES: readonly Product[] = [
  {
    id: "nginx",
    name: "nginx",
    version: "1.31.4",
    settings: [
      setting("keepalive (in upstream)", "idle cap", "32", EACH_WORKER, {
        before: { version: "1.29.7", byDefault: "none: connections are not kept" },
      }),
      setting("proxy_http_version", "reuse", "1.1", "each location", {
        before: { version: "1.29.7", byDefault: "1.0, which asks for the end of each connection" },
        keeps: "1.1",
      }),
      setting("proxy_set_header Connection", "reuse", "not sent", "each location", {
        before: { version: "1.29.7", byDefault: "close" },
        keeps: '""',
      }),
      setting("keepalive_requests (in upstream)", "request limit", "1000", EACH_WORKER, {
        before: { version: "1.19.10", byDefault: "100" },
      }),
      setting("keepalive_timeout (in upstream)", "idle time", "60s", EACH_WORKER),
      setting("keepalive_time (in upstream)", "age", "1h", EACH_WORKER),
      setting(
        "max_conns (on server)",
        "hard cap",
        "0, no limit",
        "each worker process, unless the upstream has a zone",
        {
          unlimited: true,
        },
      ),
    ],
    once: [
      {
        setting: "proxy_pass",
        value: "the name of an upstream block that has `keepalive`; a literal address has no pool",
      },
      { setting: "proxy_http_version", value: "1.1" },
      { setting: "proxy_set_header Connection", value: '""' },
    ],
    listener: [
      { setting: "keepalive_timeout (in http or server)", value: "75s" },
      { setting: "keepalive_requests (in http or server)", value: "1000 or more; before 1.19.10 it was 100" },
    ],
    notes: [
      {
        ...note(
          'Before 1.29.7, connections are kept only with `keepalive`, `proxy_http_version 1.1` and `proxy_set_header Connection ""` together.',
          "idle cap",
          "reuse",
        ),
        until: "1.29.7",
      },
      note("A location that sets a proxy_set_header of its own inherits none.", "reuse"),
    ],
    // It binds without a port where proxy_bind names none: no step of `sourceAddress` (tried with 1.22.1).
    source:
      "ngx_http_upstream_keepalive_module.c, ngx_http_proxy_module.c, ngx_http_upstream_module (documentation); " +
      "of the listener, ngx_http_core_module (documentation) and CHANGES of 1.19.10",
  },
  {
    id: "haproxy",
    name: "HAProxy",
    version: "3.5-dev5",
    settings: [
      setting("http-reuse", "reuse", "safe", "each backend section", { keeps: "always" }),
      setting("option http-server-close", "reuse", "off", "each proxy section", { keeps: "left out" }),
      setting("option httpclose", "reuse", "off", "each proxy section", { keeps: "left out" }),
      setting("pool-max-conn", "idle cap", "-1, no limit", "each server", { unlimited: true }),
      setting("tune.pool-high-fd-ratio", "idle cap", "25% of the descriptors", "the process", {
        unlimited: true,
      }),
      setting("pool-purge-delay", "idle time", "5s", "each server"),
      setting("maxconn (on server)", "hard cap", "none", "each server"),
    ],
    once: [
      { setting: "http-reuse", value: "always" },
      { setting: "option http-server-close, option httpclose", value: "left out" },
    ],
    listener: [
      { setting: "timeout http-keep-alive", value: "longer than a client pauses" },
      { setting: "option httpclose", value: "left out" },
    ],
    notes: [
      note(
        "Above a quarter of its descriptors it closes idle connections, whatever the pool may hold.",
        "idle cap",
        "reuse",
      ),
      note("Where `pool-max-conn` is set, it is the cap; left out, it limits nothing.", "idle cap", "reuse"),
      note("Before 2.2, threads could not share idle connections.", "idle cap", "reuse"),
      note("It closes connections to servers by RST, so they leave no TIME_WAIT.", "idle cap", "reuse"),
    ],
    // It binds without a port where `source` names none: no step of `sourceAddress` (tried with 2.6.12).
    source: "the configuration manual",
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
      setting("forwardingTimeouts.idleConnTimeout", "idle time", "90s", "each transport"),
    ],
    once: [{
      setting: "serversTransport.maxIdleConnsPerHost",
      value: "above 0, which the fast proxy takes for none",
    }],
    notes: [
      note(
        "A ServersTransport of the dynamic configuration or of the CRD begins at 0, which means Go's 2.",
        "idle cap",
      ),
      note("The provider for Kubernetes' ingress-nginx has 2.", "idle cap"),
    ],
    source: "cmd/configuration.go, pkg/server/service/transport.go",
  },
  {
    id: "envoy",
    name: "Envoy",
    version: "2026-01",
    settings: [
      setting("circuit_breakers max_connections", "hard cap", "1024", "each cluster"),
      setting("circuit_breakers max_pending_requests", "hard cap", "1024", "each cluster"),
      setting("circuit_breakers max_requests", "hard cap", "1024", "each cluster"),
      setting("common_http_protocol_options.idle_timeout", "idle time", "1h", "each cluster"),
      setting("max_requests_per_connection", "request limit", "no limit", "each cluster"),
      setting("max_connection_duration", "age", "no limit", "each cluster"),
    ],
    once: [{ setting: "max_requests_per_connection", value: "left out, or above 1" }],
    sourceAddress: [{ setting: "upstream_bind_config", value: "left out, or Envoy with #45916 (July 2026)" }],
    notes: [
      note("It has no idle cap; its pools are one for each worker and host.", "idle cap"),
      note("An idle time of 1 h is longer than that of nearly every backend.", "idle time"),
      note("The old name is `Cluster.max_requests_per_connection`.", "request limit"),
    ],
    source: "circuit_breaker.proto, protocol.proto, envoy#44747, envoy#45916",
  },
  {
    id: "caddy",
    name: "Caddy",
    version: "2.11",
    settings: [
      setting("keepalive_idle_conns_per_host", "idle cap", "32", "each backend"),
      setting("keepalive_idle_conns", "idle cap", "0, no limit", "the transport", { unlimited: true }),
      setting("keepalive", "idle time", "2m", "the transport"),
      setting("keepalive off (in transport http)", "reuse", "not set", "the transport", {
        keeps: "left out",
      }),
      setting("max_conns_per_host", "hard cap", "0, no limit", "each backend"),
    ],
    once: [{ setting: "keepalive off (in transport http)", value: "left out" }],
    listener: [{ setting: "servers { timeouts { idle } }", value: "longer than a client pauses" }],
    notes: [
      note(
        "Set all of its keepalive options or none: before PR #7318 those left out lost their defaults, so that `keepalive 30s` alone keeps 2 connections.",
        "idle cap",
        "idle time",
      ),
    ],
    source:
      "modules/caddyhttp/reverseproxy/httptransport.go; of the listener, caddyserver.com/docs/caddyfile/options",
  },
  {
    id: "ingress-nginx",
    name: "ingress-nginx",
    version: "1.15.1",
    settings: [
      setting("upstream-keepalive-connections", "idle cap", "320", `${EACH_WORKER}, all services together`),
      setting("upstream-keepalive-requests", "request limit", "10000", EACH_WORKER),
      setting("upstream-keepalive-timeout", "idle time", "60s", EACH_WORKER),
      setting("upstream-keepalive-time", "age", "1h", EACH_WORKER),
    ],
    once: [{ setting: "upstream-keepalive-connections", value: "above 0" }],
    listener: [{ setting: "keep-alive", value: "75" }, {
      setting: "keep-alive-requests",
      value: "1000 or more",
    }],
    notes: [note("One cap holds for all services together.", "idle cap")],
    source: "docs/user-guide/nginx-configuration/configmap.md",
  },
  {
    id: "kong",
    name: "Kong",
    version: "3.9",
    settings: [
      setting("upstream_keepalive_pool_size", "idle cap", "512", EACH_WORKER),
      setting("upstream_keepalive_max_requests", "request limit", "10000", EACH_WORKER),
      setting("upstream_keepalive_idle_timeout", "idle time", "60s", EACH_WORKER),
    ],
    once: [{ setting: "upstream_keepalive_pool_size", value: "above 0" }],
    notes: [],
    source: "kong/templates/kong_defaults.lua",
  },
  {
    id: "apisix",
    name: "APISIX",
    version: "3.18",
    settings: [
      setting("nginx_config.http.upstream.keepalive", "idle cap", "320", EACH_WORKER),
      setting("keepalive_pool.size (of an upstream)", "idle cap", "320", EACH_WORKER),
      setting("nginx_config.http.upstream.keepalive_requests", "request limit", "1000", EACH_WORKER),
      setting("nginx_config.http.upstream.keepalive_timeout", "idle time", "60s", EACH_WORKER),
    ],
    once: [{ setting: "nginx_config.http.upstream.keepalive", value: "above 0" }],
    notes: [],
    source: "config.yaml.example, schema_def.lua",
  },
  {
    id: "istio",
    name: "Istio",
    version: "as of 2026",
    settings: [
      setting(
        "DestinationRule connectionPool.tcp.maxConnections",
        "hard cap",
        "2^32-1, no limit",
        "each destination host",
      ),
      setting(
        "DestinationRule connectionPool.http.maxRequestsPerConnection",
        "request limit",
        "0, no limit",
        "each cluster",
      ),
      setting("DestinationRule connectionPool.http.idleTimeout", "idle time", "1h", "each cluster"),
    ],
    once: [{
      setting: "DestinationRule connectionPool.http.maxRequestsPerConnection",
      value: "0, or above 1",
    }],
    notes: [note("An idle time of 1 h is longer than that of nearly every backend.", "idle time")],
    source: "istio/api networking/v1alpha3/destination_rule.proto",
  },
  {
    id: "apache",
    name: "Apache httpd mod_proxy",
    version: "2.4.62",
    settings: [
      setting("max (of ProxyPass)", "hard cap", "ThreadsPerChild (25)", "each child process"),
      setting("enablereuse (of ProxyPass)", "reuse", "on", "each worker", { keeps: "on" }),
      setting("disablereuse (of ProxyPass)", "reuse", "off", "each worker", { keeps: "off" }),
      setting("ttl (of ProxyPass)", "idle time", "none", "each worker"),
      setting("smax (of ProxyPass)", "idle cap", "max", "each child process"),
    ],
    once: [
      { setting: "enablereuse (of ProxyPass)", value: "on" },
      { setting: "proxy-nokeepalive (SetEnv)", value: "left out" },
    ],
    listener: [{ setting: "KeepAlive", value: "On" }, {
      setting: "MaxKeepAliveRequests",
      value: "0, no limit",
    }],
    notes: [
      note("prefork has one thread in each child, and ignores ttl.", "hard cap", "idle cap", "idle time"),
    ],
    source: "docs/manual/mod/mod_proxy.xml",
  },
  {
    id: "yarp",
    name: "YARP",
    version: "2.2",
    settings: [
      setting(
        "HttpClient.MaxConnectionsPerServer",
        "hard cap",
        "not set, no limit",
        "each server, in each cluster",
      ),
      setting("PooledConnectionIdleTimeout", "idle time", "1 min", "each cluster"),
    ],
    once: [{ setting: "ForwarderHttpClientFactory", value: "one handler for each cluster, kept" }],
    notes: [note("A change of a cluster's configuration makes a new pool.", "idle cap", "reuse")],
    source: "ForwarderHttpClientFactory.cs",
  },
  {
    id: "spring-cloud-gateway",
    name: "Spring Cloud Gateway (WebFlux)",
    version: "5.0",
    settings: [
      setting("…httpclient.pool.type", "hard cap", "ELASTIC, no limit", "the gateway", { unlimited: true }),
      setting("…httpclient.pool.max-connections", "hard cap", "only for FIXED", "each backend"),
      setting("…httpclient.pool.max-idle-time", "idle time", "none", "the gateway"),
      setting("…httpclient.pool.max-life-time", "age", "none", "the gateway"),
    ],
    once: [{ setting: "…httpclient.pool.type", value: "ELASTIC or FIXED, not DISABLED" }],
    notes: [note("The properties' prefix moved in 4.x and 5.x.", "hard cap", "idle time")],
    source: "HttpClientProperties.java",
  },
  {
    id: "node-http-proxy",
    name: "node-http-proxy, http-proxy-middleware, vite's proxy",
    version: "an older copy",
    settings: [
      setting("agent", "reuse", "false: no pool at all", "each proxy", {
        keeps: "new http.Agent({ keepAlive: true })",
      }),
      setting("maxFreeSockets (of the agent)", "idle cap", "256", "each backend, in each Agent"),
      setting("maxSockets (of the agent)", "hard cap", "Infinity", "each backend, in each Agent"),
      setting("timeout (of the agent)", "idle time", "none", "each Agent"),
    ],
    once: [{ setting: "agent", value: "one http.Agent({ keepAlive: true }) for the process" }],
    notes: [],
    source: "lib/http-proxy/common.js",
  },
];
