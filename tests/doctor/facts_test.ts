import { assert, assertEquals, assertGreater } from "@std/assert";
import { diagnose, type Known } from "../../tools/doctor/diagnosis.ts";
import { captureText, type MadeUpCapture, parseCapture, type Rows } from "../support/made_up_capture.ts";

const LISTENS: Rows = { local: "0.0.0.0:8080", remote: "0.0.0.0:0", state: "0A", inode: 1 };

function diagnosed(capture: MadeUpCapture, known?: Known) {
  const { facts, problems, verdict } = diagnose(parseCapture(captureText(capture)), known);
  return { facts: facts!, kinds: problems.map(({ kind }) => kind), problems, verdict };
}

function waiting(remote: string, count: number, left: [number, number], local = "10.0.0.1"): Rows {
  return { local, remote, state: "06", count, left };
}

Deno.test("the side of a connection follows from the ports that listen, also where the numbers are alike", () => {
  const { facts } = diagnosed({
    readings: [{
      tcp: [
        LISTENS,
        { local: "10.0.0.1:8080", remote: "10.0.0.9:40000", state: "06", left: [10, 10] },
        { local: "10.0.0.1:40000", remote: "10.0.0.2:8080", state: "06", left: [10, 10] },
        // Nobody listens on 9090 any more; the other end's port is an ephemeral one.
        { local: "10.0.0.1:9090", remote: "10.0.0.9:40001", state: "06", left: [10, 10] },
      ],
    }],
  });
  assertEquals(facts.destinations.map(({ service, states }) => [service, states.timeWait]), [[
    "10.0.0.2:8080",
    1,
  ]]);
  assertEquals(facts.listeners.map(({ port, listening, states }) => [port, listening, states.timeWait]), [
    [8080, true, 1],
    [9090, false, 1],
  ]);
});

Deno.test("the closes of each of the last 60 seconds come out of one reading", () => {
  // 100 in the last ten seconds, 50 in the ten before: their timers have 50 to 60 and 40 to 50 s left.
  const { facts } = diagnosed({
    readings: [{
      tcp: [waiting("10.0.0.2:80", 100, [59.95, 50.05]), {
        ...waiting("10.0.0.2:80", 50, [49.9, 40.1], "10.0.0.7"),
      }],
    }],
  });
  const [destination] = facts.destinations;
  const sum = (from: number, to: number) => destination!.madeAgo.slice(from, to).reduce((a, b) => a + b, 0);
  assertEquals([sum(0, 10), sum(10, 20), sum(20, 60)], [100, 50, 0]);
  assertEquals(destination!.madePerSec, 10);
  assertEquals([destination!.sources, destination!.source, destination!.portsUsed], [2, "10.0.0.1", 100]);
});

Deno.test("20,000 TIME_WAITs over 300 destinations are harmless, and so are all on the listening side", () => {
  const spread = Array.from({ length: 300 }, (_, i) => waiting(`10.1.${i >> 8}.${i & 255}:443`, 67, [59, 1]));
  assertEquals(diagnosed({ readings: [{ tcp: spread }] }).verdict, "nothing wrong");
  const accepted = Array.from({ length: 20 }, (_, i): Rows => {
    return { local: "10.0.0.1:8080", remote: `10.2.0.${i}:40000`, state: "06", count: 1000, left: [59, 1] };
  });
  const listening = diagnosed({ readings: [{ tcp: [LISTENS, ...accepted] }] });
  assertEquals(listening.verdict, "nothing wrong");
  assertEquals(listening.facts.states.timeWait, 20_000);
});

Deno.test("20,000 TIME_WAITs to one destination are not: ports go, and are gone", () => {
  const slow = diagnosed({ readings: [{ tcp: [waiting("10.0.0.2:80", 20_000, [59.9, 0.1])] }] });
  assertEquals(slow.kinds, ["ports slow"]);
  const going = diagnosed({ readings: [{ tcp: [waiting("10.0.0.2:80", 10_000, [59.9, 50.1])] }] });
  assertEquals(going.kinds, ["ports going"]);
  // 1,000 a second and 10,000 in use: the other 18,232 last 18 s, a little less to the point that counts as
  // gone.
  assertEquals(going.facts.destinations[0]!.outlook.goneInSec, 18);
  const gone = diagnosed({ readings: [{ tcp: [waiting("10.0.0.2:80", 28_000, [59.9, 0.1])] }] });
  assertEquals(gone.kinds, ["ports gone"]);
  assertEquals(gone.verdict, "wrong");
});

Deno.test("ports that are reserved are taken off, and a range that could not be read is said to be assumed", () => {
  const sysctls = { "net/ipv4/ip_local_reserved_ports": "8080,40000-40999,60999" };
  const { facts } = diagnosed({ sysctls });
  assertEquals(facts.usable, { first: 32768, last: 60999, count: 27_231, reserved: 1001, assumed: false });
  const unknown = diagnosed({ sysctls: { "net/ipv4/ip_local_port_range": "" } });
  assertEquals([unknown.facts.usable.count, unknown.facts.usable.assumed], [28_232, true]);
});

Deno.test("where tcp_tw_reuse is in force, ports in TIME_WAIT are not gone", () => {
  const tcp = [waiting("10.0.0.2:80", 28_000, [59.9, 0.1])];
  const kinds = (sysctls: Record<string, string>, rows = tcp) =>
    diagnosed({ sysctls, readings: [{ tcp: rows }] }).kinds;
  assertEquals(kinds({ "net/ipv4/tcp_tw_reuse": "1" }), ["churn"]);
  assertEquals(kinds({ "net/ipv4/tcp_tw_reuse": "1", "net/ipv4/tcp_timestamps": "0" }), ["ports gone"]);
  assertEquals(kinds({}, [waiting("127.0.0.1:80", 28_000, [59.9, 0.1], "127.0.0.1")]), ["churn"]);
});

Deno.test("a leak is what stood in CLOSE_WAIT for the whole watch, and is named with its process", () => {
  const stuck = (inode: number): Rows => {
    return { local: "10.0.0.1", remote: "10.0.0.2:80", state: "08", count: 50, inode };
  };
  const descriptors = Array.from({ length: 50 }, (_, i) => `x 1 a a 64 x ${i} -> socket:[${500 + i}]\n`).join(
    "",
  );
  const after = `--- process 7 app\n= ./app\n--- descriptors 7 50\n${descriptors}`;
  const leak = diagnosed({ readings: [{ tcp: [stuck(500)] }, { tcp: [stuck(500)] }], after });
  assertEquals(leak.problems, [{
    kind: "leak",
    service: "10.0.0.2:80",
    stuck: 50,
    closeWait: 50,
    owner: { pid: 7, name: "app", sockets: 50 },
  }]);
  const passing = diagnosed({ readings: [{ tcp: [stuck(500)] }, { tcp: [stuck(900)] }] });
  assertEquals(passing.verdict, "nothing wrong");
});

Deno.test("local ports that are never shared by destinations show a bind ahead of the connect", () => {
  const half = (remote: string, first: number): Rows[] =>
    Array.from({ length: 6000 }, (_, i) => {
      return { local: `10.0.0.1:${first + i}`, remote, state: "06", left: [30, 30] };
    });
  const apart = [...half("10.0.0.2:80", 33_000), ...half("10.0.0.3:80", 39_000)];
  assertEquals(diagnosed({ readings: [{ tcp: apart }] }).facts.boundSources, ["10.0.0.1"]);
  const shared = [...half("10.0.0.2:80", 33_000), ...half("10.0.0.3:80", 38_990)];
  assertEquals(diagnosed({ readings: [{ tcp: shared }] }).facts.boundSources, []);
  // Few ports that happen not to meet show nothing.
  const few = [waiting("10.0.0.2:80", 100, [30, 30]), {
    ...waiting("10.0.0.3:80", 1, [30, 30], "10.0.0.1:50000"),
  }];
  assertEquals(diagnosed({ readings: [{ tcp: few }] }).facts.boundSources, []);
});

Deno.test("limits that were met during the watch are wrong, those met before are not", () => {
  const at = (listenOverflows: number, thrown: number) => {
    return { "TcpExt.ListenOverflows": listenOverflows, "TcpExt.TCPTimeWaitOverflow": thrown };
  };
  const before = diagnosed({ readings: [{ counters: at(9, 9) }, { counters: at(9, 9) }] });
  assertEquals(before.verdict, "nothing wrong");
  const queue = { ...LISTENS, queue: 128 };
  const now = diagnosed({
    readings: [{ counters: at(9, 9), tcp: [queue] }, { counters: at(12, 10), tcp: [queue] }],
  });
  assertEquals(now.kinds, ["accept queue", "time waits thrown away"]);
  assertEquals((now.problems[0] as { fullest?: { port: number } }).fullest?.port, 8080);
});

Deno.test("descriptors and tracked connections near their limits are wrong", () => {
  const after =
    "--- process 7 app\n--- descriptors 7 900\n--- limits 7\nMax open files    1024    4096    files\n";
  const sysctls = {
    "net/netfilter/nf_conntrack_count": "250000",
    "net/netfilter/nf_conntrack_max": "262144",
  };
  assertEquals(diagnosed({ after, sysctls }).kinds, ["descriptors", "conntrack"]);
});

Deno.test("who closes first is told by side, and what is no TIME_WAIT here is the other end's or a reset's", () => {
  const counters = (opened: number, resets: number) => {
    return { "Tcp.ActiveOpens": opened, "TcpExt.TCPAbortOnData": resets };
  };
  const { facts } = diagnosed({
    readings: [
      { counters: counters(1000, 0), tcp: [LISTENS] },
      { counters: counters(2000, 300), tcp: [LISTENS, waiting("10.0.0.2:80", 600, [59.9, 50.1])] },
    ],
  });
  assertEquals(facts.closers!.opened, { newPerSec: 100, herePerSec: 60, owedPerSec: 0, otherwisePerSec: 40 });
  assertEquals(facts.rates!.lingerResetsPerSec, 30);
  assertEquals(diagnosed({ readings: [{}] }).facts.rates, undefined);
});

Deno.test("a pool is seen by its floor, its ceiling and the connections that stayed", () => {
  const pool = (count: number, inode: number): Rows => {
    return { local: "10.0.0.1", remote: "10.0.0.2:80", state: "01", count, inode };
  };
  const { facts } = diagnosed({
    readings: [{ tcp: [pool(32, 100)] }, { tcp: [pool(60, 110)] }, { tcp: [pool(32, 120)] }],
  });
  assertEquals(facts.destinations[0]!.pool, { readings: 3, floor: 32, ceiling: 60, flat: false, kept: 12 });
  const flat = diagnosed({ readings: Array.from({ length: 4 }, () => ({ tcp: [pool(32, 100)] })) });
  assertEquals(flat.facts.destinations[0]!.pool.flat, true);
});

Deno.test("the program is the one asked for, else the listener that opens most connections", () => {
  const sockets = (pid: number, name: string, inodes: number[]) =>
    `--- process ${pid} ${name}\n= /usr/sbin/${name}\n--- descriptors ${pid} 9\n` +
    inodes.map((inode) => `x 64 x 1 -> socket:[${inode}]\n`).join("");
  const tcp: Rows[] = [
    LISTENS,
    { local: "0.0.0.0:22", remote: "0.0.0.0:0", state: "0A", inode: 2 },
    { local: "10.0.0.1", remote: "10.0.0.2:80", state: "01", count: 3, inode: 100 },
  ];
  const after = sockets(5, "sshd", [2]) + sockets(6, "nginx", [1, 100, 101, 102]);
  const { facts } = diagnosed({ readings: [{ tcp }], after });
  assertEquals(facts.program, { pid: 6, name: "nginx", command: "/usr/sbin/nginx", product: "nginx" });
  assertEquals(facts.destinations[0]!.owners, [{ pid: 6, name: "nginx", sockets: 3 }]);
});

Deno.test("a namespace that is gone cannot be told of", () => {
  const { verdict, facts } = diagnosed({ readings: [], before: "--- note\ngone: there is no process 7\n" });
  assertEquals([verdict, facts as unknown], ["cannot tell", undefined]);
});

Deno.test("200,000 sockets are read and judged", () => {
  const tcp = Array.from({ length: 100 }, (_, i) => waiting(`10.3.0.${i}:80`, 2000, [59.9, 0.1]));
  const text = captureText({ readings: [{ tcp }, { tcp }] });
  const startMs = performance.now();
  const { facts } = diagnose(parseCapture(text, 65_536));
  console.log(
    `200,000 sockets, twice: ${((performance.now() - startMs) / 1000).toFixed(2)} s, ` +
      `${(Deno.memoryUsage().rss / 2 ** 20).toFixed(0)} MiB with the text itself`,
  );
  assertEquals(facts!.states.timeWait, 200_000);
  assertGreater(facts!.destinations.length, 99);
  assert(facts!.destinations.every(({ portsUsed }) => portsUsed === 2000));
});

Deno.test("a TIME_WAIT whose port was taken again, or that was thrown away, was closed here as well", () => {
  const counters = (i: number) => ({
    "Tcp.ActiveOpens": i * 5000,
    "TcpExt.TW": i * 4000,
    "TcpExt.TWRecycled": i * 3500,
    "TcpExt.TCPTimeWaitOverflow": i * 1000,
  });
  const sysctls = { "net/ipv4/tcp_tw_reuse": "1" };
  const { facts } = diagnosed({
    readings: [{ tcp: [LISTENS], counters: counters(0) }, {
      tcp: [LISTENS, waiting("10.0.0.2:80", 500, [59.99, 59.01])],
      counters: counters(1),
    }],
    sysctls,
  });
  const { newPerSec, herePerSec, otherwisePerSec } = facts.closers!.opened;
  assertEquals([newPerSec, herePerSec, otherwisePerSec], [500, 500, 0]);
  // Of the last second none was taken again yet.
  assertEquals(facts.destinations[0]!.madePerSec, 500);
});

Deno.test("what the kernel counts goes before what the table shows a moment later, or by the second", () => {
  const stands = (count: number): Rows => ({
    local: "10.0.0.1",
    remote: "10.0.0.2:80",
    state: "01",
    count,
    inode: 5,
  });
  // 18 more had come when the table was read; of the 100 in the second that was begun, 40 are of the watch.
  const { facts } = diagnosed({
    readings: [
      { uptimeSec: 100, tcp: [stands(118)], counters: { "Tcp.CurrEstab": 100, "TcpExt.TW": 50 } },
      {
        uptimeSec: 102.1,
        tcp: [stands(20), waiting("10.0.0.2:80", 100, [57.9, 57.1])],
        counters: { "Tcp.CurrEstab": 20, "TcpExt.TW": 90, "Tcp.ActiveOpens": 10 },
      },
    ],
  });
  const { herePerSec, otherwisePerSec } = facts.closers!.opened;
  assertEquals([Math.round(herePerSec * 2.1), Math.round(otherwisePerSec * 2.1)], [40, 50]);
});

Deno.test("where the range cannot be read, ports in use outside of the default give it away", () => {
  const sysctls = { "net/ipv4/ip_local_port_range": "" };
  const from = (first: number, count: number): Rows[] =>
    Array.from({ length: count }, (_, i) => waiting("10.0.0.2:80", 1, [50, 50], `10.0.0.1:${first + i}`));
  const { facts, kinds } = diagnosed({ readings: [{ tcp: [LISTENS, ...from(20_000, 3000)] }], sysctls });
  const { first, last, count, assumed, fromPortsInUse } = facts.usable;
  assertEquals([first, last, count, assumed, fromPortsInUse, kinds], [20_000, 22_999, 3000, true, true, [
    "ports gone",
  ]]);
  const few = diagnosed({
    readings: [{ tcp: [LISTENS, ...from(20_000, 50), ...from(40_000, 2000)] }],
    sysctls,
  });
  assertEquals([few.facts.usable.count, few.facts.usable.fromPortsInUse], [28_232, undefined]);
});
