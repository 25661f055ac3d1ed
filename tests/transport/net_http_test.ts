import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { resolveWorkers, startNetHttp } from "../../tools/transport/net_http.ts";
import { ConnectionPool, resolvePoolLimits, sharedIdleCounts } from "../../tools/transport/pool.ts";
import { connectTo, RawBackend } from "./raw_peers.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LISTEN = { hostname: "127.0.0.1", port: 0 };

Deno.test("limits that contradict each other are warned of at start", async () => {
  await using backend = RawBackend.answering(OK);
  const lines: string[] = [];
  await using _proxy = await startNetHttp({
    listen: LISTEN,
    upstreams: [backend.url],
    pool: { maxIdleConns: 100, maxIdleConnsPerHost: 200 },
    workers: 1,
    graceMs: 0,
    log: (line) => lines.push(line),
  });
  assertStringIncludes(lines[0]!, "warning: maxIdleConnsPerHost 200 is above maxIdleConns 100");
});

Deno.test("workers that Deno does not permit are refused with the flags that do, and are not the default", () => {
  const limits = resolvePoolLimits();
  if ("listenDatagram" in Deno) return;
  assertEquals(resolveWorkers(undefined, limits), 1);
  assertThrows(() => resolveWorkers(2, limits), Error, "--unstable-net");
  assertThrows(() => resolveWorkers(0, limits), RangeError, "at least 1");
  assertEquals(resolveWorkers(4, resolvePoolLimits({ maxConnsPerHost: 1 })), 1);
});

Deno.test("a port in use is an error, not a crash", async () => {
  using taken = Deno.listen(LISTEN);
  const start = () =>
    startNetHttp({
      listen: { ...LISTEN, port: taken.addr.port },
      upstreams: [new URL("http://127.0.0.1:9")],
      workers: 1,
      graceMs: 0,
      log() {},
    });
  await assertRejects(start, Deno.errors.AddrInUse);
});

Deno.test("pools that share their counts keep to both gates together", async () => {
  const counts = sharedIdleCounts(2);
  const limits = { maxIdleConns: 5, maxIdleConnsPerHost: 4 };
  const pools = [1, 2].map(() => new ConnectionPool(() => Promise.resolve({ close() {} }), limits, counts));
  const hosts = pools.map((pool) => [pool.host("a"), pool.host("b")] as const);
  for (const which of [0, 1] as const) {
    for (const [i, pool] of pools.entries()) {
      const slots = await Promise.all([1, 2, 3].map(() => pool.get(hosts[i]![which])));
      for (const slot of slots) pool.put(slot);
      const all = pools.map((pool) => pool.counters().idle).reduce((sum, idle) => sum + idle);
      assert(all <= 5 && hosts[0]![which].idle + hosts[1]![which].idle <= 4, `${all}`);
    }
  }
  assertEquals(pools.map((pool) => pool.counters().idle).reduce((sum, idle) => sum + idle), 5);
  assertEquals(Atomics.load(counts, 0), 5);
  for (const pool of pools) pool[Symbol.dispose]();
  assertEquals([...counts], [0, 0, 0]);
});

Deno.test("several threads share a port, and their counters are one", async () => {
  await using backend = RawBackend.answering(OK);
  const script = `
    import { startNetHttp } from ${JSON.stringify(import.meta.resolve("../../tools/transport/net_http.ts"))};
    const proxy = await startNetHttp({
      listen: { hostname: "127.0.0.1", port: 0 },
      upstreams: [new URL("${backend.url}")],
      pool: { maxIdleConnsPerHost: 3 },
      workers: 2,
      graceMs: 1000,
      log() {},
    });
    console.log(proxy.address.port);
    await Deno.stdin.read(new Uint8Array(1));
    await proxy[Symbol.asyncDispose]();
    console.log(JSON.stringify({ workers: proxy.workers, ...await proxy.counters() }));
  `;
  const tools = decodeURIComponent(new URL("../../tools", import.meta.url).pathname);
  await using child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--quiet",
      "--unstable-net",
      "--allow-net",
      `--allow-read=${tools}`,
      "--ext=ts",
      "-",
    ],
    cwd: new URL("../..", import.meta.url),
    stdin: "piped",
    stdout: "piped",
  }).spawn();
  // The script comes in by standard input as well, so that it is written whole before anything is read from it.
  const stdin = child.stdin.getWriter();
  await stdin.write(new TextEncoder().encode(script));
  await stdin.close();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  const port = Number((await lines.read()).value);
  const clients = await Promise.all(
    Array.from({ length: 16 }, () => connectTo({ address: { ...LISTEN, port } })),
  );
  for (const client of clients) await client.send(GET);
  for (const client of clients) assertEquals((await client.message()).body, "ok");
  for (const client of clients) client[Symbol.dispose]();
  await lines.cancel();
});
