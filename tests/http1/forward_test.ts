import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { HeadFields, latin1, latin1Bytes } from "../../tools/http1/fields.ts";
import { ForwardedLines, writeRequestHead, writeResponseHead } from "../../tools/http1/forward.ts";
import { OutBuffer } from "../../tools/http1/out_buffer.ts";
import { RequestHead } from "../../tools/http1/request.ts";
import { ResponseHead } from "../../tools/http1/response.ts";

const LINES = new ForwardedLines("192.0.2.7", "timewait");
const AUTHORITY = latin1Bytes("backend");

function request(fields: HeadFields, text: string) {
  const [head, bytes] = [new RequestHead(fields, "timewait"), latin1Bytes(text)];
  assertEquals(head.parse(bytes, 0, bytes.length), undefined);
  const write = () => {
    const out = new OutBuffer();
    writeRequestHead(out, head, bytes, AUTHORITY, LINES, "kept");
    return latin1(out.filled, 0, out.length);
  };
  return write;
}

function response(fields: HeadFields, text: string) {
  const [head, bytes] = [new ResponseHead(fields), latin1Bytes(text)];
  assertEquals(head.parse(bytes, 0, bytes.length, "GET"), undefined);
  return () => {
    const out = new OutBuffer();
    writeResponseHead(out, head, bytes, { coding: "asIs", close: false, sayKeepAlive: false });
    return latin1(out.filled, 0, out.length);
  };
}

Deno.test("a request head is not written with the fields of another one that was parsed after it", () => {
  const fields = new HeadFields();
  const first = request(fields, "GET /1 HTTP/1.1\r\nHost: a\r\nCookie: first\r\n\r\n");
  assertStringIncludes(first(), "Cookie: first\r\n");
  const second = request(fields, "GET /2 HTTP/1.1\r\nHost: a\r\nCookie: second\r\n\r\n");
  assertThrows(first, Error, "the fields belong to another head");
  assertStringIncludes(second(), "Cookie: second\r\n");
});

Deno.test("a response head is not written with the fields of another one that was parsed after it", () => {
  const fields = new HeadFields();
  const first = response(fields, "HTTP/1.1 200 OK\r\nSet-Cookie: first\r\nContent-Length: 0\r\n\r\n");
  assertStringIncludes(first(), "Set-Cookie: first\r\n");
  const second = response(fields, "HTTP/1.1 200 OK\r\nSet-Cookie: second\r\nContent-Length: 0\r\n\r\n");
  assertThrows(first, Error, "the fields belong to another head");
  assertStringIncludes(second(), "Set-Cookie: second\r\n");
});

Deno.test("a head that was refused leaves no other head's fields in force", () => {
  const fields = new HeadFields();
  const first = request(fields, "GET /1 HTTP/1.1\r\nHost: a\r\n\r\n");
  const malformed = latin1Bytes("GET /2 HTTP/1.1\r\nHost : a\r\n\r\n");
  assertEquals(new RequestHead(fields, "timewait").parse(malformed, 0, malformed.length)?.status, 400);
  assertThrows(first, Error, "the fields belong to another head");
});
