import { assert, assertEquals } from "@std/assert";
import { sayEvidence } from "../../../tools/report/sections/evidence_words.ts";
import type { Cause, CauseFigures, CauseName } from "../../../tools/verdict/causes.ts";
import { CAUSES } from "../../../tools/verdict/causes/cause.ts";

const say = (cause: CauseName, evidence: CauseFigures, side?: Cause["side"]) =>
  sayEvidence({
    cause,
    sure: "certain",
    evidence,
    toldApartFrom: [],
    ...(side === undefined ? {} : { side }),
  }, 1);

const OPENED = { requests: 20_949, connectionsOpened: 1_119, openedPerRequest: 0.053 };

Deno.test("the evidence is how many connections were opened, and what decides", () => {
  assertEquals(
    say("backend-idle-timeout", {
      ...OPENED,
      connectionsEnded: 919,
      idleP5Ms: 501,
      idleP95Ms: 507,
      failedRequests: 622,
    }),
    "It opened 1,119 connections to the backend for 20,949 requests, 0.05 per request. " +
      "The backend ended 919 connections that had been idle for 501 ms to 507 ms. 622 requests failed.",
  );
  assertEquals(
    say("pool-too-small", { ...OPENED, connectionsEnded: 1_000, onceShare: 0.61, concurrency: 100 }),
    "It opened 1,119 connections to the backend for 20,949 requests, 0.05 per request. " +
      "It ended 1,000 connections at once after an answer, 61% of them after a single request, " +
      "with up to 100 requests at one time.",
  );
  assertEquals(
    say("close-asked", { ...OPENED, askedShare: 1, http10Share: 1 }).split(". ")[1],
    "100% of the requests asked for the end of their connection, 100% as HTTP/1.0.",
  );
});

Deno.test("a cap is told by its ceiling, and by who waits", () => {
  assertEquals(
    say("cap", {
      cap: 10,
      concurrency: 300,
      busyShare: 0.88,
      backendMs: 20,
      ceilingPerSec: 500,
      requestsPerSec: 441,
      waiting: 290,
      waitingShare: 0.96,
    }),
    "10 connections to the backend stood, never more, 88% of them busy, while up to 300 requests wanted one. " +
      "At 20 ms for a request they carry at most **500 requests/s** (441 were measured): " +
      "290 of the 300 clients wait in line at any time, for 96% of the median latency. " +
      "This is latency, not TIME_WAIT.",
  );
});

Deno.test("a limit of requests is told by its number, or where nobody counted, by the age at its end", () => {
  assertEquals(
    say("request-limit", { ...OPENED, limit: 10, atLimitShare: 0.98, announcedShare: 1 }).split(
      "request. ",
    )[1],
    "98% of those that ended had served exactly 10 requests, and none served more. " +
      "The backend had announced it (`Connection: close`).",
  );
  assertEquals(
    say("request-limit", { ...OPENED, ageP10Ms: 2_000, ageP90Ms: 3_000 }).split("request. ")[1],
    "Of those that ended, eight in ten did so at an age of 2.0 s to 3.0 s.",
  );
  assertEquals(
    say("request-limit", { ...OPENED, openedPerRequest: 0.01 }).split("request. ")[1],
    "A connection carried 100 requests on average.",
  );
});

Deno.test("a cap whose backend's time nobody knows is told by who waits, by the gateway's own figures", () => {
  assertEquals(
    say("cap", { cap: 20, concurrency: 100, waiting: 12, requestsPerSec: 500 }),
    "20 connections to the backend stood, never more, while up to 100 requests wanted one. " +
      "By its own figures 12 requests waited in line. This is latency, not TIME_WAIT.",
  );
});

Deno.test("clients that left are told apart from a gateway that cuts answers short", () => {
  const figures = { connectionsEnded: 60, abandoned: 61, failedRequests: 1, timedOut: 0 };
  assertEquals(
    say("cut-short", figures, "client"),
    "61 clients left before their answer, and 60 connections to the backend ended with them. The pool is not to blame.",
  );
  // Nobody counts the clients of a closed loop that leave.
  assertEquals(
    say("cut-short", { connectionsEnded: 60 }, "client"),
    "60 connections ended because clients had left. The pool is not to blame.",
  );
  assertEquals(
    say("cut-short", figures, "gateway"),
    "It ended 60 connections while an answer was owed; 1 request of its clients failed.",
  );
  assertEquals(
    say("cut-short", { connectionsEnded: 60 }),
    "It ended 60 connections while an answer was owed.",
  );
});

Deno.test("each cause has words that hold without any figure, and no figure is shown that is not there", () => {
  for (const cause of CAUSES) {
    for (const evidence of [{}, OPENED]) {
      const text = say(cause, evidence);
      assert(!/undefined|NaN|null| {2}/.test(text), `${cause}: ${text}`);
      assert(text.split(/\. /).length <= 4, `${cause}: ${text}`);
    }
  }
});
