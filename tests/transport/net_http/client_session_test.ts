import { assert, assertEquals } from "@std/assert";
import { connectTo, exchangeOnce, startTestProxy } from "../../support/proxy_rig.ts";
import { RawUpstream, statusOf } from "../../support/raw_http.ts";
import { eventually } from "../../support/waiting.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

function echo(): RawUpstream {
  return RawUpstream.answering(({ head, body }) => {
    const text = `${head.split(" ")[1]} ${body}`;
    return `HTTP/1.1 200 OK\r\nContent-Length: ${text.length}\r\n\r\n${text}`;
  });
}

Deno.test("pipelined requests are answered in their order, bodies and all", async () => {
  await using backend = echo();
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  let requests = "";
  for (let i = 0; i < 60; i++) {
    requests += i % 3 === 0
      ? `GET /${i} HTTP/1.1\r\nHost: a\r\n\r\n`
      : i % 3 === 1
      ? `POST /${i} HTTP/1.1\r\nHost: a\r\nContent-Length: ${`b${i}c`.length}\r\n\r\nb${i}c`
      : `POST /${i} HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n1\r\nd\r\n2\r\nef\r\n0\r\n\r\n`;
  }
  await client.write(requests);
  for (let i = 0; i < 60; i++) {
    const body = i % 3 === 0 ? "" : i % 3 === 1 ? `b${i}c` : "def";
    assertEquals((await client.readMessage()).body, `/${i} ${body}`);
  }
  assertEquals(backend.conns.length, 1);
});

Deno.test("a request is understood however its bytes are cut", async () => {
  await using backend = echo();
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  client.conn.setNoDelay(true);
  const request = "POST /cut HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n";
  for (let at = 1; at < request.length; at++) {
    await client.write(request.slice(0, at));
    await new Promise((resolve) => setTimeout(resolve, 0));
    await client.write(request.slice(at));
    assertEquals((await client.readMessage()).body, "/cut abc");
  }
  for (const byte of request) await client.write(byte);
  assertEquals((await client.readMessage()).body, "/cut abc");
});

Deno.test("a request head that does not end is 408, bytes trickling or not", async (t) => {
  for (const trickle of ["", "X"]) {
    await t.step(trickle === "" ? "silent" : "trickling", async () => {
      await using backend = echo();
      await using proxy = startTestProxy(backend, { timeouts: { requestHeadMs: 60 } });
      using client = await connectTo(proxy);
      await client.write("GET / HTTP/1.1\r\nHost: a\r\nX");
      const timer = setInterval(() => trickle && client.write(trickle).catch(() => {}), 15);
      const response = await client.rest();
      clearInterval(timer);
      assertEquals(statusOf(response), 408);
    });
  }
});

Deno.test("a client that asks for nothing is closed without a word", async () => {
  await using backend = echo();
  await using proxy = startTestProxy(backend, { timeouts: { clientIdleMs: 40 } });
  assertEquals(await exchangeOnce(proxy, ""), "");
  using client = await connectTo(proxy);
  await client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await client.readMessage();
  assertEquals(await client.rest(), "");
});

Deno.test("a body that stops coming is 408", async () => {
  await using backend = echo();
  await using proxy = startTestProxy(backend, { timeouts: { responseHeadMs: 60 } });
  using client = await connectTo(proxy);
  await client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10\r\n\r\nabc");
  assertEquals(statusOf(await client.rest()), 408);
});

Deno.test("a refusal reaches a client that is still sending", async () => {
  await using backend = echo();
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  const sending = client.write(
    `POST / HTTP/1.1\r\nHost: a\r\nContent-Length: -1\r\n\r\n${"x".repeat(2_000_000)}`,
  );
  assertEquals(statusOf(await client.rest()), 400);
  assert(!client.broken);
  await sending;
});

Deno.test("Connection: close is obeyed, and what is pipelined behind it is not answered", async () => {
  await using backend = echo();
  await using proxy = startTestProxy(backend);
  const get = (path: string, more = "") => `GET ${path} HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
  const all = await exchangeOnce(proxy, get("/1") + get("/2", "Connection: close\r\n") + get("/3"));
  assertEquals([...all.matchAll(/\r\n\r\n(\/\d)/g)].map((match) => match[1]), ["/1", "/2"]);
  assertEquals(backend.heads.length, 2);
});

Deno.test("a stop lets the request in flight finish, closes idle clients, and refuses new ones", async () => {
  const asked = Promise.withResolvers<void>();
  const answer = Promise.withResolvers<void>();
  await using backend = new RawUpstream(async (conn) => {
    await conn.readMessage();
    asked.resolve();
    await answer.promise;
    await conn.write(OK);
  });
  const proxy = startTestProxy(backend, { graceMs: 5000 });
  using idle = await connectTo(proxy);
  using busy = await connectTo(proxy);
  await busy.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await asked.promise;
  const stopped = proxy[Symbol.asyncDispose]();
  assertEquals(await idle.rest(), "");
  await connectTo(proxy).then(() => assert(false, "connected"), () => {});
  answer.resolve();
  const response = await busy.rest();
  assert(response.includes("Connection: close\r\n") && response.endsWith("ok"), response);
  await stopped;
});

Deno.test("bytes that come after the gateway has closed take nothing of its last answer from the client", async (t) => {
  const body = "x".repeat(3_000_000);
  const answer = `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`;
  for (const how of ["a stop after the answer", "Connection: close"]) {
    await t.step(how, async () => {
      await using backend = RawUpstream.answering(answer);
      const proxy = startTestProxy(backend, { graceMs: 5_000 });
      using client = await connectTo(proxy);
      const fields = how === "Connection: close" ? "Connection: close\r\n" : "";
      await client.write(`GET / HTTP/1.1\r\nHost: a\r\n${fields}\r\n`);
      await client.read();
      // The answer is on its way as a whole, and the client has read only its beginning.
      await eventually(() => proxy.counters().pool.inUse === 0, "the upstream's part is over");
      await new Promise((resolve) => setTimeout(resolve, 50));
      const stopped = proxy[Symbol.asyncDispose]();
      await new Promise((resolve) => setTimeout(resolve, 50));
      await client.write("GET /next");
      await client.rest();
      assertEquals([client.broken, client.received.length > body.length], [false, true]);
      client[Symbol.dispose]();
      await stopped;
    });
  }
});

Deno.test("a stop cuts what does not finish in time", async () => {
  const asked = Promise.withResolvers<void>();
  await using backend = new RawUpstream(async (conn) => {
    await conn.readMessage();
    asked.resolve();
    await conn.rest();
  });
  const proxy = startTestProxy(backend, { graceMs: 30 });
  using client = await connectTo(proxy);
  await client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await asked.promise;
  await proxy[Symbol.asyncDispose]();
  assertEquals(await client.rest(), "");
});

Deno.test("a client that resets its connection at any point leaves nothing behind", async () => {
  await using backend = echo();
  await using proxy = startTestProxy(backend);
  const request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";
  for (let at = 0; at <= request.length; at++) {
    const client = await connectTo(proxy);
    await client.write(request.slice(0, at));
    client[Symbol.dispose]();
  }
  await eventually(() => proxy.counters().pool.inUse === 0, "nothing in use");
  using client = await connectTo(proxy);
  await client.write(request);
  assertEquals((await client.readMessage()).body, "/ abc");
});

Deno.test("clients whose requests come at the same moment get and send each their own fields", async () => {
  const clientCount = 16;
  const pad = (client: string, round: string) => "x".repeat(Number(client) * 7 + Number(round));
  await using backend = RawUpstream.answering(({ head }) => {
    const [, client, round] = /GET \/(\d+)\/(\d+) /.exec(head)!;
    return `HTTP/1.1 200 OK\r\nX-Pad: ${pad(client!, round!)}\r\nX-Answer-${client}-${round}: ${client}\r\n` +
      `Content-Length: 2\r\n\r\nok`;
  });
  await using proxy = startTestProxy(backend, { pool: { maxIdleConnsPerHost: clientCount } });
  const clients = await Promise.all(Array.from({ length: clientCount }, () => connectTo(proxy)));
  // The first round takes the exchange, because no connection is idle; the others take the fast lane.
  for (let round = 0; round < 8; round++) {
    await Promise.all(clients.map(async (conn, client) => {
      await conn.write(
        `GET /${client}/${round} HTTP/1.1\r\nHost: a\r\nX-Pad: ${pad(`${client}`, `${round}`)}\r\n` +
          `X-Request-${client}-${round}: ${client}\r\n\r\n`,
      );
    }));
    await Promise.all(clients.map(async (conn, client) => {
      const { head } = await conn.readMessage();
      assertEquals(head.match(/X-Answer[^\r]*/g), [`X-Answer-${client}-${round}: ${client}`]);
    }));
  }
  assertEquals(backend.heads.length, clientCount * 8);
  for (const head of backend.heads) {
    const [, client, round] = /GET \/(\d+)\/(\d+) /.exec(head)!;
    assertEquals(head.match(/X-Request[^\r]*/g), [`X-Request-${client}-${round}: ${client}`]);
  }
  for (const conn of clients) conn[Symbol.dispose]();
});
