import { TimewaitError } from "../../tools/errors.ts";
import { assertEquals, assertLess, assertMatch, assertRejects, assertThrows } from "@std/assert";
import { resolveGatewayServer, startGateway } from "../../tools/parties/gateway_server.ts";
import { eventually, OK, startGatewayRig, untilRefused } from "../support/gateway_rig.ts";
import { RawConnection, startRawUpstream, startRepeatingUpstream, statusOf } from "../support/raw_http.ts";
import { runScript, startScript } from "../support/script.ts";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const UPSTREAM = "http://127.0.0.1:8081";

Deno.test("options that are left out or undefined get their defaults", () => {
  assertEquals(resolveGatewayServer({ upstream: UPSTREAM, poolMaxIdlePerHost: undefined }), {
    gateway: { transport: "http-client", poolMaxIdlePerHost: false, poolIdleTimeoutMs: 90_000, workers: 1 },
    upstreams: [UPSTREAM],
    listen: { hostname: "127.0.0.1", port: 8080 },
    graceMs: 10_000,
  });
});

Deno.test("zero is a value, and false is no limit", () => {
  const upstream = UPSTREAM;
  const none = resolveGatewayServer({ upstream, poolMaxIdlePerHost: 0, poolIdleTimeout: 0, grace: 0 });
  assertEquals([none.gateway, none.graceMs], [
    { transport: "http-client", poolMaxIdlePerHost: 0, poolIdleTimeoutMs: 0, workers: 1 },
    0,
  ]);
  const all = resolveGatewayServer({ upstream, poolMaxIdlePerHost: false, poolIdleTimeout: false });
  assertEquals(all.gateway, {
    transport: "http-client",
    poolMaxIdlePerHost: false,
    poolIdleTimeoutMs: false,
    workers: 1,
  });
});

Deno.test("an upstream that is not an http origin is refused, with what to give instead", async () => {
  const refused: [string, RegExp][] = [
    ["https://h", /must be http, not "https:\/\/h"; give an origin such as/],
    ["127.0.0.1:8081", /not a URL/],
    ["localhost:8081", /must be http/],
    ["", /not a URL/],
    ["http://h:8081/api", /takes no path.*: http:\/\/h:8081, not /],
    ["http://h/?q", /takes no path/],
    ["http://h/#f", /takes no path/],
    ["http://u:p@h", /no user name or password/],
  ];
  for (const [upstream, message] of refused) {
    const error = assertThrows(() => resolveGatewayServer({ upstream }), TimewaitError);
    assertMatch(error.message, message);
    for (const transport of ["http-client", "net-http"] as const) {
      await assertRejects(() => startGateway({ transport, upstream }), TimewaitError);
    }
  }
});

Deno.test("an upstream may be a URL object, end in a slash, and be an IPv6 address", () => {
  assertEquals(
    resolveGatewayServer({ upstream: new URL("http://[::1]:81/") }).upstreams,
    ["http://[::1]:81"],
  );
});

Deno.test("a start that fails leaves nothing behind", async () => {
  await using rig = await startGatewayRig();
  const { address: listen } = rig.gateway;
  for (const transport of ["http-client", "net-http"] as const) {
    const again = () => startGateway({ transport, upstream: UPSTREAM, listen, workers: 1 });
    await assertRejects(again, Error, "the port is in use");
  }
});

Deno.test("as a script it needs the network only, and forwards", async () => {
  await using upstream = startRepeatingUpstream(OK);
  await using script = await startScript("gateway", [
    ...["--listen", "127.0.0.1:0", "--upstream", upstream.url, "--transport", "http-client"],
    ...["--pool-max-idle-per-host", "0", "--pool-idle-timeout", "5s", "--grace", "1s"],
  ]);
  for (let i = 1; i <= 3; i++) {
    using client = await RawConnection.open(script.address);
    await client.write(GET);
    assertEquals((await client.readMessage()).body, "ok");
    assertEquals(upstream.connections, i);
  }
  assertEquals(await script.stop(), { code: 0, stderr: "" });
});

Deno.test("as a script it finishes what is in flight when it is told to stop", async () => {
  const [arrived, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
  await using upstream = startRawUpstream(async (connection) => {
    await connection.readMessage();
    arrived.resolve();
    await answer.promise;
    await connection.write(OK);
  });
  await using script = await startScript("gateway", ["--listen", "127.0.0.1:0", "--upstream", upstream.url]);
  using client = await RawConnection.open(script.address);
  await client.write(GET);
  await arrived.promise;
  const stopped = script.stop("SIGTERM");
  await untilRefused(script.address);
  answer.resolve();
  assertEquals((await client.readMessage()).body, "ok");
  assertEquals(await stopped, { code: 0, stderr: "" });
});

Deno.test("as a script it ends after its grace, whatever hangs", async () => {
  await using upstream = startRawUpstream(async (connection) => {
    const { startLine } = await connection.readMessage();
    if (startLine.includes("/body")) {
      await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    }
    await connection.closedByPeer();
  });
  await using script = await startScript("gateway", [
    "--listen",
    "127.0.0.1:0",
    "--upstream",
    upstream.url,
    "--grace",
    "50ms",
  ]);
  using waiting = await RawConnection.open(script.address);
  await waiting.write(GET);
  using reading = await RawConnection.open(script.address);
  await reading.write(GET.replace("/ ", "/body "));
  await reading.readUntil("abc");
  await eventually(() => upstream.received.length === 2, "both requests arrive");
  const from = performance.now();
  assertEquals(await script.stop("SIGINT"), { code: 0, stderr: "" });
  assertLess(performance.now() - from, 5_000);
  assertEquals(await reading.readToEnd({ toleratingReset: true }), "");
});

Deno.test("as a script it writes failures to standard error, and their total before it ends", async () => {
  await using gone = startRepeatingUpstream(OK);
  await gone[Symbol.asyncDispose]();
  await using script = await startScript("gateway", ["--listen", "127.0.0.1:0", "--upstream", gone.url]);
  using client = await RawConnection.open(script.address);
  for (let i = 0; i < 20; i++) {
    await client.write(GET);
    assertEquals(statusOf(await client.readMessage()), 502);
  }
  const { stderr } = await script.stop();
  const counts = stderr.trimEnd().split("\n").map((line) => {
    assertMatch(line, /^upstream failed: ECONNREFUSED connect 127\.0\.0\.1:\d+ \(connection refused\) ×\d+$/);
    return Number(line.split("×")[1]);
  });
  assertEquals(counts.reduce((sum, count) => sum + count), 20);
});

Deno.test("as a script it does not start where a proxy variable would lead it elsewhere", async () => {
  await using proxy = startRepeatingUpstream(OK);
  for (const variable of ["HTTP_PROXY", "all_proxy"]) {
    const { code, stdout, stderr } = await runScript("gateway", ["--upstream", UPSTREAM], {
      [variable]: proxy.url,
    });
    assertEquals([code, stdout], [1, ""]);
    assertMatch(stderr, /^error: a proxy variable is set.*HTTP_PROXY= .*\n$/);
  }
});

Deno.test("a port in use is one line that says what to do, and exit code 1", async () => {
  await using rig = await startGatewayRig();
  const taken = `127.0.0.1:${rig.gateway.address.port}`;
  const { code, stdout, stderr } = await runScript("gateway", ["--upstream", UPSTREAM, "--listen", taken]);
  assertEquals([code, stdout], [1, ""]);
  assertMatch(
    stderr,
    new RegExp(`^error: cannot listen on ${taken}: the port is in use; .*choose another.*\n$`),
  );
});

Deno.test("flags that cannot be are refused with exit code 2", async () => {
  for (
    const args of [
      [],
      ["--upstream", "https://h"],
      ["--upstream", "http://h/api"],
      ["--upstream", UPSTREAM, "--transport", "carrier-pigeon"],
      ["--upstream", UPSTREAM, "--pool-max-idle-per-host", "-1"],
      ["--upstream", UPSTREAM, "--pool-idle-timeout", "90"],
      ["--upstream", UPSTREAM, "--pool-max-idle", "1"],
    ]
  ) {
    const { code, stdout, stderr } = await runScript("gateway", args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertMatch(stderr, /^error: [^\n]+\n$/);
  }
});
