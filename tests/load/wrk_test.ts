import { largestDivisor } from "../../tools/scenario/resolve.ts";
import { TimewaitError } from "../../tools/errors.ts";
import {
  assert,
  assertEquals,
  assertGreater,
  assertLessOrEqual,
  assertRejects,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { delay } from "@std/async/delay";
import { startBackend } from "../../tools/parties/backend_server.ts";
import { localMachine } from "../../tools/lab/host.ts";
import type { LoadOptions, LoadResult } from "../../tools/load/load.ts";
import { mergeReports } from "../../tools/load/load_reports.ts";
import { checkWrkOptions, parseWrkReport, startWrk, undoCorrection } from "../../tools/load/wrk.ts";
import { wrk } from "../support/requirements.ts";
import "../support/one_at_a_time.ts";

const OPTIONS = { connections: 8, threads: 2, durationMs: 1000, timeoutMs: 2000, headers: [] };

/**
 * How long the servers here take for an answer, in milliseconds: a load that waits leaves the CPUs to others.
 */
const ANSWER_MS = 5;

async function runWrk(
  options: Partial<LoadOptions>,
  backend: Parameters<typeof startBackend>[0] = {},
): Promise<LoadResult> {
  await using server = startBackend({
    listen: { hostname: "127.0.0.1", port: 0 },
    latency: ANSWER_MS,
    ...backend,
  });
  return await runWrkAt(server.address.port, options);
}

async function runWrkAt(port: number, options: Partial<LoadOptions>): Promise<LoadResult> {
  await using host = localMachine();
  const url = `http://127.0.0.1:${port}/`;
  await using load = await startWrk(host, { ...OPTIONS, url, ...options });
  await load.over;
  return mergeReports([await load.finish()]);
}

/** A server that answers the first request of each connection with these bytes, and then ends it. */
function serveRaw(answer: string, answerTo: (i: number) => string = () => answer) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answerOne = async (conn: Deno.TcpConn, text: string) => {
    try {
      if (await conn.read(new Uint8Array(4096)) !== null) {
        await delay(ANSWER_MS);
        await conn.write(new TextEncoder().encode(text));
      }
    } catch {
      // wrk has left.
    }
    conn.close();
  };
  const served = (async () => {
    const answered: Promise<void>[] = [];
    for await (const conn of listener) answered.push(answerOne(conn, answerTo(answered.length)));
    await Promise.all(answered);
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await served;
    },
  };
}

async function withScript<T>(lua: string, use: (script: string) => Promise<T>): Promise<T> {
  const script = await Deno.makeTempFile({ suffix: ".lua" });
  try {
    await Deno.writeTextFile(script, lua);
    return await use(script);
  } finally {
    await Deno.remove(script);
  }
}

Deno.test({
  name: "wrk's figures are exact and agree with each other",
  ...wrk,
  async fn() {
    const result = await runWrk({});
    assertGreater(result.requests, 100);
    assert(Math.abs(result.requestsPerSec - result.requests / result.durationSec) < 1e-6);
    const { p50, p75, p90, p99, p999, max } = result.latencyUs;
    assert(p50 <= p75 && p75 <= p90 && p90 <= p99 && p99 <= p999 && p999 <= max);
    assertEquals(result.errors, { connect: 0, read: 0, write: 0, timeout: 0, status: 0 });
  },
});

Deno.test({
  name: "answers with a status that means failure are counted, every one",
  ...wrk,
  async fn() {
    const { requests, errors } = await runWrk({}, { status: 500 });
    assertGreater(requests, 0);
    assertEquals(errors.status, requests);
  },
});

for (const status of ["200 OK", "400 Bad Request"]) {
  Deno.test({
    name: `answers that end with their connection count once: ${status}`,
    ...wrk,
    async fn() {
      await using server = serveRaw(`HTTP/1.0 ${status}\r\n\r\nthe end`);
      const { requests, errors } = await runWrkAt(server.port, {});
      assertGreater(requests, 0);
      const failed = status.startsWith("4") ? requests : 0;
      assertEquals(errors, { connect: 0, read: 0, write: 0, timeout: 0, status: failed });
    },
  });
}

Deno.test({
  name: "with Connection: close each request has a connection of its own, and counts once",
  ...wrk,
  async fn() {
    let [opened, asked] = [0, 0];
    await using server = startBackend({
      listen: { hostname: "127.0.0.1", port: 0 },
      latency: ANSWER_MS,
    });
    const { hostname, port } = server.address;
    // Between wrk and the backend, connections are counted, and what is asked on each of them.
    const listener = Deno.listen({ hostname, port: 0 });
    const carry = async (client: Deno.TcpConn) => {
      opened++;
      const upstream = await Deno.connect({ hostname, port });
      const requests = new TransformStream<Uint8Array, Uint8Array>({
        transform(chunk, controller) {
          asked += new TextDecoder().decode(chunk).match(/^connection: close\r$/gim)?.length ?? 0;
          controller.enqueue(chunk);
        },
      });
      await Promise.allSettled([
        client.readable.pipeThrough(requests).pipeTo(upstream.writable),
        upstream.readable.pipeTo(client.writable),
      ]);
    };
    const carried: Promise<void>[] = [];
    const accepting = (async () => {
      for await (const client of listener) carried.push(carry(client));
    })();
    const { requests, errors } = await runWrkAt(listener.addr.port, { headers: ["Connection: close"] });
    listener.close();
    await Promise.all([accepting, ...carried]);
    assertGreater(requests, OPTIONS.connections * 2);
    assertLessOrEqual(requests, opened);
    // One that was opened last may have had no time to ask.
    assertLessOrEqual(opened - asked, OPTIONS.connections);
    assertEquals(errors, { connect: 0, read: 0, write: 0, timeout: 0, status: 0 });
  },
});

Deno.test({
  name: "a connection that ends without an answer is a read that failed",
  ...wrk,
  async fn() {
    await using server = serveRaw(
      "",
      (i) => i % 3 === 0 ? "HTTP/1.0 200 OK\r\nContent-Length: 0\r\n\r\n" : "",
    );
    const { requests, errors } = await runWrkAt(server.port, {});
    assertGreater(requests, 0);
    assertGreater(errors.read, requests);
  },
});

Deno.test({
  name:
    "a script that pipelines gets a histogram without a count below 0, and not more in it than was answered",
  ...wrk,
  async fn() {
    const lua = `
      init = function()
        local all = {}
        for i = 1, 16 do all[i] = wrk.format("GET", "/") end
        local batch = table.concat(all)
        request = function() return batch end
      end`;
    const { requests, latencyHistogram } = await withScript(
      lua,
      (script) => runWrk({ script }, { latency: 20 }),
    );
    assertGreater(requests, 0);
    const { count } = latencyHistogram!;
    assert(count.every((n) => n >= 0), `${count.filter((n) => n < 0)}`);
    assertLessOrEqual(count.reduce((sum, n) => sum + n, 0), requests);
  },
});

Deno.test({
  name: "answers later than the timeout are counted, and are the worst latencies",
  ...wrk,
  async fn() {
    const { requests, errors, latencyUs } = await runWrk({ durationMs: 3000, timeoutMs: 1000 }, {
      latency: 1200,
    });
    assertEquals(errors.timeout, requests);
    assertEquals(latencyUs.p50, 1_000_000);
  },
});

Deno.test({
  name: "the user's script sends what it wants, keeps its done() and cannot pass for our report",
  ...wrk,
  async fn() {
    const lua = `
      wrk.method = "POST"; wrk.body = "x"
      print("timewait 00000000-0000-0000-0000-000000000000 {}")
      function done(summary) io.stderr:write("user's done ", summary.requests > 0 and "saw requests" or "saw none", "\\n") end`;
    const result = await withScript(lua, (script) => runWrk({ script }));
    assertGreater(result.requests, 0);
    assertEquals(result.errors.status, 0);
  },
});

Deno.test({
  name: "a script that fails ends the load with the place of the failure",
  ...wrk,
  async fn() {
    const atLoad = withScript('error("boom")', (script) => runWrk({ script }));
    assertStringIncludes((await assertRejects(() => atLoad, Error)).message, "the Lua script failed: ");
    await withScript("this is not Lua", async (script) => {
      await assertRejects(() => runWrk({ script }), Error, "the Lua script failed");
    });
    const later = 'request = function() error("later") end';
    await withScript(later, async (script) => {
      await assertRejects(() => runWrk({ script }), Error, "later");
    });
  },
});

Deno.test({
  name: "wrk that is killed in the middle fails the load",
  ...wrk,
  async fn() {
    await using server = startBackend({ listen: { hostname: "127.0.0.1", port: 0 } });
    await using host = localMachine();
    const url = `http://127.0.0.1:${server.address.port}/`;
    await using load = await startWrk(host, { ...OPTIONS, durationMs: 20_000, url });
    Deno.kill(-load.processGroup, "SIGKILL");
    await assertRejects(() => load.over, Error, "wrk ended without a result");
  },
});

Deno.test("what wrk would do otherwise than asked is refused with what to type instead", () => {
  const refused: [Partial<LoadOptions>, string][] = [
    [
      { connections: 10, threads: 3 },
      "connections cannot be 10: wrk gives each of 3 threads the same number",
    ],
    [{ connections: 10, threads: 3 }, "use 2 threads or 12 connections"],
    [{ durationMs: 1500 }, "duration must be whole seconds for wrk, at least one, not 1500ms"],
    [{ timeoutMs: 500 }, "timeout must be whole seconds for wrk, at least one, not 500ms"],
    [{ script: "/no/such.lua" }, "script /no/such.lua cannot be read: give the path of a Lua script"],
    [{ script: "/tmp" }, "script /tmp is not a file: give the path of a Lua script"],
  ];
  for (const [options, message] of refused) {
    assertThrows(() => checkWrkOptions({ ...OPTIONS, ...options }), TimewaitError, message);
  }
});

Deno.test("connections are shared among as many threads as divide them", () => {
  assertEquals(largestDivisor(1000, 2), 2);
  assertEquals(largestDivisor(7, 2), 1);
  assertEquals(largestDivisor(9, 4), 3);
});

Deno.test("wrk's correction for coordinated omission is undone exactly", () => {
  const random = seeded(20161005);
  for (let round = 0; round < 300; round++) {
    const connections = 1 + Math.floor(random() * 50);
    const requests = connections * (1 + Math.floor(random() * 20));
    const durationUs = 1000 + Math.floor(random() * 100_000);
    const measured = new Map<number, number>();
    for (let i = 0; i < 40; i++) {
      measured.set(1 + Math.floor(random() ** 3 * 50_000), 1 + Math.floor(random() * 5));
    }
    const corrected = correctAsWrkDoes(measured, Math.floor(durationUs / Math.floor(requests / connections)));
    const undone = undoCorrection(corrected, { requests, durationUs, connections });
    assertEquals(sorted(undone), sorted(measured));
  }
});

Deno.test("a report that is damaged is refused, whatever the damage", () => {
  const good = {
    requests: 2,
    durationUs: 1_000_000,
    bytesRead: 10,
    errors: { connect: 0, read: 0, write: 0, timeout: 0, status: 0 },
    histogram: [100, 1, 200, 1],
  };
  assertEquals(mergeReports([parseWrkReport(JSON.stringify(good), 1, 2000)]).latencyUs.p50, 100);
  const damages = [
    "",
    "{",
    "null",
    "[]",
    "42",
    JSON.stringify(good).slice(0, -5),
    JSON.stringify({ ...good, requests: -1 }),
    JSON.stringify({ ...good, requests: 1.5 }),
    JSON.stringify({ ...good, requests: "2" }),
    JSON.stringify({ ...good, errors: {} }),
    JSON.stringify({ ...good, errors: undefined }),
    JSON.stringify({ ...good, histogram: [100] }),
    JSON.stringify({ ...good, histogram: "100,1" }),
    JSON.stringify({ ...good, histogram: [100, null] }),
    '{"requests":nan}',
  ];
  for (const damage of damages) {
    assertThrows(() => parseWrkReport(damage, 1, 2000), Error, "wrk's report is damaged", damage);
  }
});

/** What `stats_correct` of wrk 4.1 does to its histogram, told in our words: the model to test against. */
function correctAsWrkDoes(measured: ReadonlyMap<number, number>, intervalUs: number): Map<number, number> {
  const corrected = new Map(measured);
  for (const [us, count] of measured) {
    if (us < 2 * intervalUs) continue;
    for (let missing = us - intervalUs; missing > intervalUs; missing -= intervalUs) {
      corrected.set(missing, (corrected.get(missing) ?? 0) + count);
    }
  }
  return corrected;
}

function sorted(histogram: ReadonlyMap<number, number>): [number, number][] {
  return [...histogram].sort(([a], [b]) => a - b);
}

function seeded(seed: number): () => number {
  return () => {
    seed = (seed * 1664525 + 1013904223) % 2 ** 32;
    return seed / 2 ** 32;
  };
}

Deno.test({
  name:
    "what the user's script prints is shown, as far as it is not endless, and so is an error of its done()",
  ...wrk,
  async fn() {
    const lua = `
      function done()
        print("I", "print") io.write("I write\\n")
        for i = 1, 30 do print(i) end
      end`;
    const shown: string[] = [];
    const real = console.error;
    console.error = (line: string) => void shown.push(line);
    try {
      await withScript(lua, (script) => runWrk({ script }));
    } finally {
      console.error = real;
    }
    assertEquals(shown.slice(0, 3), ["wrk script: I\tprint", "wrk script: I write", "wrk script: 1"]);
    assertEquals(shown.length, 21);
    await withScript('function done() error("boom") end', async (script) => {
      console.error = (line: string) => void shown.push(line);
      try {
        await runWrk({ script });
      } finally {
        console.error = real;
      }
    });
    assertStringIncludes(shown.at(-1)!, "wrk script: done of the Lua script failed: ");
  },
});

/** Starts a server that keeps when each request came, and its head and body. */
function startWatcher() {
  const requests: { ms: number; method: string; bytes: number; length: string | null }[] = [];
  let opened = 0;
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serve = async (conn: Deno.TcpConn) => {
    opened++;
    const buffer = new Uint8Array(64 * 1024);
    let text = "";
    try {
      for (let n; (n = await conn.read(buffer)) !== null;) {
        text += new TextDecoder("latin1").decode(buffer.subarray(0, n));
        for (let end; (end = text.indexOf("\r\n\r\n")) >= 0;) {
          const length = /content-length: (\d+)/i.exec(text.slice(0, end))?.[1] ?? null;
          const whole = end + 4 + Number(length ?? 0);
          if (text.length < whole) break;
          const method = text.slice(0, text.indexOf(" "));
          requests.push({ ms: performance.now(), method, bytes: whole - end - 4, length });
          text = text.slice(whole);
          await delay(ANSWER_MS);
          await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n"));
        }
      }
    } catch {
      // The load has left.
    }
    conn.close();
  };
  const served = (async () => {
    const conns: Promise<void>[] = [];
    for await (const conn of listener) conns.push(serve(conn));
    await Promise.all(conns);
  })();
  return {
    requests,
    port: listener.addr.port,
    get opened() {
      return opened;
    },
    async [Symbol.asyncDispose]() {
      listener.close();
      await served;
    },
  };
}

Deno.test({
  name: "a burst sends for its time and pauses for its time, over connections that stay open",
  ...wrk,
  async fn() {
    await using server = startWatcher();
    const burst = { onMs: 400, offMs: 600 };
    const result = await runWrkAt(server.port, { durationMs: 2000, burst });
    const [first] = server.requests;
    const at = server.requests.map(({ ms }) => ms - first!.ms);
    const within = (from: number, to: number) => at.filter((ms) => ms >= from && ms < to).length;
    // 100 ms of grace at each end of a pause, for what was on its way and for timers.
    assertEquals([within(500, 900), within(1500, 1900)], [0, 0]);
    assertGreater(within(0, 400), 100);
    assertGreater(within(1000, 1400), 100);
    assertEquals(server.opened - 1, OPTIONS.connections, "wrk tries the address once before its connections");
    assertEquals(result.errors, { connect: 0, read: 0, write: 0, timeout: 0, status: 0 });
    assert(Math.abs(result.requestsPerSec - result.requests / result.durationSec) < 1e-6);
    assertGreater(result.durationSec, 1.9);
    // A pause is no latency.
    assertLessOrEqual(result.latencyUs.p99, 300_000);
  },
});

/** A server that answers every request, but for those after the first of so many of its connections. */
function startMute(mute: number) {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const answer = new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  const serve = async (conn: Deno.Conn, isMute: boolean) => {
    try {
      for (let i = 0; await conn.read(new Uint8Array(4096)) !== null; i++) {
        if (isMute && i > 0) continue;
        await delay(ANSWER_MS);
        await conn.write(answer);
      }
    } catch {
      // wrk has left.
    }
    conn.close();
  };
  const served = (async () => {
    // wrk tries the address once before its connections.
    const served: Promise<void>[] = [];
    for await (const conn of listener) served.push(serve(conn, served.length > 0 && served.length <= mute));
    await Promise.all(served);
  })();
  return {
    port: listener.addr.port,
    async [Symbol.asyncDispose]() {
      listener.close();
      await served;
    },
  };
}

Deno.test({
  name: "requests of a load with pauses that were never answered are counted, and those that wait are not",
  ...wrk,
  async fn() {
    // The load ends in a pause.
    const burst = { onMs: 300, offMs: 900 };
    for (const mute of [0, 3]) {
      await using server = startMute(mute);
      const { inFlight } = await runWrkAt(server.port, { durationMs: 2000, timeoutMs: 5000, burst });
      assertEquals(inFlight, mute);
    }
    await using server = startMute(0);
    assertEquals((await runWrkAt(server.port, {})).inFlight, undefined);
  },
});

Deno.test({
  name: "wrk sends the method and the body that it is told",
  ...wrk,
  async fn() {
    await using server = startWatcher();
    await runWrkAt(server.port, { method: "PUT", requestBodyBytes: 4096 });
    assertGreater(server.requests.length, 10);
    assert(server.requests.every(({ method, bytes }) => method === "PUT" && bytes === 4096));
  },
});

Deno.test({
  name: "a POST without a body says that its length is 0",
  ...wrk,
  async fn() {
    await using server = startWatcher();
    await runWrkAt(server.port, { method: "POST" });
    assertGreater(server.requests.length, 10);
    assert(server.requests.every(({ method, length }) => method === "POST" && length === "0"));
  },
});

Deno.test({
  name: "a script with a delay() of its own cannot be with bursts",
  ...wrk,
  async fn() {
    await withScript("function delay() return 5 end", async (script) => {
      await assertRejects(
        () => runWrk({ script, burst: { onMs: 100, offMs: 100 } }),
        Error,
        "wrk ended without a result",
      );
    });
  },
});
