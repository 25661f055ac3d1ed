import { TimewaitError } from "../../tools/errors.ts";
import {
  assertEquals,
  assertGreater,
  assertGreaterOrEqual,
  assertLess,
  assertLessOrEqual,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { startBackend } from "../../tools/parties/backend_server.ts";
import { localMachine } from "../../tools/lab/host.ts";
import { summarizeLatency } from "../../tools/load/latency.ts";
import { type OpenLoopResult, startOpenLoop } from "../../tools/load/open_loop.ts";
import { mergeReports } from "../../tools/load/load_reports.ts";
import { dialTcp, OpenLoopConnection } from "../../tools/load/open_loop_connection.ts";
import { parseOpenLoopReport } from "../../tools/load/open_loop_process.ts";
import { warmUpOpenLoop } from "../../tools/load/open_loop_warm_up.ts";
import { checkLoadOptions, chooseGenerator, startLoad } from "../../tools/load/start_load.ts";
import { resolveLoad } from "../../tools/scenario/resolve.ts";
import "../support/one_at_a_time.ts";

const REQUEST = new TextEncoder().encode("GET / HTTP/1.1\r\nHost: backend\r\n\r\n");
const OPTIONS = {
  request: REQUEST,
  ratePerSec: 200,
  durationMs: 500,
  timeoutMs: 1000,
  connections: 10,
};

async function run(port: number, options: Partial<typeof OPTIONS> = {}): Promise<OpenLoopResult> {
  using loop = await startOpenLoop({ ...OPTIONS, dial: dialTcp("127.0.0.1", port), ...options });
  const result = await loop.over;
  const { due, answered, errors } = result;
  const failed = errors.connect + errors.read + errors.write + errors.timeout;
  assertEquals(answered + failed, due, "something became of every request");
  return result;
}

/** Serves connections as `serve` says, which gets how many came before; closes them all at the end. */
function listen(serve: (conn: Deno.TcpConn, index: number) => Promise<void>) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const conns: Deno.TcpConn[] = [];
  const served = (async () => {
    for await (const conn of listener) {
      conns.push(conn);
      serve(conn, conns.length - 1).catch(() => {});
    }
  })();
  return {
    port: (listener.addr as Deno.NetAddr).port,
    conns,
    async [Symbol.asyncDispose]() {
      listener.close();
      await served;
      for (const conn of conns) {
        try {
          conn.close();
        } catch {
          // The test has closed it.
        }
      }
    },
  };
}

/** Answers each request with the pieces given, one write each. */
function answering(...pieces: string[]) {
  return async (conn: Deno.TcpConn) => {
    const buffer = new Uint8Array(4096);
    while (await conn.read(buffer) !== null) {
      for (const piece of pieces) {
        await conn.write(new TextEncoder().encode(piece));
        await new Promise((resolve) => setTimeout(resolve, 0));
      }
    }
  };
}

Deno.test("as many requests are due as the rate and the duration say, and all are answered over connections that are kept", async () => {
  await using server = startBackend({ listen: { hostname: "127.0.0.1", port: 0 } });
  const { due, answered, unsent, bytesRead, histogram } = await run(server.address.port);
  assertEquals([due, answered, unsent], [100, 100, 0]);
  assertEquals([...histogram.values()].reduce((sum, count) => sum + count), 100);
  assertGreater(bytesRead, 100 * 12);
});

Deno.test("latency counts from when a request was due, so that a stall makes all of those slow that had to wait", async () => {
  const STALL_MS = 300;
  let answered = 0;
  await using server = listen(async (conn) => {
    const buffer = new Uint8Array(4096);
    while (await conn.read(buffer) !== null) {
      if (++answered === 20) await new Promise((resolve) => setTimeout(resolve, STALL_MS));
      await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    }
  });
  const { histogram, due } = await run(server.port, { connections: 1 });
  const latency = summarizeLatency(histogram);
  // 60 of 100 requests were due in the stall, the n-th of which waited for what was left of it.
  const waited = [...histogram].filter(([us]) => us > 50_000).reduce((sum, [, count]) => sum + count, 0);
  assertEquals(due, 100);
  assertGreaterOrEqual(latency.max, STALL_MS * 1000);
  assertGreaterOrEqual(waited, (STALL_MS - 50) * 0.2 - 2, `${waited} waited`);
  assertGreater(latency.p75, 100_000);
});

Deno.test("a request that is not answered in time is given up, and its connection replaced", async () => {
  await using server = listen(async (conn, index) => {
    if (index > 0) await answering("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n")(conn);
  });
  const { errors, answered, unsent } = await run(server.port, { connections: 1, timeoutMs: 200 });
  assertGreater(errors.timeout, 0);
  assertGreater(answered, 0);
  // The requests that waited for the first are sent with little time left, and some are given up as well: one
  // of them perhaps before its own connection has been accepted.
  assertGreaterOrEqual(server.conns.length, 2);
  assertLessOrEqual(server.conns.length, 1 + errors.timeout - unsent);
});

Deno.test("requests that found no free connection in time were never sent, which is told", async () => {
  await using server = listen(() => Promise.resolve());
  const { errors, due, unsent } = await run(server.port, {
    connections: 3,
    ratePerSec: 2000,
    durationMs: 100,
    timeoutMs: 200,
  });
  assertEquals(errors.timeout, due);
  // From 200 ms on three at a time are sent on new connections, with little time left.
  assertGreaterOrEqual(unsent, due / 2);
  assertLess(unsent, due);
});

for (
  const [what, pieces] of [
    ["in one piece", ["HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nhi"]],
    ["in chunks, in pieces", [
      "HTTP/1.1 200 OK\r\nTransfer-",
      "Encoding: chunked\r\n\r\n2\r\nh",
      "i\r\n0\r\n",
      "\r\n",
    ]],
    ["after an interim one", ["HTTP/1.1 103 Early Hints\r\n\r\n", "HTTP/1.1 204 No Content\r\n\r\n"]],
    ["with a head that is longer than a first read", [
      `HTTP/1.1 200 OK\r\nX: ${"x".repeat(9000)}\r\nContent-Length: 2\r\n\r\nhi`,
    ]],
  ] as const
) {
  Deno.test(`an answer ${what} is read whole, and its connection kept`, async () => {
    await using server = listen(answering(...pieces));
    const { answered } = await run(server.port, { ratePerSec: 80, durationMs: 250 });
    assertEquals([answered, server.conns.length], [20, 10]);
  });
}

Deno.test("a connection that is to be closed is, also where the server would not, and one that was closed is not used", async () => {
  const answer = (more: string) =>
    new TextEncoder().encode(`HTTP/1.1 200 OK\r\n${more}Content-Length: 0\r\n\r\n`);
  await using asked = listen(async (conn) => {
    while (await conn.read(new Uint8Array(4096)) !== null) await conn.write(answer("Connection: close\r\n"));
  });
  const options = { ratePerSec: 20, durationMs: 250, connections: 1 };
  assertEquals([(await run(asked.port, options)).answered, asked.conns.length], [5, 5]);
  await using silent = listen(async (conn) => {
    await conn.read(new Uint8Array(4096));
    await conn.write(answer(""));
    conn.close();
  });
  const { answered, errors } = await run(silent.port, options);
  assertEquals([answered, errors.read, errors.write], [5, 0, 0]);
});

Deno.test("requests that the generator itself takes up late are counted", async () => {
  await using server = startBackend({ listen: { hostname: "127.0.0.1", port: 0 } });
  using loop = await startOpenLoop({
    ...OPTIONS,
    dial: dialTcp("127.0.0.1", server.address.port),
    durationMs: 200,
  });
  // Nothing else runs meanwhile, as on a machine that is too slow.
  for (const until = performance.now() + 100; performance.now() < until;);
  const { late, due, lateness } = await loop.over;
  assertGreaterOrEqual(late, 15);
  assertLess(late, due);
  // All are counted, and the first that was due in these 100 ms was taken up at their end.
  assertEquals([...lateness.values()].reduce((sum, count) => sum + count), due);
  assertGreater(Math.max(...lateness.keys()), 90_000);
});

Deno.test("an answer that asks to close, or ends with its connection, is read whole and costs a new connection", async () => {
  for (const head of ["Connection: close\r\nContent-Length: 2\r\n", "X-A: b\r\n"]) {
    await using server = listen(async (conn) => {
      await conn.read(new Uint8Array(4096));
      await conn.write(new TextEncoder().encode(`HTTP/1.1 200 OK\r\n${head}\r\nhi`));
      conn.close();
    });
    const { answered, errors } = await run(server.port, { ratePerSec: 80, durationMs: 250 });
    assertEquals([answered, errors.read], [20, 0], head);
    assertGreaterOrEqual(server.conns.length, 20);
  }
});

Deno.test("an answer that is no HTTP, is cut off or says that it failed is an error", async () => {
  for (
    const [text, expected] of [
      ["NONSENSE\r\n\r\n", { read: 10, status: 0 }],
      ["HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nhi", { read: 10, status: 0 }],
      ["HTTP/1.1 503 No\r\nContent-Length: 0\r\nConnection: close\r\n\r\n", { read: 0, status: 10 }],
    ] as const
  ) {
    await using server = listen(async (conn) => {
      await conn.read(new Uint8Array(4096));
      await conn.write(new TextEncoder().encode(text));
      conn.close();
    });
    const { errors } = await run(server.port, { ratePerSec: 40, durationMs: 250 });
    assertEquals({ read: errors.read, status: errors.status }, expected, text);
  }
});

Deno.test("a connection that is being opened when all is over is closed", async () => {
  await using server = listen(() => Promise.resolve());
  const target = { dial: dialTcp("127.0.0.1", server.port), request: REQUEST };
  const connection = new OpenLoopConnection(target, () => {});
  const connecting = connection.connect();
  connection[Symbol.dispose]();
  assertEquals(await connecting, false);
});

Deno.test("an answer that comes just after its time counts as late, not as answered", async () => {
  // Between two looks at what has timed out, which are 20 ms apart where nothing is due.
  await using server = startBackend({ listen: { hostname: "127.0.0.1", port: 0 }, latency: 112 });
  const { histogram, errors, due } = await run(server.address.port, { timeoutMs: 110, ratePerSec: 10 });
  assertEquals([errors.timeout, histogram.size], [due, 0]);
});

Deno.test("where nobody listens every request could not connect", async () => {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const { port } = listener.addr as Deno.NetAddr;
  listener.close();
  const { due, errors } = await run(port, { ratePerSec: 80, durationMs: 250 });
  assertEquals(errors.connect, due);
});

Deno.test("as a load generator it holds its connections until it may end, and sends the user's headers", async () => {
  const requests: string[] = [];
  await using server = listen(async (conn) => {
    const buffer = new Uint8Array(4096);
    for (let n = await conn.read(buffer); n !== null; n = await conn.read(buffer)) {
      requests.push(new TextDecoder().decode(buffer.subarray(0, n)));
      await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    }
  });
  await using host = localMachine();
  const options = {
    connections: 4,
    threads: 1,
    durationMs: 500,
    timeoutMs: 1000,
    headers: ["X-A: b: c"],
    ratePerSec: 100,
    url: `http://127.0.0.1:${server.port}/x?y`,
  };
  await using load = await startLoad("open-loop", host, options);
  await load.over;
  const [table] = await host.readProc("/proc/net/tcp");
  const port = server.port.toString(16).toUpperCase().padStart(4, "0");
  assertEquals(table!.match(new RegExp(`:[0-9A-F]{4} 0100007F:${port} 01 `, "g"))?.length, 4);
  const result = await load.finish();
  assertEquals([result.requests, result.requestsPerSec, result.arrivals!.due], [50, 100, 50]);
  assertEquals(requests[0], `GET /x?y HTTP/1.1\r\nHost: 127.0.0.1:${server.port}\r\nX-A: b: c\r\n\r\n`);
});

const REPORT = {
  due: 10,
  answered: 7,
  unsent: 1,
  late: 2,
  bytesRead: 700,
  histogram: [1_000, 5, 2_000, 2],
  lateness: [0, 6, 40, 2, 11_000, 2],
  errors: { connect: 1, read: 0, write: 0, timeout: 2, status: 3 },
};
const LIMITS = { durationMs: 2000, timeoutMs: 1000 };

Deno.test("what was given up counts as a request that took the timeout", () => {
  const result = mergeReports([parseOpenLoopReport(JSON.stringify(REPORT), LIMITS)]);
  assertEquals([result.requests, result.durationSec, result.requestsPerSec], [9, 2, 4.5]);
  assertEquals(result.latencyUs.max, 1_000_000);
  assertEquals(result.latencyUs.p50, 1_000);
  const { lateness, ...arrivals } = result.arrivals!;
  assertEquals(arrivals, { due: 10, unsent: 1, late: 2 });
  assertEquals([lateness!.p50, lateness!.p75, lateness!.max], [0, 40, 11_000]);
});

Deno.test("a report that is damaged, or in which requests are missing, is refused", () => {
  const { errors } = REPORT;
  for (
    const damage of [
      "",
      "null",
      "{}",
      JSON.stringify({ ...REPORT, due: 11 }),
      JSON.stringify({ ...REPORT, late: -1 }),
      JSON.stringify({ ...REPORT, histogram: [1_000, 5, 2_000, 1] }),
      JSON.stringify({ ...REPORT, histogram: [1_000] }),
      JSON.stringify({ ...REPORT, lateness: [0, 9] }),
      JSON.stringify({ ...REPORT, errors: { ...errors, read: 1 } }),
      JSON.stringify({ ...REPORT, errors: { ...errors, status: "3" } }),
    ]
  ) {
    assertThrows(() => parseOpenLoopReport(damage, LIMITS), Error, "the open loop's report is damaged");
  }
});

const PLAN = { connections: 8, threads: 2, durationMs: 1000, warmUpMs: 0, timeoutMs: 2000, headers: [] };

Deno.test("a rate is for the open loop alone, which needs one", async () => {
  assertEquals((await chooseGenerator("auto", { rate: true })).name, "open-loop");
  for (const generator of ["wrk", "autocannon"] as const) {
    const error = assertThrows(
      () => checkLoadOptions(generator, { ...PLAN, ratePerSec: 100 }),
      TimewaitError,
    );
    assertEquals(error.field, "rate");
    assertStringIncludes(
      error.message,
      `rate is for the open loop, and ${generator} waits for each answer`,
    );
  }
  assertThrows(() => checkLoadOptions("open-loop", PLAN), TimewaitError, "rate is needed by the open loop");
  assertThrows(
    () => checkLoadOptions("open-loop", { ...PLAN, ratePerSec: 0.5 }),
    TimewaitError,
    "no request",
  );
  assertThrows(
    () => checkLoadOptions("open-loop", { ...PLAN, ratePerSec: 9, script: "post.lua" }),
    TimewaitError,
    "give a script or a rate, not both",
  );
  checkLoadOptions("open-loop", { ...PLAN, ratePerSec: 1 });
});

Deno.test("a header that no generator would send is refused", () => {
  for (const header of ["NoColon", "A: b\r\nC: d", "A B: c", "A: \x1b", "A: \0", "A: \x85"]) {
    assertThrows(
      () => checkLoadOptions("wrk", { ...PLAN, headers: [header] }),
      TimewaitError,
      'headers must be lines "Name: value"',
    );
  }
  checkLoadOptions("wrk", { ...PLAN, headers: ["Accept: */*", "A: a\tb", "A: ä"] });
});

Deno.test("a header that would break the request, or change what is measured, is refused with the reason", () => {
  const refused = {
    "Content-Length: 5": "counts its own body",
    "transfer-encoding: chunked": "sends each body with its length",
    "Connection: upgrade": 'must say "Connection: close" or "Connection: keep-alive"',
    "Connection: keep-alive, close": 'must say "Connection: close" or "Connection: keep-alive"',
  };
  for (const generator of ["wrk", "autocannon", "open-loop"] as const) {
    for (const [header, why] of Object.entries(refused)) {
      const error = assertThrows(
        () => checkLoadOptions(generator, { ...PLAN, headers: ["A: b", header] }),
        TimewaitError,
        why,
      );
      assertEquals(error.field, "headers");
    }
  }
  checkLoadOptions("wrk", { ...PLAN, headers: ["Host: example.org"] });
  const two = ["Host: example.org", "host: example.com"];
  assertThrows(() => checkLoadOptions("wrk", { ...PLAN, headers: two }), TimewaitError, "two Host");
});

Deno.test("Connection: close is taken where the generator opens a connection for each request, once", () => {
  const open = { ...PLAN, ratePerSec: 1000 };
  for (const header of ["Connection: close", "connection: Keep-Alive"]) {
    checkLoadOptions("wrk", { ...PLAN, headers: [header] });
    checkLoadOptions("open-loop", { ...open, headers: [header] });
  }
  checkLoadOptions("autocannon", { ...PLAN, headers: ["Connection: keep-alive"] });
  const refused = { ...PLAN, headers: ["Connection: close"] };
  assertThrows(
    () => checkLoadOptions("autocannon", refused),
    TimewaitError,
    "autocannon keeps its connections",
  );
  const two = { ...PLAN, headers: ["Connection: close", "Connection: close"] };
  assertThrows(() => checkLoadOptions("wrk", two), TimewaitError, "two Connection");
});

Deno.test("requests of a burst are due in its time alone, and as many as the rate and that time say", async () => {
  const atMs: number[] = [];
  await using server = listen(async (conn) => {
    const buffer = new Uint8Array(4096);
    while (await conn.read(buffer) !== null) {
      atMs.push(performance.now());
      await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    }
  });
  using loop = await startOpenLoop({
    ...OPTIONS,
    dial: dialTcp("127.0.0.1", server.port),
    durationMs: 1000,
    burst: { onMs: 200, offMs: 300 },
  });
  const { due, answered } = await loop.over;
  assertEquals([due, answered], [80, 80]);
  assertEquals(server.conns.length, OPTIONS.connections);
  const sinceFirst = atMs.map((ms) => ms - atMs[0]!);
  const within = (from: number, to: number) => sinceFirst.filter((ms) => ms >= from && ms < to).length;
  assertEquals(within(270, 430), 0, "the pause is one");
  assertEquals(within(450, 770), 40);
  assertEquals(sinceFirst.length, 80);
});

Deno.test("the clients that leave close their connections before the answer, and count by themselves", async () => {
  let ended = 0;
  await using server = listen(async (conn) => {
    const buffer = new Uint8Array(4096);
    while (await conn.read(buffer) !== null) {
      await new Promise((resolve) => setTimeout(resolve, 150));
      await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    }
    ended++;
  });
  using loop = await startOpenLoop({
    ...OPTIONS,
    dial: dialTcp("127.0.0.1", server.port),
    connections: 60,
    abandon: { share: 0.1, afterMs: 30 },
  });
  const { due, answered, abandoned, errors } = await loop.over;
  assertEquals([due, answered, abandoned], [100, 90, 10]);
  assertEquals(errors, { connect: 0, read: 0, write: 0, timeout: 0, status: 0 });
  assertGreater(ended + server.conns.length, 60);
});

Deno.test("a request that was answered before its client would have left counts as answered", async () => {
  await using server = startBackend({ listen: { hostname: "127.0.0.1", port: 0 } });
  using loop = await startOpenLoop({
    ...OPTIONS,
    dial: dialTcp("127.0.0.1", server.address.port),
    abandon: { share: 1, afterMs: 400 },
  });
  const { answered, abandoned } = await loop.over;
  assertEquals([answered, abandoned], [100, 0]);
});

Deno.test("the open loop's process takes bursts, a body and clients that leave", async () => {
  await using host = localMachine();
  const bodies: number[] = [];
  await using server = listen(async (conn) => {
    const buffer = new Uint8Array(64 * 1024);
    for (let n; (n = await conn.read(buffer)) !== null;) {
      bodies.push(
        Number(/^POST [^]*content-length: (\d+)/i.exec(new TextDecoder().decode(buffer.subarray(0, n)))?.[1]),
      );
      await new Promise((resolve) => setTimeout(resolve, 100));
      await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
    }
  });
  const { request: _, ...options } = OPTIONS;
  await using load = await startLoad("open-loop", host, {
    ...options,
    url: `http://127.0.0.1:${server.port}/`,
    threads: 1,
    headers: [],
    connections: 50,
    burst: { onMs: 200, offMs: 100 },
    method: "POST",
    requestBodyBytes: 512,
    abandon: { share: 0.25, afterMs: 20 },
  });
  await load.over;
  const { arrivals, requests, requestsPerSec } = await load.finish();
  assertEquals(arrivals?.due, 80);
  assertEquals(arrivals?.abandoned, 20);
  assertEquals(requests, 60);
  assertEquals(requestsPerSec, 120);
  assertEquals([...new Set(bodies)], [512]);
});

for (
  const [generator, options, field] of [
    ["autocannon", { burst: { on: 100, off: 100 } }, "burst"],
    ["wrk", { abandon: 0.1 }, "abandon"],
    ["autocannon", { abandon: 0.1 }, "abandon"],
    ["open-loop", { rate: 100, abandon: 0.1, abandonAfter: "2s" }, "abandonAfter"],
    ["wrk", { script: "post.lua", method: "POST" }, "script"],
    ["wrk", { script: "post.lua", requestBody: 10 }, "script"],
    ["wrk", { burst: { on: "2s", off: "1s" } }, "burst"],
  ] as const
) {
  Deno.test(`${generator} refuses ${JSON.stringify(options)} in one line`, () => {
    const error = assertThrows(() => checkLoadOptions(generator, resolveLoad(options)), TimewaitError);
    assertEquals(error.field, field);
    assertEquals(error.message.split("\n").length, 1);
  });
}

Deno.test({
  name: "the generator's own warm-up ends, and opens no connection",
  permissions: { net: false },
  fn: () => warmUpOpenLoop(REQUEST),
});
