import { assertEquals, assertThrows } from "@std/assert";
import { counterDelta, parseTcpCounters } from "../../tools/observe/tcp_counters.ts";

const SOCKSTAT = "sockets: used 9\nTCP: inuse 5 orphan 0 tw 28 alloc 7 mem 1\nUDP: inuse 0 mem 0\n";
const SNMP =
  "Ip: Forwarding\nIp: 1\nTcp: RtoAlgorithm MaxConn ActiveOpens PassiveOpens AttemptFails CurrEstab OutSegs\n" +
  "Tcp: 1 -1 5801 100 3 12 90000\n";
const NETSTAT =
  "TcpExt: TW TWRecycled TWKilled TCPTimeWaitOverflow ListenDrops\nTcpExt: 40 2 2 4466 9\nIpExt: A\nIpExt: 1\n";

Deno.test("the counters are found by their names, wherever they stand", () => {
  assertEquals(parseTcpCounters(SOCKSTAT, SNMP, NETSTAT), {
    timeWait: 28,
    established: 12,
    connectionsOpened: 5801,
    connectionsAccepted: 100,
    connectionsFailed: 3,
    segmentsSent: 90_000,
    timeWaitEntered: 42,
    timeWaitReused: 2,
    timeWaitOverflowed: 4466,
    listenDrops: 9,
  });
});

Deno.test("counters are subtracted, states now are not", () => {
  const before = parseTcpCounters(SOCKSTAT, SNMP, NETSTAT);
  const after = { ...before, timeWait: 30, established: 1, connectionsOpened: 5900, listenDrops: 10 };
  const moved = counterDelta(before, after);
  assertEquals(moved.timeWait, 30);
  assertEquals(moved.established, 1);
  assertEquals(moved.connectionsOpened, 99);
  assertEquals(moved.listenDrops, 1);
  assertEquals(moved.timeWaitReused, 0);
});

Deno.test("a kernel without a counter is told by the counter's name", () => {
  const without = NETSTAT.replaceAll("TCPTimeWaitOverflow", "Other");
  assertThrows(() => parseTcpCounters(SOCKSTAT, SNMP, without), Error, "does not count TCPTimeWaitOverflow");
  assertThrows(() => parseTcpCounters("", SNMP, NETSTAT), Error, "sockstat");
  assertThrows(
    () => parseTcpCounters(SOCKSTAT, "Tcp: ActiveOpens\n", NETSTAT),
    Error,
    "does not count CurrEstab",
  );
});
