import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { connectTo, exchangeOnce, startTestProxy } from "../support/proxy_rig.ts";
import { RawUpstream, statusOf } from "../support/raw_http.ts";
import { eventually } from "../support/waiting.ts";

const GET = "GET / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n";

/**
 * Responses that clients could read differently from what the backend meant, by their fault.
 */
const REFUSED: Record<string, string> = {
  "no HTTP": "SSH-2.0-OpenSSH_9.2\r\n\r\n",
  "HTTP/2": "HTTP/2.0 200 OK\r\nContent-Length: 0\r\n\r\n",
  "a status of two digits": "HTTP/1.1 20 OK\r\nContent-Length: 0\r\n\r\n",
  "a status of four digits": "HTTP/1.1 2000 OK\r\nContent-Length: 0\r\n\r\n",
  "a status in words": "HTTP/1.1 abc OK\r\nContent-Length: 0\r\n\r\n",
  "a status below 100": "HTTP/1.1 099 OK\r\nContent-Length: 0\r\n\r\n",
  "NUL in the reason": "HTTP/1.1 200 O\x00K\r\nContent-Length: 0\r\n\r\n",
  "both lengths": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "two different lengths": "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 4\r\n\r\nabcd",
  "a list of lengths": "HTTP/1.1 200 OK\r\nContent-Length: 3, 4\r\n\r\nabcd",
  "a negative length": "HTTP/1.1 200 OK\r\nContent-Length: -1\r\n\r\n",
  "a length in words": "HTTP/1.1 200 OK\r\nContent-Length: three\r\n\r\nabc",
  "an unknown coding": "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip\r\n\r\nabc",
  "chunked twice":
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "a coding in HTTP/1.0": "HTTP/1.0 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n",
  "obs-fold": "HTTP/1.1 200 OK\r\nX: 1\r\n 2\r\nContent-Length: 0\r\n\r\n",
  "bare LF": "HTTP/1.1 200 OK\nContent-Length: 0\n\n",
  "bare CR": "HTTP/1.1 200 OK\r\nX: 1\r2\r\nContent-Length: 0\r\n\r\n",
  "NUL in a value": "HTTP/1.1 200 OK\r\nX: \x00\r\nContent-Length: 0\r\n\r\n",
  "a field without a colon": "HTTP/1.1 200 OK\r\nnonsense\r\nContent-Length: 0\r\n\r\n",
  "a chunk size that is none": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\nxyz\r\n",
  "an upgrade that nobody asked for":
    "HTTP/1.1 101 Switching Protocols\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
  "300,000 bytes of head": `HTTP/1.1 200 OK\r\nX: ${"a".repeat(300_000)}\r\n\r\n`,
};

const FIRST = "HTTP/1.1 200 OK\r\nContent-Length: 5\r\n\r\nfirst";

Deno.test("a response that could be read in two ways is a 502, and its connection is dropped", async (t) => {
  for (const [what, bytes] of Object.entries(REFUSED)) {
    for (const reused of [false, true]) {
      await t.step(`${what}, on a ${reused ? "reused" : "fresh"} connection`, async () => {
        await using backend = RawUpstream.answering((_request, nth) => reused && nth === 0 ? FIRST : bytes);
        await using proxy = startTestProxy(backend);
        using client = await connectTo(proxy);
        if (reused) {
          await client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
          assertEquals((await client.readMessage()).body, "first");
        }
        await client.write(GET);
        const response = await client.rest();
        assertEquals(statusOf(response), 502, response);
        const { idle, inUse, closed } = proxy.counters().pool;
        assertEquals({ idle, inUse, closed }, { idle: 0, inUse: 0, closed: { broken: 1 } });
        assertEquals(backend.conns.length, 1);
      });
    }
  }
});

/**
 * Correct responses, each with the request's method, the response, and the bytes that the client gets after
 * the head.
 */
const BODIES: Record<string, [method: string, response: string, seen: string]> = {
  "a length": ["GET", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc", "abc"],
  "a length of 0": ["GET", "HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n", ""],
  "the same length twice": [
    "GET",
    "HTTP/1.1 200 OK\r\nContent-Length: 3\r\nContent-Length: 3\r\n\r\nabc",
    "abc",
  ],
  "chunks": [
    "GET",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n",
    "3\r\nabc\r\n0\r\n\r\n",
  ],
  "chunks with extensions and trailers": [
    "GET",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n03;x=1\r\nabc\r\n0\r\nETag: 1\r\nX: 1\r\nContent-Length: 9\r\n\r\n",
    "3\r\nabc\r\n0\r\nETag: 1\r\n\r\n",
  ],
  "HEAD with a length": ["HEAD", "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n", ""],
  "HEAD with chunks": ["HEAD", "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n", ""],
  "204": ["GET", "HTTP/1.1 204 No Content\r\n\r\n", ""],
  "204 with a length": ["GET", "HTTP/1.1 204 No Content\r\nContent-Length: 3\r\n\r\n", ""],
  "304 with a length": ["GET", "HTTP/1.1 304 Not Modified\r\nContent-Length: 3\r\n\r\n", ""],
  "no reason": ["GET", "HTTP/1.1 200 \r\nContent-Length: 3\r\n\r\nabc", "abc"],
  "no reason and no space": ["GET", "HTTP/1.1 200\r\nContent-Length: 3\r\n\r\nabc", "abc"],
  "a status of one's own": ["GET", "HTTP/1.1 799 Odd\r\nContent-Length: 3\r\n\r\nabc", "abc"],
  "a space before the colon": ["GET", "HTTP/1.1 200 OK\r\nX-A : 1\r\nContent-Length: 3\r\n\r\nabc", "abc"],
};

Deno.test("each kind of response reaches the client, and its connection is used again", async (t) => {
  for (const [what, [method, bytes, seen]] of Object.entries(BODIES)) {
    await t.step(what, async () => {
      await using backend = RawUpstream.answering(bytes);
      await using proxy = startTestProxy(backend);
      const request = `${method} / HTTP/1.1\r\nHost: a\r\n\r\n`;
      using client = await connectTo(proxy);
      for (let i = 0; i < 2; i++) {
        await client.write(request);
        const received = await client.until(
          (text) => text.includes("\r\n\r\n") && text.endsWith(seen),
          "a response",
        );
        assertEquals(received.slice(received.indexOf("\r\n\r\n") + 4), seen);
        const head = received.slice(0, received.indexOf("\r\n\r\n"));
        assert(!/ :/.test(head), received);
        const lengths = head.match(/^content-length:/gim) ?? [];
        assert(lengths.length <= (/ 204 /.test(head) ? 0 : 1), received);
        client.received = "";
      }
      await client.conn.closeWrite();
      assertEquals(await client.rest(), "");
      assertEquals(backend.conns.length, 1);
    });
  }
});

Deno.test("a response that lasts until its connection ends becomes chunks, for HTTP/1.0 it ends the connection", async () => {
  await using backend = new RawUpstream(async (conn) => {
    await conn.readMessage();
    await conn.write("HTTP/1.1 200 OK\r\n\r\nabc");
    conn[Symbol.dispose]();
  });
  await using proxy = startTestProxy(backend);
  const response = await exchangeOnce(proxy, GET);
  assertStringIncludes(response, "Transfer-Encoding: chunked\r\n");
  assert(response.endsWith("\r\n\r\n3\r\nabc\r\n0\r\n\r\n"), response);
  const old = await exchangeOnce(proxy, "GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  assertStringIncludes(old.toLowerCase(), "connection: close\r\n");
  assert(old.endsWith("\r\n\r\nabc"), old);
});

Deno.test("a client of HTTP/1.0 gets no chunks, and keeps its connection if it asks to", async () => {
  await using backend = RawUpstream.answering((_request, nth) =>
    nth === 0
      ? "HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\nabc"
      : "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n\r\n"
  );
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  await client.write("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  assertStringIncludes((await client.readMessage()).head, "Connection: keep-alive\r\n");
  await client.write("GET / HTTP/1.0\r\nConnection: keep-alive\r\n\r\n");
  const response = await client.rest();
  assert(response.endsWith("\r\n\r\nabc") && !response.toLowerCase().includes("chunked"), response);
});

Deno.test("interim responses pass, the final one follows; HTTP/1.0 gets the final one only", async () => {
  await using backend = RawUpstream.answering(
    "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\nContent-Length: 9\r\n\r\nHTTP/1.1 102 Processing\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
  );
  await using proxy = startTestProxy(backend);
  const response = await exchangeOnce(proxy, GET);
  assertEquals([...response.matchAll(/HTTP\/1\.1 (\d+)/g)].map((match) => match[1]), ["103", "102", "200"]);
  assertStringIncludes(response, "HTTP/1.1 103 Early Hints\r\nLink: </a>\r\n\r\nHTTP/1.1 102");
  assertEquals(statusOf(await exchangeOnce(proxy, "GET / HTTP/1.0\r\n\r\n")), 200);
});

Deno.test("bytes behind a response poison nothing: the connection is not used again", async (t) => {
  const extra = "HTTP/1.1 200 OK\r\nContent-Length: 6\r\n\r\npoison";
  const responses: Record<string, [method: string, response: string]> = {
    "behind a length": ["GET", `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok${extra}`],
    "behind chunks": [
      "GET",
      `HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n${extra}`,
    ],
    "a body for HEAD": ["HEAD", `HTTP/1.1 200 OK\r\nContent-Length: ${extra.length}\r\n\r\n${extra}`],
    "a body for 204": ["GET", `HTTP/1.1 204 No Content\r\n\r\n${extra}`],
    "a body for 304": ["GET", `HTTP/1.1 304 Not Modified\r\n\r\n${extra}`],
  };
  for (const [what, [method, bytes]] of Object.entries(responses)) {
    await t.step(what, async () => {
      await using backend = RawUpstream.answering(bytes);
      await using proxy = startTestProxy(backend);
      for (let i = 1; i <= 3; i++) {
        const response = await exchangeOnce(
          proxy,
          `${method} / HTTP/1.1\r\nHost: a\r\nConnection: close\r\n\r\n`,
        );
        assert(!response.includes("poison"), response);
        await eventually(() => backend.conns.length === i, "a connection of its own");
      }
      assertEquals(proxy.counters().pool.closed, { unsolicitedBytes: 3 });
    });
  }
});

Deno.test("a response keeps its fields as they are, gets a Date where it has none, and says close once", async () => {
  await using backend = RawUpstream.answering(
    "HTTP/1.1 404 Nicht Da\r\nSet-Cookie: a=1\r\nset-cookie: b=\xe9\r\nServer: x\r\nContent-Length: 0\r\n\r\n",
  );
  await using proxy = startTestProxy(backend);
  const [line, ...fields] = (await exchangeOnce(proxy, GET)).trimEnd().split("\r\n");
  assertEquals(line, "HTTP/1.1 404 Nicht Da");
  assertEquals(fields.filter((field) => !field.startsWith("Date: ")), [
    "Set-Cookie: a=1",
    "set-cookie: b=\xe9",
    "Server: x",
    "Content-Length: 0",
    "Connection: close",
  ]);
  assertEquals(fields.filter((field) => field.startsWith("Date: ")).length, 1);
});
