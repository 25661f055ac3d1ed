/**
 * How many requests a gateway has served, by its own status page: that of nginx, HAProxy or Envoy, or metrics
 * in the text format of Prometheus.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";

/** What a status page says. */
export interface StatusPage {
  /** Requests that were served since the gateway started. */
  readonly requests: number;
  /** Which page it is, and which of its figures was read: `nginx stub_status`. */
  readonly source: string;
  /** Requests that wait for a connection to a backend now. Left out where the page does not tell. */
  readonly waiting?: number;
}

/**
 * Reads a status page.
 *
 * @throws {TimewaitError} for a page of another kind, and for one without a count of requests.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseStatusPage } from "./status_page.ts";
 *
 * const page = "Active connections: 2 \nserver accepts handled requests\n 10 10 31 \nReading: 0 Writing: 1 Waiting: 1 \n";
 * assertEquals(parseStatusPage(page), { requests: 31, source: "nginx stub_status" });
 * ```
 */
export function parseStatusPage(text: string): StatusPage {
  const page = ofNginx(text) ?? ofHaproxy(text) ?? ofEnvoy(text) ?? ofPrometheus(text);
  if (page !== undefined) return page;
  const hint = /^\s*</.test(text)
    ? "is a page for a browser: HAProxy's figures are at the same URL with ;csv behind it"
    : "counts no requests: nginx stub_status, HAProxy ;csv, Envoy /stats and Prometheus metrics are read";
  throw new TimewaitError(hint);
}

/** ngx_http_stub_status_module: accepts, handled, requests. */
function ofNginx(text: string): StatusPage | undefined {
  const match = /^server accepts handled requests(?: request_time)?\s+\d+ \d+ (\d+)/m.exec(text);
  return match === null ? undefined : { requests: Number(match[1]), source: "nginx stub_status" };
}

/** HAProxy's management guide, 9.1: one line for each proxy and server, columns named in the first line. */
function ofHaproxy(text: string): StatusPage | undefined {
  const lines = text.trim().split("\n");
  if (!lines[0]!.startsWith("# pxname,svname,")) return undefined;
  const columns = lines[0]!.slice(2).split(",");
  const [kind, queue, total] = ["svname", "qcur", "req_tot"].map((name) => columns.indexOf(name));
  // A field that holds a comma is quoted, and none stands ahead of these three.
  const rows = lines.slice(1).map((line) => line.split(","));
  const counts = rows.filter((row) => row[kind!] === "FRONTEND")
    .map((row) => row[total!] ?? "").filter((count) => count !== "");
  // A backend's own queue holds those that may go to any of its servers.
  const queues = rows.map((row) => row[queue!] ?? "").filter((count) => count !== "");
  return counts.length === 0 ? undefined : {
    requests: sum(counts),
    source: "HAProxy req_tot of its frontends",
    ...(queues.length === 0 ? {} : { waiting: sum(queues) }),
  };
}

/**
 * Envoy's admin interface, `/stats`: `NAME: VALUE`. What clients asked, those of the admin interface left
 * out.
 */
function ofEnvoy(text: string): StatusPage | undefined {
  const counts = [...text.matchAll(/^http\.(?!admin\.)\S+?\.downstream_rq_total: (\d+)$/gm)]
    .map((match) => match[1]!);
  const pending = [...text.matchAll(/^cluster\.\S+\.upstream_rq_pending_active: (\d+)$/gm)]
    .map((match) => match[1]!);
  return counts.length === 0 ? undefined : {
    requests: sum(counts),
    source: "Envoy downstream_rq_total",
    ...(pending.length === 0 ? {} : { waiting: sum(pending) }),
  };
}

/**
 * A counter in Prometheus' text format, and the labels that a series of it has, or must not have, to be
 * counted.
 */
interface Counter {
  readonly name: string;
  readonly only?: Readonly<Record<string, string>>;
  readonly not?: Readonly<Record<string, string>>;
}

/** Counters of requests, those of products ahead of names that anything may have. One of them is read. */
const COUNTERS: readonly Counter[] = [
  { name: "envoy_http_downstream_rq_total", not: { envoy_http_conn_manager_prefix: "admin" } },
  { name: "haproxy_frontend_http_requests_total" },
  { name: "traefik_entrypoint_requests_total" },
  { name: "traefik_service_requests_total" },
  // Each handler of a route counts the request once more.
  { name: "caddy_http_requests_total", only: { handler: "reverse_proxy" } },
  { name: "kong_http_requests_total" },
  { name: "apisix_http_requests_total" },
  { name: "nginx_ingress_controller_requests" },
  { name: "istio_requests_total" },
  { name: "nginx_http_requests_total" },
  { name: "http_server_requests_seconds_count" },
  { name: "http_requests_total" },
];

/** Gauges of requests that wait for a connection to a backend. */
const QUEUES: ReadonlySet<string> = new Set([
  "envoy_cluster_upstream_rq_pending_active",
  "haproxy_backend_current_queue",
  "haproxy_server_current_queue",
]);

/** `NAME{LABELS} VALUE [TIMESTAMP]`. */
const SAMPLE = /^([a-zA-Z_:][\w:]*)(?:\{(.*)\})?[ \t]+(\S+)(?:[ \t]+-?\d+)?[ \t]*$/gm;
const LABEL = /([a-zA-Z_]\w*)="((?:[^"\\]|\\.)*)"/g;

function ofPrometheus(text: string): StatusPage | undefined {
  const samples = [...text.matchAll(SAMPLE)].map(([, name, labels = "", value]) => ({
    name,
    labels: Object.fromEntries([...labels.matchAll(LABEL)].map(([, key, value]) => [key!, value!])),
    value: value!,
  }));
  for (const { name, only = {}, not = {} } of COUNTERS) {
    const counts = samples.filter((sample) =>
      sample.name === name &&
      Object.entries(only).every(([key, value]) => sample.labels[key] === value) &&
      !Object.entries(not).some(([key, value]) => sample.labels[key] === value)
    ).map(({ value }) => value);
    if (counts.length > 0 && Number.isFinite(sum(counts))) {
      const queues = samples.filter(({ name }) => QUEUES.has(name!)).map(({ value }) => value);
      return {
        requests: sum(counts),
        source: name,
        ...(queues.length === 0 ? {} : { waiting: sum(queues) }),
      };
    }
  }
  return undefined;
}

function sum(counts: readonly string[]): number {
  return counts.reduce((sum, count) => sum + Number(count), 0);
}
