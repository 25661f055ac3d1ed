import { assert, assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { connectTo, exchangeOnce, startTestProxy } from "../../support/proxy_rig.ts";
import { RawUpstream, statusOf } from "../../support/raw_http.ts";
import { eventually, within } from "../../support/waiting.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const POST = "POST / HTTP/1.1\r\nHost: a\r\nContent-Length: 3\r\n\r\nabc";

Deno.test("connections are reused, the most recent one first, and the counters say so", async () => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  for (let i = 0; i < 5; i++) {
    await client.write(GET);
    assertEquals((await client.readMessage()).body, "ok");
  }
  assertEquals(backend.conns.length, 1);
  const { requests, pool: { dialed, reused, idle, inUse } } = proxy.counters();
  assertEquals({ requests, dialed, reused, idle, inUse }, {
    requests: 5,
    dialed: 1,
    reused: 4,
    idle: 1,
    inUse: 0,
  });
});

Deno.test("several upstreams are asked in turn, each by its own name", async () => {
  await using one = RawUpstream.answering(OK);
  await using two = RawUpstream.answering(OK);
  await using proxy = startTestProxy([one, two]);
  using client = await connectTo(proxy);
  for (let i = 0; i < 4; i++) {
    await client.write(GET);
    await client.readMessage();
  }
  for (const backend of [one, two]) {
    assertEquals([backend.heads.length, backend.conns.length], [2, 1]);
    assertStringIncludes(backend.heads[0]!, `\r\nHost: ${new URL(backend.url).host}\r\n`);
  }
});

/** A backend that closes each connection upon its second request, without a byte. */
function closingOnReuse(): RawUpstream {
  return new RawUpstream(async (conn) => {
    await conn.readMessage();
    await conn.write(OK);
    await conn.readMessage();
    conn[Symbol.dispose]();
  });
}

Deno.test("what may be repeated and fails on a reused connection before any byte is sent again, once, on another", async (t) => {
  for (const method of ["GET", "HEAD", "OPTIONS", "PUT", "DELETE", "TRACE"]) {
    await t.step(method, async () => {
      await using backend = closingOnReuse();
      await using proxy = startTestProxy(backend);
      using client = await connectTo(proxy);
      await client.write(GET);
      await client.readMessage();
      await client.write(GET.replace("GET", method));
      assertEquals((await client.readMessage({ toHead: method === "HEAD" })).startLine, "HTTP/1.1 200 OK");
      assertEquals([backend.heads.length, backend.conns.length, proxy.counters().resent], [3, 2, 1]);
    });
  }
});

Deno.test("a POST is never sent twice, nor is a GET with a body", async (t) => {
  for (const request of [POST, POST.replace("POST", "GET"), "PATCH / HTTP/1.1\r\nHost: a\r\n\r\n"]) {
    await t.step(request.slice(0, 5), async () => {
      await using backend = closingOnReuse();
      await using proxy = startTestProxy(backend);
      using client = await connectTo(proxy);
      await client.write(GET);
      await client.readMessage();
      await client.write(request);
      assertEquals((await client.readMessage()).startLine, "HTTP/1.1 502 Bad Gateway");
      assertEquals([backend.heads.length, backend.conns.length, proxy.counters().resent], [2, 1, 0]);
    });
  }
});

Deno.test("a GET is not sent again on a fresh connection, nor after a part of a response", async (t) => {
  await t.step("fresh", async () => {
    await using backend = new RawUpstream(async (conn) => {
      await conn.readMessage();
      conn[Symbol.dispose]();
    });
    await using proxy = startTestProxy(backend);
    assertEquals(
      statusOf(await exchangeOnce(proxy, GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))),
      502,
    );
    assertEquals(backend.conns.length, 1);
  });
  for (const part of ["HTTP/1.1 2", "HTTP/1.1 103 Early Hints\r\n\r\n"]) {
    await t.step(`part of a response: ${part.trim()}`, async () => {
      await using backend = new RawUpstream(async (conn) => {
        await conn.readMessage();
        await conn.write(OK);
        await conn.readMessage();
        await conn.write(part);
        conn[Symbol.dispose]();
      });
      await using proxy = startTestProxy(backend);
      using client = await connectTo(proxy);
      await client.write(GET);
      await client.readMessage();
      await client.write(GET);
      if (part.endsWith("\r\n\r\n")) await client.readMessage({ toHead: true });
      assertEquals((await client.readMessage()).startLine, "HTTP/1.1 502 Bad Gateway");
      assertEquals(backend.conns.length, 1);
    });
  }
});

Deno.test("an idle connection that the backend closes is not handed out", async () => {
  await using backend = new RawUpstream(async (conn) => {
    await conn.readMessage();
    await conn.write(OK);
    conn[Symbol.dispose]();
  });
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  for (let i = 1; i <= 3; i++) {
    await client.write(POST);
    assertEquals((await client.readMessage()).body, "ok");
    await eventually(() => proxy.counters().pool.idle === 0, "the pool empty");
    const { closedByBackend = 0 } = proxy.counters().pool.closed;
    assertEquals([backend.conns.length, closedByBackend], [i, i]);
  }
});

Deno.test("an idle connection that receives unasked-for bytes is not handed out", async () => {
  await using backend = new RawUpstream(async (conn, index) => {
    await conn.readMessage();
    await conn.write(OK);
    if (index === 1) await eventually(() => proxy.counters().pool.idle === 1, "idle");
    await conn.write("HTTP/1.1 408 Request Timeout\r\nContent-Length: 0\r\n\r\n");
    await conn.rest();
  });
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  await client.write(GET);
  await client.readMessage();
  await eventually(() => proxy.counters().pool.closed.unsolicitedBytes === 1, "closed");
  await client.write(POST);
  assertEquals((await client.readMessage()).startLine, "HTTP/1.1 200 OK");
  assertEquals(backend.conns.length, 2);
});

Deno.test("an upstream that says close is not used again", async () => {
  await using backend = RawUpstream.answering(
    "HTTP/1.1 200 OK\r\nConnection: Close\r\nContent-Length: 2\r\n\r\nok",
  );
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  for (let i = 0; i < 2; i++) {
    await client.write(GET);
    await client.readMessage();
  }
  assertEquals([backend.conns.length, proxy.counters().pool.closed], [2, { backendSaidClose: 2 }]);
});

Deno.test("an upstream that cannot be reached is 502, with the errno in the log, and the client stays", async () => {
  const backend = RawUpstream.answering(OK);
  const url = new URL(backend.url);
  await backend[Symbol.asyncDispose]();
  const lines: string[] = [];
  await using proxy = startTestProxy(url, { lines });
  using client = await connectTo(proxy);
  for (let i = 0; i < 2; i++) {
    await client.write(POST);
    assertEquals((await client.readMessage()).startLine, "HTTP/1.1 502 Bad Gateway");
  }
  assertStringIncludes(lines[0]!, `ECONNREFUSED connect ${url.host}`);
  assertEquals(proxy.counters().pool.dialFailures, { ECONNREFUSED: 2 });
});

Deno.test("an upstream that does not answer in time is 504, and its connection is dropped", async () => {
  await using backend = new RawUpstream(async (conn) => {
    await conn.readMessage();
    await conn.rest();
  });
  await using proxy = startTestProxy(backend, { timeouts: { responseHeadMs: 50 } });
  using client = await connectTo(proxy);
  await client.write(GET);
  assertEquals((await client.readMessage()).startLine, "HTTP/1.1 504 Gateway Timeout");
  assertEquals(proxy.counters().pool.closed, { timeout: 1 });
});

/** A listener whose queue is full, so that a connection to it is neither accepted nor refused. */
async function startFullListener(): Promise<{ url: URL } & Disposable> {
  const listener = Deno.listen({ hostname: "127.0.0.1", port: 0, tcpBacklog: 1 });
  const waiting: Deno.TcpConn[] = [];
  const { hostname, port } = listener.addr;
  try {
    for (;;) waiting.push(await Deno.connect({ hostname, port, signal: AbortSignal.timeout(100) }));
  } catch {
    // Now the queue is full.
  }
  return {
    url: new URL(`http://${hostname}:${port}`),
    [Symbol.dispose]() {
      for (const conn of waiting) conn.close();
      listener.close();
    },
  };
}

Deno.test("an upstream that cannot be connected to in time is 504, and its dial is counted as failed", async () => {
  using full = await startFullListener();
  const lines: string[] = [];
  await using proxy = startTestProxy(full.url, { timeouts: { dialMs: 50 }, lines });
  using client = await connectTo(proxy);
  for (let i = 0; i < 2; i++) {
    await client.write(GET);
    assertEquals((await client.readMessage()).startLine, "HTTP/1.1 504 Gateway Timeout");
  }
  assertStringIncludes(lines[0]!, `ETIMEDOUT connect ${full.url.host}`);
  await eventually(() => proxy.counters().pool.dialFailures["ETIMEDOUT"] === 2, "both counted");
});

Deno.test("a client that leaves before the response drops the upstream connection", async (t) => {
  for (const how of ["at once", "behind a part of another request"]) {
    await t.step(how, async () => {
      const gone = Promise.withResolvers<void>();
      await using backend = new RawUpstream(async (conn) => {
        await conn.readMessage();
        if (how !== "at once") await client.write("GET");
        client[Symbol.dispose]();
        await conn.rest();
        gone.resolve();
      });
      await using proxy = startTestProxy(backend);
      using client = await connectTo(proxy);
      await client.write(GET);
      await gone.promise;
      await eventually(() => proxy.counters().pool.closed.clientGone === 1, "counted");
    });
  }
});

Deno.test("a client that leaves while it waits for a connection gives up its place", async () => {
  const inHand = Promise.withResolvers<void>();
  await using backend = new RawUpstream(async (conn) => {
    await conn.readMessage();
    await inHand.promise;
    await conn.write(OK);
    await conn.readMessage();
    await conn.write(OK);
  });
  await using proxy = startTestProxy(backend, {
    pool: { maxConnsPerHost: 1 },
    timeouts: { halfCloseMs: 20 },
  });
  using first = await connectTo(proxy);
  await first.write(GET);
  await eventually(() => proxy.counters().requests === 1, "the first request");
  const leaving = await connectTo(proxy);
  await leaving.write(GET);
  await eventually(() => proxy.counters().pool.queued === 1, "the second one waiting");
  leaving[Symbol.dispose]();
  await eventually(() => proxy.counters().pool.abandoned === 1, "the place given up");
  inHand.resolve();
  await first.readMessage();
  await first.write(GET);
  await first.readMessage();
  assertEquals(backend.conns.length, 1);
});

Deno.test("an upload whose client leaves while it waits for a connection gives up its place and is not sent", async (t) => {
  const parts = {
    "a part of its content": `Content-Length: 100000\r\n\r\n${"x".repeat(20_000)}`,
    "chunks without their end": "Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
  };
  for (const [name, sent] of Object.entries(parts)) {
    await t.step(name, async () => {
      const inHand = Promise.withResolvers<void>();
      await using backend = new RawUpstream(async (conn) => {
        for (;;) {
          await conn.readMessage();
          await inHand.promise;
          await conn.write(OK);
        }
      });
      await using proxy = startTestProxy(backend, { pool: { maxConnsPerHost: 1 } });
      using first = await connectTo(proxy);
      await first.write(GET);
      await eventually(() => proxy.counters().requests === 1, "the first request");
      using leaving = await connectTo(proxy);
      await leaving.write("POST / HTTP/1.1\r\nHost: a\r\n");
      await leaving.write(sent);
      await eventually(() => proxy.counters().pool.queued === 1, "the upload waiting");
      await leaving.conn.closeWrite();
      await eventually(() => proxy.counters().pool.abandoned === 1, "the place given up");
      assertEquals(statusOf(await leaving.rest()), 400);
      inHand.resolve();
      await first.readMessage();
      await first.write(GET);
      await first.readMessage();
      assertEquals([backend.conns.length, backend.received.length], [1, 2]);
      assertEquals(backend.conns[0]!.received, "");
    });
  }
});

Deno.test("an upload that came whole while it waited for a connection is sent, although its client has closed its side", async () => {
  const inHand = Promise.withResolvers<void>();
  await using backend = new RawUpstream(async (conn) => {
    for (;;) {
      await conn.readMessage();
      await inHand.promise;
      await conn.write(OK);
    }
  });
  await using proxy = startTestProxy(backend, { pool: { maxConnsPerHost: 1 } });
  using first = await connectTo(proxy);
  await first.write(GET);
  await eventually(() => proxy.counters().requests === 1, "the first request");
  using second = await connectTo(proxy);
  await second.write("POST / HTTP/1.1\r\nHost: a\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n");
  await eventually(() => proxy.counters().pool.queued === 1, "the upload waiting");
  await second.write("2\r\nde\r\n0\r\n\r\n");
  await second.conn.closeWrite();
  inHand.resolve();
  assertEquals(statusOf(await second.rest()), 200);
  assertEquals(backend.received.at(-1)?.body, "abcde");
});

Deno.test("a client that has closed its side still gets its response", async () => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  await client.write(GET);
  await client.conn.closeWrite();
  assert((await client.rest()).endsWith("\r\n\r\nok"));
});

Deno.test("an upstream that closes in the middle of a body never leaves a response that looks complete", async (t) => {
  const cut: Record<string, string> = {
    "length": "HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\nabc",
    "chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\na\r\nabc",
    "between chunks": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n",
    "before the last CRLF": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n0\r\n",
    "malformed chunk": "HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\nxyz\r\n",
  };
  for (const [what, response] of Object.entries(cut)) {
    for (const early of [true, false]) {
      await t.step(`${what}, ${early ? "at once" : "when the client has the beginning"}`, async () => {
        const begun = Promise.withResolvers<void>();
        await using backend = new RawUpstream(async (conn) => {
          await conn.readMessage();
          const at = early ? response.length : response.indexOf("\r\n\r\n") + 4;
          await conn.write(response.slice(0, at));
          if (!early) await begun.promise;
          await conn.write(response.slice(at));
          await conn.conn.closeWrite();
        });
        await using proxy = startTestProxy(backend);
        using client = await connectTo(proxy);
        await client.write(GET);
        await client.until((text) => text.includes("\r\n\r\n"), "a head");
        begun.resolve();
        const seen = client.received;
        if (statusOf(seen) === 502) return;
        const all = await client.rest();
        assert(!all.endsWith("0\r\n\r\n") && all.length < 200, all);
      });
    }
  }
});

Deno.test("an upgrade becomes a tunnel, with what came right behind either head", async (t) => {
  for (const on of ["a fresh connection", "a reused connection"]) {
    await t.step(on, async () => {
      await using backend = new RawUpstream(async (conn) => {
        if (on === "a reused connection") {
          await conn.readMessage();
          await conn.write(OK);
        }
        await conn.readMessage();
        await conn.write(
          "HTTP/1.1 101 Switching Protocols\r\nUpgrade: websocket\r\nConnection: Upgrade\r\nX: 1\r\n\r\nhello",
        );
        await conn.until((text) => text.includes("early late"), "both");
        await conn.write(" and bye");
        await conn.conn.closeWrite();
        await conn.rest();
      });
      await using proxy = startTestProxy(backend);
      using client = await connectTo(proxy);
      if (on === "a reused connection") {
        await client.write(GET);
        await client.readMessage();
      }
      await client.write(
        "GET /chat HTTP/1.1\r\nHost: a\r\nConnection: keep-alive, Upgrade\r\nUpgrade: websocket\r\n\r\nearly ",
      );
      const { head } = await client.readMessage({ toHead: true });
      assertStringIncludes(
        head,
        "HTTP/1.1 101 Switching Protocols\r\nX: 1\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n",
      );
      assertStringIncludes(backend.heads.at(-1)!, "\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n");
      await client.write("late");
      assertEquals(await client.rest(), "hello and bye");
      await client.conn.closeWrite();
      await eventually(() => proxy.counters().pool.closed.upgraded === 1, "the end of the tunnel");
      assertEquals(backend.conns.length, 1);
    });
  }
});

Deno.test("a 101 that does not name an offered protocol, or not as an upgrade, is a 502", async (t) => {
  const answers: Record<string, [fields: string, status: number]> = {
    "another protocol": ["Connection: Upgrade\r\nUpgrade: other\r\n", 502],
    "one more protocol": ["Connection: Upgrade\r\nUpgrade: websocket, other\r\n", 502],
    "another version of it": ["Connection: Upgrade\r\nUpgrade: websocket/2\r\n", 502],
    "no Upgrade": ["Connection: Upgrade\r\n", 502],
    "an empty Upgrade": ["Connection: Upgrade\r\nUpgrade:\r\n", 502],
    "no Connection": ["Upgrade: websocket\r\n", 502],
    "Connection without the option": ["Connection: keep-alive\r\nUpgrade: websocket\r\n", 502],
    "in capitals": ["Connection: keep-alive, UPGRADE\r\nUpgrade: WebSocket\r\n", 101],
    "the second that was offered": ["Connection: upgrade\r\nUpgrade: chat/1\r\n", 101],
  };
  for (const [name, [fields, status]] of Object.entries(answers)) {
    await t.step(name, async () => {
      await using backend = RawUpstream.answering(`HTTP/1.1 101 Switching Protocols\r\n${fields}\r\n`);
      await using proxy = startTestProxy(backend);
      using client = await connectTo(proxy);
      await client.write(
        "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket, chat/1\r\n\r\n",
      );
      assertEquals(statusOf(await client.readMessage()), status);
    });
  }
});

Deno.test("an upgrade that the backend declines is a response like any other", async () => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  for (let i = 0; i < 2; i++) {
    await client.write("GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade\r\nUpgrade: websocket\r\n\r\n");
    assertEquals((await client.readMessage()).body, "ok");
  }
  assertEquals(backend.conns.length, 1);
});

Deno.test("HTTP/2 is never offered onwards", async () => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  await client.write(
    "GET / HTTP/1.1\r\nHost: a\r\nConnection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: x\r\n\r\n",
  );
  await client.readMessage();
  assert(!/upgrade|http2/i.test(backend.heads[0]!), backend.heads[0]);
});

Deno.test("a client that takes no more of a response is closed when that has lasted too long", async () => {
  await using backend = new RawUpstream(async (conn) => {
    await conn.readMessage();
    await conn.write("HTTP/1.1 200 OK\r\n\r\n");
    for (const piece = "x".repeat(1_000_000);;) await conn.write(piece);
  });
  await using proxy = startTestProxy(backend, { timeouts: { stallMs: 100 } });
  using client = await connectTo(proxy);
  await client.write(GET);
  // The kernel takes tens of megabytes for the client first (tcp_rmem).
  await eventually(() => proxy.counters().pool.closed.timeout === 1, "the upstream dropped", 60_000);
  // Bytes that are sent to a closed connection come back as a reset.
  const reset = (async () => {
    for (;;) await client.write("x").then(() => new Promise((resolve) => setTimeout(resolve, 5)));
  })();
  const { name } = await assertRejects(() => within(reset, "the connection closed")) as Error;
  assert(["BrokenPipe", "ConnectionReset"].includes(name), name);
});

Deno.test("a request that waits in line for too long is 504, and the one before it is not disturbed", async () => {
  const goOn = Promise.withResolvers<void>();
  await using backend = new RawUpstream(async (conn) => {
    await conn.readMessage();
    await goOn.promise;
    await conn.write(OK);
    await conn.readMessage();
    await conn.write(OK);
  });
  const lines: string[] = [];
  await using proxy = startTestProxy(backend, {
    pool: { maxConnsPerHost: 1 },
    timeouts: { dialMs: 60 },
    lines,
  });
  using first = await connectTo(proxy);
  using second = await connectTo(proxy);
  await first.write(GET);
  await eventually(() => backend.conns.length === 1, "the first request");
  await second.write(GET);
  assertEquals((await second.readMessage()).startLine, "HTTP/1.1 504 Gateway Timeout");
  assertStringIncludes(lines[0]!, "ETIMEDOUT connect");
  assertEquals(proxy.counters().pool.abandoned, 1);
  goOn.resolve();
  assertEquals((await first.readMessage()).body, "ok");
  await second.write(GET);
  assertEquals((await second.readMessage()).body, "ok");
  assertEquals(backend.conns.length, 1);
});

Deno.test("what cannot become a response is a 502 at once, although it does not end", async () => {
  await using backend = new RawUpstream(async (conn) => {
    await conn.readMessage();
    await conn.write("hello");
    await conn.rest();
  });
  await using proxy = startTestProxy(backend);
  using client = await connectTo(proxy);
  await client.write(GET);
  assertEquals((await client.readMessage()).startLine, "HTTP/1.1 502 Bad Gateway");
});

Deno.test("disableKeepAlives tells the upstream so, and closes each connection", async () => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend, { pool: { disableKeepAlives: true } });
  using client = await connectTo(proxy);
  for (let i = 0; i < 2; i++) {
    await client.write(GET);
    assertEquals((await client.readMessage()).body, "ok");
    assertStringIncludes(backend.heads[i]!, "\r\nConnection: close\r\n");
  }
  assertEquals([backend.conns.length, proxy.counters().pool.closed], [2, { keepAlivesDisabled: 2 }]);
});

Deno.test("a client that asks to close closes its own connection, not that to the upstream", async () => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend);
  for (let i = 0; i < 2; i++) {
    assertEquals(
      statusOf(await exchangeOnce(proxy, GET.replace("\r\n\r\n", "\r\nConnection: close\r\n\r\n"))),
      200,
    );
  }
  assertEquals([backend.conns.length, proxy.counters().pool.reused], [1, 1]);
});
