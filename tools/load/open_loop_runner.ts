/**
 * The process in which the open loop runs, on the client. It takes its options as JSON from `TIMEWAIT_LOAD`,
 * where it is told to wait prints `waits` and begins upon a line, prints `over` when the last request was
 * answered or given up, keeps its connections open until it reads a line, and prints its report as one line
 * of JSON.
 *
 * @module
 */

import { requestText } from "./http_request.ts";
import type { Histogram } from "./latency.ts";
import { startOpenLoop } from "./open_loop.ts";
import { dialTcp } from "./open_loop_connection.ts";
import { warmUpOpenLoop } from "./open_loop_warm_up.ts";

const json = Deno.env.get("TIMEWAIT_LOAD");
const { url, headers, waits, ...options } = JSON.parse(json!);
const { hostname, port } = new URL(url);
const request = new TextEncoder().encode(requestText(url, headers, options));

/** Waits for a line: several clients begin together. */
async function untilTold(): Promise<void> {
  console.log("waits");
  await readLine();
}

async function readLine(): Promise<void> {
  const byte = new Uint8Array(1);
  while (await Deno.stdin.read(byte) !== null && byte[0] !== 10);
}

await warmUpOpenLoop(request);
const loop = await startOpenLoop({
  ...options,
  dial: dialTcp(hostname.replaceAll(/[[\]]/g, ""), Number(port || 80)),
  request,
  begin: waits ? untilTold : undefined,
});
const { histogram, lateness, ...result } = await loop.over;
console.log("over");
await readLine();
const listOf = (histogram: Histogram) => [...histogram].flat();
console.log(JSON.stringify({ ...result, histogram: listOf(histogram), lateness: listOf(lateness) }));
loop[Symbol.dispose]();
// A connection that is still being opened would keep the process alive for as long as the kernel tries.
Deno.exit();
