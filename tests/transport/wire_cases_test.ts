/**
 * Messages of every kind against both transports: the bytes that are sent, and what must come of them.
 * Where RFC 9110 and 9112 allow several things, so does the table; where `fetch` or `Deno.serve` make
 * something impossible, it is named there as `http-client`'s own.
 */

import { type ListenAddress } from "../../tools/server/address.ts";
import { assert, assertEquals, assertMatch } from "@std/assert";
import { startGateway } from "../../tools/parties/gateway_server.ts";
import {
  RawConnection,
  type RawMessage,
  type RawUpstream,
  startRawUpstream,
  statusOf,
} from "../support/raw_http.ts";

type TransportName = "net-http" | "http-client";

interface Setup {
  readonly transport: TransportName;
  readonly address: ListenAddress;
  readonly upstream: RawUpstream;
  /** The upstream's answer to the next requests. */
  answer: string;
  /** Whether the upstream closes the connection after its answer. */
  thenClose: boolean;
}

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

const GATEWAYS = {
  "net-http": { transport: "net-http" },
  "net-http on epoll": { transport: "net-http", sockets: "epoll" },
  "http-client": { transport: "http-client" },
} as const;

/** Runs cases against both transports, each with one gateway and one upstream for all of them. */
function testBoth(name: string, run: (setup: Setup, t: Deno.TestContext) => Promise<void>): void {
  for (const [title, transport] of Object.entries(GATEWAYS)) {
    Deno.test(`${title}: ${name}`, async (t) => {
      const behaviour = { answer: OK, thenClose: false };
      await using upstream = startRawUpstream(async (connection) => {
        for (;;) {
          await connection.readMessage();
          await connection.write(behaviour.answer);
          if (behaviour.thenClose) return;
        }
      });
      const options = { upstream: upstream.url, listen: { hostname: "127.0.0.1", port: 0 }, workers: 1 };
      await using gateway = await startGateway({ ...options, ...transport, grace: 0, log() {} });
      await run(Object.assign(behaviour, { ...transport, upstream, address: gateway.address }), t);
    });
  }
}

const HOST = "Host: shop.example\r\n";
const POST = `POST /p HTTP/1.1\r\n${HOST}`;
const CHUNKED = `${POST}Transfer-Encoding: chunked\r\n\r\n`;
const SMUGGLED = `GET /smuggled HTTP/1.1\r\n${HOST}\r\n`;
const get = (fields: string, line = "GET /x HTTP/1.1") => `${line}\r\n${HOST}${fields}\r\n`;

/**
 * Requests that must get an error, or no answer at all, and of which nothing may look complete to the
 * upstream.
 */
const REFUSED: Record<string, string> = {
  ...Object.fromEntries(
    ["+5", "-5", "0x5", "5 5", "5,6", "5;", "5.0", "5e0", "", ",5", "abc", "\x0b5", "5\x85", '"5"', "5\0"]
      .map((
        value,
      ) => [`Content-Length ${JSON.stringify(value)}`, `${POST}Content-Length: ${value}\r\n\r\nhello`]),
  ),
  "Content-Length of 2^63": `${POST}Content-Length: 9223372036854775808\r\n\r\nhello`,
  "Content-Length of 2^64 + 5": `${POST}Content-Length: 18446744073709551621\r\n\r\nhello`,
  "two Content-Length": `${POST}Content-Length: 5\r\ncontent-length: 6\r\n\r\nhello!`,
  "Content-Length with a space before its colon": `${POST}Content-Length : 5\r\n\r\nhello`,
  "both framings": `${POST}Content-Length: 6\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\nX`,
  ...Object.fromEntries(
    [
      ...[
        "gzip",
        "identity",
        "gzip, chunked",
        "chunked, gzip",
        "chunked, chunked",
        "xchunked",
        "chunked;q=1",
      ],
      ...['"chunked"', "\x0bchunked", "chunked\0", "", "ch\xfcnked", "identity, chunked"],
    ].map((value) => [
      `Transfer-Encoding ${JSON.stringify(value)}`,
      `${POST}Transfer-Encoding: ${value}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
    ]),
  ),
  "two Transfer-Encoding":
    `${POST}Transfer-Encoding: chunked\r\nTransfer-Encoding: identity\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  "a folded Transfer-Encoding": `${POST}Transfer-Encoding:\r\n chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  "HTTP/1.0 with a Transfer-Encoding":
    `POST /p HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n`,
  ...Object.fromEntries(
    [
      ...[
        "",
        "xyz",
        "+5",
        "-5",
        "0x5",
        "10000000000000005",
        "\t5\x0b",
        "5 5",
        "5,5",
        "5\0",
        "5\rX",
        "5h",
        ";a",
      ],
      ...["5;a\rb", "5;a=\0"],
    ].map((size) => [`chunk size ${JSON.stringify(size)}`, `${CHUNKED}${size}\r\nhello\r\n0\r\n\r\n`]),
  ),
  "a chunk without its CRLF": `${CHUNKED}5\r\nhello0\r\n\r\n`,
  "a chunk longer than its size": `${CHUNKED}4\r\nhello\r\n0\r\n\r\n`,
  "a chunk shorter than its size": `${CHUNKED}6\r\nhello\r\n0\r\n\r\n`,
  "a space before a colon": get("X : 1\r\n"),
  "a line without a colon": get("nonsense\r\n"),
  "an empty name": get(": 1\r\n"),
  "a bare CR in a value": get("X: a\rb\r\n"),
  "NUL in a value": get("X: a\0b\r\n"),
  "NUL in a target": get("", "GET /a\0b HTTP/1.1"),
  "a name that is no token": get("a(b: 1\r\n"),
  "obs-fold": get("X: a\r\n b\r\n"),
  "no Host": "GET /x HTTP/1.1\r\n\r\n",
  "two Hosts": get("Host: other\r\n"),
  ...Object.fromEntries(
    [
      "a/b",
      "u@a",
      "a, b",
      "a b",
      "a:x",
      "a?b",
      "a#b",
      "a\\b",
      "a\0b",
      "a:1:2",
      "[::1",
      "a<b",
      "http://a",
      "h%",
      "h%zz",
    ]
      .map((host) => [`Host ${JSON.stringify(host)}`, `GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`]),
  ),
  ...Object.fromEntries(
    ["[....]", "[ab..cd::ef98:0:7654:321]", "[1:2:3]", "[v1.]", "[", ":80", ":"]
      .map((host) => [`Host ${JSON.stringify(host)}`, `GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`]),
  ),
  ...Object.fromEntries(
    ["x:y:z", "[", "h:8a", "h%zz", ":80"].map((host) => [
      `an absolute target with Host ${JSON.stringify(host)}`,
      `GET http://a/x HTTP/1.1\r\nHost: ${host}\r\n\r\n`,
    ]),
  ),
  ...Object.fromEntries(
    ["http://:80/x", "http://h:8a/x", "http://h%zz/x", "http://[1:2]/x", "http://[....]/x", "http://a,b/x"]
      .concat("http://?x", "http://", "file:///etc/passwd", "file://a/etc/passwd", "ws://a/x", "http:/x")
      .map((target) => [`target ${JSON.stringify(target)}`, get("", `GET ${target} HTTP/1.1`)]),
  ),
  ...Object.fromEntries(
    [
      "HTTP/1.10",
      "HTTP/1.",
      "HTTP/11",
      "http/1.1",
      "HTTP/2.0",
      "HTTP/0.9",
      "HTTP/01.1",
      "HTTP/1.1 x",
      "XTTP/1.1",
    ]
      .map((version) => [version, get("", `GET /x ${version}`)]),
  ),
  ...Object.fromEntries(
    ["a", "*", "a:80", "ftp://a/", "https://a/", "http://u:p@a/", ""]
      .map((target) => [`target ${JSON.stringify(target)}`, get("", `GET ${target} HTTP/1.1`)]),
  ),
  "a method that is no token": get("", "G(T /x HTTP/1.1"),
  "CONNECT": "CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n",
  "a head of 3 MB": get(`X: ${"v".repeat(3_000_000)}\r\n`),
  "100,000 fields": get("X: 1\r\n".repeat(100_000)),
};

testBoth("what could be read in two ways is refused, and hides no other request", async (setup, t) => {
  for (const [name, request] of Object.entries(REFUSED)) {
    await t.step(name, async () => {
      const before = setup.upstream.received.length;
      using client = await RawConnection.open(setup.address);
      const sending = client.write(request + SMUGGLED).catch(() => {});
      // To close the connection is an answer as well.
      const answer = await client.readMessage().catch(() => undefined);
      await client.conn.closeWrite().catch(() => {});
      const rest = await client.readToEnd({ toleratingReset: true });
      await sending;
      assert(answer === undefined || statusOf(answer) >= 400, answer?.raw);
      assert(!/^HTTP\/1\.[01] 2/m.test(rest), rest);
      assertEquals(setup.upstream.received.slice(before).map(({ startLine }) => startLine), []);
    });
  }
});

testBoth("a refusal of a HEAD has no content", async (setup, t) => {
  const heads = {
    "no Host": "HEAD /x HTTP/1.1\r\n\r\n",
    "a target that is none": get("", "HEAD a:80 HTTP/1.1"),
    "an unknown coding": get("Transfer-Encoding: gzip, chunked\r\n", "HEAD /x HTTP/1.1"),
    "a malformed field": get("a(b: 1\r\n", "HEAD /x HTTP/1.1"),
    "a head that is too long": get(`X: ${"v".repeat(3_000_000)}\r\n`, "HEAD /x HTTP/1.1"),
  };
  for (const [name, request] of Object.entries(heads)) {
    await t.step(name, async () => {
      using client = await RawConnection.open(setup.address);
      const sending = client.write(request).catch(() => {});
      const answer = await client.readMessage({ toHead: true });
      assert(statusOf(answer) >= 400);
      await client.conn.closeWrite().catch(() => {});
      assertEquals(await client.readToEnd({ toleratingReset: true }), "");
      await sending;
    });
  }
});

/** Correct requests: the first line, and the fields and the content that the upstream must see. */
interface Forwarded {
  readonly request: string;
  readonly line?: string;
  readonly has?: Readonly<Record<string, string | RegExp | undefined>>;
  readonly body?: string;
  /** The status with which `http-client` answers the request itself. */
  readonly refusedByFetch?: number;
}

const target = (line: string, more: Partial<Forwarded> = {}): [string, Forwarded] => [
  line.slice(0, 40),
  { request: get("", `GET ${line} HTTP/1.1`), line: `GET ${line} HTTP/1.1`, ...more },
];
const fields = (name: string, sent: string, has: Forwarded["has"]): [string, Forwarded] => [
  name,
  { request: get(sent), ...(has === undefined ? {} : { has }) },
];

const FORWARDED: Record<string, Forwarded> = Object.fromEntries([
  ...["/", "//x", "//evil.example/x", "/a//b", "/%2F%2f%41", "/%zz", "/a?", "/a??b", "/a'b", "/a|b", "/a;b=c"]
    .map((path) => target(path)),
  ...["/a:b@c", "/~!$()*+,=", "/?a=%0d%0a", "/?/x?y", "/http://x/", `/?${"q".repeat(7_000)}`].map((path) =>
    target(path)
  ),
  ...["/\\x", "/a/../b", "/./a", "/..", "/%2e%2e/a", '/a"b', "/a<b>", "/a`b", "/a{b}", "/?q='x'", "/\xc3\xa9"]
    .map(
      (path) => target(path, { refusedByFetch: 400 }),
    ),
  target("http://abs.example/x?y", { line: "GET /x?y HTTP/1.1", has: { "x-forwarded-host": "abs.example" } }),
  target("http://abs.example", { line: "GET / HTTP/1.1" }),
  target("HTTP://abs.example?q", { line: "GET /?q HTTP/1.1" }),
  ...["[v1.a:b]", "[::1]:80", "[::ffff:192.0.2.1]", "h%2d", "h:"].map((host): [string, Forwarded] => [
    `Host ${host}`,
    { request: `GET /x HTTP/1.1\r\nHost: ${host}\r\n\r\n`, has: { "x-forwarded-host": host } },
  ]),
  target("http://[v1.a:b]/x", { line: "GET /x HTTP/1.1", has: { "x-forwarded-host": "[v1.a:b]" } }),
  ["OPTIONS *", { request: get("", "OPTIONS * HTTP/1.1"), line: "OPTIONS * HTTP/1.1", refusedByFetch: 501 }],
  ["TRACE", { request: get("", "TRACE /x HTTP/1.1"), line: "TRACE /x HTTP/1.1", refusedByFetch: 501 }],
  ["delete", { request: get("", "delete /x HTTP/1.1"), line: "delete /x HTTP/1.1", refusedByFetch: 501 }],
  ...["DELETE", "HEAD", "PROPFIND", "M-SEARCH", "FOO", "patch"].map((method): [string, Forwarded] => [
    method,
    { request: get("", `${method} /x HTTP/1.1`), line: `${method} /x HTTP/1.1` },
  ]),
  ["an empty line before it", { request: `\r\n${get("")}` }],
  ["HTTP/1.2", { request: get("", "GET /x HTTP/1.2"), line: "GET /x HTTP/1.1", refusedByFetch: 400 }],
  ["HTTP/1.0 without Host", { request: "GET /x HTTP/1.0\r\n\r\n", refusedByFetch: 400 }],
  ["HTTP/1.0 with keep-alive", { request: get("Connection: keep-alive\r\n", "GET /x HTTP/1.0") }],
  ["a length", {
    request: `${POST}Content-Length: 5\r\n\r\nhello`,
    body: "hello",
    has: { "content-length": "5" },
  }],
  ["a length with white space", { request: `${POST}Content-Length: \t 5 \t\r\n\r\nhello`, body: "hello" }],
  ["chunks", { request: `${CHUNKED}5\r\nhello\r\n6\r\n world\r\n0\r\n\r\n`, body: "hello world" }],
  ["chunked in capitals", {
    request: `${POST}Transfer-Encoding: CHUNKED\r\n\r\nA\r\n0123456789\r\n0\r\n\r\n`,
    body: "0123456789",
  }],
  ["chunk extensions", { request: `${CHUNKED}05;a;b="c;d"\r\nhello\r\n00;e\r\n\r\n`, body: "hello" }],
  ["chunks that hold CRLF", { request: `${CHUNKED}9\r\n0\r\n\r\nabcd\r\n0\r\n\r\n`, body: "0\r\n\r\nabcd" }],
  ["an empty chunked body", { request: `${CHUNKED}0\r\n\r\n`, body: "" }],
  ["a Connection that names the length", {
    request: `${POST}Connection: content-length\r\nContent-Length: 5\r\n\r\nhello`,
    body: "hello",
  }],
  fields("values stay as they are", "A: one  two\r\nB:\r\nC: caf\xe9\r\nD: :x:\r\n", {
    ...{ a: "one  two", b: "", c: "caf\xe9", d: ":x:" },
  }),
  fields("repeated fields stay in order", "A: 1\r\nB: x\r\nA: 2\r\n", { a: "1, 2" }),
  fields("end-to-end fields pass", 'Range: bytes=0-4\r\nIf-None-Match: "a"\r\nAuthorization: Basic x\r\n', {
    ...{ range: "bytes=0-4", "if-none-match": '"a"', authorization: "Basic x" },
  }),
  fields(
    "fields about the connection do not",
    "Keep-Alive: 5\r\nProxy-Connection: close\r\nTE: trailers\r\n",
    {
      ...{ "keep-alive": undefined, "proxy-connection": undefined, te: undefined },
    },
  ),
  fields("nor those that Connection names", "X-A: 1\r\nConnection: keep-alive\r\nConnection: ,, x-a ,\r\n", {
    ...{ "x-a": undefined, connection: undefined },
  }),
  fields("nor Upgrade without a Connection for it", "Upgrade: websocket\r\n", { upgrade: undefined }),
  fields("nor HTTP/2", "Connection: Upgrade, HTTP2-Settings\r\nUpgrade: h2c\r\nHTTP2-Settings: A\r\n", {
    ...{ upgrade: undefined, "http2-settings": undefined, connection: undefined },
  }),
  fields("X-Forwarded-For grows", "X-Forwarded-For: 192.0.2.1\r\nX-Forwarded-For: 192.0.2.2\r\n", {
    ...{ "x-forwarded-for": "192.0.2.1, 192.0.2.2, 127.0.0.1" },
  }),
  fields(
    "the client does not choose its host or scheme",
    "X-Forwarded-Host: e\r\nX-Forwarded-Proto: https\r\n",
    {
      ...{ "x-forwarded-host": "shop.example", "x-forwarded-proto": "http" },
    },
  ),
  fields("Via grows", "Via: 1.0 a\r\n", { via: /^1\.0 a, 1\.1 timewait-[\w-]{18}$/ }),
]);

testBoth("what is unusual but clear arrives as it is", async (setup, t) => {
  for (const [name, { request, line, has = {}, body, refusedByFetch }] of Object.entries(FORWARDED)) {
    await t.step(name, async () => {
      const before = setup.upstream.received.length;
      using client = await RawConnection.open(setup.address);
      await client.write(request);
      const answer = await client.readMessage({ toHead: request.startsWith("HEAD") });
      const received = setup.upstream.received.slice(before);
      if (setup.transport === "http-client" && refusedByFetch !== undefined) {
        return assertEquals([statusOf(answer), received.length], [refusedByFetch, 0]);
      }
      assertEquals([statusOf(answer), received.length], [200, 1]);
      const [message] = received as [RawMessage];
      if (line !== undefined) assertEquals(message.startLine, line);
      if (body !== undefined) assertEquals(message.body, body);
      for (const [field, value] of Object.entries(has)) {
        const sent = valueOf(message, field);
        if (value instanceof RegExp) assertMatch(sent ?? "", value);
        else assertEquals(sent, value, field);
      }
    });
  }
});

function valueOf({ fields }: RawMessage, name: string): string | undefined {
  const values = fields.filter(([known]) => known === name).map(([, value]) => value);
  return values.length === 0 ? undefined : values.join(", ");
}

const SIZED = "Content-Length: 5\r\n\r\nhello";
const head = (more: string, line = "HTTP/1.1 200 OK") => `${line}\r\n${more}`;

/** Responses that must become a 502. */
const UNUSABLE: Record<string, string> = {
  "garbage": "garbage\r\n\r\n",
  "no version": head(SIZED, "200 OK"),
  "HTTP/2.0": head(SIZED, "HTTP/2.0 200 OK"),
  "http in lower case": head(SIZED, "http/1.1 200 OK"),
  ...Object.fromEntries(
    ["20", "2000", "2x0", "000", "099"].map((status) => [status, head(SIZED, `HTTP/1.1 ${status} OK`)]),
  ),
  ...Object.fromEntries(
    ["5, 6", "+5", "-5", "0x5", "abc", "5 5", "99999999999999999999999"].map((length) => [
      `Content-Length ${length}`,
      head(`Content-Length: ${length}\r\n\r\nhello!`),
    ]),
  ),
  "two lengths": head("Content-Length: 5\r\nContent-Length: 6\r\n\r\nhello!"),
  "both framings": head("Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n5\r\nhello\r\n0\r\n\r\n"),
  ...Object.fromEntries(
    ["gzip", "xchunked", "chunked, chunked", "gzip, chunked"].map((coding) => [
      `Transfer-Encoding ${coding}`,
      head(`Transfer-Encoding: ${coding}\r\n\r\n5\r\nhello\r\n0\r\n\r\n`),
    ]),
  ),
  "NUL in a value": head(`X: a\0b\r\n${SIZED}`),
  "a bare CR in a value": head(`X: a\rb\r\n${SIZED}`),
  "a line without a colon": head(`nonsense\r\n${SIZED}`),
  "an empty name": head(`: 1\r\n${SIZED}`),
  "obs-fold": head(`X: a\r\n b\r\n${SIZED}`),
  "101 that nobody asked for": head("Upgrade: x\r\nConnection: Upgrade\r\n\r\n", "HTTP/1.1 101 Switching"),
  "nothing": "",
  "half a head": "HTTP/1.1 200 OK\r\nContent-Le",
  "an interim response only": head("\r\n", "HTTP/1.1 103 Early Hints"),
};

testBoth("a response that cannot be trusted is a 502", async (setup, t) => {
  for (const [name, answer] of Object.entries(UNUSABLE)) {
    await t.step(name, async () => {
      Object.assign(setup, { answer, thenClose: true });
      using client = await RawConnection.open(setup.address);
      await client.write(get(""));
      let message = await client.readMessage();
      if (statusOf(message) === 103) message = await client.readMessage();
      assertEquals(statusOf(message), 502, message.raw);
    });
  }
});

/** Responses that pass: their status and content. */
const PASSED: Record<string, [answer: string, status: number, body: string]> = {
  "a length": [head(SIZED), 200, "hello"],
  "chunks": [head("Transfer-Encoding: Chunked\r\n\r\n5;a=b\r\nhello\r\n0\r\nX-T: 1\r\n\r\n"), 200, "hello"],
  "until the end": [head("\r\nhello"), 200, "hello"],
  "HTTP/1.0": [head("\r\nhello", "HTTP/1.0 200 OK"), 200, "hello"],
  "HTTP/1.0 with a length": [head(SIZED, "HTTP/1.0 200 OK"), 200, "hello"],
  "204": [head("\r\n", "HTTP/1.1 204 No Content"), 204, ""],
  "304 with a length": [head("Content-Length: 5\r\n\r\n", "HTTP/1.1 304 Not Modified"), 304, ""],
  "206": [head(`Content-Range: bytes 0-4/9\r\n${SIZED}`, "HTTP/1.1 206 Partial"), 206, "hello"],
  "no reason": [head(SIZED, "HTTP/1.1 404 "), 404, "hello"],
  "a reason beyond ASCII": [head(SIZED, "HTTP/1.1 404 caf\xe9"), 404, "hello"],
  ...Object.fromEntries(
    [201, 226, 301, 307, 401, 407, 418, 451, 499, 500, 504, 511, 599].map((status) => [
      `${status}`,
      [head(SIZED, `HTTP/1.1 ${status} X`), status, "hello"] as const,
    ]),
  ) as Record<string, [string, number, string]>,
  "interim responses before it": [
    `${head("Link: </a>\r\n\r\n", "HTTP/1.1 103 E")}${head("\r\n", "HTTP/1.1 102 P").repeat(20)}${
      head(SIZED)
    }`,
    ...[200, "hello"] as const,
  ],
  "bytes behind it": [`${head(SIZED)}${head("Content-Length: 6\r\n\r\npoison")}`, 200, "hello"],
  "content behind a 204": [head("\r\npoison", "HTTP/1.1 204 No"), 204, ""],
};

testBoth("a response that is right passes, and what is behind it reaches nobody", async (setup, t) => {
  for (const [name, [answer, status, body]] of Object.entries(PASSED)) {
    await t.step(name, async () => {
      Object.assign(setup, { answer, thenClose: !/Content-Length|Chunked/.test(answer) });
      using client = await RawConnection.open(setup.address);
      await client.write(get(""));
      let message = await client.readMessage();
      while (statusOf(message) < 200) message = await client.readMessage();
      assertEquals([statusOf(message), message.body], [status, body]);
      Object.assign(setup, { answer: OK, thenClose: false });
      await client.write(get("", "GET /next HTTP/1.1"));
      assertEquals((await client.readMessage()).body, "ok");
    });
  }
});

testBoth("a 426 keeps its Upgrade", async (setup) => {
  setup.answer = head(`Connection: upgrade\r\nUpgrade: a/1, b\r\n${SIZED}`, "HTTP/1.1 426 Upgrade Required");
  using client = await RawConnection.open(setup.address);
  for (let i = 0; i < 2; i++) {
    await client.write(get(""));
    const answer = await client.readMessage();
    assertEquals([statusOf(answer), answer.body], [426, "hello"]);
    assertEquals(valueOf(answer, "upgrade"), "a/1, b");
    assertEquals(valueOf(answer, "connection")?.toLowerCase(), "upgrade");
  }
});

testBoth("a response that breaks off never looks complete", async (setup, t) => {
  const answers = [
    ...["5\r\nhel", "5\r\nhello\r\n", "5\r\nhello\r\n1", "5\r\nhello\r\n0\r\n", "5\r\nhello\r\nxyz\r\n\r\n"]
      .map((chunks) => head(`Transfer-Encoding: chunked\r\n\r\n${chunks}`)),
    head("Content-Length: 10\r\n\r\nhello"),
    head("Content-Length: 10\r\n\r\n"),
    head(`Content-Length: 1000000\r\n\r\n${"x".repeat(300_000)}`),
  ];
  for (const answer of answers) {
    await t.step(JSON.stringify(answer.slice(17, 80)), async () => {
      Object.assign(setup, { answer, thenClose: true });
      using client = await RawConnection.open(setup.address);
      await client.write(get(""));
      const message = await client.readMessage().catch(() => undefined);
      assert(message === undefined || statusOf(message) === 502, message?.raw.slice(0, 200));
    });
  }
});
