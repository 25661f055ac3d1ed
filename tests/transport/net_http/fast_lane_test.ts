import { assert, assertEquals } from "@std/assert";
import { connectTo, startTestProxy } from "../../support/proxy_rig.ts";
import { type RawConnection, RawUpstream, statusOf } from "../../support/raw_http.ts";
import { eventually } from "../../support/waiting.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";

/**
 * A backend whose connections answer one request, so that the next request finds one idle, and then do what
 * the test says.
 */
function warm(second: (conn: RawConnection) => Promise<void>): RawUpstream {
  return new RawUpstream(async (conn) => {
    await conn.readMessage();
    await conn.write(OK);
    await conn.readMessage();
    await second(conn);
  });
}

async function warmedUp(client: RawConnection): Promise<void> {
  await client.write(GET);
  assertEquals((await client.readMessage()).body, "ok");
}

Deno.test("a response that comes in pieces is put together, wherever it is cut", async () => {
  const response = "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\n\r\n";
  await using backend = new RawUpstream(async (conn) => {
    conn.conn.setNoDelay(true);
    for (let at = 1; at < response.length; at++) {
      await conn.readMessage();
      await conn.write(response.slice(0, at));
      await new Promise((resolve) => setTimeout(resolve, 1));
      await conn.write(response.slice(at));
    }
    await conn.rest();
  });
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  for (let at = 1; at < response.length; at++) {
    await client.write(GET);
    assertEquals((await client.readMessage()).body, "abcde");
  }
  assertEquals(backend.conns.length, 1);
});

Deno.test("an interim response on a reused connection passes, and the final one follows", async () => {
  await using backend = warm((conn) => conn.write(`HTTP/1.1 103 Early Hints\r\n\r\n${OK}`));
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  await warmedUp(client);
  await client.write(GET);
  assertEquals((await client.readMessage({ toHead: true })).startLine, "HTTP/1.1 103 Early Hints");
  assertEquals((await client.readMessage()).body, "ok");
});

Deno.test("an upstream that does not answer on a reused connection is 504, and the client stays", async () => {
  await using backend = warm(async (conn) => void await conn.rest());
  await using proxy = startTestProxy(backend, { timeouts: { responseHeadMs: 50 } });
  using client = await connectTo(proxy);
  await warmedUp(client);
  await client.write(GET);
  assertEquals((await client.readMessage()).startLine, "HTTP/1.1 504 Gateway Timeout");
  assertEquals(proxy.counters().pool.closed, { timeout: 1 });
  await warmedUp(client);
});

Deno.test("a reused connection that the backend closes, or sends to, once it is idle again leaves the pool", async (t) => {
  for (
    const [reason, unasked] of [["closedByBackend", ""], [
      "unsolicitedBytes",
      "HTTP/1.1 408 Late\r\n\r\n",
    ]] as const
  ) {
    await t.step(reason, async () => {
      const goOn = Promise.withResolvers<void>();
      await using backend = warm(async (conn) => {
        await conn.write(OK);
        await goOn.promise;
        await conn.write(unasked);
      });
      await using proxy = startTestProxy(backend);
      using client = await connectTo(proxy);
      await warmedUp(client);
      await warmedUp(client);
      assertEquals(proxy.counters().pool.idle, 1);
      goOn.resolve();
      if (unasked === "") backend.conns[0]![Symbol.dispose]();
      await eventually(() => proxy.counters().pool.closed[reason] === 1, "counted");
      assertEquals(proxy.counters().pool.idle, 0);
    });
  }
});

Deno.test("a client that leaves while a reused connection is busy drops it", async () => {
  const gone = Promise.withResolvers<void>();
  await using backend = warm(async (conn) => {
    client[Symbol.dispose]();
    await conn.rest();
    gone.resolve();
  });
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  await warmedUp(client);
  await client.write(GET);
  await gone.promise;
  await eventually(() => proxy.counters().pool.closed.clientGone === 1, "counted");
});

Deno.test("a body that does not come whole, or is cut short, on a reused connection", async (t) => {
  const head = "HTTP/1.1 200 OK\r\nContent-Length: 200000\r\n\r\n";
  await t.step("comes later", async () => {
    await using backend = warm(async (conn) => {
      await conn.write(head);
      for (let i = 0; i < 4; i++) await conn.write("x".repeat(50_000));
      await conn.rest();
    });
    await using proxy = startTestProxy(backend);
    using client = await connectTo(proxy);
    await warmedUp(client);
    await client.write(GET);
    assertEquals((await client.readMessage()).body.length, 200_000);
    await eventually(() => proxy.counters().pool.idle === 1, "given back");
  });
  await t.step("cut short", async () => {
    await using backend = warm(async (conn) => {
      await conn.write(head + "x".repeat(50_000));
      conn[Symbol.dispose]();
    });
    await using proxy = startTestProxy(backend);
    using client = await connectTo(proxy);
    await warmedUp(client);
    await client.write(GET);
    const response = await client.rest();
    assert(statusOf(response) === 502 || response.length < 200_000);
  });
});

Deno.test("a request body is sent on as it is, in the same piece or in many", async () => {
  const bodies: string[] = [];
  await using backend = RawUpstream.answering(({ body }) => {
    bodies.push(body);
    return OK;
  });
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  await warmedUp(client);
  const big = "0123456789".repeat(5_000);
  for (const body of ["", "small", big]) {
    await client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
    assertEquals((await client.readMessage()).body, "ok");
  }
  assertEquals(bodies.slice(1), ["", "small", big]);
});

Deno.test("a client that does not take its responses is closed when they have waited too long", async () => {
  const body = "x".repeat(3_000);
  await using backend = RawUpstream.answering(
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`,
  );
  await using proxy = startTestProxy(backend, { timeouts: { clientIdleMs: 200, stallMs: 200 } });
  using client = await connectTo(proxy);
  let requests = 0;
  const sending = (async () => {
    for (;;) {
      await client.write(GET.repeat(100));
      requests += 100;
    }
  })().catch(() => {});
  await sending;
  assert(requests > 0);
  await eventually(() => proxy.counters().pool.inUse === 0, "nothing in use");
});

Deno.test("clients by the hundred, each with its own answers", async () => {
  await using backend = RawUpstream.answering(({ head }) => {
    const target = head.split(" ")[1]!;
    return `HTTP/1.1 200 OK\r\nContent-Length: ${target.length}\r\n\r\n${target}`;
  });
  await using proxy = startTestProxy(backend, { pool: { maxIdleConnsPerHost: 100 } });
  await Promise.all(Array.from({ length: 200 }, async (_, i) => {
    using client = await connectTo(proxy);
    for (let j = 0; j < 20; j++) {
      await client.write(`GET /${i}/${j} HTTP/1.1\r\nHost: a\r\n\r\n`);
      assertEquals((await client.readMessage()).body, `/${i}/${j}`);
    }
  }));
  const { requests, pool } = proxy.counters();
  assertEquals([requests, pool.inUse], [4_000, 0]);
  assert(pool.idlePeak <= 100 && pool.reused > 2_000, JSON.stringify(pool));
});
