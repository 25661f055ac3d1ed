import { assertEquals, assertGreater } from "@std/assert";
import { delay } from "@std/async/delay";
import { collectAnswered } from "../../tools/observe/answered_requests.ts";
import type { Speaker } from "../../tools/observe/collector.ts";

const BACKEND: Speaker = { name: "the backend", signal() {} };
const NEVER = new AbortController().signal;

Deno.test("answers from before the load do not count, and other lines are passed over", async () => {
  const rates: number[] = [];
  const answered = collectAnswered((_timeMs, requestsPerSec) => rates.push(requestsPerSec));
  answered.add("listening on http://127.0.0.1:8081");
  answered.add("requests 40");
  answered.begin(performance.now());
  await delay(5);
  answered.add("requests 50");
  answered.add("requests many");
  await delay(60);
  answered.add("requests 62");
  // One that was asked for.
  answered.add("requests 65");
  const { timeMs, requests } = answered.result();
  assertEquals(requests, [0, 10, 25]);
  assertEquals(timeMs[0], 0);
  assertGreater(timeMs[2]!, timeMs[1]!);
  assertEquals(rates.length, 3);
});

Deno.test("a backend is heard out with its next report", async () => {
  const answered = collectAnswered();
  answered.add("requests 1");
  let settled = false;
  const waiting = answered.settled(BACKEND, NEVER).then(() => settled = true);
  await delay(0);
  assertEquals(settled, false);
  answered.add("requests 1");
  await waiting;
});
