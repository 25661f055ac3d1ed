import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { startGatewayRig } from "../../support/gateway_rig.ts";
import { fieldOf, RawConnection, startRawUpstream, statusOf } from "../../support/raw_http.ts";

const GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const HEAD = "HEAD /a HTTP/1.1\r\nHost: h\r\n\r\n";

/** The message that a client gets for a response of the upstream, and the gateway's log. */
async function passed(upstream: string, request = GET) {
  await using rig = await startGatewayRig(upstream);
  return { ...await rig.exchange(request), log: rig.log };
}

/** A request that makes fetch decode. */
const GET_CODED = GET.replace("\r\n\r\n", "\r\nAccept-Encoding: gzip, br\r\n\r\n");

async function gzipped(text: string): Promise<string> {
  const stream = new Blob([text]).stream().pipeThrough(new CompressionStream("gzip"));
  return String.fromCharCode(...await new Response(stream).bytes());
}

Deno.test("status, fields and content pass; a redirect is not followed", async () => {
  for (const status of [200, 201, 206, 301, 302, 303, 307, 308, 404, 418, 500, 503, 599]) {
    const message = await passed(
      `HTTP/1.1 ${status} X\r\nLocation: http://evil.example/\r\nContent-Length: 2\r\nX-Latin: caf\xe9\r\n\r\nok`,
    );
    assertEquals([statusOf(message), message.body], [status, "ok"]);
    assertEquals(fieldOf(message, "location"), "http://evil.example/");
    assertEquals(fieldOf(message, "x-latin"), "caf\xe9");
    assertEquals(fieldOf(message, "content-length"), "2");
  }
});

Deno.test("Date, Server and Content-Type are the upstream's, and a missing Content-Type stays missing", async () => {
  const date = "Tue, 01 Jan 2019 00:00:00 GMT";
  const message = await passed(
    `HTTP/1.1 200 OK\r\nDate: ${date}\r\nServer: up\r\nContent-Length: 2\r\n\r\nok`,
  );
  assertEquals([fieldOf(message, "date"), fieldOf(message, "server")], [date, "up"]);
  assertEquals(fieldOf(message, "content-type"), undefined);
});

Deno.test("each Set-Cookie stays a field of its own", async () => {
  const message = await passed(
    "HTTP/1.1 200 OK\r\nSet-Cookie: a=1\r\nConnection: keep-alive\r\nSet-Cookie: b=2\r\nContent-Length: 0\r\n\r\n",
  );
  assertEquals(message.fields.filter(([name]) => name === "set-cookie").map(([, value]) => value), [
    "a=1",
    "b=2",
  ]);
});

Deno.test("fields about the upstream's connection do not pass", async () => {
  const message = await passed(
    "HTTP/1.1 200 OK\r\nConnection: X-Named, content-length\r\nKeep-Alive: timeout=5\r\nX-Named: 1\r\n" +
      "Proxy-Authenticate: Basic\r\nUpgrade: h2c\r\nTrailer: X\r\nContent-Length: 2\r\n\r\nok",
  );
  assertEquals(message.fields.map(([name]) => name).sort(), ["content-length", "date"]);
});

Deno.test("chunked and close-delimited content passes, chunked", async () => {
  for (
    const framed of [
      "Transfer-Encoding: chunked\r\n\r\n1\r\no\r\n1;x=y\r\nk\r\n0\r\nX-Trailer: 1\r\n\r\n",
      "Transfer-Encoding: Chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    ]
  ) {
    const message = await passed(`HTTP/1.1 200 OK\r\n${framed}`);
    assertEquals([message.body, fieldOf(message, "transfer-encoding")], ["ok", "chunked"]);
  }
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readMessage();
    await connection.write("HTTP/1.0 200 OK\r\n\r\nuntil the end");
  }));
  assertEquals((await rig.exchange(GET)).body, "until the end");
});

Deno.test("a response to HEAD keeps its length, has no content, and gets no length that it did not have", async () => {
  const sized = await passed("HTTP/1.1 200 OK\r\nContent-Length: 55\r\n\r\n", HEAD);
  assertEquals(fieldOf(sized, "content-length"), "55");
  for (const framing of ["Transfer-Encoding: chunked\r\n", "X-A: 1\r\n"]) {
    const message = await passed(`HTTP/1.1 200 OK\r\n${framing}\r\n`, HEAD);
    assertEquals(fieldOf(message, "content-length"), undefined, framing);
  }
});

Deno.test("after a response to HEAD the connection carries the next", async () => {
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    for (;;) {
      const { startLine } = await connection.readMessage();
      await connection.write(
        `HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${startLine.startsWith("HEAD") ? "" : "ok"}`,
      );
    }
  }));
  using client = await RawConnection.open(rig.gateway.address);
  await client.write(HEAD + GET);
  assertEquals((await client.readMessage({ toHead: true })).body, "");
  assertEquals((await client.readMessage()).body, "ok");
});

Deno.test("204 and 304 pass without content", async () => {
  for (const status of [204, 304]) {
    const message = await passed(`HTTP/1.1 ${status} X\r\nETag: "a"\r\nConnection: keep-alive\r\n\r\n`);
    assertEquals([statusOf(message), message.body, fieldOf(message, "etag")], [status, "", '"a"']);
    assertEquals(fieldOf(message, "content-length"), undefined);
  }
  const reset = await passed("HTTP/1.1 205 X\r\nContent-Length: 0\r\n\r\n");
  assertEquals([statusOf(reset), reset.body], [205, ""]);
});

Deno.test("content that fetch decodes is labelled as what it became", async () => {
  const content = await gzipped("hello, hello");
  for (const coding of ["gzip", "GZIP", " gzip "]) {
    const message = await passed(
      `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\nContent-Length: ${content.length}\r\nETag: "a"\r\n` +
        `Content-MD5: x\r\nAccept-Ranges: bytes\r\nX-Kept: 1\r\n\r\n${content}`,
      GET_CODED,
    );
    assertEquals(message.body, "hello, hello");
    assertEquals(fieldOf(message, "etag"), 'W/"a"');
    for (const name of ["content-encoding", "content-md5", "accept-ranges"]) {
      assertEquals(fieldOf(message, name), undefined);
    }
    assertEquals(fieldOf(message, "x-kept"), "1");
  }
});

Deno.test("a response to HEAD is labelled as the one to GET would be", async () => {
  const message = await passed(
    'HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Length: 42\r\nETag: W/"a"\r\n\r\n',
    GET_CODED.replace("GET", "HEAD"),
  );
  assertEquals(fieldOf(message, "content-encoding"), undefined);
  assertEquals(fieldOf(message, "content-length"), undefined);
  assertEquals(fieldOf(message, "etag"), 'W/"a"');
});

Deno.test("content that fetch does not decode passes untouched", async () => {
  const content = await gzipped("hello");
  const asked = (field: string) => GET.replace("\r\n\r\n", `\r\n${field}\r\n\r\n`);
  const cases = [
    ...["zstd", "deflate", "x-gzip", "identity"].map((coding) => [coding, GET_CODED] as const),
    ["gzip", GET],
    ["gzip, br", GET],
    ["gzip", asked("Accept-Encoding: Identity")],
    ["br", asked("Accept-Encoding: br\r\nRange: bytes=0-")],
  ] as const;
  for (const [coding, request] of cases) {
    for (const extra of ["", "Connection: keep-alive\r\n"]) {
      const message = await passed(
        `HTTP/1.1 200 OK\r\nContent-Encoding: ${coding}\r\n${extra}Content-Length: ${content.length}\r\nETag: "a"\r\n\r\n${content}`,
        request,
      );
      assertEquals([fieldOf(message, "content-encoding"), message.body], [coding, content], request);
      assertEquals([fieldOf(message, "etag"), fieldOf(message, "content-length")], [
        '"a"',
        `${content.length}`,
      ]);
    }
  }
});

Deno.test("a response that cannot be passed on as it is becomes a 502 that says why", async () => {
  const content = await gzipped("hello");
  const responses = [
    "HTTP/1.1 600 X\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 999 X\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 101 X\r\nUpgrade: websocket\r\nConnection: upgrade\r\n\r\n",
    "HTTP/1.1 2xx OK\r\n\r\n",
    "HTTX/1.1 200 OK\r\n\r\n",
    "hello\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\nContent-Length: 3\r\n\r\nok?",
    "HTTP/1.1 200 OK\r\nContent-Length: -2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: gzip, chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
    "HTTP/1.1 200 OK\r\nX: a\0b\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Encoding: gzip, br\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nContent-Encoding: br\r\nContent-Encoding: x\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX : a\r\nContent-Length: 2\r\n\r\nok",
    "HTTP/1.1 200 OK\r\nX: a\r\n folded\r\nContent-Length: 2\r\n\r\nok",
    `HTTP/1.1 206 X\r\nContent-Encoding: gzip\r\nContent-Range: bytes 0-9/42\r\nContent-Length: 10\r\n\r\n${
      content.slice(0, 10)
    }`,
  ];
  for (const response of responses) {
    const message = await passed(response, GET_CODED);
    assertEquals(statusOf(message), 502, response);
    assertMatch(message.body, /^[^\n]+\n$/);
    assertMatch(message.log[0]!, /^upstream failed: EPROTO response 127\.0\.0\.1:\d+ \(.+\) ×1$/);
  }
});

Deno.test("an upstream that closes before it answers is a 502", async () => {
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readMessage();
    await connection.write("HTTP/1.1 200 OK\r\nContent-");
  }));
  const message = await rig.exchange(GET);
  assertEquals(statusOf(message), 502);
  assertStringIncludes(message.body, "EOF (connection closed before the response)");
});

Deno.test("an interim response is left out and the final one passes", async () => {
  const message = await passed(
    "HTTP/1.1 103 Early\r\nLink: x\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
  );
  assertEquals([statusOf(message), message.body, fieldOf(message, "link")], [200, "ok", undefined]);
});

Deno.test("bytes after a response reach nobody", async () => {
  await using rig = await startGatewayRig(
    "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nokHTTP/1.1 200 OK\r\nContent-Length: 4\r\n\r\nevil",
  );
  for (let i = 0; i < 5; i++) assertEquals((await rig.exchange(GET)).body, "ok");
});

Deno.test("content that breaks off breaks off for the client, and never looks complete", async () => {
  const started = {
    "Content-Length: 9\r\n\r\nabc": /abc$/,
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n": /abc\r\n$/,
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n9\r\nde": /de\r\n$/,
    "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nzz\r\n": /abc\r\n$/,
  };
  for (const [framed, end] of Object.entries(started)) {
    await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
      await connection.readMessage();
      await connection.write(`HTTP/1.1 200 OK\r\n${framed}`);
    }));
    using client = await RawConnection.open(rig.gateway.address);
    await client.write(GET);
    assertMatch(await client.readToEnd({ toleratingReset: true }), end, framed);
  }
});

Deno.test("the gateway still serves after whatever an upstream did", async () => {
  let index = 0;
  const bad = ["", "hello\r\n\r\n", "HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nabc"];
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readMessage();
    await connection.write(bad[index++] ?? "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok");
  }));
  for (const _ of bad) {
    using client = await RawConnection.open(rig.gateway.address);
    await client.write(GET.replace("GET", "PATCH"));
    await client.write("HEAD / HTTP/1.0\r\nHost: h\r\n\r\n");
    await client.conn.closeWrite();
    await client.closedByPeer();
  }
  assertEquals((await rig.exchange(GET)).body, "ok");
});

Deno.test("a client of HTTP/1.0 that asks to keep its connection keeps it, after content that has a length", async () => {
  await using rig = await startGatewayRig();
  using client = await RawConnection.open(rig.gateway.address);
  const get = "GET /a HTTP/1.0\r\nHost: h\r\nConnection: keep-alive\r\n\r\n";
  for (let i = 0; i < 3; i++) {
    await client.write(get);
    const message = await client.readMessage();
    assertEquals([message.startLine, fieldOf(message, "connection"), message.body], [
      ...["HTTP/1.0 200 OK", "keep-alive", "ok"],
    ]);
    assertEquals(fieldOf(message, "content-length"), "2");
  }
  await client.write("GET /a HTTP/1.0\r\nHost: h\r\n\r\n");
  assertMatch(await client.readToEnd(), /ok$/);
});

Deno.test("content that breaks off before it was sent on is answered with 502", async () => {
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readMessage();
    await connection.write("HTTP/1.1 200 OK\r\nContent-Length: 9\r\n\r\nok");
  }));
  const message = await rig.exchange(GET.replace("\r\n\r\n", "\r\nConnection: keep-alive\r\n\r\n"));
  assertEquals(statusOf(message), 502);
  assertStringIncludes(message.body, "connection closed before the end of the content");
});
