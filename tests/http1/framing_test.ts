import { assertEquals } from "@std/assert";
import { BodyReader, CHUNKED, parseContentLength } from "../../tools/http1/framing.ts";
import { OutBuffer } from "../../tools/http1/out_buffer.ts";
import { bytesOf, textOf } from "../support/raw_http.ts";

/**
 * Reads a body from bytes that come in pieces of a given size; returns the content and how the body ended.
 */
function read(length: number, text: string, piece: number): { body: string; end: string } {
  const reader = new BodyReader(length);
  const bytes = bytesOf(text);
  let body = "";
  let at = 0;
  for (let end = Math.min(piece, bytes.length);; end = Math.min(end + piece, bytes.length)) {
    for (;;) {
      const event = reader.next(bytes, at, end);
      at = reader.position;
      if (event === "data") body += textOf(bytes.subarray(reader.dataStart, reader.dataEnd));
      else if (event !== "more") return { body, end: event };
      else break;
    }
    if (end === bytes.length) return { body, end: "more" };
  }
}

Deno.test("chunks are taken apart the same, however their bytes come", () => {
  const text = '5\r\nhello\r\n00a;x="y z"\r\n0123456789\r\n1\r\n!\r\n0\r\nTrailer: 1\r\n\r\nnext';
  for (let piece = 1; piece <= text.length; piece++) {
    assertEquals(read(CHUNKED, text, piece), { body: "hello0123456789!", end: "end" });
  }
});

Deno.test("a chunked body that is cut anywhere is not complete, and one that is wrong is not taken", () => {
  const text = "3\r\nabc\r\n0\r\n\r\n";
  for (let at = 0; at < text.length; at++) assertEquals(read(CHUNKED, text.slice(0, at), 1).end, "more");
  for (
    const wrong of [
      "g\r\n",
      "\r\n",
      " 3\r\n",
      "3 \r\n",
      "3\n",
      "3\r\nabcd",
      "3\r\nabc\n",
      "0\r\nX\n",
      "-1\r\n",
    ]
  ) {
    assertEquals(read(CHUNKED, wrong, 1).end, "malformed", JSON.stringify(wrong));
  }
});

Deno.test("trailers are kept, however their bytes come, without those that may not stand there", () => {
  const text = "0\r\nETag: 1\r\nContent-Length: 5\r\nX-A: 1\r\ngrpc-message:\t\xe9 \r\n\r\n";
  for (let piece = 1; piece <= text.length; piece++) {
    const reader = new BodyReader(CHUNKED);
    const bytes = bytesOf(text);
    let event = "more";
    for (let at = 0; event === "more"; at = reader.position) {
      event = reader.next(bytes, at, Math.min(at + piece, bytes.length));
    }
    assertEquals([event, reader.trailers], ["end", "ETag: 1\r\ngrpc-message:\t\xe9 \r\n"]);
  }
  for (const wrong of ["X : 1", "nonsense", ": 1", " X: 1", "X: 1\r\n 2", "X: \x01", "X: \x7f", "X(: 1"]) {
    assertEquals(read(CHUNKED, `0\r\n${wrong}\r\n\r\n`, 1).end, "malformed", JSON.stringify(wrong));
  }
});

Deno.test("trailers and chunk extensions that do not end are refused", () => {
  assertEquals(read(CHUNKED, `0\r\n${"X: 1\r\n".repeat(20_000)}`, 1 << 20).end, "malformed");
  assertEquals(read(CHUNKED, `5;${"a".repeat(5_000)}`, 1 << 20).end, "malformed");
});

Deno.test("a length is digits and nothing else", () => {
  const parse = (text: string) => parseContentLength(bytesOf(text), 0, text.length);
  assertEquals(["0", "12", "007", "999999999999999"].map(parse), [0, 12, 7, 999_999_999_999_999]);
  for (const wrong of ["", "+1", "-1", "1.0", "1e3", "0x1", "1 ", "1,1", "\u00b2", "9999999999999999"]) {
    assertEquals(parse(wrong), -1, wrong);
  }
});

Deno.test("chunks that are written can be read, of any size", () => {
  const out = new OutBuffer();
  const bytes = new Uint8Array(70_000).fill(120);
  const sizes = [1, 9, 10, 15, 16, 17, 255, 256, 4095, 4096, 65_535, 65_536, 70_000];
  for (const size of sizes) out.chunk(bytes, 0, size);
  out.text("0\r\n\r\n");
  const { body, end } = read(CHUNKED, textOf(out.filled), 1 << 20);
  assertEquals([body.length, end], [sizes.reduce((sum, size) => sum + size), "end"]);
});
