/** Gateways and backends with a known fault, each with the cause that a report must name. */

import { $ } from "@david/dax";
import type { Backend, Gateway, Load, Run } from "../../tools/scenario/scenario.ts";
import type { CauseName } from "../../tools/verdict/causes.ts";
import { plantedCaddy, plantedHaproxy, plantedNginx, plantedScript } from "./planted.ts";
import { ROOT } from "./root.ts";

/** A run and what is planted in it. */
export interface Plant extends Run {
  readonly causes: readonly CauseName[];
}

const REUSES = 'proxy_http_version 1.1; proxy_set_header Connection "";';

const nginx = (upstream: string, location = REUSES, server = "", listen = "backlog=4096"): Gateway => ({
  command: plantedNginx(`
upstream b { server {upstream_host}:{upstream_port}; ${upstream} }
server { listen {listen} ${listen}; ${server} location / { proxy_pass http://b; ${location} } }`),
});
const KEEPS = "keepalive 400; keepalive_requests 1000000;";
const haproxy = (defaults: string, options = "", bind?: string): Gateway => ({
  command: plantedHaproxy(defaults, options, bind),
});
const caddy = (...transport: string[]): Gateway => ({ command: plantedCaddy(transport.join("\n")) });
const CADDY_KEEPS = ["keepalive 90s", "keepalive_idle_conns_per_host 400"];
/** nginx in front of all backends, with a pool of `keepalive` for all of them. */
const nginxOfAll = (keepalive: number): Gateway => ({
  command: plantedNginx(`
upstream b { include servers.conf; keepalive ${keepalive}; keepalive_requests 1000000; }
server { listen {listen} backlog=4096; location / { proxy_pass http://b; ${REUSES} } }`),
});
const POOL = "pool-max-conn 1000 pool-purge-delay 90s";
const FEW_PORTS = { "net.ipv4.ip_local_port_range": "20000 20999", "net.ipv4.tcp_tw_reuse": 0 };
/** Requests that come one by one, each after the connection of the one before was idle. */
const SPARSE: Load = { connections: 4, rate: 1, duration: "6s", warmUp: 0 };

/** Clients of which every third leaves before its answer, which takes 200 ms. */
const LEAVING: Omit<Run, "name" | "gateway"> = {
  load: { rate: 200, abandon: 0.3, abandonAfter: "50ms", warmUp: 0 },
  backend: { latency: "200ms" },
};

/** Clients that open a connection for each request, so that the queue of a listener matters. */
const RECONNECTING: Omit<Run, "name" | "gateway"> = { load: { headers: ["Connection: close"] } };

/**
 * Long enough for connections that end at an age of 0.8 s. Those of a warm-up would be older: they wait for
 * the load.
 */
const LONG: Omit<Run, "name" | "gateway"> = { load: { duration: "3s", warmUp: 0 } };

/** A warm-up would use the ports up. On a busy machine they last for a while. */
const COLD: Load = { warmUp: 0, duration: "3s" };

/**
 * The plants that are asked for by `MATRIX`: all with `whole`, some by the beginnings of their names. Without
 * it those of `short`. What they need is built into `folder`.
 */
export async function chosenPlants(folder: string, short: readonly string[]): Promise<Plant[]> {
  const faulty = `${folder}/faulty`;
  await $`go build -o ${faulty} ${ROOT}tests/support/planted/faulty.go`
    .env({ GO111MODULE: "off", GOFLAGS: "" }).quiet();
  const matrix = Deno.env.get("MATRIX");
  return plants(faulty).filter(({ name }) =>
    matrix === undefined
      ? short.includes(name)
      : matrix === "whole" || matrix.split(",").some((some) => name.startsWith(some))
  );
}

/** All plants. `faulty` is the program that was built from planted/faulty.go. */
export function plants(faulty: string): Plant[] {
  const go = (fault: string, n = 400, before = ""): Gateway => ({
    command: `${before}${faulty} -listen {listen} -upstream {upstreams} -fault ${fault} -n ${n}`,
  });
  const node = (fault: string, n?: number): Gateway => ({ command: plantedScript("node", fault, n) });
  const python = (fault: string, n?: number): Gateway => ({ command: plantedScript("python3", fault, n) });
  const one = (
    name: string,
    gateway: Gateway,
    causes: readonly CauseName[],
    rest: Omit<Run, "name" | "gateway"> = {},
  ): Plant => ({ name, gateway, causes, ...rest });
  const limited: Backend = { closeAfterRequests: 10 };
  const silent: Backend = { closeAfterRequests: 10, announceClose: false };
  const impatient: Backend = { idleTimeout: "600ms" };
  const spread: Backend = { slowShare: 0.2, slowLatency: "400ms" };
  return [
    one("leak-go-kept", go("kept"), ["leak"]),
    one("leak-go", go("leak"), ["leak"]),
    one("leak-node", node("kept"), ["leak"]),
    one("leak-python", python("leak"), ["leak"]),
    one("once-go-closed", go("closed"), ["used-once"]),
    one("once-go-unread", go("unread"), ["used-once"]),
    one("once-go-unread-large", go("unread"), ["used-once"], { backend: { bodyBytes: "200KiB" } }),
    one("once-node-closed", node("closed"), ["used-once"]),
    one("once-node-unread", node("unread"), ["used-once"]),
    one("once-python", python("closed"), ["used-once"]),
    // Without reuse among clients each client still has a connection, for as long as it stays.
    one("once-haproxy", haproxy("http-reuse never"), ["client-side", "used-once"], {
      load: { headers: ["Connection: close"] },
    }),
    one("none-haproxy-safe", haproxy(""), ["none"]),
    one("none-haproxy-never", haproxy("http-reuse never"), ["none"]),
    one("once-nginx", nginx("", REUSES), ["used-once"]),
    one("asks-go", go("asks"), ["close-asked"]),
    one("asks-node", node("asks"), ["close-asked"]),
    one("asks-python", python("asks"), ["close-asked"]),
    one("asks-nginx-1.0", nginx("", "proxy_http_version 1.0;"), ["close-asked"]),
    one("asks-nginx-header", nginx(KEEPS, "proxy_http_version 1.1;"), ["close-asked"]),
    one("asks-haproxy", haproxy("option http-server-close"), ["close-asked"]),
    one("asks-caddy", caddy("keepalive off"), ["close-asked"]),
    one("asks-ours", { transport: "net-http", disableKeepAlives: true }, ["close-asked"]),
    one("small-go", go("small", 5), ["pool-too-small"]),
    one("small-node", node("small", 5), ["pool-too-small"]),
    one("small-python", python("small", 5), ["pool-too-small"]),
    one("small-nginx", nginx("keepalive 5; keepalive_requests 1000000;"), ["pool-too-small"]),
    one("small-haproxy", haproxy("http-reuse always", "pool-max-conn 5"), ["pool-too-small"]),
    one("small-caddy", caddy("keepalive 90s", "keepalive_idle_conns_per_host 5"), ["pool-too-small"]),
    // The default of 32 is lost where another option of the same kind is set: it keeps 2.
    one("small-caddy-lost", caddy("keepalive 90s"), ["pool-too-small"]),
    one("small-ours", { poolMaxIdlePerHost: 5 }, ["pool-too-small"]),
    one("limit-nginx", nginx("keepalive 400; keepalive_requests 10;"), ["request-limit"]),
    one("limit-python", python("limit", 10), ["request-limit"]),
    one("limit-backend-nginx", nginx(KEEPS), ["request-limit"], { backend: limited }),
    one("limit-backend-caddy", caddy(...CADDY_KEEPS), ["request-limit"], { backend: limited }),
    one("limit-backend-go", go("none"), ["request-limit"], { backend: silent }),
    one("cap-go", go("cap", 10), ["cap"]),
    one("cap-node", node("cap", 10), ["cap"]),
    one("cap-python", python("cap", 10), ["cap"]),
    one("cap-haproxy", haproxy("http-reuse always", `${POOL} maxconn 10`), ["cap"]),
    one("cap-caddy", caddy(...CADDY_KEEPS, "max_conns_per_host 10"), ["cap"]),
    one("cap-ours", { transport: "net-http", maxConnsPerHost: 10, maxIdleConnsPerHost: 400 }, ["cap"]),
    one("clients-nginx", nginx(KEEPS, REUSES, "keepalive_timeout 0;"), ["client-side"]),
    one("clients-go", go("clients"), ["client-side"]),
    one("clients-node", node("clients"), ["client-side"]),
    // It asks both sides for the end.
    one("clients-haproxy", haproxy("http-reuse always\n  option httpclose", POOL), [
      "close-asked",
      "client-side",
    ]),
    one("closes-http10-go", go("none"), ["backend-closes"], { backend: { http10: true } }),
    one("closes-http10-nginx", nginx(KEEPS), ["backend-closes"], { backend: { http10: true } }),
    one("closes-errors-go", go("none"), ["backend-closes"], {
      backend: { status: { 200: 0.8, 503: 0.2 }, closeOnStatus: 503 },
    }),
    one("late-go", go("late", 100), ["cut-short"], { backend: spread }),
    // Its deadline is so near to the usual answer that it also passes while one is on its way.
    one("late-go-tight", go("late", 60), ["cut-short"], {
      backend: { latency: "35ms", slowShare: 0.1, slowLatency: "200ms" },
    }),
    one("late-node", node("late", 100), ["cut-short"], { backend: spread }),
    one("late-nginx", nginx(KEEPS, `${REUSES} proxy_read_timeout 100ms; proxy_next_upstream off;`), [
      "cut-short",
    ], { backend: spread }),
    one("late-haproxy", haproxy("http-reuse always\n  timeout server 100ms\n  retries 0", POOL), [
      "cut-short",
    ], {
      backend: spread,
    }),
    one("leave-nginx", nginx(KEEPS), ["cut-short"], LEAVING),
    one("leave-haproxy", haproxy("http-reuse always\n  option abortonclose", POOL), ["cut-short"], LEAVING),
    // It goes on for the client that has left, and keeps the connection.
    one("leave-go", go("none"), ["none"], LEAVING),
    one("age-nginx", nginx(`${KEEPS} keepalive_time 800ms;`), ["intended"], LONG),
    one("age-node", node("age", 800), ["intended"], LONG),
    one("queue-nginx", nginx(KEEPS, REUSES, "", "backlog=2"), ["accept-queue", "client-side"], RECONNECTING),
    one(
      "queue-haproxy",
      haproxy("http-reuse always", POOL, "backlog 2"),
      ["accept-queue", "client-side"],
      RECONNECTING,
    ),
    one("queue-go", go("small", 400), ["accept-queue", "client-side"], {
      ...RECONNECTING,
      sysctls: { "net.core.somaxconn": 2 },
    }),
    one("idle-backend-go", go("none"), ["backend-idle-timeout"], { backend: impatient, load: SPARSE }),
    one("idle-backend-nginx", nginx(KEEPS), ["backend-idle-timeout"], { backend: impatient, load: SPARSE }),
    one("idle-backend-node", node("none"), ["backend-idle-timeout"], { backend: impatient, load: SPARSE }),
    one("idle-backend-haproxy", haproxy("http-reuse always", POOL), ["backend-idle-timeout"], {
      backend: impatient,
      load: SPARSE,
    }),
    one("idle-backend-caddy", caddy(...CADDY_KEEPS), ["backend-idle-timeout"], {
      backend: impatient,
      load: SPARSE,
    }),
    one("idle-gateway-caddy", caddy("keepalive 600ms", "keepalive_idle_conns_per_host 400"), [
      "gateway-idle-timeout",
    ], { load: SPARSE }),
    one("idle-gateway-haproxy", haproxy("http-reuse always", "pool-max-conn 1000 pool-purge-delay 300ms"), [
      "gateway-idle-timeout",
    ], { load: SPARSE }),
    one("idle-gateway-node", node("idle", 600), ["gateway-idle-timeout"], { load: SPARSE }),
    one("idle-gateway-go", go("idle", 600), ["gateway-idle-timeout"], { load: SPARSE }),
    one("idle-gateway-nginx", nginx("keepalive 400; keepalive_timeout 600ms;"), ["gateway-idle-timeout"], {
      load: SPARSE,
    }),
    one("idle-gateway-ours", { transport: "net-http", idleConnTimeout: "600ms" }, ["gateway-idle-timeout"], {
      load: SPARSE,
    }),
    // From outside, a limit for all backends looks like one for each.
    one("pools-go", go("total", 20), ["pool-too-small", "many-pools"], { backends: 4 }),
    one("pools-nginx", nginxOfAll(20), ["pool-too-small", "many-pools"], { backends: 4 }),
    one("pools-ours", { transport: "net-http", maxIdleConns: 20, maxIdleConnsPerHost: 400, workers: 1 }, [
      "many-pools",
    ], { backends: 4 }),
    one("ports-go", go("small", 2), ["ports-exhausted", "pool-too-small"], {
      sysctls: FEW_PORTS,
      load: COLD,
    }),
    one("ports-nginx", nginx("keepalive 2;"), ["ports-exhausted", "pool-too-small"], {
      sysctls: FEW_PORTS,
      load: COLD,
    }),
    // Of 40 descriptors the clients take 30, so that a few are left for the backend.
    one("descriptors-go", go("none", 0, "ulimit -n 40; "), ["descriptors-exhausted"], {
      load: { connections: 30 },
    }),
    one("bound-go", go("bound"), ["bound-source", "pool-too-small"], { sysctls: FEW_PORTS, load: COLD }),
    one("bound-node", node("bound", 2), ["bound-source", "pool-too-small"], {
      sysctls: FEW_PORTS,
      load: COLD,
    }),
    one("bound-python", python("bound", 2), ["bound-source", "pool-too-small"], {
      sysctls: FEW_PORTS,
      load: COLD,
    }),
    // These two bind without a port, so that only the ports towards the backend are used up.
    one("bound-nginx", nginx("keepalive 2;", `${REUSES} proxy_bind $server_addr;`), [
      "ports-exhausted",
      "pool-too-small",
    ], { sysctls: FEW_PORTS, load: COLD }),
    one("bound-haproxy", haproxy("http-reuse always", "pool-max-conn 2 source {listen_host}"), [
      "pool-too-small",
    ], { sysctls: FEW_PORTS, load: COLD }),
    one("none-nginx-all", nginxOfAll(800), ["none"], { backends: 4 }),
    one("none-go-bursts", go("small", 400), ["none"], {
      load: { duration: "2s", burst: { on: "200ms", off: "300ms" } },
    }),
    one("none-go", go("none"), ["none"]),
    one("none-node", node("none"), ["none"]),
    one("none-python", python("none"), ["none"]),
    one("none-nginx", nginx(KEEPS), ["none"]),
    one("none-haproxy", haproxy("http-reuse always", POOL), ["none"]),
    one("none-caddy", caddy(...CADDY_KEEPS), ["none"]),
    one("none-ours", {}, ["none"]),
    one("none-net-http", { transport: "net-http", maxIdleConns: 0, maxIdleConnsPerHost: 400 }, ["none"]),
  ];
}
