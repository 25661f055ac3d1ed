/** When and how the backend ends connections, seen by a raw socket and by the witness. */

import {
  assert,
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertRejects,
} from "@std/assert";
import {
  type BackendOptions,
  type RunningBackend,
  startBackend,
} from "../../tools/parties/backend_server.ts";
import type { EndedConnections } from "../../tools/observe/witness.ts";
import { fieldOf, RawConnection, statusOf } from "../support/raw_http.ts";
import { until } from "../support/until.ts";
import { Socket } from "node:net";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const GET_CLOSE = "GET / HTTP/1.1\r\nHost: h\r\nConnection: close\r\n\r\n";
const GET_10 = "GET / HTTP/1.0\r\n\r\n";
const GET_10_KEEP = "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n";

function start(options: BackendOptions = {}) {
  return startBackend({ listen: { hostname: "127.0.0.1", port: 0 }, ...options });
}

async function ask(client: RawConnection, request = GET) {
  await client.write(request);
  const message = await client.readMessage();
  return {
    status: statusOf(message),
    connection: fieldOf(message, "connection"),
    version: message.startLine,
  };
}

/** The only way in which connections have ended. */
async function onlyEnd(backend: RunningBackend): Promise<EndedConnections> {
  const seen: EndedConnections[] = [];
  await until(() => {
    seen.push(...backend.witness().ended);
    return seen.length > 0;
  });
  assertEquals(seen.length, 1, JSON.stringify(seen));
  return seen[0]!;
}

function way({ by, how, at, connections, askedToClose, announced }: EndedConnections) {
  return { by, how, at, connections, askedToClose, announced };
}

const BY_BACKEND = {
  by: "backend",
  how: "fin",
  at: "idle",
  connections: 1,
  askedToClose: 0,
  announced: 0,
} as const;

for (const announceClose of [true, false]) {
  for (const closeBy of ["fin", "rst"] as const) {
    Deno.test(`a limit of requests ends a connection by ${closeBy}, announced: ${announceClose}`, async () => {
      await using backend = start({ closeAfterRequests: 3, announceClose, closeBy });
      using client = await RawConnection.open(backend.address);
      for (let i = 0; i < 2; i++) assertEquals((await ask(client)).connection, undefined);
      assertEquals((await ask(client)).connection, announceClose ? "close" : undefined);
      if (closeBy === "rst") await assertRejects(() => client.readToEnd(), Deno.errors.ConnectionReset);
      else assertEquals(await client.readToEnd(), "");
      const end = await onlyEnd(backend);
      assertEquals(way(end), { ...BY_BACKEND, how: closeBy, announced: Number(announceClose) });
      assertEquals(end.requests.most, [{ value: 3, connections: 1 }]);
    });
  }
}

for (const closeBy of ["fin", "rst"] as const) {
  Deno.test(`an idle timeout ends a connection by ${closeBy}, and not one that is used`, async () => {
    await using backend = start({ idleTimeout: 300, closeBy });
    using idle = await RawConnection.open(backend.address);
    using used = await RawConnection.open(backend.address);
    await ask(idle);
    const from = performance.now();
    const ended = closeBy === "rst"
      ? assertRejects(() => idle.readToEnd(), Deno.errors.ConnectionReset)
      : idle.readToEnd();
    for (let i = 0; i < 8; i++) {
      await ask(used);
      await new Promise((resolve) => setTimeout(resolve, 50));
    }
    await ended;
    assertGreaterOrEqual(performance.now() - from, 299);
    const end = await onlyEnd(backend);
    assertEquals(way(end), { ...BY_BACKEND, how: closeBy });
    assertGreaterOrEqual(end.idleMs!.min, 299);
    assertEquals((await ask(used)).status, 200);
  });
}

Deno.test("HTTP/1.0 ends a connection with its answer, unless the request asks for keep-alive", async () => {
  await using backend = start({ http10: true });
  using client = await RawConnection.open(backend.address);
  assertEquals((await ask(client, GET_10_KEEP)).connection, "keep-alive");
  assertEquals(
    (await ask(client, GET.replace("\r\n\r\n", "\r\nConnection: Keep-Alive\r\n\r\n"))).connection,
    "keep-alive",
  );
  const last = await ask(client);
  assertEquals([last.version.split(" ")[0], last.connection], ["HTTP/1.0", undefined]);
  assertEquals(await client.readToEnd(), "");
  assertEquals(way(await onlyEnd(backend)), { ...BY_BACKEND, announced: 1 });
});

Deno.test("a request that asks for the end gets it, by FIN and announced, whatever the backend is told", async () => {
  await using backend = start({ closeBy: "rst", announceClose: false });
  for (const request of [GET_CLOSE, GET_10]) {
    using client = await RawConnection.open(backend.address);
    assertEquals((await ask(client, request)).connection, "close");
    assertEquals(await client.readToEnd(), "");
  }
  using kept = await RawConnection.open(backend.address);
  assertEquals((await ask(kept, GET_10_KEEP)).connection, "keep-alive");
  const { ended, http10, askedToClose, requests, open } = backend.witness();
  assertEquals(ended.map(way), [{ ...BY_BACKEND, connections: 2, askedToClose: 2, announced: 2 }]);
  assertEquals({ http10, askedToClose, requests, open: open.connections }, {
    http10: 2,
    askedToClose: 2,
    requests: 3,
    open: 1,
  });
});

Deno.test("a status can end connections, others leave them open", async () => {
  await using backend = start({ status: { 200: 0.7, 503: 0.3 }, closeOnStatus: [503] });
  let failed = 0;
  for (let i = 0; i < 30; i++) {
    using client = await RawConnection.open(backend.address);
    const { status, connection } = await ask(client);
    assertEquals(connection, status === 503 ? "close" : undefined);
    if (status === 503) {
      failed++;
      assertEquals(await client.readToEnd(), "");
    }
  }
  assertGreater(failed, 0);
  assertLess(failed, 30);
});

Deno.test("statuses come by their shares, and alike in each run", async () => {
  const runs: number[][] = [];
  for (let run = 0; run < 2; run++) {
    await using backend = start({ status: { 200: 0.9, 500: 0.1 } });
    using client = await RawConnection.open(backend.address);
    const statuses: number[] = [];
    for (let i = 0; i < 400; i++) statuses.push((await ask(client)).status);
    runs.push(statuses);
  }
  assertEquals(runs[0], runs[1]);
  const failed = runs[0]!.filter((status) => status === 500).length;
  assert(failed > 10 && failed < 90, `${failed}`);
});

for (const closeBy of ["fin", "rst"] as const) {
  Deno.test(`a connection can end by ${closeBy} in place of its answer`, async () => {
    await using backend = start({ closeBeforeAnswer: 1, closeBy });
    using client = await RawConnection.open(backend.address);
    await client.write(GET);
    if (closeBy === "rst") await assertRejects(() => client.readToEnd(), Deno.errors.ConnectionReset);
    else assertEquals(await client.readToEnd(), "");
    const { ended, unanswered, requests } = backend.witness();
    assertEquals(ended.map(way), [{ ...BY_BACKEND, how: closeBy, at: "request" }]);
    assertEquals([unanswered, requests], [1, 1]);
  });
}

Deno.test("latencies are spread, and the slow share is slow", async () => {
  await using backend = start({ latency: "5ms..60ms", slowShare: 0.2, slowLatency: 200 });
  const took = await Promise.all(Array.from({ length: 60 }, async () => {
    using client = await RawConnection.open(backend.address);
    const from = performance.now();
    await ask(client);
    return performance.now() - from;
  }));
  for (const ms of took) assertGreaterOrEqual(ms, 4);
  assert(took.some((ms) => ms >= 199));
});

Deno.test("the witness tells a FIN of the peer from its reset, between requests and within one", async () => {
  await using backend = start({ latency: 100 });
  const connect = async (request: string) => {
    const socket = new Socket();
    socket.on("error", () => {});
    await new Promise<void>((resolve) => socket.connect(backend.address.port, "127.0.0.1", resolve));
    socket.write(request);
    return socket;
  };
  const answered = (socket: Socket) => new Promise((resolve) => socket.once("data", resolve));
  const ends: [string, (socket: Socket) => unknown, "idle" | "request"][] = [
    ["fin", (socket) => socket.end(), "idle"],
    ["rst", (socket) => socket.resetAndDestroy(), "idle"],
    ["rst", (socket) => socket.resetAndDestroy(), "request"],
    ["fin", (socket) => socket.destroy(), "request"],
  ];
  for (const [how, end, at] of ends) {
    const socket = await connect(GET);
    if (at === "idle") await answered(socket);
    else await until(() => backend.witness().open.busy === 1);
    end(socket);
    const { by, how: seen, at: moment } = await onlyEnd(backend);
    assertEquals([by, seen, moment], ["peer", how, at]);
    socket.destroy();
  }
});

Deno.test("a client that has closed its half gets its answers, and no request counts as unanswered", async () => {
  await using backend = start({ latency: 50 });
  const tcp = await Deno.connect({ hostname: "127.0.0.1", port: backend.address.port });
  await tcp.write(new TextEncoder().encode(GET + GET));
  await tcp.closeWrite();
  const text = await new Response(tcp.readable).text();
  assertEquals(text.match(/HTTP\/1\.1 200/g)?.length, 2);
  const { ended, unanswered, requests } = backend.witness();
  assertEquals([ended.map(({ by, how }) => `${by} ${how}`), unanswered, requests], [["peer fin"], 0, 2]);
});

Deno.test("connections that send nothing are unused, and nothing else", async () => {
  await using backend = start();
  for (let i = 0; i < 5; i++) (await RawConnection.open(backend.address))[Symbol.dispose]();
  let unused = 0;
  await until(() => {
    const { unused: more = 0, ...others } = backend.witness();
    assertEquals([others.accepted, others.openPeak, others.ended.length, others.open.connections], [
      0,
      0,
      0,
      0,
    ]);
    unused += more;
    return unused >= 5;
  });
  assertEquals(unused, 5);
});

Deno.test("what cannot be a request is refused, and its connection ends in order", async () => {
  const refused = {
    "no request\r\n\r\n": 400,
    "GET / HTTP/1.1\r\n\r\n": 400,
    "GET / HTTP/1.1\nHost: h\n\n": 400,
    "GET / HTTP/2.0\r\nHost: h\r\n\r\n": 505,
    "POST / HTTP/1.1\r\nHost: h\r\nContent-Length: 1\r\nTransfer-Encoding: chunked\r\n\r\n": 400,
    "POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\nzz\r\n": 400,
    [`GET / HTTP/1.1\r\nHost: h\r\nA: ${"a".repeat(70_000)}\r\n\r\n`]: 431,
  };
  await using backend = start();
  for (const [request, status] of Object.entries(refused)) {
    using client = await RawConnection.open(backend.address);
    await client.write(request);
    const message = await client.readMessage();
    assertEquals(
      [statusOf(message), fieldOf(message, "connection")],
      [status, "close"],
      request.slice(0, 40),
    );
    assertEquals(await client.readToEnd(), "");
  }
  assertEquals(backend.requests, 0);
});

Deno.test("a reader that is slow holds up its own answer and nobody else's", async () => {
  await using backend = start({ bodyBytes: "64MiB", grace: 0 });
  using slow = await RawConnection.open(backend.address);
  await slow.write(GET);
  await until(() => backend.witness().open.busy === 1);
  using other = await RawConnection.open(backend.address);
  await other.write(GET.replace("GET", "HEAD"));
  assertEquals(fieldOf(await other.readMessage({ toHead: true }), "content-length"), `${64 * 1024 ** 2}`);
  slow[Symbol.dispose]();
  const end = await onlyEnd(backend);
  assertEquals([end.by, end.at], ["peer", "answer"]);
});
