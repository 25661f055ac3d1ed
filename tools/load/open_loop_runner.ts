/**
 * The process in which the open loop runs, on the client. It takes its options as JSON from `TIMEWAIT_LOAD`,
 * where it is told to wait prints `waits` and begins upon a line, prints `over` when the last request was
 * answered or given up, keeps its connections open until it reads a line, and prints its report as one line
 * of JSON.
 *
 * @module
 */

import { requestText } from "./http_request.ts";
import { startOpenLoop } from "./open_loop.ts";

const json = Deno.env.get("TIMEWAIT_LOAD");
const { url, headers, waits, ...options } = JSON.parse(json!);
const { hostname, port } = new URL(url);

/** Waits for a line: several clients begin together. */
async function untilTold(): Promise<void> {
  console.log("waits");
  await readLine();
}

async function readLine(): Promise<void> {
  const byte = new Uint8Array(1);
  while (await Deno.stdin.read(byte) !== null && byte[0] !== 10);
}

const loop = await startOpenLoop({
  ...options,
  hostname: hostname.replaceAll(/[[\]]/g, ""),
  port: Number(port || 80),
  request: new TextEncoder().encode(requestText(url, headers, options)),
  begin: waits ? untilTold : undefined,
});
const { histogram, ...result } = await loop.over;
console.log("over");
await readLine();
console.log(JSON.stringify({ ...result, histogram: [...histogram].flat() }));
loop[Symbol.dispose]();
// A connection that is still being opened would keep the process alive for as long as the kernel tries.
Deno.exit();
