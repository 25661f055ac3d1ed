import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { diagnose, type Known } from "../../../tools/doctor/diagnosis.ts";
import { renderMetrics } from "../../../tools/report/doctor/metrics.ts";
import { renderDoctorReport } from "../../../tools/report/doctor/report.ts";
import { sparkline } from "../../../tools/report/plots/sparkline.ts";
import { captureText, type MadeUpCapture, parseCapture, type Rows } from "../../support/made_up_capture.ts";
import { ROOT } from "../../support/root.ts";

const LISTENS: Rows = { local: "0.0.0.0:8080", remote: "0.0.0.0:0", state: "0A", inode: 1 };

function report(capture: MadeUpCapture, known?: Known): string {
  return renderDoctorReport(diagnose(parseCapture(captureText(capture)), known), {
    name: "web1.capture",
    judgedSec: 0.01,
  });
}

/** The paragraph behind the title. */
function answerOf(text: string): string {
  return text.split("\n")[2]!;
}

function waiting(count: number, remote = "10.0.0.2:80", left: [number, number] = [59.9, 0.1]): Rows {
  return { local: "10.0.0.1", remote, state: "06", count, left };
}

Deno.test("the first sentence is the answer: what is harmless is called so, with its figures", () => {
  const spread = Array.from({ length: 300 }, (_, i) => waiting(66, `10.1.${i >> 8}.${i & 255}:443`));
  assertMatch(
    answerOf(report({ readings: [{ tcp: spread }] })),
    /^\*\*Nothing is wrong\*\*: 19,800 sockets are in TIME_WAIT; they go to 300 destinations, and none holds more than 0\.2% of the ports/,
  );
  const accepted: Rows = {
    local: "10.0.0.1:8080",
    remote: "10.9.9.9:40000",
    state: "06",
    count: 900,
    left: [59, 1],
  };
  assertMatch(
    answerOf(report({ readings: [{ tcp: [LISTENS, accepted] }] })),
    /^\*\*Nothing is wrong\*\*: 900 sockets are in TIME_WAIT, all on the side that accepted/,
  );
  assertEquals(answerOf(report({})), "**Nothing is wrong**: no socket is in TIME_WAIT.");
});

Deno.test("what is wrong comes first, with the destination, the figures and the time that is left", () => {
  assertMatch(
    answerOf(report({ readings: [{ tcp: [waiting(28_000)] }] })),
    /^\*\*The ports towards `10\.0\.0\.2:80` are gone\*\*: 28,000 of 28,232 are in use, so new connections fail with EADDRNOTAVAIL/,
  );
  assertMatch(
    answerOf(report({ readings: [{ tcp: [waiting(10_000, "10.0.0.2:80", [59.9, 50.1])] }] })),
    /^\*\*The ports towards `10\.0\.0\.2:80` run out in 18 s\*\* if it goes on like this: 10,000 of 28,232 are in use, and 1,000 connections/,
  );
});

Deno.test("the table, the line of closes, the remedies and what cannot be known follow", () => {
  const tcp = [LISTENS, waiting(10_000, "10.0.0.2:80", [59.99, 50.01])];
  const text = report({
    readings: [{ tcp: [LISTENS] }, { tcp, counters: { "Tcp.ActiveOpens": 10_000 } }],
    after:
      "--- process 6 nginx\n= nginx: master process /usr/sbin/nginx\n--- descriptors 6 3\nx 64 x 1 -> socket:[1]\n",
  }, { requestsPerSec: 2000 });
  const headings = text.split("\n").filter((line) => line.startsWith("#"));
  assertEquals(headings, [
    "# Why does web1.capture pile up TIME_WAIT?",
    "## Why",
    "## What to do",
    "## Connections that this host opened",
    "## Connections that this host accepted",
    "## Closed here first, in each of the last 60 seconds",
    "## Who closes first",
    "## Sysctls",
    "## What cannot be known from here",
    "## What this has read",
  ]);
  assertMatch(answerOf(text), / `nginx`: its pool of idle connections is too small\.$/);
  assertMatch(text, /\| `10\.0\.0\.2:80` \| – +\| +10,000 \| +35% \|/);
  assertMatch(text, /to 10\.0\.0\.2:80 {52}█{10} {2}at most 1,\d{3}\/s/);
  assertStringIncludes(text, "nginx: `keepalive");
  assertStringIncludes(text, "tcp_tw_reuse is on for the loopback only");
  assertStringIncludes(text, "Reading took 0.10 s of one CPU there");
});

Deno.test("what could not be read is said, and the range of ports is called assumed", () => {
  const text = report({
    readings: [{ tcp: [waiting(20_000)] }],
    sysctls: { "net/ipv4/ip_local_port_range": "" },
    before:
      "--- note\nowners: 3 processes here are of other users, so which\n--- note\nhidepid: /proc hides\n",
  });
  for (
    const part of [
      "**That is the kernel's default: the sysctl could not be read.**",
      "belong to processes of other users (3 here)",
      "/proc hides the processes of other users here (hidepid)",
      "One reading shows which connections were closed here first, and no others",
      "`--requests-per-sec N`",
    ]
  ) assertStringIncludes(text, part);
});

Deno.test("a namespace that is gone is one line", () => {
  const text = report({ readings: [], before: "--- note\ngone: there is no process 7\n" });
  assertEquals(text.split("\n")[2], "**Nothing could be read**: there is no process 7.");
});

Deno.test("kept captures of other kernels have a report", async () => {
  for (const name of ["linux_4_19", "linux_5_15"]) {
    const capture = parseCapture(await Deno.readTextFile(`${ROOT}tests/doctor/kept/${name}.capture`));
    const text = renderDoctorReport(diagnose(capture), { name, judgedSec: 0 });
    assertStringIncludes(text, `Linux ${capture.kernel}`);
  }
});

Deno.test("names that processes give themselves are no Markdown, and control no terminal", () => {
  const text = report({
    readings: [{ tcp: [LISTENS] }],
    after: "--- process 6 a|`b\x1b[2J\n= x\n--- descriptors 6 3\nx 64 x 1 -> socket:[1]\n",
  });
  assertEquals(text.includes("\x1b"), false);
  assertStringIncludes(text, "``a\\|`b\\x1b[2J`` (6)");
});

Deno.test("a line of bars is in proportion, and nothing is a space", () => {
  assertEquals(sparkline([0, 1, 4, 7, 8]), " ▁▄▇█");
  assertEquals(sparkline([0, 0]), "  ");
  assertEquals(sparkline([]), "");
});

Deno.test("the figures for Prometheus are gauges with the labels escaped", () => {
  const diagnosis = diagnose(parseCapture(captureText({ readings: [{ tcp: [LISTENS, waiting(28_000)] }] })));
  const lines = renderMetrics(diagnosis).split("\n");
  for (
    const line of [
      "# TYPE timewait_ports_used gauge",
      'timewait_ports_used{destination="10.0.0.2:80",source="10.0.0.1"} 28000',
      "timewait_ports_usable 28232",
      "timewait_verdict 1",
      'timewait_problems{kind="ports gone"} 1',
      'timewait_causes{cause="ports-exhausted",sure="likely"} 1',
      'timewait_accept_queue{port="8080"} 0',
    ]
  ) assertEquals(lines.includes(line), true, line);
  assertEquals(
    lines.filter((line) => !/^(# (HELP|TYPE) \w+ .+|\w+(\{(\w+="[^"]*",?)+\})? [\d.]+|)$/.test(line)),
    [],
  );
});

Deno.test("connections that are opened and stay are no churn: the answer says when they use up the ports", () => {
  const stands = (count: number): Rows => ({
    local: "10.0.0.1",
    remote: "10.0.0.2:80",
    state: "01",
    count,
    inode: 5,
  });
  const readings = [3000, 4000, 5000].map((count, i) => ({
    tcp: [LISTENS, stands(count)],
    counters: { "Tcp.ActiveOpens": i * 1000 },
  }));
  const text = report({ readings });
  assertEquals(
    answerOf(text).split(" `")[0] + answerOf(text).slice(answerOf(text).indexOf("**:")),
    "**Connections to**: 5,000 stand, 100 more each second, and each holds a port. If it goes on like this, the 28,232 " +
      "ports are gone in 232 s.",
  );
  assertMatch(text, /\| `10\.0\.0\.2:80` \| – +\| +5,000 \| +18% \| +232 \|/);
  // A pool that stays where it is, however large, is nobody's leak.
  assertMatch(answerOf(report({ readings: readings.map(() => readings[2]!) })), /^\*\*Nothing is wrong/);
});

Deno.test("of several possible causes each has its own cure, and the figures stand once", () => {
  const closed = {
    local: "10.0.0.1",
    remote: "10.0.0.2:80",
    state: "06",
    count: 5000,
    left: [59.99, 50.01],
  } as const;
  const text = report({
    readings: [{ tcp: [LISTENS] }, { tcp: [LISTENS, closed], counters: { "Tcp.ActiveOpens": 5000 } }],
  }, { product: { id: "nginx" } });
  assertMatch(text, /- If it uses each connection for one request: \*\*Set\*\* nginx: `proxy_pass`/);
  assertMatch(text, /- If its pool of idle connections is too small: \*\*Set\*\* nginx: `keepalive/);
  assertEquals(text.split("It opened 5,000 connections").length, 2);
  assertEquals(text.includes("on the backend"), false);
});
