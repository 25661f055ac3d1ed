/**
 * The process in which autocannon runs, on the client. It takes its options as JSON from `TIMEWAIT_LOAD`,
 * prints `over` when the time is over, keeps its connections open until it reads a line, and prints its
 * result as one line of JSON.
 *
 * It counts the events of autocannon itself, for three reasons: autocannon checks only once a second whether
 * its time is over, it then breaks off the requests in flight, and it truncates latencies to whole
 * milliseconds.
 *
 * @module
 */

import autocannon, { type Client } from "autocannon";
import { bodyBytesOf } from "./http_request.ts";

const json = Deno.env.get("TIMEWAIT_LOAD");
const { url, connections, durationMs, timeoutMs, headers, ...kind } = JSON.parse(json!);
const bodyBytes = bodyBytesOf(kind);
const LONGER_THAN_ANY_RUN_SEC = 24 * 3600;

const clients: Client[] = [];
const histogram = new Map<number, number>();
const result = {
  requests: { total: 0 },
  throughput: { total: 0 },
  duration: 0,
  errors: 0,
  timeouts: 0,
  "1xx": 0,
  "2xx": 0,
  "3xx": 0,
  "4xx": 0,
  "5xx": 0,
};
let over = false;
const startMs = performance.now();
const instance = autocannon({
  url,
  connections,
  timeout: timeoutMs / 1000,
  duration: LONGER_THAN_ANY_RUN_SEC,
  headers,
  method: kind.method ?? "GET",
  ...(bodyBytes === undefined ? {} : { body: "x".repeat(bodyBytes) }),
  setupClient: (client) => void clients.push(client),
}, (error) => {
  if (error !== null) throw error;
});
instance.on("response", (_client, status, bytes, latencyMs) => {
  if (over) return;
  const us = Math.round(latencyMs * 1000);
  histogram.set(us, (histogram.get(us) ?? 0) + 1);
  result.requests.total++;
  result.throughput.total += bytes;
  result[`${Math.floor(status / 100)}xx` as "2xx"]++;
});
instance.on("reqError", (error) => {
  if (over) return;
  result.errors++;
  if (error.message === "request timed out") result.timeouts++;
});
setTimeout(async () => {
  over = true;
  result.duration = (performance.now() - startMs) / 1000;
  // A rate of 1 that is used up already: what was sent is still answered, and no connection sends more in
  // this second.
  for (const client of clients) client.reqsMadeThisSecond = client.rate = 1;
  console.log("over");
  await Deno.stdin.read(new Uint8Array(1));
  console.log(JSON.stringify({ result, histogram: [...histogram].flat() }));
  Deno.exit();
}, durationMs);
