/**
 * What heads cost: finding their end and parsing them, and writing them on.
 *
 *     deno bench tests/http1/http1_bench.ts
 */

import { HeadFields, latin1Bytes, searchHeadEnd } from "../../tools/http1/fields.ts";
import { ForwardedLines, writeRequestHead, writeResponseHead } from "../../tools/http1/forward.ts";
import { OutBuffer } from "../../tools/http1/out_buffer.ts";
import { RequestHead } from "../../tools/http1/request.ts";
import { ResponseHead } from "../../tools/http1/response.ts";

/** Heads as `wrk` and a browser send them, and as the backend answers. */
const REQUESTS = {
  wrk: "GET / HTTP/1.1\r\nHost: 127.0.0.1:8080\r\n\r\n",
  browser: "GET /shop/cart?item=42&lang=en HTTP/1.1\r\nHost: shop.example\r\nConnection: keep-alive\r\n" +
    'sec-ch-ua: "Chromium";v="140"\r\nsec-ch-ua-mobile: ?0\r\nUpgrade-Insecure-Requests: 1\r\n' +
    "User-Agent: Mozilla/5.0 (X11; Linux x86_64) AppleWebKit/537.36 Chrome/140.0.0.0 Safari/537.36\r\n" +
    "Accept: text/html,application/xhtml+xml;q=0.9,*/*;q=0.8\r\nSec-Fetch-Site: same-origin\r\n" +
    "Sec-Fetch-Mode: navigate\r\nReferer: http://shop.example/\r\nAccept-Encoding: gzip, deflate\r\n" +
    "Accept-Language: en-GB,en;q=0.9\r\nCookie: session=0123456789abcdef; theme=dark\r\n\r\n",
};
const RESPONSE = "HTTP/1.1 200 OK\r\ncontent-type: text/plain;charset=UTF-8\r\nvary: Accept-Encoding\r\n" +
  "content-length: 12\r\ndate: Wed, 25 Nov 2026 18:00:00 GMT\r\n\r\n";

const out = new OutBuffer();
const lines = new ForwardedLines("192.0.2.7", "timewait");
const authority = latin1Bytes("127.0.0.1:8081");
const search = { at: 0, lineStart: 0 };

function endOf(bytes: Uint8Array): number {
  search.at = search.lineStart = 0;
  return searchHeadEnd(bytes, 0, bytes.length, search);
}

for (const [sender, text] of Object.entries(REQUESTS)) {
  const head = new RequestHead(new HeadFields(), "timewait");
  const bytes = latin1Bytes(text);

  Deno.bench(`parse a request of ${sender}`, { group: "request" }, () => {
    if (head.parse(bytes, 0, endOf(bytes)) !== undefined) throw new Error("refused");
  });

  const parsed = new RequestHead(new HeadFields(), "timewait");
  parsed.parse(bytes, 0, bytes.length);
  Deno.bench(`write a request of ${sender} on`, { group: "request" }, () => {
    out.clear();
    writeRequestHead(out, parsed, bytes, authority, lines, "kept");
  });
}

const head = new ResponseHead(new HeadFields());
const bytes = latin1Bytes(RESPONSE);
Deno.bench("parse a response", { group: "response" }, () => {
  if (head.parse(bytes, 0, endOf(bytes), "GET") !== undefined) throw new Error("refused");
});

const parsed = new ResponseHead(new HeadFields());
parsed.parse(bytes, 0, bytes.length, "GET");
Deno.bench("write a response on", { group: "response" }, () => {
  out.clear();
  writeResponseHead(out, parsed, bytes, { coding: "asIs", close: false, sayKeepAlive: false });
});
