import { assert, assertEquals, assertNotEquals } from "@std/assert";
import type { EndedConnections } from "../../tools/observe/witness.ts";
import { type CauseName, causesOf } from "../../tools/verdict/causes.ts";
import { costOfCap } from "../../tools/verdict/causes/cap.ts";
import type { Evidence, PoolEvidence, UpstreamEvidence } from "../../tools/verdict/evidence.ts";
import { ended, evidence, same, spread, survivors, witness } from "../support/made_up_evidence.ts";

const names = (of: Evidence) => causesOf(of).map(({ cause }) => cause);

/** A gateway that opened 2,000 connections, which ended like this. */
function churning(...groups: EndedConnections[]): Evidence {
  const accepted = groups.reduce((sum, { connections }) => sum + connections, 0);
  return evidence([witness({ accepted, ended: groups })]);
}

const ONCE = evidence([
  witness({
    stoodBefore: 0,
    accepted: 5_000,
    openPeak: 100,
    ended: [ended(4_900)],
    open: { connections: 100, busy: 100, requests: same(0, 100) },
  }),
]);

const ASKED = (byGateway: number) =>
  evidence([
    witness({
      stoodBefore: 0,
      accepted: 5_000,
      http10: 5_000,
      askedToClose: 5_000,
      ended: [
        ended(byGateway, { askedToClose: byGateway }),
        ended(4_900 - byGateway, {
          by: "backend",
          askedToClose: 4_900 - byGateway,
          announced: 4_900 - byGateway,
        }),
      ],
    }),
  ]);

const small = spread(survivors(2_000, 0.6));

const CASES: readonly [what: string, evidence: Evidence, causes: readonly CauseName[]][] = [
  ["connections that all stand from the beginning to the end", evidence([witness()]), ["none"]],
  [
    "a pool that fills up at the start, and some connections that a stall has cost",
    evidence([witness({ stoodBefore: 0, accepted: 110, ended: [ended(10)] })]),
    ["none"],
  ],
  ["connections that survive a request by chance", churning(ended(2_000, { requests: small })), [
    "pool-too-small",
  ]],
  ["one request a connection, ended by the gateway at once", ONCE, ["used-once"]],
  ["requests that ask for the end, of which the gateway is first in half", ASKED(2_450), ["close-asked"]],
  ["requests that ask for the end, of which the gateway is always first", ASKED(4_900), ["close-asked"]],
  ["requests that ask for the end, of which the backend is always first", ASKED(0), ["close-asked"]],
  [
    "connections that stand in great number",
    evidence([
      witness({
        stoodBefore: 0,
        accepted: 5_000,
        openPeak: 5_000,
        open: { connections: 5_000, busy: 100, requests: same(1, 5_000) },
      }),
    ]),
    ["leak"],
  ],
  [
    // Seen of Node on a machine without CPU to spare.
    "closes asked for by each request, some of which a busy gateway has not come round to",
    {
      ...evidence([
        witness({
          accepted: 2_206,
          requests: 2_206,
          askedToClose: 2_206,
          ended: [ended(2_112, { by: "backend", askedToClose: 2_112 })],
          open: { connections: 94, busy: 94, requests: same(0, 94) },
        }),
      ]),
      upstream: { destinations: 1, opened: 2_206, answered: 2_206, closeWait: 45 },
    },
    ["close-asked"],
  ],
  [
    "more connections than requests at one time, all of which are used again",
    evidence([
      witness({
        stoodBefore: 0,
        accepted: 190,
        openPeak: 190,
        open: { connections: 190, busy: 80, requests: same(29, 190), idleMs: same(20, 110) },
      }),
    ]),
    ["none"],
  ],
  ["ends at exactly 10 requests by the gateway", churning(ended(500, { requests: same(10, 500) })), [
    "request-limit",
  ]],
  [
    "ends at exactly 100 requests by the backend, announced",
    churning(ended(50, { by: "backend", announced: 50, requests: same(100, 50) })),
    ["request-limit"],
  ],
  [
    "a pool that is too small beside a limit of requests",
    churning(
      ended(2_000, {
        requests: spread(survivors(2_000, 0.8).map((n) => Math.min(n, 10))),
      }),
    ),
    ["pool-too-small", "request-limit"],
  ],
  [
    "connections that the backend ended after one idle time",
    evidence([
      witness({
        accepted: 400,
        ended: [ended(400, { by: "backend", requests: same(12, 400), idleMs: same(250, 400) })],
      }),
    ]),
    ["backend-idle-timeout"],
  ],
  [
    "connections that the gateway ended after T to 2 T",
    evidence([
      witness({
        accepted: 400,
        ended: [
          ended(400, {
            requests: same(12, 400),
            idleMs: spread(Array.from({ length: 400 }, (_, i) => 300 + i * 0.75)),
          }),
        ],
      }),
    ], { requests: { answered: 5_000, perSec: 2_500, concurrency: 100, closedLoop: true, pauses: true } }),
    ["gateway-idle-timeout"],
  ],
  [
    // Seen of Node beside a loaded machine. A pool that kept them would have used them for the next request.
    "connections that a busy gateway closes late, each after one request and the same time",
    evidence([
      witness({
        stoodBefore: 0,
        accepted: 5_000,
        ended: [
          ended(4_900, { idleMs: spread(Array.from({ length: 4_900 }, (_, i) => 110 + i / 50)) }),
        ],
      }),
    ]),
    ["used-once"],
  ],
  [
    // Seen of http-client when its connects had become slow: it closes what is too many late, for want of
    // CPU.
    "connections that a busy gateway closes a while after they were too many",
    churning(ended(2_000, {
      requests: spread(survivors(2_000, 0.6)),
      idleMs: spread(Array.from({ length: 2_000 }, (_, i) => 10 * 1.0028 ** i)),
    })),
    ["pool-too-small"],
  ],
  [
    "a gateway of ours that closes connections long before its idle timeout",
    {
      ...churning(ended(2_000, { requests: spread(survivors(2_000, 0.6)), idleMs: same(1_500, 2_000) })),
      pool: {
        keepsPerHost: 10,
        keepsInAll: Infinity,
        mostPerHost: Infinity,
        idleTimeoutMs: 90_000,
        asksToClose: false,
        workers: 1,
      },
    },
    ["pool-too-small"],
  ],
  [
    "a cap whose connections are now and then handed from thread to thread",
    evidence([
      witness({
        stoodBefore: 0,
        accepted: 14,
        requests: 500,
        openPeak: 12,
        ended: [ended(2)],
        busy: { spanMs: 1_000, mean: 9.3, most: 10, fullShare: 0.85 },
        open: { connections: 12, busy: 9, requests: same(40, 12) },
      }),
    ]),
    ["cap"],
  ],
  [
    "a cap behind which each client has a connection of its own for its first request",
    evidence([
      witness({
        stoodBefore: 0,
        accepted: 101,
        requests: 880,
        openPeak: 21,
        ended: [ended(90)],
        busy: { spanMs: 2_000, mean: 9.6, most: 10, fullShare: 0.94 },
        open: { connections: 11, busy: 10, requests: same(40, 12) },
      }),
    ]),
    ["cap"],
  ],
  [
    // Seen of Python, which opens few connections for many clients because its thread is the limit.
    "connections that end at 10 requests, fewer than there are clients",
    evidence([
      witness({
        stoodBefore: 0,
        accepted: 101,
        requests: 1_000,
        openPeak: 40,
        ended: [ended(90, { requests: same(10, 90) })],
        open: { connections: 11, busy: 10, requests: same(4, 11) },
      }),
    ]),
    ["request-limit"],
  ],
  [
    // HAProxy's `http-reuse safe` where connections of a warm-up stand.
    "a connection for the first request of each client, which is closed because enough stand",
    evidence([
      witness({
        stoodBefore: 100,
        accepted: 100,
        openPeak: 200,
        ended: [ended(100, { how: "rst" })],
      }),
    ]),
    ["none"],
  ],
  [
    // HAProxy's `http-reuse never`, whose warm-up is over.
    "a connection for each client, which ends some time after its last answer",
    evidence([
      witness({
        ...{ stoodBefore: 300, accepted: 300, requests: 10_000, openPeak: 300 },
        ended: [ended(229, { how: "rst", requests: spread(survivors(229, 0.97)), idleMs: same(365, 229) })],
      }),
    ], {
      requests: { answered: 10_000, perSec: 10_000, concurrency: 300, closedLoop: true },
      clients: { opened: 301, needed: 300, timeWaitOnGateway: 0, timeWaitOnClient: 1 },
    }),
    ["none"],
  ],
  [
    "the same of few requests: each client asked twice",
    evidence([
      witness({ stoodBefore: 0, accepted: 100, requests: 200, openPeak: 100, ended: [ended(100)] }),
    ]),
    ["used-once", "pool-too-small"],
  ],
  [
    // Seen of Go under full CPUs: its deadline passed when the answer was on its way.
    "answers that are too late by a moment, so that the backend has sent them",
    evidence([
      witness({
        accepted: 1_700,
        ended: [ended(880, { at: "request" }), ended(820, { requests: same(2, 820) })],
      }),
    ], { requests: { answered: 5_000, perSec: 1_700, failed: 1_640, concurrency: 100, closedLoop: true } }),
    ["cut-short"],
  ],
  [
    "the same, and some of its clients had left before",
    evidence([
      witness({
        accepted: 1_457,
        ended: [ended(792, { at: "request" }), ended(665, { requests: same(2, 665) })],
      }),
    ], { requests: { answered: 4_692, perSec: 1_700, failed: 1_177, concurrency: 100, closedLoop: true } }),
    ["cut-short"],
  ],
  [
    "a pool that is too small, of which requests fail for another reason",
    evidence([
      witness({
        accepted: 1_700,
        ended: [ended(100, { at: "request" }), ended(1_000, { requests: spread(survivors(1_000, 0.6)) })],
      }),
    ], { requests: { answered: 5_000, perSec: 1_700, failed: 4_000, concurrency: 100, closedLoop: true } }),
    ["pool-too-small", "cut-short"],
  ],
  [
    "three connections that were opened again, of few requests",
    evidence([witness({ accepted: 3, requests: 500, ended: [ended(3, { requests: same(7, 3) })] })]),
    ["none"],
  ],
  [
    "a gateway whose one thread is the limit, of which more connections are busy at times",
    evidence([
      witness({ openPeak: 22, busy: { spanMs: 1_000, mean: 6.4, most: 17, fullShare: 0.013 } }),
    ]),
    ["none"],
  ],
  [
    "an open loop that keeps as many connections busy as it asks for",
    evidence([
      witness({ requests: 1_000, openPeak: 71, busy: { spanMs: 1_000, mean: 70, most: 71, fullShare: 0.9 } }),
    ], {
      requests: { answered: 5_000, perSec: 1_000, concurrency: 1_000, closedLoop: false, latencyP50Ms: 72 },
    }),
    ["none"],
  ],
  [
    "the same, of which clients leave, so that its connections are busy for a shorter time",
    evidence([
      witness({ requests: 140, openPeak: 50, busy: { spanMs: 1_000, mean: 22, most: 32, fullShare: 0.3 } }),
    ], {
      requests: {
        ...{ answered: 140, perSec: 140, concurrency: 50, closedLoop: false, latencyP50Ms: 200 },
        abandoned: 42,
      },
    }),
    ["none"],
  ],
  [
    "connections that were too many once, and were not opened again",
    evidence([witness({ stoodBefore: 150, openPeak: 150, ended: [ended(50, { idleMs: same(1_000, 50) })] })]),
    ["none"],
  ],
  [
    "connections that the backend ends after each answer, unasked",
    churning(ended(2_000, { by: "backend", announced: 2_000 })),
    ["backend-closes"],
  ],
  [
    "connections that the backend ends after one answer in five",
    churning(ended(1_000, { by: "backend", requests: spread(survivors(1_000, 0.8)) })),
    ["backend-closes"],
  ],
  [
    "requests that are given up while they wait",
    {
      ...churning(ended(400, { at: "request", how: "rst", requests: spread(survivors(400, 0.9)) })),
      requests: { ...ONCE.requests, failed: 400, timedOut: 400 },
    },
    ["cut-short"],
  ],
  [
    "answers whose connection ends in them although clients get what they want",
    evidence([
      witness({ stoodBefore: 0, accepted: 5_000, ended: [ended(4_900, { at: "answer", how: "rst" })] }),
    ]),
    ["used-once"],
  ],
  [
    "up to one request of each client that is given up when the load ends",
    evidence([witness({ accepted: 90, ended: [ended(90, { at: "request" })] })]),
    ["none"],
  ],
  [
    "ten connections, always busy, for a hundred clients",
    evidence([
      witness({
        stoodBefore: 10,
        openPeak: 10,
        open: { connections: 10, busy: 10, requests: same(500, 10) },
      }),
    ], {
      requests: { ...ONCE.requests, perSec: 480 },
    }),
    ["cap"],
  ],
  [
    "sixty connections that a busy gateway hardly uses",
    evidence([
      witness({ stoodBefore: 60, openPeak: 60, open: { connections: 60, busy: 20, requests: same(50, 60) } }),
    ], {
      requests: { ...ONCE.requests, perSec: 1_000 },
    }),
    ["none"],
  ],
  [
    "clients that open a connection for each request",
    evidence([witness()], {
      clients: { opened: 5_000, needed: 100, timeWaitOnGateway: 4_900, timeWaitOnClient: 0 },
    }),
    ["client-side"],
  ],
  [
    "one client that connects again, where next to nothing is answered",
    evidence([witness()], {
      requests: { answered: 160, failed: 0, perSec: 160, concurrency: 300 },
      clients: { opened: 301, needed: 300, timeWaitOnGateway: 0, timeWaitOnClient: 1 },
    }),
    ["none"],
  ],
  [
    "ten connections, and far more answers than they can carry",
    evidence([
      witness({ stoodBefore: 10, openPeak: 10, open: { connections: 10, busy: 10, requests: same(50, 10) } }),
    ], { requests: { ...ONCE.requests, perSec: 3_000 } }),
    ["none"],
  ],
  [
    "two connections that are left of a pool whose other connects fail for want of a port",
    evidence([
      witness({ stoodBefore: 2, openPeak: 2, open: { connections: 2, busy: 2, requests: same(50, 2) } }),
    ], {
      requests: { ...ONCE.requests, perSec: 6_000 },
      failures: { EADDRNOTAVAIL: 9 },
    }),
    ["ports-exhausted"],
  ],
  ["connects that fail for want of a port", evidence([witness()], { failures: { EADDRNOTAVAIL: 9 } }), [
    "ports-exhausted",
  ]],
  ["connects that fail for want of a descriptor", evidence([witness()], { failures: { EMFILE: 9 } }), [
    "descriptors-exhausted",
  ]],
  ["connects that fail because a port is taken", evidence([witness()], { failures: { EADDRINUSE: 9 } }), [
    "bound-source",
  ]],
  [
    "connections that end at one age, whatever they have carried",
    churning(ended(1_000, {
      requests: spread(Array.from({ length: 1_000 }, (_, i) => 2 + i % 7)),
      ageMs: spread(Array.from({ length: 1_000 }, (_, i) => 500 + i / 40)),
    })),
    ["intended"],
  ],
  [
    "connections that began together and ended together once",
    evidence([
      witness({
        accepted: 90,
        ended: [ended(90, {
          requests: spread(Array.from({ length: 90 }, (_, i) => 2 + i % 7)),
          ageMs: spread(Array.from({ length: 90 }, (_, i) => 500 + i / 4)),
        })],
      }),
    ]),
    ["pool-too-small"],
  ],
  [
    "a pool that is too small in front of two backends",
    evidence(
      [0, 1].map(() =>
        witness({
          requests: 2_500,
          accepted: 1_000,
          openPeak: 50,
          ended: [ended(1_000, { requests: spread(survivors(1_000, 0.6)) })],
        })
      ),
    ),
    ["pool-too-small", "many-pools"],
  ],
  [
    "a pool of ours that keeps nothing",
    {
      ...ONCE,
      pool: {
        keepsPerHost: 0,
        keepsInAll: Infinity,
        mostPerHost: Infinity,
        idleTimeoutMs: 90_000,
        asksToClose: false,
        workers: 1,
      },
    },
    ["pool-too-small"],
  ],
];

for (const [what, of, expected] of CASES) {
  Deno.test(`${what}: ${expected.join(", ")}`, () => assertEquals(names(of), expected));
}

Deno.test("of connections that carried fewer than two requests each, nobody can say that the pool fits", () => {
  const stood = (requests: number) => ({
    ...evidence([
      witness({
        stoodBefore: 0,
        accepted: 1_900,
        openPeak: 1_900,
        requests,
        open: { connections: 1_900, busy: 600, requests: same(1, 1_900) },
      }),
    ]),
    requests: { answered: 640, concurrency: 1_900 },
    upstream: { destinations: 1, opened: 1_900 },
  });
  assertEquals(names(stood(2_700)), []);
  assertEquals(names(stood(19_000)), ["none"]);
});

Deno.test("each cause rests on figures, and is told apart from another one by figures", () => {
  for (const [what, of] of CASES) {
    for (const { cause, evidence, toldApartFrom } of causesOf(of)) {
      assertNotEquals(Object.keys(evidence).length, 0, what);
      if (cause !== "none") assert(toldApartFrom.length > 0, `${what}: ${cause}`);
      for (const { because } of toldApartFrom) {
        assertNotEquals(Object.keys(because).length, 0, `${what}: ${cause}`);
      }
      for (const value of Object.values(evidence)) assert(Number.isFinite(value), what);
    }
  }
});

Deno.test("who closes first changes no verdict where the requests ask for the end", () => {
  const verdicts = Array.from(
    { length: 11 },
    (_, i) => causesOf(ASKED(490 * i)).map(({ cause, sure }) => [cause, sure]),
  );
  for (const verdict of verdicts) assertEquals(verdict, [["close-asked", "certain"]]);
});

Deno.test("whose limit of requests it is follows from who ends the connections", () => {
  for (const by of ["peer", "backend"] as const) {
    const [limit] = causesOf(churning(ended(500, { by, requests: same(10, 500) })));
    assertEquals([limit!.side, limit!.evidence.limit], [by === "peer" ? "gateway" : "backend", 10]);
  }
});

Deno.test("the smaller the pool, the more requests open a connection, and the cause stays the same", () => {
  for (const survival of [0.2, 0.4, 0.6, 0.8, 0.9]) {
    const connections = Math.round(5_000 * (1 - survival));
    const of = evidence([
      witness({
        accepted: connections,
        ended: [ended(connections, { requests: spread(survivors(connections, survival)) })],
      }),
    ]);
    assertEquals(names(of), ["pool-too-small"], String(survival));
  }
});

Deno.test("nothing asked, or nothing seen, is no verdict", () => {
  assertEquals(causesOf({}), []);
  assertEquals(causesOf({ requests: { answered: 100 } }), []);
});

/** What tables show of 5,000 requests of 100 clients that ask again at once. */
function tables(
  upstream: UpstreamEvidence & { readonly opened: number },
  requests: Evidence["requests"] = {},
  pool?: PoolEvidence,
): Evidence {
  const { opened } = upstream;
  return {
    requests: { ...ONCE.requests, ...requests },
    upstream: {
      destinations: 1,
      openedPerSec: opened,
      closed: opened,
      openPeak: 100,
      timeWaitOnGateway: 0,
      timeWaitOnBackend: 0,
      ...upstream,
    },
    ...(pool === undefined ? {} : { pool }),
  };
}

const byGateway = (opened: number, more: UpstreamEvidence = {}) => ({
  opened,
  timeWaitOnGateway: opened,
  ...more,
});
const byBackend = (opened: number, more: UpstreamEvidence = {}) => ({
  opened,
  timeWaitOnBackend: opened,
  ...more,
});
const OPEN_LOOP = { closedLoop: false };
const OURS = {
  keepsPerHost: 400,
  keepsInAll: Infinity,
  mostPerHost: Infinity,
  idleTimeoutMs: 90_000,
  asksToClose: false,
  workers: 1,
};

/** What the tables leave open: one cause that is likely, or several that are possible. */
const OF_TABLES: readonly [what: string, evidence: Evidence, ...causes: CauseName[]][] = [
  [
    "a connection for each request, of which none is kept",
    tables(byGateway(5_000, { keptIdle: 0 })),
    "used-once",
  ],
  [
    "a connection for nearly each request, and five are kept",
    tables(byGateway(4_950, { keptIdle: 5 })),
    "pool-too-small",
  ],
  ["the same without a warm-up", tables(byGateway(4_950)), "used-once", "pool-too-small"],
  ["a reset for each request", tables({ opened: 5_000, keptIdle: 0 }), "used-once", "backend-closes"],
  ["20 requests a connection, and few are kept", tables(byGateway(250, { keptIdle: 20 })), "pool-too-small"],
  [
    "20 requests a connection, and nearly all are kept",
    tables(byGateway(250, { keptIdle: 95 })),
    "pool-too-small",
    "request-limit",
  ],
  [
    "20 requests a connection, and as many are kept as there are clients",
    tables(byGateway(250, { keptIdle: 100 })),
    "request-limit",
  ],
  ["20 requests a connection, without a warm-up", tables(byGateway(250)), "pool-too-small", "request-limit"],
  ["3 requests a connection, without a warm-up", tables(byGateway(1_600)), "pool-too-small"],
  [
    "as many kept as a gateway whose thread is the limit has in use",
    tables(byGateway(250, { openPeak: 30, keptIdle: 28 })),
    "pool-too-small",
    "request-limit",
  ],
  [
    "connections that live for seconds, after many requests each",
    tables(byGateway(100, { keptIdle: 95 })),
    "pool-too-small",
    "request-limit",
    "intended",
  ],
  [
    "20 requests a connection, and the backend closes",
    tables(byBackend(250)),
    "request-limit",
    "backend-closes",
  ],
  [
    "50 requests a connection in a second, whose end was announced, so that the gateway is first now and then",
    tables(byBackend(100, { timeWaitOnGateway: 150 })),
    "request-limit",
    "backend-closes",
    "intended",
  ],
  [
    "each request, and both are first",
    tables(byGateway(5_000, { timeWaitOnBackend: 2_000 })),
    "close-asked",
    "backend-closes",
  ],
  [
    "few requests, each long after the one before, and the backend closes",
    tables(byBackend(10, { openPeak: 4, openedPerSec: 2 }), { ...OPEN_LOOP, answered: 10, perSec: 2 }),
    "close-asked",
    "backend-closes",
    "backend-idle-timeout",
  ],
  [
    "the same, and the gateway closes",
    tables(byGateway(10, { openPeak: 4, openedPerSec: 2 }), { ...OPEN_LOOP, answered: 10, perSec: 2 }),
    "used-once",
    "pool-too-small",
    "gateway-idle-timeout",
  ],
  [
    "as many failures as connections that end without a trace",
    tables({ opened: 900, keptIdle: 90 }, { failed: 1_000 }),
    "cut-short",
  ],
  [
    "as many failures as connections that end without a trace, which the gateway's log calls timeouts",
    { ...tables({ opened: 900, keptIdle: 90 }, { failed: 1_000 }), failures: { ETIMEDOUT: 1_000 } },
    "cut-short",
  ],
  [
    "as many failures as connections that end as others do",
    tables(byGateway(1_600, { keptIdle: 20 }), { failed: 1_600 }),
    "pool-too-small",
    "cut-short",
  ],
  [
    "a gateway of ours that keeps what it has, before a backend that closes",
    tables(byBackend(250), {}, OURS),
    "request-limit",
    "backend-closes",
  ],
  [
    "a gateway of ours whose ends were announced to it",
    tables(byGateway(250), {}, { ...OURS, closedByBackend: 250 }),
    "request-limit",
    "backend-closes",
  ],
];

for (const [what, evidence, ...causes] of OF_TABLES) {
  Deno.test(`without a witness: ${what}: ${causes.join(" or ")}`, () => {
    const found = causesOf(evidence);
    assertEquals(found.map(({ cause }) => cause), causes);
    assertEquals(
      new Set(found.map(({ sure }) => sure)),
      new Set([causes.length === 1 ? "likely" : "possible"]),
    );
    for (const { cause, cannotTell = [] } of found) {
      const alike = cannotTell.map(({ cause }) => cause);
      assertEquals(causes.filter((other) => other !== cause && !alike.includes(other)), []);
    }
  });
}

Deno.test("a backend of ours that sees nothing closes only where it is asked to", () => {
  const ours = { backendClosesOnlyIfAsked: true };
  assertEquals(names(tables(byGateway(5_000, { ...ours, timeWaitOnBackend: 2_000 }))), ["close-asked"]);
  const [, limit] = causesOf(tables(byGateway(250, ours)));
  assertEquals([limit!.cause, limit!.side], ["request-limit", "gateway"]);
});

Deno.test("what a gateway kept after the warm-up tells a pool that is too small from a limit of requests", () => {
  const { witness: _, ...tables } = ONCE;
  const { concurrency } = tables.requests!;
  // 5,000 requests: 20 in a connection.
  const of = (keptIdle: number) => ({
    ...tables,
    upstream: {
      ...tables.upstream,
      opened: 250,
      openedPerSec: 250,
      openPeak: 100,
      closed: 250,
      timeWaitOnGateway: 250,
      keptIdle,
    },
  });
  const said = (evidence: Evidence) =>
    causesOf(evidence).map(({ cause, sure, cannotTell = [] }) => [
      `${cause} ${sure}`,
      ...cannotTell.map(({ cause }) => cause),
    ]);
  assertEquals(said(of(concurrency! * 0.3)), [["pool-too-small likely", "used-once"]]);
  // Those that have just come to the limit are missing; of clients in step that may be half of them.
  for (const share of [0.5, 0.95]) {
    assertEquals(said(of(concurrency! * share)), [
      ["pool-too-small possible", "request-limit"],
      ["request-limit possible", "pool-too-small"],
    ]);
  }
  const pool = {
    keepsPerHost: 10_000,
    keepsInAll: Infinity,
    mostPerHost: Infinity,
    idleTimeoutMs: 90_000,
    asksToClose: false,
    workers: 2,
  };
  // A pool of ours that fits is not to blame, whatever its workers, and counts what the backend ended.
  assertEquals(said({ ...of(concurrency! * 0.95), pool }), [
    ["request-limit possible", "backend-closes"],
    ["backend-closes possible", "request-limit"],
  ]);
  assertEquals(said({ ...of(0), pool: { ...pool, closedByBackend: 240 } }), [
    ["request-limit possible", "backend-closes"],
    ["backend-closes possible", "request-limit"],
  ]);
  // What a pool of ours has counted is certain, be the pool too small or not.
  for (const keepsPerHost of [2, 10_000]) {
    const counts = [{ closedIdle: 240 }, { closedLate: 240 }, { closedForClient: 240 }];
    assertEquals(counts.map((count) => said({ ...of(0), pool: { ...pool, keepsPerHost, ...count } })), [
      [["gateway-idle-timeout certain"]],
      [["cut-short certain"]],
      [["cut-short certain"]],
    ]);
    const [idle] = causesOf({ ...of(0), pool: { ...pool, keepsPerHost, closedIdle: 240 } });
    assertEquals(idle?.evidence.connectionsEnded, 240);
  }
  const theirs = { ...of(0).upstream, timeWaitOnBackend: 240, backendClosesOnlyIfAsked: false };
  assertEquals(said({ ...of(0), upstream: theirs }), [
    ["request-limit possible", "backend-closes", "close-asked"],
    ["backend-closes possible", "request-limit", "close-asked"],
  ]);
});

Deno.test("a cap is explained by Little's law: fewer connections, a lower ceiling and a longer wait", () => {
  const costs = [5, 10, 20, 50, 100].map((cap) =>
    costOfCap({ cap, backendMs: 20, concurrency: 100, latencyMs: 20 * 100 / cap })
  );
  for (const [i, cost] of costs.entries()) {
    if (i === 0) continue;
    assert(cost.ceilingPerSec > costs[i - 1]!.ceilingPerSec);
    assert(cost.waiting < costs[i - 1]!.waiting);
    assert(cost.waitingShare! < costs[i - 1]!.waitingShare!);
  }
  assertEquals(costs.at(-1), { ceilingPerSec: 5_000, waiting: 0, waitingShare: 0 });
});
