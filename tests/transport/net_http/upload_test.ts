import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connectTo, startTestProxy } from "../../support/proxy_rig.ts";
import { RawUpstream, statusOf } from "../../support/raw_http.ts";
import { eventually } from "../../support/waiting.ts";

const MIB = 1024 * 1024;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

/** 32 MiB in which no two places look the same. */
function bigBody(): Uint8Array<ArrayBuffer> {
  const words = new Uint32Array(8 * MIB);
  for (let i = 0, x = 1; i < words.length; i++) {
    words[i] = x = (Math.imul(x, 1_664_525) + 1_013_904_223) >>> 0;
  }
  return new Uint8Array(words.buffer);
}

async function sha256(bytes: Uint8Array<ArrayBuffer>): Promise<string> {
  return new Uint8Array(await crypto.subtle.digest("SHA-256", bytes)).toHex();
}

Deno.test("32 MiB go up and come back the same, with a length and in chunks of all sizes", async (t) => {
  await using backend = Deno.serve(
    { hostname: "127.0.0.1", port: 0, onListen() {} },
    async (request) => {
      const bytes = await request.bytes();
      if (new URL(request.url).pathname === "/length") return new Response(bytes);
      let at = 0;
      let size = 1;
      return new Response(
        new ReadableStream({
          pull(controller) {
            size = (size * 7) % 100_003;
            if (at < bytes.length) controller.enqueue(bytes.slice(at, at += size));
            else controller.close();
          },
        }),
      );
    },
  );
  await using proxy = startTestProxy(new URL(`http://127.0.0.1:${backend.addr.port}`));
  const body = bigBody();
  const expected = await sha256(body);
  using client = Deno.createHttpClient({ allowHost: true });
  for (const [path, sent] of [["/length", body], ["/chunks", new Blob([body]).stream()]] as const) {
    await t.step(path, async () => {
      const response = await fetch(`http://127.0.0.1:${proxy.address.port}${path}`, {
        method: "POST",
        body: sent,
        client,
      });
      assertEquals(await sha256(await response.bytes()), expected);
    });
  }
  await eventually(() => proxy.counters().pool.inUse === 0, "given back");
});

Deno.test("an upload may take longer than a response, as long as it goes on", async () => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend, { timeouts: { responseHeadMs: 800 } });
  using client = await connectTo(proxy);
  await client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 20\r\n\r\n");
  for (let i = 0; i < 20; i++) {
    await client.write("x");
    await new Promise((resolve) => setTimeout(resolve, 60));
  }
  assertEquals((await client.readMessage()).body, "ok");
});

Deno.test("Expect: 100-continue is the backend's to answer", async (t) => {
  const request = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\nExpect: 100-continue\r\n\r\n";
  await t.step("continue", async () => {
    await using backend = new RawUpstream(async (conn) => {
      const head = await conn.until((text) => text.includes("\r\n\r\n"), "a head");
      assertStringIncludes(head, "Expect: 100-continue\r\n");
      await conn.write("HTTP/1.1 100 Continue\r\n\r\n");
      await conn.until((text) => text.endsWith("abc"), "the body");
      await conn.write(OK);
    });
    await using proxy = startTestProxy(backend);
    using client = await connectTo(proxy);
    await client.write(request);
    assertEquals((await client.readMessage({ toHead: true })).startLine, "HTTP/1.1 100 Continue");
    await client.write("abc");
    assertEquals((await client.readMessage()).body, "ok");
    assertEquals(proxy.counters().pool.idle, 1);
  });
  await t.step("decline", async () => {
    await using backend = new RawUpstream(async (conn) => {
      await conn.until((text) => text.includes("\r\n\r\n"), "a head");
      await conn.write("HTTP/1.1 417 Expectation Failed\r\nContent-Length: 0\r\n\r\n");
      await conn.rest();
    });
    await using proxy = startTestProxy(backend);
    using client = await connectTo(proxy);
    await client.write(request);
    const response = await client.rest();
    assertEquals(statusOf(response), 417);
    assertStringIncludes(response, "Connection: close\r\n");
  });
});

Deno.test("a response that comes before the request's end reaches the client, and the request may end", async () => {
  await using backend = new RawUpstream(async (conn) => {
    await conn.until((text) => text.includes("\r\n\r\n"), "a head");
    await conn.write(OK);
    await conn.until((text) => text.endsWith("xyz"), "the body");
    await conn.readMessage();
    await conn.readMessage();
    await conn.write(OK);
  });
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  await client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
  assertEquals((await client.readMessage()).body, "ok");
  await client.write("xyz");
  await client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  assertEquals((await client.readMessage()).body, "ok");
  assertEquals(backend.conns.length, 1);
});

Deno.test("a client that does not end its request after the response is closed in time, and the upstream dropped", async () => {
  await using backend = new RawUpstream(async (conn) => {
    await conn.until((text) => text.includes("\r\n\r\n"), "a head");
    await conn.write(OK);
    await conn.rest();
  });
  await using proxy = startTestProxy(backend, { timeouts: { lingerMs: 50 } });
  using client = await connectTo(proxy);
  await client.write("POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 6\r\n\r\nabc");
  assertEquals((await client.readMessage()).body, "ok");
  assertEquals(await client.rest(), "");
  assertEquals(proxy.counters().pool.closed, { timeout: 1 });
});

Deno.test("a backend that refuses a body and closes is heard", async () => {
  await using backend = new RawUpstream(async (conn) => {
    await conn.until((text) => text.includes("\r\n\r\n"), "a head");
    await conn.write("HTTP/1.1 413 Content Too Large\r\nConnection: close\r\nContent-Length: 3\r\n\r\nbig");
    await conn.conn.closeWrite();
    await conn.rest();
  });
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  await client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 10000000\r\n\r\n${"x".repeat(100_000)}`);
  const response = await client.rest();
  assert(response.includes("Connection: close\r\n") && response.endsWith("big"), response);
  assert(!client.broken, "reset, which may take the response from the client");
});

Deno.test("a client that ends in the middle of its body drops the upstream connection", async () => {
  const ended = Promise.withResolvers<string>();
  await using backend = new RawUpstream(async (conn) => ended.resolve(await conn.rest()));
  await using proxy = startTestProxy(backend);
  const client = await connectTo(proxy);
  await client.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  await eventually(() => backend.conns[0]?.received.includes("abc") ?? false, "a part of the body");
  client[Symbol.dispose]();
  assert(!(await ended.promise).includes("0\r\n\r\n"));
  assertEquals(proxy.counters().pool.closed, { clientGone: 1 });
});
