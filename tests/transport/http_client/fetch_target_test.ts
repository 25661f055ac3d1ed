import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  fetchKeepsMethod,
  fetchKeepsTarget,
  splitUrl,
} from "../../../tools/transport/http_client/fetch_target.ts";
import { startRepeatingUpstream } from "../../support/raw_http.ts";

/**
 * What targets are made of in the comparison with fetch: whatever a URL parser might touch, and some that it
 * leaves.
 */
const PIECES =
  "a b / // . .. %2e %2E %2f ? # ' \" < > ` { } | ^ \\ [ ] % %zz %41 ~ ! $ & ( ) * + , ; = : @ _ - ..; é \x7f"
    .split(" ");

Deno.test("a target counts as kept exactly when fetch sends it as it is", async () => {
  await using upstream = startRepeatingUpstream("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  using client = Deno.createHttpClient({ http2: false });
  const sentFor = async (target: string) => {
    try {
      await (await fetch(upstream.url + target, { client })).body?.cancel();
    } catch {
      return undefined;
    }
    return upstream.received.at(-1)!.startLine.slice("GET ".length, -" HTTP/1.1".length);
  };
  const targets = PIECES.flatMap((one) => PIECES.map((two) => `/${one}${two}`));
  for (const piece of PIECES) {
    targets.push(`/a${piece}/b`, `/a?${piece}`, `/a/${piece}`, `/a?b=${piece}&c`, `/${piece}/../`);
  }
  for (const target of targets) {
    assertEquals(fetchKeepsTarget(target), await sentFor(target) === target, JSON.stringify(target));
  }
});

Deno.test("a target of another origin stays a path", () => {
  assert(fetchKeepsTarget("//evil.example/x"));
  assertFalse(fetchKeepsTarget("/\\evil.example/x"));
});

Deno.test("a URL is taken apart without being changed", () => {
  assertEquals(splitUrl("http://h:80//x/../y?z", "h:80"), { authority: "h:80", target: "//x/../y?z" });
  assertEquals(splitUrl("http://[::1]:80/", "[::1]:80"), { authority: "[::1]:80", target: "/" });
});

Deno.test("an absolute target outweighs Host", () => {
  assertEquals(splitUrl("http://abs.example/a", "h"), { authority: "abs.example", target: "/a" });
  assertEquals(splitUrl("HTTP://h:81/a", "h"), { authority: "h:81", target: "/a" });
  assertEquals(splitUrl("http://h?x/y", "other"), { authority: "h", target: "/?x/y" });
});

Deno.test("a request without a valid host, or with another scheme, is not taken", () => {
  const hosts = [
    null,
    "",
    "a/b",
    "a b",
    "u@h",
    "[::1",
    "h:8x",
    "a,b",
    "é",
    "a?b",
    "a#b",
    "a\\b",
    "h:1:2",
    "%zz",
  ];
  for (const host of hosts) assertEquals(splitUrl(`http://${host}/x`, host), undefined, `${host}`);
  for (const url of ["https://h/a", "ftp://h/a", "http://u:p@h/a", "http://h#x/", "http://h"]) {
    assertEquals(splitUrl(url, "other"), undefined, url);
  }
});

Deno.test("methods that fetch would change or refuse are known", () => {
  for (const method of ["GET", "PATCH", "PURGE", "M-SEARCH", "patch", "foo"]) {
    assert(fetchKeepsMethod(method), method);
  }
  for (const method of ["get", "Delete", "CONNECT", "TRACE", "TRACK", "trace", "connect", ""]) {
    assertFalse(fetchKeepsMethod(method), method);
  }
});
