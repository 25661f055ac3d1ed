import { type HostName } from "../../tools/scenario/host_names.ts";
import { assertEquals } from "@std/assert";
import type { TcpCounters } from "../../tools/observe/tcp_counters.ts";
import type { TcpSocket } from "../../tools/observe/tcp_table.ts";
import {
  asReached,
  busiestPort,
  connectionsOfClient,
  hostResults,
  hostSeries,
  type Observation,
  openedByOthers,
  portsThere,
  withoutOthers,
  withoutProbe,
} from "../../tools/observe/attribution.ts";

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

function each<T>(client: T, gateway: T, backend: T): Record<HostName, T> {
  return { client, gateway, backend };
}

function socket(state: string, localPort: number, remotePort: number): TcpSocket {
  return { localAddress: "198.18.0.2", remoteAddress: "198.18.0.3", localPort, remotePort, state };
}

const OBSERVATION: Observation = {
  lab: "private",
  samples: [
    { timeMs: 0, hosts: each(NONE, NONE, NONE) },
    {
      timeMs: 100,
      hosts: each(
        { timeWait: 0, established: 10, connectionsOpened: 11 },
        { timeWait: 40, established: 14, connectionsOpened: 44 },
        { timeWait: 0, established: 4, connectionsOpened: 0 },
      ),
    },
  ],
  before: each(NONE, NONE, NONE),
  after: each(
    { ...NONE, connectionsOpened: 11 },
    { ...NONE, connectionsOpened: 44, timeWait: 41, timeWaitEntered: 41 },
    NONE,
  ),
  sockets: each<TcpSocket[]>([], [
    ...Array.from({ length: 30 }, (_, i) => socket("06", 40_000 + i, 8081)),
    ...Array.from({ length: 10 }, (_, i) => socket("06", 8080, 50_000 + i)),
  ], []),
  backendPort: 8081,
  gatewayPort: 8080,
};

Deno.test("in a private lab, what a host's own tables hold is its doing", () => {
  const { client, gateway, backend } = hostResults(OBSERVATION);
  assertEquals(gateway.timeWaitPeak, 41);
  assertEquals(gateway.timeWaitEntered, 41);
  assertEquals(gateway.connectionsOpened, 44);
  assertEquals(client.connectionsOpened, 11);
  assertEquals(backend.timeWaitPeak, 0);
});

Deno.test("ports in use are those of connections that the host opened, not those it accepted", () => {
  const { client, gateway, backend } = hostResults(OBSERVATION);
  // 14 established less the 10 from the client, and the three quarters of 40 TIME_WAITs that hold a port.
  assertEquals(gateway.portsUsedPeak, 4 + 30);
  assertEquals(client.portsUsedPeak, 10);
  assertEquals(backend.portsUsedPeak, 0);
});

Deno.test("in a host lab, sockets are attributed by port, and what was there before is nobody's", () => {
  const table = [
    ...OBSERVATION.sockets.gateway,
    ...Array.from({ length: 10 }, (_, i) => socket("01", 50_100 + i, 8080)),
    ...Array.from({ length: 4 }, (_, i) => socket("01", 40_100 + i, 8081)),
    ...Array.from({ length: 500 }, (_, i) => socket("06", 30_000 + i, 443)),
  ];
  const after = { ...NONE, connectionsOpened: 54, timeWait: 540 };
  const { client, gateway, backend } = hostResults({
    ...OBSERVATION,
    lab: "host",
    after: each(after, after, after),
    sockets: each(table, table, table),
  });
  assertEquals(gateway.timeWaitPeak, 40);
  assertEquals(client.timeWaitPeak, 0);
  assertEquals(backend.timeWaitPeak, 0);
  // The client's: 10 that stand and 10 that the gateway closed. The rest of the machine's 54 are the
  // gateway's.
  assertEquals(client.connectionsOpened, 20);
  assertEquals(gateway.connectionsOpened, 34);
  assertEquals(gateway.portsUsedPeak, 34);
  assertEquals(gateway.timeWaitEntered, null);
});

Deno.test("in a host lab, connections of which no socket is left are not seen to be the bench's own", () => {
  const table = [
    ...OBSERVATION.sockets.gateway,
    ...Array.from({ length: 10 }, (_, i) => socket("01", 50_100 + i, 8080)),
    ...Array.from({ length: 10 }, (_, i) => socket("01", 8080, 50_100 + i)),
    ...Array.from({ length: 4 }, (_, i) => socket("01", 40_100 + i, 8081)),
    ...Array.from({ length: 500 }, (_, i) => socket("06", 30_000 + i, 443)),
  ];
  const shared = (opened: number, more: Partial<Observation> = {}) => {
    const after = { ...NONE, connectionsOpened: opened, timeWaitReused: 3 };
    const all = { after: each(after, after, after), sockets: each(table, table, table) };
    return openedByOthers({ ...OBSERVATION, lab: "host", ...all, ...more });
  };
  // 30 and 10 in TIME_WAIT, 10 and 4 that stand, and 3 whose port was taken again.
  assertEquals(shared(57), 0);
  assertEquals(shared(1_057), 1_000);
  assertEquals(shared(1_057, { socketsBefore: each(table.slice(0, 5), [], []) }), 1_005);
  assertEquals(shared(1_057, { lab: "private" }), undefined);
  assertEquals(shared(1_057, { samples: [{ ...OBSERVATION.samples[0]!, timeMs: 60_001 }] }), undefined);
});

Deno.test("the client's connections at the end are those that stand and those that the gateway has ended since", () => {
  const client = ["01", "01", "08", "06", "02"].map((state, i) => socket(state, 50_000 + i, 8080));
  assertEquals(connectionsOfClient({ ...OBSERVATION, sockets: each(client, [], []) }), 3);
});

Deno.test("in a shared table, what a warm-up has left is ours and what others have is not", () => {
  const waitsFor = (port: number, many: number, from: number) =>
    Array.from({ length: many }, (_, i) => socket("06", from + i, port));
  const others = waitsFor(443, 500, 20_000);
  const socketsBefore = [...others, ...waitsFor(8080, 10, 30_000), ...waitsFor(8081, 30, 40_000)];
  const table = [...socketsBefore, ...waitsFor(8080, 10, 31_000), ...waitsFor(8081, 50, 41_000)];
  const after = { ...NONE, connectionsOpened: 60 };
  const waiting = (timeWait: number) => ({ timeWait, established: 0, connectionsOpened: 0 });
  const observation: Observation = {
    ...OBSERVATION,
    lab: "host",
    samples: [540, 600].map((count, i) => ({
      timeMs: 100 * i,
      hosts: each(waiting(count), waiting(count), waiting(count)),
    })),
    after: each(after, after, after),
    sockets: each(table, table, table),
    socketsBefore: each(socketsBefore, socketsBefore, socketsBefore),
  };
  const { client, gateway } = hostResults(observation);
  assertEquals(client.connectionsOpened, 10);
  assertEquals(gateway.connectionsOpened, 50);
  assertEquals(gateway.timeWaitPeak, 80);
  assertEquals(hostSeries(observation).gateway.timeWait, [40, 100]);
});

Deno.test("connections opened are counted from the first sample, and TIME_WAITs as they are on a host of its own", () => {
  const before = { timeWait: 7, established: 2, connectionsOpened: 100 };
  const after = { timeWait: 9, established: 3, connectionsOpened: 105 };
  const samples = [
    { timeMs: 0, hosts: each(before, before, before) },
    { timeMs: 100, hosts: each(after, after, after) },
  ];
  const own = hostSeries({ ...OBSERVATION, samples }).gateway;
  assertEquals(own, { timeWait: [7, 9], established: [2, 3], connectionsOpened: [0, 5] });
  assertEquals(hostSeries({ ...OBSERVATION, lab: "host", samples }).gateway.timeWait, [0, 2]);
});

Deno.test("the connections of a probe are not the gateway's; one that failed for want of a port was none", () => {
  const connects = { timeMs: [0, 50, 100, 150], connectUs: [90, null, 80, 85] };
  const { client, gateway } = hostResults(withoutProbe(OBSERVATION, connects));
  assertEquals([client.connectionsOpened, gateway.connectionsOpened], [11, 41]);
  const series = hostSeries(withoutProbe(OBSERVATION, connects));
  assertEquals(series.gateway.connectionsOpened, [0, 43]);
  assertEquals(series.client.connectionsOpened, [0, 11]);
  // Hosts that share their tables share that count as well.
  const shared = withoutProbe({ ...OBSERVATION, lab: "loopback" }, connects);
  assertEquals([shared.after.client.connectionsOpened, shared.after.gateway.connectionsOpened], [8, 41]);
});

/** What a gateway's host shows that is given: its own sockets, and those of others. */
const GIVEN: Observation = {
  ...OBSERVATION,
  lab: "remote",
  start: {
    established: each(0, 0, 0),
    sockets: each<TcpSocket[]>([], [
      socket("0A", 8080, 0),
      socket("0A", 22, 0),
      socket("01", 22, 51_000),
      socket("01", 45_000, 5432),
      socket("08", 45_001, 5432),
      socket("06", 45_002, 443),
      // Left of the load before: not of others.
      socket("01", 46_000, 8081),
      socket("06", 46_001, 8081),
    ], []),
  },
};

Deno.test("on given hosts what stood there of other programs is taken off, and what is ours is not", () => {
  const { samples, after, start } = withoutOthers(GIVEN);
  assertEquals(samples.map(({ hosts }) => hosts.gateway), [
    { ...NONE, timeWait: 0, established: 0 },
    { timeWait: 39, established: 11, connectionsOpened: 44 },
  ]);
  assertEquals([after.gateway.timeWait, after.gateway.connectionsOpened], [40, 44]);
  assertEquals(samples[1]!.hosts.client, OBSERVATION.samples[1]!.hosts.client);
  assertEquals(start!.established, each(0, 0, 0));
  assertEquals(hostResults(withoutOthers(GIVEN)).gateway.timeWaitPeak, 40);
  assertEquals(withoutOthers(OBSERVATION), OBSERVATION);
});

Deno.test("the backend of a gateway that runs already is where most of its connections go", () => {
  const sockets = GIVEN.start!.sockets.gateway;
  assertEquals(busiestPort(sockets, 8080), 5432);
  assertEquals(busiestPort([...sockets, ...GIVEN.sockets.gateway], 8080), 8081);
  assertEquals(busiestPort([socket("0A", 80, 0), socket("01", 80, 50_000)], 80), undefined);
});

Deno.test("parties that listen on another port than they are reached by are found by their connections", () => {
  const sockets = each<TcpSocket[]>([socket("01", 50_000, 80)], [
    socket("0A", 22, 0),
    socket("01", 22, 51_000),
    socket("0A", 8080, 0),
    socket("01", 8080, 50_000),
    socket("06", 8080, 50_001),
    socket("01", 40_000, 81),
  ], [socket("0A", 9000, 0), socket("06", 9000, 40_001)]);
  const seen = { ...GIVEN, sockets, gatewayPort: 80, backendPort: 81 };
  const there = portsThere(seen);
  assertEquals(there, { gateway: 8080, backend: 9000 });
  const { gateway, backend, client } = hostResults(asReached(seen, there));
  assertEquals(gateway.timeWaitGroups, [{ side: "accepted", service: "198.18.0.2:80", timeWait: 1 }]);
  assertEquals(backend.timeWaitGroups, [{ side: "accepted", service: "198.18.0.2:81", timeWait: 1 }]);
  assertEquals(client.connectionGroups?.map(({ service }) => service), ["198.18.0.3:80"]);
  // One that listens where it is reached is left alone, and so is one of a lab of our own.
  assertEquals(portsThere({ ...seen, gatewayPort: 8080 }), { backend: 9000 });
  assertEquals(portsThere({ ...seen, lab: "private" }), {});
});
