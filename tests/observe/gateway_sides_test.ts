import { assertEquals } from "@std/assert";
import { hostResults, hostSeries, type Observation } from "../../tools/observe/attribution.ts";
import { gatewaySides } from "../../tools/observe/gateway_sides.ts";
import type { TcpCounters } from "../../tools/observe/tcp_counters.ts";
import type { TcpSocket } from "../../tools/observe/tcp_table.ts";

const NONE: TcpCounters = {
  timeWait: 0,
  established: 0,
  connectionsOpened: 0,
  connectionsAccepted: 0,
  connectionsFailed: 0,
  segmentsSent: 0,
  timeWaitEntered: 0,
  timeWaitReused: 0,
  timeWaitOverflowed: 0,
  listenDrops: 0,
};
const each = <T>(client: T, gateway: T, backend: T) => ({ client, gateway, backend });
const socket = (state: string, localPort: number, remotePort: number): TcpSocket => {
  return { localAddress: "198.18.0.2", remoteAddress: "198.18.0.3", localPort, remotePort, state };
};
const many = (count: number, state: string, localPort: number, remotePort: number, isOpened: boolean) =>
  Array.from(
    { length: count },
    (_, i) => isOpened ? socket(state, localPort + i, remotePort) : socket(state, localPort, remotePort + i),
  );
const at = (timeMs: number, client: number, gateway: number) => {
  const counters = (established: number, timeWait = 0) => ({ established, timeWait, connectionsOpened: 0 });
  return { timeMs, hosts: each(counters(client), counters(gateway, 50), counters(gateway - client)) };
};

const GATEWAY = [
  ...many(30, "06", 40_000, 8081, true),
  ...many(10, "06", 8080, 50_000, false),
  ...many(4, "01", 41_000, 8081, true),
  ...many(10, "01", 8080, 51_000, false),
];
const CLIENT = many(10, "01", 51_000, 8080, true);
const OBSERVATION: Observation = {
  lab: "private",
  samples: [at(0, 0, 3), at(400, 10, 90), at(600, 10, 14), at(700, 10, 15), at(900, 9, 14), at(1_100, 0, 4)],
  before: each(NONE, NONE, NONE),
  after: each({ ...NONE, connectionsOpened: 20 }, { ...NONE, connectionsOpened: 50 }, NONE),
  sockets: each(CLIENT, GATEWAY, []),
  start: {
    established: each(0, 0, 0),
    sockets: each([], [...many(2, "01", 41_000, 8081, true), ...many(1, "06", 42_000, 8081, true)], []),
  },
  backendPort: 8081,
  gatewayPort: 8080,
};
const LOAD = { requests: 100, durationSec: 1 };
const sidesOf = (observation: Observation) =>
  gatewaySides(observation, { hosts: hostResults(observation), ...LOAD });

Deno.test("the sides of a gateway are told apart: what was opened, who waits, and the course of what stands", () => {
  const { backend, clients, openedAtStart, ofOthersBefore } = sidesOf(OBSERVATION)!;
  // Three quarters of the TIME_WAITs at the end are of connections to the backend; the peak is 50.
  assertEquals([backend.timeWaitPeak, clients.timeWaitPeak], [38, 12]);
  assertEquals([backend.openedPerRequest, clients.openedPerRequest], [0.5, 0.2]);
  // The filling in the first half, and what stands after the load, are not in the course.
  assertEquals(backend.established, { floor: 4, median: 5, ceiling: 5 });
  assertEquals(clients.established, { floor: 9, median: 10, ceiling: 10 });
  assertEquals([backend.establishedBefore, clients.establishedBefore], [2, 0]);
  assertEquals([openedAtStart, ofOthersBefore], [3, 0]);
});

Deno.test("connections of all states are kept of each host, by service and side", () => {
  const { client, gateway } = hostResults(OBSERVATION);
  const short = (groups: typeof gateway.connectionGroups) =>
    groups!.map(({ side, service, established, timeWait }) => [side, service, established, timeWait]);
  assertEquals(short(gateway.connectionGroups), [
    ["opened", "198.18.0.3:8081", 4, 30],
    ["accepted", "198.18.0.2:8080", 10, 10],
  ]);
  assertEquals(short(client.connectionGroups), [["opened", "198.18.0.3:8080", 10, 0]]);
});

Deno.test("in a shared table each host has its own end of a connection, and what stood before is taken off", () => {
  const table = [...GATEWAY, ...CLIENT, ...many(4, "01", 8081, 41_000, false)];
  const shared: Observation = {
    ...OBSERVATION,
    lab: "host",
    sockets: each(table, table, table),
    start: { established: each(3, 3, 3), sockets: each([], [], []) },
  };
  const groups = Object.values(hostResults(shared)).map(({ connectionGroups }) =>
    connectionGroups!.map(({ side, service, established }) =>
      `${side} ${service.split(":")[1]} ${established}`
    )
  );
  assertEquals(groups, [["opened 8080 10"], ["opened 8081 4", "accepted 8080 10"], ["accepted 8081 4"]]);
  assertEquals(sidesOf(shared)!.backend.established, undefined);
  assertEquals(sidesOf(shared)!.ofOthersBefore, 3);
  assertEquals(hostSeries(shared).gateway.established, [0, 87, 11, 12, 11, 1]);
  assertEquals(hostSeries(OBSERVATION).gateway.established, [3, 90, 14, 15, 14, 4]);
});

Deno.test("a load that goes direct has no gateway with sides", () => {
  assertEquals(sidesOf({ ...OBSERVATION, gatewayPort: undefined }), undefined);
});
