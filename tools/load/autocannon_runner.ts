/**
 * The process that autocannon runs in, on the client. Takes its options as one JSON argument, says `over` when the
 * time is over, goes on until it reads a line, and prints its result as one line of JSON, with a histogram of every
 * latency in microseconds: autocannon's own has whole milliseconds, cut off.
 *
 * @module
 */

import autocannon from "autocannon";

const [json] = Deno.args;
const { url, connections, durationMs, timeoutMs, headers } = JSON.parse(json!);
const LONGER_THAN_ANY_RUN_SEC = 24 * 3600;

const histogram = new Map<number, number>();
const instance = autocannon({
  url,
  connections,
  timeout: timeoutMs / 1000,
  duration: LONGER_THAN_ANY_RUN_SEC,
  headers,
}, (error, result) => {
  if (error !== null) throw error;
  console.log(JSON.stringify({ result, histogram: [...histogram].flat() }));
});
instance.on("response", (_client, _status, _bytes, latencyMs) => {
  const us = Math.round(latencyMs * 1000);
  histogram.set(us, (histogram.get(us) ?? 0) + 1);
});
setTimeout(async () => {
  console.log("over");
  await Deno.stdin.read(new Uint8Array(1));
  instance.stop();
}, durationMs);
