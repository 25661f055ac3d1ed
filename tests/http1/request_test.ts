import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { exchangeOnce, startTestProxy } from "../support/proxy_rig.ts";
import { RawUpstream, statusOf } from "../support/raw_http.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const HOST = "Host: a\r\n";

/** Requests that two parsers could read differently, or not at all, by their fault. */
const REFUSED: Record<string, [status: number, request: string]> = {
  "both lengths": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  "both lengths, reversed": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nContent-Length: 3\r\n\r\n0\r\n\r\n`,
  ],
  "two different lengths": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 3\r\nContent-Length: 4\r\n\r\nabcd`,
  ],
  "a list of lengths": [400, `POST / HTTP/1.1\r\n${HOST}Content-Length: 3, 4\r\n\r\nabcd`],
  "a signed length": [400, `POST / HTTP/1.1\r\n${HOST}Content-Length: +3\r\n\r\nabc`],
  "a negative length": [400, `POST / HTTP/1.1\r\n${HOST}Content-Length: -3\r\n\r\nabc`],
  "a hexadecimal length": [400, `POST / HTTP/1.1\r\n${HOST}Content-Length: 0x3\r\n\r\nabc`],
  "a length with a space in it": [400, `POST / HTTP/1.1\r\n${HOST}Content-Length: 1 3\r\n\r\nabc`],
  "an empty length": [400, `POST / HTTP/1.1\r\n${HOST}Content-Length:\r\n\r\nabc`],
  "a length beyond counting": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Content-Length: 99999999999999999999\r\n\r\nabc`,
  ],
  "an unknown coding": [501, `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\n\r\n`],
  "gzip, chunked": [501, `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip, chunked\r\n\r\n0\r\n\r\n`],
  "chunked twice": [400, `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, chunked\r\n\r\n0\r\n\r\n`],
  "chunked, gzip": [400, `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, gzip\r\n\r\n0\r\n\r\n`],
  "gzip and chunked in two fields": [
    501,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  "an unknown coding beside a length": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: gzip\r\nContent-Length: 1\r\n\r\na`,
  ],
  "chunked in two fields": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n\r\n`,
  ],
  "chunked, identity": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked, identity\r\n\r\n0\r\n\r\n`,
  ],
  "a quoted coding": [400, `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: "chunked"\r\n\r\n0\r\n\r\n`],
  "a vertical tab before the coding": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: \x0bchunked\r\n\r\n0\r\n\r\n`,
  ],
  "a coding in HTTP/1.0": [400, `POST / HTTP/1.0\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\n\r\n`],
  "a space before the colon": [400, `GET / HTTP/1.1\r\n${HOST}X : 1\r\n\r\n`],
  "a space before the colon of a length": [400, `POST / HTTP/1.1\r\n${HOST}Content-Length : 3\r\n\r\nabc`],
  "a tab before the colon": [400, `GET / HTTP/1.1\r\n${HOST}X\t: 1\r\n\r\n`],
  "obs-fold": [400, `GET / HTTP/1.1\r\n${HOST}X: 1\r\n 2\r\n\r\n`],
  "obs-fold with a tab": [400, `GET / HTTP/1.1\r\n${HOST}X: 1\r\n\t2\r\n\r\n`],
  "white space before the first field": [400, `GET / HTTP/1.1\r\n ${HOST}\r\n`],
  "a field without a colon": [400, `GET / HTTP/1.1\r\n${HOST}nonsense\r\n\r\n`],
  "an empty name": [400, `GET / HTTP/1.1\r\n${HOST}: 1\r\n\r\n`],
  "a name with a slash": [400, `GET / HTTP/1.1\r\n${HOST}a/b: 1\r\n\r\n`],
  "a name in UTF-8": [400, `GET / HTTP/1.1\r\n${HOST}\xc3\xa9: 1\r\n\r\n`],
  "bare LF": [400, `GET / HTTP/1.1\nHost: a\n\n`],
  "bare LF after a field": [400, `GET / HTTP/1.1\r\nHost: a\nX: 1\r\n\r\n`],
  "bare LF at the end": [400, `GET / HTTP/1.1\r\nHost: a\r\n\n`],
  "bare CR in a value": [400, `GET / HTTP/1.1\r\n${HOST}X: 1\r2\r\n\r\n`],
  "bare CR instead of line ends": [400, `GET / HTTP/1.1\rHost: a\r\r`],
  "NUL in a value": [400, `GET / HTTP/1.1\r\n${HOST}X: 1\x002\r\n\r\n`],
  "NUL in a name": [400, `GET / HTTP/1.1\r\n${HOST}X\x00: 1\r\n\r\n`],
  "NUL in the target": [400, `GET /\x00 HTTP/1.1\r\n${HOST}\r\n`],
  "DEL in a value": [400, `GET / HTTP/1.1\r\n${HOST}X: \x7f\r\n\r\n`],
  "ESC in a value": [400, `GET / HTTP/1.1\r\n${HOST}X: \x1b[0m\r\n\r\n`],
  "no host": [400, "GET / HTTP/1.1\r\n\r\n"],
  "two hosts": [400, `GET / HTTP/1.1\r\n${HOST}Host: b\r\n\r\n`],
  "the same host twice": [400, `GET / HTTP/1.1\r\n${HOST}${HOST}\r\n`],
  "a host with a path": [400, "GET / HTTP/1.1\r\nHost: a/b\r\n\r\n"],
  "a host with a user": [400, "GET / HTTP/1.1\r\nHost: u@a\r\n\r\n"],
  "a list of hosts": [400, "GET / HTTP/1.1\r\nHost: a, b\r\n\r\n"],
  "a host with a space": [400, "GET / HTTP/1.1\r\nHost: a b\r\n\r\n"],
  "a host with a port in words": [400, "GET / HTTP/1.1\r\nHost: a:http\r\n\r\n"],
  "no version": [400, "GET /\r\n\r\n"],
  "a version in lower case": [400, `GET / http/1.1\r\n${HOST}\r\n`],
  "a version with two digits": [400, `GET / HTTP/1.10\r\n${HOST}\r\n`],
  "a version without a dot": [400, `GET / HTTP/11\r\n${HOST}\r\n`],
  "another protocol": [400, `GET / HTCPCP/1.0\r\n${HOST}\r\n`],
  "a space behind the version": [400, `GET / HTTP/1.1 \r\n${HOST}\r\n`],
  "two spaces": [400, `GET  / HTTP/1.1\r\n${HOST}\r\n`],
  "two spaces before the version": [400, `GET /  HTTP/1.1\r\n${HOST}\r\n`],
  "a tab instead of a space": [400, `GET\t/ HTTP/1.1\r\n${HOST}\r\n`],
  "a space in the target": [400, `GET /a b HTTP/1.1\r\n${HOST}\r\n`],
  "a fragment": [400, `GET /a#b HTTP/1.1\r\n${HOST}\r\n`],
  "no target": [400, `GET HTTP/1.1\r\n${HOST}\r\n`],
  "three empty lines before it": [400, `\r\n\r\n\r\nGET / HTTP/1.1\r\n${HOST}\r\n`],
  "no method": [400, ` / HTTP/1.1\r\n${HOST}\r\n`],
  "a method that is no token": [400, `G(T / HTTP/1.1\r\n${HOST}\r\n`],
  "a target without a slash": [400, `GET a HTTP/1.1\r\n${HOST}\r\n`],
  "a star for another method than OPTIONS": [400, `GET * HTTP/1.1\r\n${HOST}\r\n`],
  "a target of another scheme": [400, `GET ftp://a/ HTTP/1.1\r\n${HOST}\r\n`],
  "a target of https": [400, `GET https://a/ HTTP/1.1\r\n${HOST}\r\n`],
  "a target with a user": [400, `GET http://u:p@a/ HTTP/1.1\r\n${HOST}\r\n`],
  "a target without an authority": [400, `GET http:/// HTTP/1.1\r\n${HOST}\r\n`],
  "an authority alone": [400, `GET a:80 HTTP/1.1\r\n${HOST}\r\n`],
  "a TLS client": [400, "\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03"],
  "HTTP/2 with prior knowledge": [505, "PRI * HTTP/2.0\r\n\r\nSM\r\n\r\n"],
  "HTTP/2.0": [505, `GET / HTTP/2.0\r\n${HOST}\r\n`],
  "HTTP/0.9 by number": [505, `GET / HTTP/0.9\r\n${HOST}\r\n`],
  "CONNECT": [501, `CONNECT a:80 HTTP/1.1\r\nHost: a:80\r\n\r\n`],
  "a target of 20,000 bytes": [414, `GET /${"a".repeat(20_000)} HTTP/1.1\r\n${HOST}\r\n`],
  "a request line without an end": [414, `GET /${"a".repeat(100_000)}`],
  "a field of 100,000 bytes": [431, `GET / HTTP/1.1\r\n${HOST}X: ${"a".repeat(100_000)}\r\n\r\n`],
  "a head without an end": [431, `GET / HTTP/1.1\r\n${"X: 1\r\n".repeat(20_000)}`],
  "1,000 fields": [431, `GET / HTTP/1.1\r\n${HOST}${"X: 1\r\n".repeat(1_000)}\r\n`],
  "a chunk size that is none": [400, `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nxyz\r\n`],
  "an empty chunk size": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n\r\nabc\r\n0\r\n\r\n`,
  ],
  "a chunk size with 0x": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0x3\r\nabc\r\n0\r\n\r\n`,
  ],
  "a signed chunk size": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n+3\r\nabc\r\n0\r\n\r\n`,
  ],
  "a negative chunk size": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n-3\r\nabc\r\n0\r\n\r\n`,
  ],
  "a space before the chunk size": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n 3\r\nabc\r\n0\r\n\r\n`,
  ],
  "a space behind the chunk size": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3 \r\nabc\r\n0\r\n\r\n`,
  ],
  "a chunk size beyond counting": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\nfffffffffffffffff\r\nabc\r\n0\r\n\r\n`,
  ],
  "bare LF behind a chunk size": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\nabc\r\n0\r\n\r\n`,
  ],
  "bare LF behind a chunk": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\n0\r\n\r\n`,
  ],
  "bare CR behind a chunk": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabc\r0\r\n\r\n`,
  ],
  "a chunk longer than its size": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3\r\nabcd\r\n0\r\n\r\n`,
  ],
  "bare LF in a chunk extension": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3;a\nb\r\nabc\r\n0\r\n\r\n`,
  ],
  "a chunk extension without an end": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n3;${"a".repeat(10_000)}\r\nabc\r\n0\r\n\r\n`,
  ],
  "bare LF in trailers": [400, `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\nX: 1\n\r\n`],
  "NUL in trailers": [
    400,
    `POST / HTTP/1.1\r\n${HOST}Transfer-Encoding: chunked\r\n\r\n0\r\nX: \x00\r\n\r\n`,
  ],
};

Deno.test("a request that could be read in two ways is refused, closed, and nothing of it is answered by the backend", async (t) => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend);
  for (const [what, [status, request]] of Object.entries(REFUSED)) {
    await t.step(what, async () => {
      const before = backend.heads.length;
      // The bytes that follow must not be taken for another request.
      const response = await exchangeOnce(proxy, `${request}GET /smuggled HTTP/1.1\r\n${HOST}\r\n`);
      assertEquals(statusOf(response), status, response);
      assertStringIncludes(response.toLowerCase(), "\r\nconnection: close\r\n");
      assertEquals(response.split("HTTP/1.1 ").length, 2, "one response");
      assertEquals(backend.heads.length, before);
    });
  }
});

/** Requests that are unusual and correct, with the first line that the backend must see. */
const TAKEN: Record<string, [request: string, line: string]> = {
  "a target that looks like an authority": [`GET //b/x HTTP/1.1\r\n${HOST}\r\n`, "GET //b/x HTTP/1.1"],
  "a target with a backslash": [`GET /\\b HTTP/1.1\r\n${HOST}\r\n`, "GET /\\b HTTP/1.1"],
  "dot segments": [`GET /a/../b/./c HTTP/1.1\r\n${HOST}\r\n`, "GET /a/../b/./c HTTP/1.1"],
  "an empty query": [`GET /a? HTTP/1.1\r\n${HOST}\r\n`, "GET /a? HTTP/1.1"],
  "percent signs of any kind": [
    `GET /%2f%2F%zz%?%00=%0a HTTP/1.1\r\n${HOST}\r\n`,
    "GET /%2f%2F%zz%?%00=%0a HTTP/1.1",
  ],
  "bytes above 127": [`GET /\xe9\xff?\xc3\xa9 HTTP/1.1\r\n${HOST}\r\n`, "GET /\xe9\xff?\xc3\xa9 HTTP/1.1"],
  "every other character": [
    `GET /!"$&'()*+,;<=>@[]^_\`{|}~:?!"$?/ HTTP/1.1\r\n${HOST}\r\n`,
    `GET /!"$&'()*+,;<=>@[]^_\`{|}~:?!"$?/ HTTP/1.1`,
  ],
  "an absolute target": [`GET http://b:8080/x?y HTTP/1.1\r\n${HOST}\r\n`, "GET /x?y HTTP/1.1"],
  "an absolute target without a path": [`GET http://b HTTP/1.1\r\n${HOST}\r\n`, "GET / HTTP/1.1"],
  "an absolute target with a query only": [`GET http://b?q HTTP/1.1\r\n${HOST}\r\n`, "GET /?q HTTP/1.1"],
  "OPTIONS for a whole server": [`OPTIONS * HTTP/1.1\r\n${HOST}\r\n`, "OPTIONS * HTTP/1.1"],
  "OPTIONS for an absolute target without a path": [
    `OPTIONS http://b HTTP/1.1\r\n${HOST}\r\n`,
    "OPTIONS * HTTP/1.1",
  ],
  "a method in lower case": [`delete /x HTTP/1.1\r\n${HOST}\r\n`, "delete /x HTTP/1.1"],
  "a method of one's own": [`M-SEARCH /x HTTP/1.1\r\n${HOST}\r\n`, "M-SEARCH /x HTTP/1.1"],
  "TRACE": [`TRACE /x HTTP/1.1\r\n${HOST}\r\n`, "TRACE /x HTTP/1.1"],
  "HTTP/1.0 without a host": ["GET /x HTTP/1.0\r\n\r\n", "GET /x HTTP/1.1"],
  "a later minor version": [`GET /x HTTP/1.2\r\n${HOST}\r\n`, "GET /x HTTP/1.1"],
  "an empty line before it": [`\r\nGET /x HTTP/1.1\r\n${HOST}\r\n`, "GET /x HTTP/1.1"],
  "an empty host": ["GET /x HTTP/1.1\r\nHost:\r\n\r\n", "GET /x HTTP/1.1"],
  "a host in IPv6": ["GET /x HTTP/1.1\r\nHost: [::1]:80\r\n\r\n", "GET /x HTTP/1.1"],
  "a target of 8,000 bytes": [
    `GET /${"a".repeat(7_999)} HTTP/1.1\r\n${HOST}\r\n`,
    `GET /${"a".repeat(7_999)} HTTP/1.1`,
  ],
  "a field of 30,000 bytes": [
    `GET /x HTTP/1.1\r\n${HOST}X: ${"a".repeat(30_000)}\r\n\r\n`,
    "GET /x HTTP/1.1",
  ],
  "chunked in capitals": [
    `POST /x HTTP/1.1\r\n${HOST}Transfer-Encoding: CHUNKED\r\n\r\n3;ext="a b"\r\nabc\r\n00\r\nTrailer-Field: 1\r\n\r\n`,
    "POST /x HTTP/1.1",
  ],
  "a length with leading zeros and spaces": [
    `POST /x HTTP/1.1\r\n${HOST}Content-Length: \t 003 \r\n\r\nabc`,
    "POST /x HTTP/1.1",
  ],
};

Deno.test("a request that is unusual but clear reaches the backend, its target byte for byte", async (t) => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend);
  for (const [what, [request, line]] of Object.entries(TAKEN)) {
    await t.step(what, async () => {
      const before = backend.heads.length;
      const last = request.includes("HTTP/1.0")
        ? ""
        : `GET /last HTTP/1.1\r\n${HOST}Connection: close\r\n\r\n`;
      const response = await exchangeOnce(proxy, request + last);
      assertEquals(statusOf(response), 200, response);
      assertEquals(backend.heads[before]!.split("\r\n")[0], line);
      assertEquals(backend.heads.length, before + (last === "" ? 1 : 2));
    });
  }
});

Deno.test("what one request says of others is forgotten at the next", async () => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend);
  const request = (more: string) => `GET / HTTP/1.1\r\nHost: a\r\n${more}\r\n`;
  const last = request("Connection: close\r\n");
  await exchangeOnce(
    proxy,
    request("X-Forwarded-For: 192.0.2.1\r\n") + request("Connection: x\r\nX: 1\r\n") + request("X: 1\r\n") +
      last,
  );
  assertEquals(backend.heads.map((head) => /x-forwarded-for: (.*)/i.exec(head)![1]), [
    "192.0.2.1, 127.0.0.1",
    ...["127.0.0.1", "127.0.0.1", "127.0.0.1"],
  ]);
  assertEquals(backend.heads.map((head) => head.includes("X: 1\r\n")), [false, false, true, false]);
});

Deno.test("a client of HTTP/1.0 is known by its version in Via, and can expect neither a 100 nor an upgrade", async () => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend);
  const post = (version: string, connection: string) =>
    `POST / HTTP/${version}\r\n${HOST}Connection: ${connection}\r\nExpect: 100-continue\r\nContent-Length: 1\r\n\r\nx`;
  const upgrade = (version: string, connection: string) =>
    `GET / HTTP/${version}\r\n${HOST}Connection: upgrade, ${connection}\r\nUpgrade: websocket\r\n\r\n`;
  await exchangeOnce(
    proxy,
    post("1.0", "keep-alive") + post("1.1", "x") + upgrade("1.0", "keep-alive") + upgrade("1.1", "close"),
  );
  const versions = backend.heads.map((head) => /^via: (.*)-[\w-]{18}\r$/m.exec(head)?.[1]);
  assertEquals(versions, ["1.0 timewait", "1.1 timewait", "1.0 timewait", "1.1 timewait"]);
  assertEquals(backend.heads.map((head) => /^expect:/mi.test(head)), [false, true, false, false]);
  assertEquals(backend.heads.map((head) => /^upgrade:/mi.test(head)), [false, false, false, true]);
});

Deno.test("Host becomes the upstream's authority, and the gateway says who asked for what", async () => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend);
  await exchangeOnce(
    proxy,
    "GET http://asked.example:81/ HTTP/1.1\r\nHost: ignored\r\nX-Forwarded-For: 192.0.2.1\r\n" +
      "X-Forwarded-Host: forged\r\nX-Forwarded-Proto: https\r\nX-Kept:  two  words \r\nConnection: close\r\n\r\n",
  );
  const [, ...lines] = backend.heads[0]!.trimEnd().split("\r\n");
  const seen = lines.map((line) => line.replace(/^[^:]*/, (name) => name.toLowerCase()));
  assertEquals(seen.map((line) => line.replace(/^(via: 1.1 timewait)-[\w-]{18}$/, "$1")), [
    `host: ${new URL(backend.url).host}`,
    "x-kept:  two  words ",
    "via: 1.1 timewait",
    "x-forwarded-for: 192.0.2.1, 127.0.0.1",
    "x-forwarded-host: asked.example:81",
    "x-forwarded-proto: http",
  ]);
});

Deno.test("what is about one connection stays on it, and so does whatever Connection names", async () => {
  await using backend = RawUpstream.answering(
    "HTTP/1.1 200 OK\r\nConnection: x-secret, keep-alive\r\nX-Secret: 1\r\nKeep-Alive: timeout=5\r\nX-Open: 1\r\n" +
      "Proxy-Authenticate: x\r\nContent-Length: 2\r\n\r\nok",
  );
  await using proxy = startTestProxy(backend);
  const response = await exchangeOnce(
    proxy,
    `GET / HTTP/1.1\r\n${HOST}Connection: close, X-Private\r\nx-private: 1\r\nTE: trailers\r\nKeep-Alive: 1\r\n` +
      "Proxy-Connection: keep-alive\r\nUpgrade: h2c\r\nProxy-Authorization: x\r\nX-Public: 1\r\n\r\n",
  );
  for (const gone of ["x-private", "\r\nte:", "keep-alive", "proxy-", "upgrade", "connection"]) {
    assert(!backend.heads[0]!.toLowerCase().includes(gone), `${gone} in ${backend.heads[0]}`);
  }
  assertStringIncludes(backend.heads[0]!, "X-Public: 1\r\n");
  for (const gone of ["x-secret", "timeout=5", "proxy-"]) {
    assert(!response.toLowerCase().includes(gone), response);
  }
  assertStringIncludes(response, "X-Open: 1\r\n");
});

Deno.test("Max-Forwards counts down, and at 0 the gateway answers itself", async () => {
  await using backend = RawUpstream.answering(OK);
  await using proxy = startTestProxy(backend);
  const request = (method: string, value: string) =>
    `${method} / HTTP/1.1\r\n${HOST}Max-Forwards: ${value}\r\nConnection: close\r\n\r\n`;
  assertEquals(statusOf(await exchangeOnce(proxy, request("OPTIONS", "0"))), 200);
  assertEquals(statusOf(await exchangeOnce(proxy, request("TRACE", "0"))), 501);
  assertEquals(statusOf(await exchangeOnce(proxy, request("OPTIONS", "x"))), 400);
  assertEquals(backend.heads, []);
  for (
    const [method, value, seen] of [["OPTIONS", "2", "1"], ["TRACE", "1", "0"], ["GET", "0", "0"]] as const
  ) {
    await exchangeOnce(proxy, request(method, value));
    assertEquals(/^max-forwards: (.*)\r$/im.exec(backend.heads.at(-1)!)?.[1], seen);
  }
});

Deno.test("Connection cannot name the length away", async () => {
  await using backend = RawUpstream.answering(({ body }) =>
    `HTTP/1.1 200 OK\r\nContent-Length: 3\r\n\r\n${body}`
  );
  await using proxy = startTestProxy(backend);
  const response = await exchangeOnce(
    proxy,
    `POST / HTTP/1.1\r\n${HOST}Connection: close, content-length\r\nContent-Length: 3\r\n\r\nabc`,
  );
  assert(response.endsWith("\r\n\r\nabc"), response);
});
