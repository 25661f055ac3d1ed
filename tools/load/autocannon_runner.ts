/**
 * The process that autocannon runs in, on the client. Takes its options as one JSON argument, says `over` when the
 * time is over, goes on until it reads a line, and prints its result as one line of JSON.
 *
 * @module
 */

import autocannon from "autocannon";

const [json] = Deno.args;
const { url, connections, durationMs, timeoutMs, headers } = JSON.parse(json!);
const LONGER_THAN_ANY_RUN_SEC = 24 * 3600;

const instance = autocannon({
  url,
  connections,
  timeout: timeoutMs / 1000,
  duration: LONGER_THAN_ANY_RUN_SEC,
  headers,
}, (error: Error | null, result: unknown) => {
  if (error !== null) throw error;
  console.log(JSON.stringify(result));
});
setTimeout(async () => {
  console.log("over");
  await Deno.stdin.read(new Uint8Array(1));
  instance.stop();
}, durationMs);
