import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { OK, startGatewayRig } from "../../support/gateway_rig.ts";
import { fieldOf, RawConnection, startRawUpstream, statusOf } from "../../support/raw_http.ts";

function request(startLine: string, fields: readonly string[] = [], body = ""): string {
  return [startLine, "Host: shop.example", ...fields, "", body].join("\r\n");
}

Deno.test("method, path and query arrive byte for byte", async () => {
  await using rig = await startGatewayRig();
  for (
    const target of [
      "/",
      "/a%2Fb/c;d=e?q=%20&r=a+b",
      "//evil.example/x",
      "/a?",
      "/~u/@v:w!$&()*,=",
      "/a'b",
      "/?a[]=1",
    ]
  ) {
    for (const method of ["GET", "DELETE", "PURGE", "patch"]) {
      const { startLine } = await rig.forwarded(request(`${method} ${target} HTTP/1.1`));
      assertEquals(startLine, `${method} ${target} HTTP/1.1`);
    }
  }
});

Deno.test("an absolute target is forwarded as a path, and its host outweighs Host", async () => {
  await using rig = await startGatewayRig();
  const message = await rig.forwarded(request("GET http://abs.example/a?b HTTP/1.1"));
  assertEquals(message.startLine, "GET /a?b HTTP/1.1");
  assertEquals(fieldOf(message, "x-forwarded-host"), "abs.example");
});

Deno.test("what fetch would rewrite is refused, and nothing reaches the upstream or anybody else", async () => {
  await using rig = await startGatewayRig();
  const refusals: [string, number][] = [
    ["GET /a/../b", 400],
    ["GET /a/%2e%2e/b", 400],
    ["GET /\\evil.example/x", 400],
    ["GET /a?b='c'", 400],
    ["GET /a#b", 400],
    ["GET https://shop.example/a", 400],
    ["GET ftp://shop.example/a", 400],
    ["GET http://u:p@shop.example/a", 400],
    ["delete /a", 501],
    ["TRACE /a", 501],
    ["TRACK /a", 501],
    ["CONNECT shop.example:80", 501],
    ["OPTIONS *", 501],
  ];
  for (const [line, status] of refusals) {
    const response = await rig.exchange(request(`${line} HTTP/1.1`));
    assertEquals(statusOf(response), status, line);
    assertMatch(response.body, /^[^\n]+\n$/);
  }
  assertEquals(rig.upstream.connections, 0);
});

Deno.test("a request without one valid Host is refused", async () => {
  await using rig = await startGatewayRig();
  for (
    const fields of [
      "",
      "Host:\r\n",
      "Host: a/b\r\n",
      "Host: u@h\r\n",
      "Host: a\r\nHost: b\r\n",
      "Host: a, b\r\n",
    ]
  ) {
    assertEquals(statusOf(await rig.exchange(`GET /a HTTP/1.1\r\n${fields}\r\n`)), 400, fields);
  }
  assertEquals(rig.upstream.connections, 0);
});

Deno.test("Host becomes the upstream's, and the client is told of in X-Forwarded fields", async () => {
  await using rig = await startGatewayRig();
  const message = await rig.forwarded(
    request("GET / HTTP/1.1", ["X-Forwarded-For: 192.0.2.1", "X-Forwarded-Proto: https"]),
  );
  assertEquals(fieldOf(message, "host"), `127.0.0.1:${rig.upstream.address.port}`);
  assertEquals(fieldOf(message, "x-forwarded-host"), "shop.example");
  assertEquals(fieldOf(message, "x-forwarded-for"), "192.0.2.1, 127.0.0.1");
  assertEquals(fieldOf(message, "x-forwarded-proto"), "http");
});

Deno.test("fields pass with their bytes, and those about the connection do not", async () => {
  await using rig = await startGatewayRig();
  const message = await rig.forwarded(request("GET / HTTP/1.1", [
    "X-Latin: caf\xe9",
    "X-Empty:",
    "X-Twice: 1",
    "X-Twice: 2",
    "Cookie: a=1",
    "Cookie: b=2",
    "Connection: close, X-Named",
    "X-Named: 1",
    "TE: trailers",
    "Upgrade: websocket",
    "Keep-Alive: 5",
    "Proxy-Authorization: Basic x",
  ]));
  assertEquals(fieldOf(message, "x-latin"), "caf\xe9");
  assertEquals(fieldOf(message, "x-empty"), "");
  assertEquals(fieldOf(message, "x-twice"), "1, 2");
  assertEquals(fieldOf(message, "cookie"), "a=1; b=2");
  for (const name of ["connection", "x-named", "te", "upgrade", "keep-alive", "proxy-authorization"]) {
    assertEquals(fieldOf(message, name), undefined, name);
  }
});

Deno.test("Accept-Encoding passes as it came, and is identity where there was none", async () => {
  await using rig = await startGatewayRig();
  assertEquals(fieldOf(await rig.forwarded(request("GET / HTTP/1.1")), "accept-encoding"), "identity");
  const asked = await rig.forwarded(request("GET / HTTP/1.1", ["Accept-Encoding: zstd, gzip;q=0.5"]));
  assertEquals(fieldOf(asked, "accept-encoding"), "zstd, gzip;q=0.5");
});

Deno.test("fetch invents an Accept, Accept-Language and User-Agent only where there are none", async () => {
  await using rig = await startGatewayRig();
  const message = await rig.forwarded(
    request("GET / HTTP/1.1", ["Accept: text/html", "Accept-Language: de", "User-Agent: me"]),
  );
  assertEquals(fieldOf(message, "accept"), "text/html");
  assertEquals(fieldOf(message, "accept-language"), "de");
  assertEquals(fieldOf(message, "user-agent"), "me");
});

Deno.test("content arrives with the framing that it came with", async () => {
  await using rig = await startGatewayRig();
  for (const method of ["POST", "PUT", "PATCH", "DELETE", "OPTIONS"]) {
    const sized = await rig.forwarded(request(`${method} / HTTP/1.1`, ["Content-Length: 5"], "hello"));
    assertEquals([sized.body, fieldOf(sized, "content-length"), fieldOf(sized, "transfer-encoding")], [
      "hello",
      "5",
      undefined,
    ]);
    const chunked = await rig.forwarded(
      request(
        `${method} / HTTP/1.1`,
        ["Transfer-Encoding: chunked"],
        "2\r\nhe\r\n3;x=y\r\nllo\r\n0\r\nX-Trailer: 1\r\n\r\n",
      ),
    );
    assertEquals([chunked.body, fieldOf(chunked, "content-length"), fieldOf(chunked, "transfer-encoding")], [
      "hello",
      undefined,
      "chunked",
    ]);
  }
});

Deno.test("a request without content gets none on the way", async () => {
  await using rig = await startGatewayRig();
  for (const fields of [[], ["Content-Length: 0"]]) {
    for (const method of ["GET", "HEAD", "DELETE", "OPTIONS", "PUT", "POST", "PATCH"]) {
      const message = await rig.forwarded(request(`${method} / HTTP/1.1`, fields));
      assertEquals(message.body, "");
      assert(["0", undefined].includes(fieldOf(message, "content-length")), method);
      const repeatable = method !== "POST" && method !== "PATCH";
      assertEquals(fieldOf(message, "transfer-encoding"), repeatable ? undefined : "chunked", method);
    }
  }
});

Deno.test("content in a GET or HEAD is refused, not dropped", async () => {
  await using rig = await startGatewayRig();
  for (const method of ["GET", "HEAD"]) {
    assertEquals(
      statusOf(await rig.exchange(request(`${method} / HTTP/1.1`, ["Content-Length: 3"], "abc"))),
      501,
    );
    const chunked = request(`${method} / HTTP/1.1`, ["Transfer-Encoding: chunked"], "0\r\n\r\n");
    assertEquals(statusOf(await rig.exchange(chunked)), 501);
  }
  assertEquals(rig.upstream.connections, 0);
});

Deno.test("a request that can be read in two ways is refused and its connection closed", async () => {
  await using rig = await startGatewayRig();
  const smuggled = "GET /smuggled HTTP/1.1\r\nHost: h\r\n\r\n";
  const requests = [
    request("POST / HTTP/1.1", ["Content-Length: 4", "Transfer-Encoding: chunked"], `0\r\n\r\n${smuggled}`),
    request("POST / HTTP/1.1", ["Content-Length: 4", "Content-Length: 5"], `abcde${smuggled}`),
    request("POST / HTTP/1.1", ["Content-Length: +4"], "abcd"),
    request("POST / HTTP/1.1", ["Transfer-Encoding: identity"], "abcd"),
    request("POST / HTTP/1.1", ["Transfer-Encoding : chunked"], "0\r\n\r\n"),
    request("GET / HTTP/1.1", ["X: a\r\n folded"]),
    request("GET / HTTP/1.1", ["X: a\0b"]),
    request("GET / HTTP/1.1", ["X: a\rb"]),
  ];
  for (const bytes of requests) {
    using client = await RawConnection.open(rig.gateway.address);
    await client.write(bytes);
    const answers = await client.readToEnd({ toleratingReset: true });
    assertMatch(answers, /^HTTP\/1\.1 400 /, bytes);
    assertEquals(answers.match(/HTTP\/1\.1 /g)!.length, 1, bytes);
  }
  assertEquals(rig.upstream.connections, 0);
});

Deno.test("what is pipelined behind a refused request is not carried, and ends the connection", async () => {
  await using rig = await startGatewayRig();
  for (const line of ["GET /a/../b", "OPTIONS *", "GET ftp://h/"]) {
    using client = await RawConnection.open(rig.gateway.address);
    await client.write(request(`${line} HTTP/1.1`) + request("GET /next HTTP/1.1").repeat(2));
    const answer = await client.readMessage();
    assertEquals(fieldOf(answer, "connection"), "close");
    assert(!(await client.readToEnd({ toleratingReset: true })).includes(" 200 "));
  }
  assertEquals(rig.upstream.connections, 0);
  assertEquals(statusOf(await rig.exchange(request("GET / HTTP/1.1"))), 200);
});

Deno.test("a length beyond counting is refused", async () => {
  await using rig = await startGatewayRig();
  const refused = await rig.exchange(request("POST / HTTP/1.1", ["Content-Length: 9223372036854775808"]));
  assertEquals([statusOf(refused), rig.upstream.connections], [400, 0]);
});

Deno.test("Max-Forwards of OPTIONS counts down, and at 0 the gateway answers itself", async () => {
  await using rig = await startGatewayRig();
  const asking = (value: string) => request("OPTIONS / HTTP/1.1", [`Max-Forwards: ${value}`]);
  assertEquals(statusOf(await rig.exchange(asking("0"))), 200);
  assertEquals(statusOf(await rig.exchange(asking("x"))), 400);
  assertEquals(rig.upstream.connections, 0);
  assertEquals(fieldOf(await rig.forwarded(asking("2")), "max-forwards"), "1");
});

Deno.test("Via is extended", async () => {
  await using rig = await startGatewayRig();
  const message = await rig.forwarded(request("GET / HTTP/1.1", ["Via: 1.0 first"]));
  assertMatch(fieldOf(message, "via") ?? "", /^1\.0 first, 1\.1 timewait-[\w-]{18}$/);
});

Deno.test("a transfer coding besides chunked is refused", async () => {
  await using rig = await startGatewayRig();
  for (
    const fields of [["Transfer-Encoding: gzip, chunked"], [
      "Transfer-Encoding: gzip",
      "Transfer-Encoding: chunked",
    ]]
  ) {
    assertEquals(statusOf(await rig.exchange(request("POST / HTTP/1.1", fields, "0\r\n\r\n"))), 501);
  }
  assertEquals(rig.upstream.connections, 0);
});

Deno.test("content that breaks its own framing later is refused, and the upstream sees it broken off", async () => {
  let sawEnd: string | undefined;
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readUntil("abc\r\n");
    sawEnd = await connection.readToEnd({ toleratingReset: true });
  }));
  using client = await RawConnection.open(rig.gateway.address);
  await client.write(request("POST / HTTP/1.1", ["Transfer-Encoding: chunked"], "3\r\nabc\r\n"));
  await client.write("zz\r\n");
  const answer = await client.readToEnd({ toleratingReset: true });
  if (answer !== "") assertMatch(answer, /^HTTP\/1\.1 400 /);
  assert(!sawEnd?.includes("0\r\n"), sawEnd);
  assertEquals(rig.log, []);
});

Deno.test("Expect: 100-continue passes, the client gets its 100 and then the answer", async () => {
  await using rig = await startGatewayRig();
  using client = await RawConnection.open(rig.gateway.address);
  await client.write(request("POST / HTTP/1.1", ["Expect: 100-continue", "Content-Length: 5"]));
  assertEquals(await client.readUntil("\r\n\r\n"), "HTTP/1.1 100 Continue\r\n\r\n");
  await client.write("hello");
  assertEquals((await client.readMessage()).body, "ok");
  assertEquals([rig.upstream.received[0]!.body, fieldOf(rig.upstream.received[0]!, "expect")], [
    "hello",
    "100-continue",
  ]);
});

Deno.test("an HTTP/1.0 client is answered in its own version and the connection closed", async () => {
  await using rig = await startGatewayRig(
    "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\nok\r\n0\r\n\r\n",
  );
  using client = await RawConnection.open(rig.gateway.address);
  await client.write("GET / HTTP/1.0\r\nHost: h\r\n\r\n");
  const answer = await client.readToEnd();
  assertMatch(answer, /^HTTP\/1\.0 200 /);
  assertMatch(answer, /\r\n\r\nok$/);
  assertEquals(rig.upstream.received[0]!.startLine, "GET / HTTP/1.1");
});

Deno.test("pipelined requests are answered in order", async () => {
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    for (;;) {
      const { startLine } = await connection.readMessage();
      await connection.write(`HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n${startLine.slice(4, 6)}`);
    }
  }));
  using client = await RawConnection.open(rig.gateway.address);
  await client.write(["/1", "/2", "/3"].map((path) => request(`GET ${path} HTTP/1.1`)).join(""));
  for (const path of ["/1", "/2", "/3"]) assertEquals((await client.readMessage()).body, path);
});

Deno.test("a POST is sent once, even where its pooled connection turns out to be closed", async () => {
  const contents = [["Content-Length: 0"], ["Content-Length: 5"], ["Transfer-Encoding: chunked"]];
  for (
    const [fields, body] of contents.map((fields, i) =>
      [fields, ["", "hello", "1\r\na\r\n0\r\n\r\n"][i]!] as const
    )
  ) {
    await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
      await connection.readMessage();
      await connection.write(OK);
      await connection.readMessage();
      // The second request on a connection is read and never answered.
    }));
    await rig.exchange(request("GET / HTTP/1.1"));
    assertEquals(statusOf(await rig.exchange(request("POST / HTTP/1.1", fields, body))), 502, fields[0]);
    assertEquals(rig.upstream.received.map(({ startLine }) => startLine.split(" ")[0]), ["GET", "POST"]);
    assertStringIncludes(rig.log[0]!, "upstream failed: EOF response");
  }
});

Deno.test("a GET whose pooled connection turns out to be closed is sent again on another", async () => {
  await using rig = await startGatewayRig(startRawUpstream(async (connection) => {
    await connection.readMessage();
    await connection.write(OK);
    await connection.readMessage();
  }));
  await rig.exchange(request("GET / HTTP/1.1"));
  assertEquals(statusOf(await rig.exchange(request("GET / HTTP/1.1"))), 200);
  assertEquals(rig.upstream.connections, 2);
});
