/** Clients that leave before their answer, as some loads are told to. */

import { assertEquals } from "@std/assert";
import { causesOf } from "../../tools/verdict/causes.ts";
import { remediesOf } from "../../tools/verdict/remedies.ts";
import { ended, evidence, spread, survivors, witness } from "../support/made_up_evidence.ts";
import type { Evidence } from "../../tools/verdict/evidence.ts";

/** 1,000 of 5,000 requests were cut off by the gateway, and so many clients had left. */
function cut(abandoned: number, connections = 1_000): Evidence {
  const of = evidence([
    witness({
      accepted: connections,
      unanswered: connections,
      ended: [ended(connections, { at: "request", requests: spread(survivors(connections, 0.8)) })],
    }),
  ]);
  return { ...of, requests: { ...of.requests, closedLoop: false, abandoned } };
}

const named = (of: Evidence) => causesOf(of).map(({ cause, side }) => `${cause} ${side}`);

Deno.test("connections that end with the clients that left are those clients' doing", () => {
  assertEquals(named(cut(1_000)), ["cut-short client"]);
  const [cause] = causesOf(cut(1_000));
  assertEquals([cause?.evidence.abandoned, cause?.evidence.connectionsEnded], [1_000, 1_000]);
  assertEquals(remediesOf(cause!).map(({ product }) => product), ["the clients"]);
});

Deno.test("the gateway is told what it cut off beyond the clients that left", () => {
  assertEquals(named(cut(0)), ["cut-short gateway"]);
  assertEquals(named(cut(400)), ["cut-short gateway", "cut-short client"]);
  assertEquals(causesOf(cut(400)).map(({ evidence }) => evidence.connectionsEnded), [600, 400]);
});

Deno.test("a few clients that left are no cause", () => {
  assertEquals(named(cut(10, 10)), ["none undefined"]);
});
