import { assertEquals, assertThrows } from "@std/assert";
import {
  countedForwards,
  type Field,
  forwardedRequestFields,
  forwardedResponseFields,
  namedInConnection,
  passesAsTrailer,
} from "../../tools/http1/forwarding_rules.ts";

const CLIENT = { address: "192.0.2.7", host: "shop.example", pseudonym: "timewait" };
const ADDED: Field[] = [
  ["via", "1.1 timewait"],
  ["x-forwarded-for", "192.0.2.7"],
  ["x-forwarded-host", "shop.example"],
  ["x-forwarded-proto", "http"],
];

Deno.test("fields about one connection do not pass, in whatever case, in either direction", () => {
  const fields: Field[] = [
    ["Keep-Alive", "timeout=5"],
    ["TE", "trailers"],
    ["A", "1"],
    ["Trailer", "X"],
    ["Transfer-Encoding", "chunked"],
    ["UPGRADE", "websocket"],
    ["Proxy-Connection", "close"],
    ["Proxy-Authorization", "Basic x"],
    ["Proxy-Authenticate", "Basic"],
    ["Connection", "close"],
  ];
  assertEquals(forwardedRequestFields(fields, CLIENT), [["A", "1"], ...ADDED]);
  assertEquals(forwardedResponseFields(fields), [["A", "1"]]);
});

Deno.test("fields named in Connection do not pass, wherever they stand and however often it is given", () => {
  const fields: Field[] = [["x-a", "1"], ["Connection", "X-A , keep-alive"], ["X-B", "2"], [
    "connection",
    "x-b",
  ], [
    "X-C",
    "3",
  ]];
  assertEquals(forwardedResponseFields(fields), [["X-C", "3"]]);
  assertEquals(forwardedRequestFields(fields, CLIENT), [["X-C", "3"], ...ADDED]);
});

Deno.test("Connection cannot name Content-Length away", () => {
  assertEquals(forwardedResponseFields([["connection", "content-length"], ["content-length", "3"]]), [[
    "content-length",
    "3",
  ]]);
});

Deno.test("an ordinary Connection field names nothing", () => {
  for (const value of [undefined, "close", "keep-alive", "Keep-Alive, Upgrade", " , ", "TE,trailer"]) {
    assertEquals([...namedInConnection(value)], []);
  }
});

Deno.test("X-Forwarded-For grows at its end, over several fields", () => {
  const fields: Field[] = [["X-Forwarded-For", "198.51.100.1"], ["A", "1"], [
    "x-forwarded-for",
    "198.51.100.2",
  ]];
  assertEquals(forwardedRequestFields(fields, CLIENT), [
    ["A", "1"],
    ["via", "1.1 timewait"],
    ["x-forwarded-for", "198.51.100.1, 198.51.100.2, 192.0.2.7"],
    ...ADDED.slice(2),
  ]);
});

Deno.test("a client does not choose X-Forwarded-Host or -Proto, and cannot have X-Forwarded-For dropped", () => {
  const fields: Field[] = [
    ["Host", "shop.example"],
    ["X-Forwarded-Host", "evil.example"],
    ["X-Forwarded-Proto", "https"],
    ["Connection", "x-forwarded-for, x-forwarded-host"],
  ];
  assertEquals(forwardedRequestFields(fields, CLIENT), ADDED);
});

Deno.test("repeated fields stay apart and in order", () => {
  const fields: Field[] = [["Set-Cookie", "a=1"], ["B", ""], ["Set-Cookie", "b=2"]];
  assertEquals(forwardedResponseFields(fields), fields);
});

Deno.test("Via names the version that the client spoke, behind what was there", () => {
  const fields: Field[] = [["Via", "1.0 first"]];
  assertEquals(
    forwardedRequestFields(fields, { ...CLIENT, version: "1.0" }).filter(([name]) => /via/i.test(name)),
    [["Via", "1.0 first"], ["via", "1.0 timewait"]],
  );
});

Deno.test("Max-Forwards counts down in OPTIONS and TRACE, and means nothing elsewhere", () => {
  assertEquals(["5", "1", "0"].map((value) => countedForwards("OPTIONS", value)), [4, 0, -1]);
  assertEquals([countedForwards("TRACE", "1"), countedForwards("TRACE", undefined)], [0, undefined]);
  assertEquals(countedForwards("GET", "nonsense"), undefined);
  for (const large of ["9999999999", "2147483649", "9".repeat(400)]) {
    assertEquals(countedForwards("OPTIONS", large), 2_147_483_647, large);
  }
  for (const wrong of ["", "-1", "1, 2", "x"]) {
    assertThrows(() => countedForwards("TRACE", wrong), SyntaxError);
  }
});

Deno.test("a trailer passes if its definition permits it there", () => {
  for (const name of ["etag", "content-digest", "server-timing", "grpc-status"]) {
    assertEquals(passesAsTrailer(name), true, name);
  }
  for (
    const name of [
      "content-length",
      "transfer-encoding",
      "host",
      "x-forwarded-for",
      "if-match",
      "set-cookie",
      "x-a",
    ]
  ) {
    assertEquals(passesAsTrailer(name), false, name);
  }
});
