import { assertEquals } from "@std/assert";
import { diagnose, findingsOfDiagnosis, type Known } from "../../tools/doctor/diagnosis.ts";
import { defaultsSeen } from "../../tools/doctor/known_defaults.ts";
import { captureText, type MadeUpReading, parseCapture, type Rows } from "../support/made_up_capture.ts";

const LISTENS: Rows = { local: "0.0.0.0:8080", remote: "0.0.0.0:0", state: "0A", inode: 1 };

function established(count: number, inode: number, remote = "10.0.0.2:80"): Rows {
  return { local: "10.0.0.1", remote, state: "01", count, inode };
}

/** Ten seconds: `opened` connections were opened, `closed` of them closed here; 100 clients stand. */
function watch(opened: number, closed: number, more: readonly Rows[] = [], resets = 0): MadeUpReading[] {
  const clients: Rows = {
    local: "10.0.0.1:8080",
    remote: "10.0.9.9:40000",
    state: "01",
    count: 100,
    inode: 9000,
  };
  const closes: Rows = {
    local: "10.0.0.1",
    remote: "10.0.0.2:80",
    state: "06",
    count: closed,
    left: [59.99, 50.01],
  };
  const counters = (opened: number, resets: number) => {
    return { "Tcp.ActiveOpens": opened, "TcpExt.TCPAbortOnData": resets };
  };
  const tcp = [LISTENS, clients, established(20, 100), ...more];
  return [
    { counters: counters(0, 0), tcp },
    { counters: counters(opened, resets), tcp: closed === 0 ? tcp : [...tcp, closes] },
  ];
}

function namesOf(readings: readonly MadeUpReading[], known?: Known): [string, string][] {
  const { causes } = diagnose(parseCapture(captureText({ readings })), known);
  return causes.map(({ cause, sure }) => [cause, sure]);
}

Deno.test("with the number of requests, a pool that is too small is told from one that is not used", () => {
  assertEquals(namesOf(watch(5000, 5000), { requestsPerSec: 2000 }), [["pool-too-small", "likely"]]);
  // A pool of a few among many clients looks the same as none.
  const once = [["used-once", "possible"], ["pool-too-small", "possible"]] as [string, string][];
  assertEquals(namesOf(watch(5000, 5000), { requestsPerSec: 500 }), once);
  // Requests are counted elsewhere, and not in just the same seconds.
  assertEquals(namesOf(watch(5000, 5000), { requestsPerSec: 550 }), once);
  assertEquals(namesOf(watch(0, 0), { requestsPerSec: 500 }), [["none", "likely"]]);
  assertEquals(namesOf(watch(10, 10), { requestsPerSec: 500 }), [["none", "likely"]]);
});

Deno.test("without it all are possible, and nothing that was only assumed is shown as evidence", () => {
  assertEquals(namesOf(watch(5000, 5000)), [
    ["used-once", "possible"],
    ["pool-too-small", "possible"],
    ["request-limit", "possible"],
  ]);
  const { causes } = diagnose(parseCapture(captureText({ readings: watch(5000, 5000) })));
  for (const { evidence, cannotTell } of causes) {
    assertEquals([evidence.requests, evidence.openedPerRequest], [undefined, undefined]);
    assertEquals(evidence.connectionsOpened, 5000);
    assertEquals(cannotTell!.some(({ tells }) => tells === "request count"), true);
  }
});

Deno.test("connections that the other end closes are no fault of the pool", () => {
  assertEquals(namesOf(watch(5000, 2500), { requestsPerSec: 500 }), [
    ["close-asked", "possible"],
    ["backend-closes", "possible"],
  ]);
});

Deno.test("connections that are closed by a reset here are not the other end's", () => {
  assertEquals(namesOf(watch(5000, 0, [], 5000), { requestsPerSec: 2000 }), [["pool-too-small", "likely"]]);
});

Deno.test("connections that are closed while an answer is owed are cut short, and no doing of the backend's", () => {
  // As FIN_WAIT2 they enter TIME_WAIT, and the answer that comes still ends them by a reset.
  const orphans: Rows = { local: "10.0.0.1", remote: "10.0.0.2:80", state: "05", count: 10 };
  const cut = (more: readonly Rows[], resets: number) =>
    watch(1000, 0, more).map((reading, i) => ({
      ...reading,
      counters: { ...reading.counters, "TcpExt.TW": i * 1000, "Tcp.OutRsts": i * resets },
    }));
  assertEquals(namesOf(cut([orphans], 1000), { requestsPerSec: 1000 }), [["cut-short", "likely"]]);
  // Without them, or without a reset for each, it is the other end that closes.
  const others = ["close-asked", "request-limit", "backend-closes"].map((
    cause,
  ): [string, string] => [cause, "possible"]);
  assertEquals(namesOf(cut([], 1000), { requestsPerSec: 1000 }), others);
  assertEquals(namesOf(cut([orphans], 10), { requestsPerSec: 1000 }), others);
});

Deno.test("what has run out is a cause of its own, ahead of the one that used it up", () => {
  const used: Rows = {
    local: "10.0.0.1",
    remote: "10.0.0.2:80",
    state: "06",
    count: 23_000,
    left: [50, 0.1],
  };
  const names = namesOf(watch(5000, 5000, [used]), { requestsPerSec: 2000 });
  assertEquals(names, [["ports-exhausted", "likely"], ["pool-too-small", "likely"]]);
  const stuck: Rows = { local: "10.0.0.1", remote: "10.0.0.3:80", state: "08", count: 500, inode: 70_000 };
  assertEquals(namesOf(watch(0, 0, [stuck])), [["leak", "certain"]]);
});

Deno.test("connections of clients that are not kept are a cause that does no harm to ports", () => {
  const closed: Rows = {
    local: "10.0.0.1:8080",
    remote: "10.0.9.8:40000",
    state: "06",
    count: 3000,
    left: [59.99, 50.01],
  };
  const readings = watch(0, 0, [closed]).map((reading, i) => ({
    ...reading,
    counters: { ...reading.counters, "Tcp.PassiveOpens": i * 3000 },
  }));
  const { causes, verdict } = diagnose(parseCapture(captureText({ readings })));
  assertEquals([causes.map(({ cause }) => cause), verdict], [["client-side"], "nothing wrong"]);
});

Deno.test("remedies are in the words of the product that was guessed, or said", () => {
  const after =
    "--- process 6 nginx\n= nginx: master process /usr/sbin/nginx\n--- descriptors 6 3\nx 64 x 1 -> socket:[1]\n";
  const capture = parseCapture(captureText({ readings: watch(5000, 5000), after }));
  const products = (known: Known) =>
    new Set(
      diagnose(capture, { requestsPerSec: 2000, ...known }).causes.flatMap(({ remedy }) =>
        remedy.map(({ product }) => product)
      ),
    );
  assertEquals(products({}), new Set(["nginx"]));
  assertEquals(products({ product: { id: "go" } }), new Set(["Go net/http"]));
});

Deno.test("a pool that stays at a number which is a product's default gives the setting away", () => {
  const flat = { readings: 5, floor: 1024, ceiling: 1024, flat: true, kept: 1024 };
  assertEquals(
    defaultsSeen(flat, "envoy").map(({ setting }) => setting).includes("circuit_breakers max_connections"),
    true,
  );
  const floor = { readings: 5, floor: 32, ceiling: 90, flat: false, kept: 3 };
  assertEquals(defaultsSeen(floor).map(({ product }) => product).includes("Caddy"), true);
  assertEquals(defaultsSeen({ ...floor, floor: 37 }), []);
  // Two connections are met by chance, unless the product is known.
  const two = { ...floor, floor: 2 };
  assertEquals(defaultsSeen(two), []);
  assertEquals(defaultsSeen(two, "go").map(({ setting }) => setting), ["MaxIdleConnsPerHost"]);
  // A single reading may be at either kind of cap, or there by chance.
  assertEquals(defaultsSeen({ ...flat, flat: false, readings: 1 }, "envoy").length > 0, true);
});

Deno.test("a single reading tells the closes of the last minute, and which causes they leave open", () => {
  const closes = (count: number): MadeUpReading[] => {
    const closed: Rows = {
      local: "10.0.0.1",
      remote: "10.0.0.2:80",
      state: "06",
      count,
      left: [59.99, 0.01],
    };
    return [{ tcp: [LISTENS, established(20, 100), closed] }];
  };
  assertEquals(namesOf(closes(6000)), [
    ["used-once", "possible"],
    ["close-asked", "possible"],
    ["pool-too-small", "possible"],
    ["request-limit", "possible"],
  ]);
  assertEquals(namesOf(closes(6000), { requestsPerSec: 300 }), [["pool-too-small", "likely"]]);
  assertEquals(namesOf(closes(6000), { requestsPerSec: 2000 }), [
    ["pool-too-small", "possible"],
    ["request-limit", "possible"],
  ]);
  const { facts, verdict } = diagnose(parseCapture(captureText({ readings: closes(6000) })));
  assertEquals([facts!.lastMinute, verdict], [
    { seconds: 60, openedPerSec: 100, acceptedPerSec: 0 },
    "wrong",
  ]);
  assertEquals(namesOf([{ tcp: [LISTENS] }]), []);
});

Deno.test("the findings are a document of one run", () => {
  const diagnosis = diagnose(parseCapture(captureText({ readings: watch(5000, 5000) })), {
    requestsPerSec: 2000,
  });
  const { schema, runs } = findingsOfDiagnosis(diagnosis, "web1");
  assertEquals([schema, runs.length, runs[0]!.name], ["timewait.findings/1", 1, "web1"]);
  assertEquals(runs[0]!.causes.map(({ cause }) => cause), ["pool-too-small"]);
});

Deno.test("what looks the same from outside is named beside the cause", () => {
  const lookalikes = (readings: readonly MadeUpReading[], known?: Known) =>
    diagnose(parseCapture(captureText({ readings })), known).causes.map(({ cause, cannotTell = [] }) =>
      [cause, ...cannotTell.map(({ cause }) => cause)].join(" ")
    );
  assertEquals(lookalikes(watch(5000, 2500), { requestsPerSec: 500 }), [
    "close-asked backend-closes",
    "backend-closes close-asked backend-idle-timeout request-limit",
  ]);
  assertEquals(lookalikes(watch(5000, 5000), { requestsPerSec: 2000 }), [
    "pool-too-small request-limit used-once gateway-idle-timeout",
  ]);
  // 20 connections stay for 100 clients: that they are all at work is not to be seen.
  const [first, last] = watch(0, 0);
  assertEquals(lookalikes([first!, last!, last!], { requestsPerSec: 500 }), ["none cap"]);
});

Deno.test("requests that wait in line, by the gateway's own page, make a cap of a number that stays", () => {
  const [first, last] = watch(0, 0);
  const status = { url: "http://127.0.0.1/", source: "HAProxy", requestsPerSec: 500 };
  const known = (waiting: number): Known => ({ requestsPerSec: 500, status: { ...status, waiting } });
  assertEquals(namesOf([first!, last!, last!], known(12)), [["cap", "likely"]]);
  assertEquals(namesOf([first!, last!, last!], known(0)), [["none", "likely"]]);
  // As many connections as clients: what waits there waits for another reason.
  const [full, again] = watch(0, 0, [{ ...established(90, 20_000), local: "10.0.0.3" }]);
  assertEquals(namesOf([full!, again!, again!], known(12)), [["none", "likely"]]);
  const diagnosis = diagnose(parseCapture(captureText({ readings: [first!, last!, last!] })), known(12));
  assertEquals(diagnosis.verdict, "wrong");
  assertEquals(diagnosis.causes[0]!.evidence, {
    cap: 20,
    concurrency: 100,
    waiting: 12,
    requestsPerSec: 500,
  });
});

/** Ten readings, a second apart, of a pool of 40 whose connections live for these times, in seconds. */
function watchLives(lives: (index: number) => number, closedHere: number): MadeUpReading[] {
  const came: { readonly from: number; readonly to: number; readonly inode: number }[] = [];
  for (let place = 0; place < 40; place++) {
    // The first of each place has lived for a part of its life already.
    for (let from = -lives(came.length) * (place + 0.5) / 40; from < 10;) {
      const to = from + lives(came.length);
      came.push({ from, to, inode: 1000 + came.length });
      from = to;
    }
  }
  const opened = (second: number) => came.filter(({ from }) => from > 0 && from <= second).length;
  const closed: Rows = {
    local: "10.0.0.1",
    remote: "10.0.0.2:80",
    state: "06",
    count: Math.round(closedHere * opened(9)),
    left: [59.99, 51.01],
  };
  return Array.from({ length: 10 }, (_, second) => ({
    uptimeSec: 1000 + second,
    counters: { "Tcp.ActiveOpens": opened(second) },
    tcp: [
      LISTENS,
      {
        ...LISTENS,
        local: "10.0.0.1:8080",
        remote: "10.0.9.9:40000",
        state: "01",
        count: 100,
        inode: 90_000,
      },
      ...came.filter(({ from, to }) => from <= second && second < to).map(({ inode }): Rows => ({
        local: `10.0.0.1:${32_768 + inode}`,
        remote: "10.0.0.2:80",
        state: "01",
        inode,
      })),
      ...(second === 9 && closedHere > 0 ? [closed] : []),
    ],
  }));
}

Deno.test("connections that all end at about the same age end at a limit, the backend's where it closes first", () => {
  const even = (index: number) => 3.5 + (index % 7) / 7;
  const named = (readings: readonly MadeUpReading[], known?: Known) =>
    diagnose(parseCapture(captureText({ readings })), known).causes.map(({ cause, sure, side }) =>
      [cause, sure, side ?? "either"].join(" ")
    );
  // A gateway to which the end is announced may close first as well.
  assertEquals(named(watchLives(even, 1), { requestsPerSec: 1000 }), ["request-limit likely either"]);
  assertEquals(named(watchLives(even, 0.3), { requestsPerSec: 1000 }), ["request-limit likely backend"]);
  // One request each: whatever ends them, it is no limit.
  assertEquals(named(watchLives(even, 1), { requestsPerSec: 10 }), [
    "used-once possible gateway",
    "pool-too-small possible gateway",
    "gateway-idle-timeout possible gateway",
  ]);
});

Deno.test("connections that end by chance, at any age, are those of a pool that is too small, or were idle for too long", () => {
  const either = [["pool-too-small", "possible"], ["gateway-idle-timeout", "possible"]] as [string, string][];
  // Quantiles of an exponential distribution of 2.5 s.
  const chance = (index: number) => -2.5 * Math.log(1 - ((index * 37) % 101 + 0.5) / 101);
  assertEquals(namesOf(watchLives(chance, 1), { requestsPerSec: 500 }), either);
  // Where that is not seen, a limit is possible as well.
  const all = ["pool-too-small", "request-limit", "gateway-idle-timeout", "intended"].map((
    cause,
  ): [string, string] => [cause, "possible"]);
  // Half of them live too short to be seen twice.
  const both = (index: number) => index % 2 === 0 ? 0.2 : 4;
  assertEquals(namesOf(watchLives(both, 1), { requestsPerSec: 500 }), all);
  // Seen in one reading and in two: too coarse to call it the same age.
  const short = (index: number) => index % 5 === 0 ? 0.6 : 1.9;
  assertEquals(namesOf(watchLives(short, 1), { requestsPerSec: 500 }), all);
});
