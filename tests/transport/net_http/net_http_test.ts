import { sourcePermission } from "../../../tools/paths.ts";
import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { TimewaitError, UnavailableError } from "../../../tools/errors.ts";
import { main } from "../../../tools/gateway.ts";
import { resolveWorkers, startNetHttp } from "../../../tools/transport/net_http/net_http.ts";
import { ConnectionPool } from "../../../tools/transport/pool/pool.ts";
import { resolvePoolLimits, sharedIdleCounts } from "../../../tools/transport/pool/limits.ts";
import { FOR_WORKERS, runScript } from "../../support/script.ts";
import { connectTo } from "../../support/proxy_rig.ts";
import { RawUpstream } from "../../support/raw_http.ts";
import { within } from "../../support/waiting.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const LISTEN = { hostname: "127.0.0.1", port: 0 };

Deno.test("limits that contradict each other are warned of at start", async () => {
  await using backend = RawUpstream.answering(OK);
  const lines: string[] = [];
  await using _proxy = await startNetHttp({
    listen: LISTEN,
    upstreams: [new URL(backend.url)],
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
  assertThrows(() => resolveWorkers(2, limits), UnavailableError, "--unstable-net");
  assertThrows(() => resolveWorkers(0, limits), TimewaitError, "at least 1");
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
  await assertRejects(start, UnavailableError, "the port is in use");
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

/** The gateway as a person starts it. */
async function startGatewayProcess(...flags: string[]) {
  const root = new URL("../../../", import.meta.url);
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      ...[
        "run",
        "--no-prompt",
        "--quiet",
        "--unstable-net",
        "--allow-net",
        "--allow-ffi",
        sourcePermission().flag,
        "tools/gateway.ts",
      ],
      ...["--transport", "net-http", "--listen", "127.0.0.1:0", ...flags],
    ],
    cwd: root,
    stdout: "piped",
    stderr: "inherit",
  }).spawn();
  const reader = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let printed = "";
  const until = async (pattern: RegExp): Promise<RegExpExecArray> => {
    for (;;) {
      const match = pattern.exec(printed);
      if (match !== null) return match;
      const { value, done } = await within(reader.read(), `${pattern} in ${JSON.stringify(printed)}`, 20_000);
      if (done) throw new Error(`the gateway has ended: ${printed}`);
      printed += value;
    }
  };
  const [, port, workers] = await until(/listening on http:\/\/127\.0\.0\.1:(\d+) with (\d+) worker/);
  return {
    child,
    until,
    address: { hostname: "127.0.0.1", port: Number(port) },
    workers: Number(workers),
    async [Symbol.asyncDispose]() {
      try {
        child.kill("SIGKILL");
      } catch {
        // It has ended already.
      }
      await child.status;
      await reader.cancel();
    },
  };
}

for (const sockets of ["deno", "epoll"]) {
  Deno.test(`${sockets}: several threads share a port, print their counters upon SIGUSR2 and at the end, as one`, async () => {
    await using backend = RawUpstream.answering(OK);
    await using gateway = await startGatewayProcess(
      ...[
        "--upstream",
        backend.url,
        "--workers",
        "2",
        "--max-idle-conns-per-host",
        "3",
        "--sockets",
        sockets,
      ],
    );
    assertEquals(gateway.workers, 2);
    const clients = await Promise.all(Array.from({ length: 32 }, () => connectTo(gateway)));
    for (const client of clients) await client.write(GET);
    for (const client of clients) assertEquals((await client.readMessage()).body, "ok");
    gateway.child.kill("SIGUSR2");
    const [, json] = await gateway.until(/counters (\{.*\})\n/);
    const { requests, pool } = JSON.parse(json!);
    assertEquals(requests, 32);
    assert(pool.idle <= 3 && pool.dialed >= pool.idle, json);
    for (const client of clients) client[Symbol.dispose]();
    gateway.child.kill("SIGTERM");
    await gateway.until(/counters [\s\S]*opened \d+ connections for 32 requests.*\ncounters/);
    assertEquals((await gateway.child.status).code, 0);
  });
}

Deno.test("threads share a port with one another, and not with a gateway that was forgotten there", async () => {
  await using forgotten = await startGatewayProcess("--upstream", "http://127.0.0.1:9", "--workers", "2");
  const { hostname, port } = forgotten.address;
  const args = ["--upstream", "http://127.0.0.1:9", "--workers", "2", "--listen", `${hostname}:${port}`];
  for (const transport of ["net-http", "http-client"]) {
    const { code, stderr } = await runScript("gateway", ["--transport", transport, ...args], {}, FOR_WORKERS);
    assertEquals(code, 1);
    assertStringIncludes(stderr, "the port is in use");
  }
});

Deno.test("several upstreams are named by repeating the flag", async () => {
  await using one = RawUpstream.answering(OK);
  await using two = RawUpstream.answering(OK);
  await using gateway = await startGatewayProcess(
    ...["--upstream", one.url, "--upstream", two.url, "--workers", "1"],
  );
  using client = await connectTo(gateway);
  for (let i = 0; i < 4; i++) {
    await client.write(GET);
    await client.readMessage();
  }
  assertEquals([one.heads.length, two.heads.length], [2, 2]);
});

Deno.test("a flag of the other transport is refused", async () => {
  const upstream = ["--upstream", "http://127.0.0.1:9"];
  const { signal } = new AbortController();
  assertEquals(await main([...upstream, "--max-idle-conns", "2"], signal), 2);
  assertEquals(
    await main([...upstream, "--transport", "net-http", "--pool-max-idle-per-host", "2"], signal),
    2,
  );
  assertEquals(await main([...upstream, ...upstream], signal), 2);
});
