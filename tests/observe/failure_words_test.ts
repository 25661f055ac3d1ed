import { assertEquals, assertLess } from "@std/assert";
import { parseLoggedFailure } from "../../tools/observe/failure_words.ts";
import { collectUpstreamFailures } from "../../tools/observe/upstream_failures.ts";

/** Lines of the products' own logs, and what each says; `""` for nothing. */
const CORPUS: readonly (readonly [says: string, line: string])[] = [
  // nginx
  [
    "EADDRNOTAVAIL connect",
    '2026/11/25 21:05:18 [crit] 12#12: *7 connect() to 198.18.0.3:8081 failed (99: Cannot assign requested address) while connecting to upstream, client: 198.18.0.1, server: , request: "GET / HTTP/1.1", upstream: "http://198.18.0.3:8081/", host: "198.18.0.2:8080"',
  ],
  [
    "EADDRINUSE connect",
    '2026/11/25 21:05:18 [crit] 12#12: *7 bind(198.18.0.2) failed (98: Address already in use) while connecting to upstream, client: 198.18.0.1, server: , request: "GET / HTTP/1.1"',
  ],
  [
    "EMFILE connect",
    '2026/11/25 21:05:18 [alert] 12#12: *7 socket() failed (24: Too many open files) while connecting to upstream, client: 198.18.0.1, server: , request: "GET / HTTP/1.1"',
  ],
  ["EMFILE accept", "2026/11/25 21:05:18 [crit] 12#12: accept4() failed (24: Too many open files)"],
  [
    "CONNECTION_LIMIT connect",
    "2026/11/25 21:05:18 [alert] 12#12: *7 64 worker_connections are not enough while connecting to upstream, client: 198.18.0.1",
  ],
  ["CONNECTION_LIMIT unknown", "2026/11/25 21:05:18 [alert] 12#12: 64 worker_connections are not enough"],
  [
    "EOF response",
    "2026/11/25 21:05:18 [error] 12#12: *7 upstream prematurely closed connection while reading response header from upstream, client: 198.18.0.1",
  ],
  [
    "ECONNRESET response",
    "2026/11/25 21:05:18 [error] 12#12: *7 recv() failed (104: Connection reset by peer) while reading response header from upstream, client: 198.18.0.1",
  ],
  [
    "ECONNRESET client",
    "2026/11/25 21:05:18 [info] 12#12: *7 recv() failed (104: Connection reset by peer) while waiting for request, client: 198.18.0.1, server: 198.18.0.2:8080",
  ],
  [
    "EOF client",
    "2026/11/25 21:05:18 [info] 12#12: *7 client prematurely closed connection while reading client request headers, client: 198.18.0.1",
  ],
  [
    "ETIMEDOUT response",
    "2026/11/25 21:05:18 [error] 12#12: *7 upstream timed out (110: Connection timed out) while reading response header from upstream, client: 198.18.0.1",
  ],
  [
    "ETIMEDOUT connect",
    "2026/11/25 21:05:18 [error] 12#12: *7 upstream timed out (110: Connection timed out) while connecting to upstream, client: 198.18.0.1",
  ],
  [
    "ECONNREFUSED connect",
    "2026/11/25 21:05:18 [error] 12#12: *7 connect() failed (111: Connection refused) while connecting to upstream, client: 198.18.0.1",
  ],
  ["", '198.18.0.1 - - [25/Nov/2026:21:05:18 +0000] "GET / HTTP/1.1" 502 157 "-" "-"'],
  // Go, Caddy, Traefik
  [
    "EADDRNOTAVAIL connect",
    "2026/11/25 21:05:18 http: proxy error: dial tcp 198.18.0.3:8081: connect: cannot assign requested address",
  ],
  [
    "EMFILE connect",
    "2026/11/25 21:05:18 http: proxy error: dial tcp 198.18.0.3:8081: socket: too many open files",
  ],
  [
    "EMFILE accept",
    "2026/11/25 21:05:18 http: Accept error: accept tcp 198.18.0.2:8080: accept4: too many open files; retrying in 5ms",
  ],
  [
    "ENFILE accept",
    "http: Accept error: accept tcp 198.18.0.2:8080: accept4: too many open files in system; retrying in 5ms",
  ],
  ["ETIMEDOUT connect", "http: proxy error: dial tcp 198.18.0.3:8081: i/o timeout"],
  ["ECONNREFUSED connect", "http: proxy error: dial tcp 198.18.0.3:8081: connect: connection refused"],
  [
    "ECONNRESET response",
    "http: proxy error: read tcp 198.18.0.2:40332->198.18.0.3:8081: read: connection reset by peer",
  ],
  ["EOF response", "2026/11/25 21:05:18 http: proxy error: EOF"],
  ["EOF response", "2026/11/25 21:05:18 http: proxy error: unexpected EOF"],
  ["EOF response", "http: proxy error: http: server closed idle connection"],
  ["EOF response", '{"level":"error","msg":"http: proxy error: EOF","status":502}'],
  ["EOF response", '{"level":"error","ts":1795673120.4,"logger":"http.log.error","msg":"EOF","request":{}}'],
  [
    "EADDRNOTAVAIL connect",
    '{"level":"error","ts":1764104718.1,"logger":"http.log.error","msg":"dial tcp 198.18.0.3:8081: connect: cannot assign requested address","status":502}',
  ],
  [
    "EADDRNOTAVAIL connect",
    'time="2026-11-25T21:05:18Z" level=debug msg="\'502 Bad Gateway\' caused by: dial tcp 198.18.0.3:8081: connect: cannot assign requested address"',
  ],
  ["", "2026/11/25 21:05:18 http: proxy error: context canceled"],
  // Node, Deno, Bun
  ["EADDRNOTAVAIL connect", "Error: connect EADDRNOTAVAIL 198.18.0.3:8081 - Local (0.0.0.0:0)"],
  ["", "  code: 'EADDRNOTAVAIL',"],
  ["", "  errno: -99,"],
  ["", '  syscall: "connect",'],
  [
    "EADDRNOTAVAIL connect",
    '{"level":50,"err":{"type":"Error","message":"connect EADDRNOTAVAIL 198.18.0.3:8081","code":"EADDRNOTAVAIL"}}',
  ],
  ["ECONNRESET response", "Error: socket hang up"],
  ["ECONNRESET response", "Error: read ECONNRESET"],
  ["ECONNREFUSED connect", "Error: connect ECONNREFUSED 198.18.0.3:8081"],
  ["ETIMEDOUT connect", "Error: connect ETIMEDOUT 198.18.0.3:8081"],
  ["EMFILE connect", "Error: connect EMFILE 198.18.0.3:8081 - Local (undefined:undefined)"],
  [
    "EADDRNOTAVAIL connect",
    "  [cause]: TypeError: error sending request: client error (Connect): tcp connect error: Cannot assign requested address (os error 99)",
  ],
  // Python
  ["EADDRNOTAVAIL connect", "OSError: [Errno 99] Cannot assign requested address"],
  [
    "EADDRNOTAVAIL connect",
    "urllib3.exceptions.NewConnectionError: Failed to establish a new connection: [Errno 99] Cannot assign requested address",
  ],
  [
    "EADDRNOTAVAIL connect",
    "aiohttp.client_exceptions.ClientConnectorError: Cannot connect to host 198.18.0.3:8081 ssl:default [Cannot assign requested address]",
  ],
  ["EMFILE unknown", "OSError: [Errno 24] Too many open files"],
  ["ECONNRESET unknown", "ConnectionResetError: [Errno 104] Connection reset by peer"],
  // Java, .NET, Ruby, PHP, Rust
  [
    "EADDRNOTAVAIL connect",
    "java.net.NoRouteToHostException: Cannot assign requested address (Address not available)",
  ],
  [
    "EADDRNOTAVAIL connect",
    "io.netty.channel.AbstractChannel$AnnotatedSocketException: Cannot assign requested address: /198.18.0.3:8081",
  ],
  ["EMFILE accept", "java.net.SocketException: Too many open files (Accept failed)"],
  ["ETIMEDOUT unknown", "java.net.SocketTimeoutException: Operation timed out"],
  [
    "EADDRNOTAVAIL connect",
    "Errno::EADDRNOTAVAIL (Cannot assign requested address - connect(2) for 198.18.0.3)",
  ],
  ["EADDRNOTAVAIL connect", "hyper error: tcp connect error: os error 99"],
  [
    "EADDRNOTAVAIL connect",
    "upstream connect error or disconnect/reset before headers. reset reason: connection failure, transport failure reason: immediate connect error: 99",
  ],
  // Apache
  [
    "EADDRNOTAVAIL connect",
    "[proxy:error] [pid 12] (99)Cannot assign requested address: AH00957: http: attempt to connect to 198.18.0.3:8081 (198.18.0.3) failed",
  ],
  // HAProxy
  ["EADDRNOTAVAIL connect", "Connect() failed for backend backend: no free ports."],
  ["EADDRINUSE connect", "Connect() failed for backend backend: local address already in use."],
  ["ENFILE unknown", "Proxy clients reached system FD limit (maxsock=4131). Please check system tunables."],
  [
    "EMFILE unknown",
    "Proxy clients reached process FD limit (maxsock=4131). Please check 'ulimit-n' and restart.",
  ],
  [
    "CONNECTION_LIMIT unknown",
    "Proxy clients reached the configured maximum connection limit. Please check the global 'maxconn' value.",
  ],
  [
    "ECONNREFUSED connect",
    '198.18.0.1:40332 [25/Nov/2026:21:05:18.117] clients backend/one 0/0/-1/-1/3 503 217 - - SC-- 40/40/39/39/3 0/0 "GET / HTTP/1.1"',
  ],
  [
    "EOF response",
    '198.18.0.1:40332 [25/Nov/2026:21:05:18.117] clients backend/one 0/0/0/-1/3 502 208 - - SH-- 40/40/39/39/0 0/0 "GET / HTTP/1.1"',
  ],
  [
    "ETIMEDOUT connect",
    '198.18.0.1:40332 [25/Nov/2026:21:05:18.117] clients backend/one 0/0/-1/-1/5003 503 217 - - sC-- 40/40/39/39/3 0/0 "GET / HTTP/1.1"',
  ],
  [
    "",
    '198.18.0.1:40332 [25/Nov/2026:21:05:18.117] clients backend/one 0/0/0/20/20 200 140 - - ---- 40/40/39/39/0 0/0 "GET / HTTP/1.1"',
  ],
  ["", "listening on http://198.18.0.2:8080"],
  ["", ""],
];

Deno.test("the words of each product are taken for what they say", () => {
  const taken = CORPUS.map(([, line]) => {
    const { code, step } = parseLoggedFailure(line) ?? {};
    return [code === undefined ? "" : `${code} ${step}`, line];
  });
  assertEquals(taken, CORPUS.map(([says, line]) => [says, line]));
});

function collected(lines: readonly string[]) {
  const collector = collectUpstreamFailures({ ours: false, nowMs: () => 0 });
  for (const line of lines) collector.add(line);
  return collector.result().map(({ code, step, count }) => `${count} ${code} ${step}`);
}

const NODE = [
  "TypeError: fetch failed",
  "    at node:internal/deps/undici/undici:13510:13",
  "  [cause]: Error: connect EADDRNOTAVAIL 198.18.0.3:8081 - Local (0.0.0.0:0)",
  "      at internalConnect (node:net:1094:16) {",
  "    errno: -99,",
  "    code: 'EADDRNOTAVAIL',",
  "    syscall: 'connect',",
  "  }",
  "}",
];
const JAVA = [
  "org.apache.http.conn.HttpHostConnectException: Connect failed: Cannot assign requested address",
  "\tat org.apache.http.impl.Connect(Connect.java:156)",
  "Caused by: java.net.BindException: Cannot assign requested address (Bind failed)",
  "\tat java.net.PlainSocketImpl.socketBind(Native Method)",
];
const PYTHON = [
  "Traceback (most recent call last):",
  '  File "gateway.py", line 9, in handle',
  "OSError: [Errno 99] Cannot assign requested address",
  "",
  "The above exception was the direct cause of the following exception:",
  "",
  "Traceback (most recent call last):",
  '  File "gateway.py", line 12, in handle',
  "aiohttp.ClientConnectorError: Cannot connect to host x:80 ssl:default [Cannot assign requested address]",
];
const GO = ["http: proxy error: dial tcp 198.18.0.3:8081: connect: cannot assign requested address"];

for (const [name, trace] of Object.entries({ NODE, JAVA, PYTHON, GO })) {
  Deno.test(`an error that is logged in several lines is one failure: ${name}`, () => {
    assertEquals(collected([...trace, ...trace, "GET / 200", ...trace]), ["3 EADDRNOTAVAIL connect"]);
  });
}

Deno.test("failures of different kinds are counted apart, the most frequent first, each with its first line", () => {
  const collector = collectUpstreamFailures({
    ours: false,
    nowMs: () => 1_500,
    hide: (text) => text.replaceAll("abc123", "***"),
  });
  collector.add("Error: socket hang up");
  collector.begin(1_000);
  collector.add("Error: connect ECONNREFUSED 10.0.0.1:80 \x1b[2J /?token=hidden abc123");
  for (let i = 0; i < 2; i++) collector.add(GO[0]!);
  collector.over!();
  collector.add("Error: socket hang up");
  assertEquals(collector.result(), [
    { code: "EADDRNOTAVAIL", step: "connect", count: 2, firstMs: 500, example: GO[0]! },
    {
      code: "ECONNREFUSED",
      step: "connect",
      count: 1,
      firstMs: 500,
      example: String.raw`Error: connect ECONNREFUSED 10.0.0.1:80 \x1b[2J /?token=*** ***`,
    },
  ]);
});

Deno.test("all lines of a long log are counted, and no more is kept of it than of a short one", () => {
  const collector = collectUpstreamFailures({ ours: false, nowMs: () => 0 });
  for (let i = 0; i < 100_000; i++) {
    collector.add(`198.18.0.1 "GET /${i} HTTP/1.1" 200 12 "-" "wrk"`);
    collector.add(
      `${i} http: proxy error: dial tcp 198.18.0.3:8081: connect: cannot assign requested address`,
    );
  }
  const [failure, ...rest] = collector.result();
  assertEquals([failure?.count, rest], [100_000, []]);
  assertLess(JSON.stringify(failure).length, 500);
});
