import { assertEquals, assertInstanceOf, assertThrows } from "@std/assert";
import { UnavailableError } from "../../tools/errors.ts";
import { serveHttp } from "../../tools/server/http_server.ts";
import { listenOn } from "../../tools/server/listener.ts";

const LISTEN = { hostname: "127.0.0.1", port: 0 };

Deno.test("a port in use is an UnavailableError that says what to do, for every kind of listener", () => {
  using taken = listenOn(LISTEN);
  const listen = { ...LISTEN, port: taken.addr.port };
  const message = `cannot listen on 127.0.0.1:${listen.port}: the port is in use`;
  const error = assertThrows(() => listenOn(listen), UnavailableError, message);
  assertInstanceOf(error.cause, Deno.errors.AddrInUse);
  const serve = () => serveHttp({ listen, graceMs: 0, cut() {} }, () => new Response());
  assertThrows(serve, UnavailableError, message);
});

Deno.test("an address that the machine does not have is an UnavailableError that says so", () => {
  // 192.0.2.0/24 is for documentation (RFC 5737): no machine has an address of it.
  const listen = { hostname: "192.0.2.1", port: 0 };
  assertThrows(() => listenOn(listen), UnavailableError, "this machine has no such address");
});

Deno.test("port 0 takes a free port, which the listener tells", () => {
  using listener = listenOn(LISTEN);
  assertEquals(listener.addr.port > 0, true);
});
