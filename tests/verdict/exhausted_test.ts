/** What ran out, told from what was only full for a moment. */

import { assertEquals } from "@std/assert";
import { causesOf } from "../../tools/verdict/causes.ts";
import { evidence, witness } from "../support/made_up_evidence.ts";

/** 100 clients that opened so many connections, of which so many were dropped first. */
const dropping = (opened: number, listenDrops: number) =>
  causesOf(evidence([witness()], { clients: { opened, needed: 100 }, listenDrops })).map(({ cause }) =>
    cause
  );

Deno.test("a queue that drops clients all the time is a cause although nobody fails", () => {
  assertEquals(dropping(5_000, 800), ["accept-queue", "client-side"]);
  // 21 of 5,000, each of which costs a client a second: more than a twentieth of the time of 100 clients in 2
  // s.
  assertEquals(dropping(5_000, 21), ["accept-queue", "client-side"]);
  assertEquals(dropping(5_000, 9), ["client-side"]);
});

Deno.test("a queue that was full once, when all clients began, is none", () => {
  assertEquals(dropping(100, 90), ["none"]);
});
