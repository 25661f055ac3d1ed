import { assertEquals, assertLess, assertMatch } from "@std/assert";
import { startGateway } from "../../../tools/parties/gateway_server.ts";
import { OK, startGatewayRig, untilRefused } from "../../support/gateway_rig.ts";
import { eventually, settled } from "../../support/waiting.ts";
import { fieldOf, RawConnection, startRawUpstream, statusOf } from "../../support/raw_http.ts";

const GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const MIB = 1024 * 1024;

Deno.test("an upstream that cannot be reached is a 502 with the errno's name, in the answer and in the log", async () => {
  await using rig = await startGatewayRig();
  await rig.upstream[Symbol.asyncDispose]();
  const response = await rig.exchange(GET);
  assertEquals(statusOf(response), 502);
  assertEquals(response.body, "the upstream failed: ECONNREFUSED (connection refused)\n");
  assertMatch(
    rig.log[0]!,
    /^upstream failed: ECONNREFUSED connect 127\.0\.0\.1:\d+ \(connection refused\) ×1$/,
  );
});

Deno.test("the log's figures add up to the requests that failed", async () => {
  const log: string[] = [];
  const failing = 60;
  {
    await using rig = await startGatewayRig(OK, { log: (line) => log.push(line) });
    await rig.upstream[Symbol.asyncDispose]();
    for (let i = 0; i < failing; i++) assertEquals(statusOf(await rig.exchange(GET)), 502);
  }
  assertLess(log.length, failing / 2);
  const counted = log.map((line) => Number(/×(\d+)$/.exec(line)![1]));
  assertEquals(counted.reduce((sum, count) => sum + count), failing);
});

Deno.test("a client that goes away before the response takes the upstream request with it", async () => {
  let [begun, ended] = [false, false];
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readMessage();
    begun = true;
    await connection.closedByPeer();
    ended = true;
  }));
  {
    using client = await RawConnection.open(rig.gateway.address);
    await client.write(GET);
    await eventually(() => begun, "the request arrives");
  }
  await eventually(() => ended, "the upstream's connection is closed");
  assertEquals(rig.log, []);
});

Deno.test("a client that goes away during the response takes the upstream request with it", async () => {
  let ended = false;
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readMessage();
    await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc");
    await connection.closedByPeer();
    ended = true;
  }));
  {
    using client = await RawConnection.open(rig.gateway.address);
    await client.write(GET);
    await client.readUntil("abc");
  }
  await eventually(() => ended, "the upstream's connection is closed");
  assertEquals(rig.log, []);
});

Deno.test("a client that goes away in the middle of its content breaks it off for the upstream too", async () => {
  let received: string | undefined;
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    received = await connection.readToEnd({ toleratingReset: true });
  }));
  for (const framed of ["Content-Length: 9\r\n\r\nabc", "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n"]) {
    received = undefined;
    {
      using client = await RawConnection.open(rig.gateway.address);
      await client.write(`POST /a HTTP/1.1\r\nHost: h\r\n${framed}`);
    }
    await eventually(() => received !== undefined, "the upstream's connection is closed");
    assertEquals(received!.includes("0\r\n\r\n"), false);
  }
  assertEquals(rig.log, []);
});

Deno.test("content goes upstream as it comes, before there is an end to it", async () => {
  let first = "";
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    first = await connection.readUntil("abc");
    await connection.readUntil("def");
    await connection.write(OK);
    await connection.closedByPeer();
  }));
  using client = await RawConnection.open(rig.gateway.address);
  await client.write("POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 6\r\n\r\nabc");
  await eventually(() => first !== "", "the first half arrives");
  await client.write("def");
  assertEquals((await client.readMessage()).body, "ok");
});

Deno.test("content comes back as it comes, before there is an end to it", async () => {
  const half = Promise.withResolvers<void>();
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readMessage();
    await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\nabc");
    await half.promise;
    await connection.write("def");
  }));
  using client = await RawConnection.open(rig.gateway.address);
  await client.write(GET);
  await client.readUntil("abc");
  half.resolve();
  assertEquals(await client.readBytes(3), "def");
});

Deno.test("an answer that comes before the request's content has ended reaches the client", async () => {
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readUntil("\r\n\r\n");
    await connection.write("HTTP/1.1 413 Too Large\r\nContent-Length: 0\r\n\r\n");
    await connection.closedByPeer();
  }));
  using client = await RawConnection.open(rig.gateway.address);
  await client.write(`POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: ${MIB}\r\n\r\nabc`);
  assertEquals(statusOf(await client.readMessage()), 413);
});

Deno.test("32 MiB pass in both directions unharmed, with a length and chunked", async () => {
  const content = new Uint8Array(32 * MIB);
  for (let at = 0; at < content.length; at += 65_536) {
    crypto.getRandomValues(content.subarray(at, at + 65_536));
  }
  await using echo = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    ({ body, headers }) =>
      new Response(body, { headers: { "x-length": headers.get("content-length") ?? "none" } }),
  );
  await using gateway = await startGateway({
    upstream: `http://127.0.0.1:${echo.addr.port}`,
    listen: { hostname: "127.0.0.1", port: 0 },
  });
  const url = `http://127.0.0.1:${gateway.address.port}/`;
  using client = Deno.createHttpClient({ http2: false });
  const expected = await crypto.subtle.digest("SHA-256", content);
  for (
    const [body, length] of [[content, `${content.length}`], [new Blob([content]).stream(), "none"]] as const
  ) {
    const response = await fetch(url, { method: "POST", body, client });
    assertEquals(response.headers.get("x-length"), length);
    assertEquals(await crypto.subtle.digest("SHA-256", await response.bytes()), expected);
  }
});

Deno.test("a client that does not read stops the upstream, and costs no memory", async () => {
  let sent = 0;
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readMessage();
    await connection.write(`HTTP/1.1 200 OK\r\nContent-Length: ${1024 * MIB}\r\n\r\n`);
    const chunk = "x".repeat(65_536);
    for (; sent < 1024 * MIB; sent += chunk.length) await connection.write(chunk);
  }));
  using client = await RawConnection.open(rig.gateway.address);
  await client.write(GET);
  await client.readUntil("\r\n\r\n");
  assertLess(await settled(() => sent), 64 * MIB);
});

Deno.test("an upstream that does not read stops the client", async () => {
  const end = Promise.withResolvers<void>();
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readUntil("\r\n\r\n");
    await end.promise;
  }));
  using client = await RawConnection.open(rig.gateway.address);
  await client.write(`POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: ${1024 * MIB}\r\n\r\n`);
  const chunk = new Uint8Array(65_536);
  let sent = 0;
  const sending = (async () => {
    while (sent < 1024 * MIB) sent += await client.conn.write(chunk);
  })().catch(() => {});
  assertLess(await settled(() => sent), 64 * MIB);
  client[Symbol.dispose]();
  end.resolve();
  await sending;
});

Deno.test("the pool keeps as many idle connections as it may, and none with 0", async () => {
  const requests = 40;
  for (
    const [options, expected] of [
      [{ poolMaxIdlePerHost: 0 }, requests],
      [{ poolIdleTimeout: 0 }, requests],
      [{ poolMaxIdlePerHost: 1 }, 1],
      [{ poolIdleTimeout: false }, 1],
      [{}, 1],
    ] as const
  ) {
    await using rig = await startGatewayRig(OK, options);
    for (let i = 0; i < requests; i++) await rig.exchange(GET);
    assertEquals(rig.upstream.connections, expected, JSON.stringify(options));
  }
});

Deno.test("an idle connection is closed after its time", async () => {
  let closed = false;
  await using rig = await startGatewayRig(
    startRawUpstream(async (connection) => {
      await connection.readMessage();
      await connection.write(OK);
      await connection.closedByPeer();
      closed = true;
    }),
    { poolIdleTimeout: 100 },
  );
  await rig.exchange(GET);
  await eventually(() => closed, "the idle connection is closed");
});

Deno.test("a stop waits for the request in flight, and accepts no more", async () => {
  const requests = [GET, "POST /a HTTP/1.1\r\nHost: h\r\nContent-Length: 5\r\n\r\nhello"];
  for (const request of requests) {
    const [arrived, answer] = [Promise.withResolvers<void>(), Promise.withResolvers<void>()];
    await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
      await connection.readMessage();
      arrived.resolve();
      await answer.promise;
      await connection.write(OK);
    }));
    const inFlight = rig.exchange(request);
    await arrived.promise;
    const stopped = rig.gateway[Symbol.asyncDispose]();
    await untilRefused(rig.gateway.address);
    answer.resolve();
    const response = await inFlight;
    assertEquals([response.body, fieldOf(response, "connection")], ["ok", "close"]);
    await stopped;
  }
});

Deno.test("a stop gives up what is still in flight after its grace", async () => {
  const arrived = Promise.withResolvers<void>();
  await using rig = await startGatewayRig(
    startRawUpstream(async (connection) => {
      await connection.readMessage();
      arrived.resolve();
      await connection.closedByPeer();
    }),
    { grace: 50 },
  );
  const inFlight = rig.exchange(GET);
  await arrived.promise;
  await rig.gateway[Symbol.asyncDispose]();
  assertEquals(statusOf(await inFlight), 503);
  assertEquals(rig.log, []);
});

Deno.test("a stop lets an upload that is on its way pass, and begins no other", async () => {
  const half = Promise.withResolvers<void>();
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readUntil("abc");
    half.resolve();
    await connection.readUntil("def");
    await connection.write(OK);
  }));
  const post = "POST /a HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n";
  using client = await RawConnection.open(rig.gateway.address);
  await client.write(post);
  await half.promise;
  const stopped = rig.gateway[Symbol.asyncDispose]();
  assertEquals(statusOf(await rig.exchange(`${post}0\r\n\r\n`)), 503);
  await client.write("3\r\ndef\r\n0\r\n\r\n");
  assertEquals((await client.readMessage()).body, "ok");
  await stopped;
});
