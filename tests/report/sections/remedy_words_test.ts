import { assertEquals } from "@std/assert";
import { sayRemedies } from "../../../tools/report/sections/remedy_words.ts";
import { remediesOf } from "../../../tools/verdict/remedies.ts";
import type { Cause, CauseName } from "../../../tools/verdict/causes.ts";

const cause = (name: CauseName, more: Partial<Cause> = {}): Cause => ({
  cause: name,
  sure: "certain",
  evidence: { concurrency: 100, idleP5Ms: 5_000, idleP50Ms: 5_001 },
  toldApartFrom: [],
  ...more,
});

const say = (name: CauseName, product?: string, more?: Partial<Cause>) => {
  const named = product === undefined ? undefined : { id: product, from: "given" as const };
  return sayRemedies(remediesOf(cause(name, more), named), named);
};

Deno.test("a known product's settings stand with their defaults and its notes", () => {
  assertEquals(
    say("pool-too-small", "caddy"),
    "**Set** Caddy: `keepalive_idle_conns_per_host` at least 100 (default: 32; for each backend). " +
      "Set all of its keepalive options or none: before PR #7318 those left out lost their defaults, " +
      "so that `keepalive 30s` alone keeps 2 connections.",
  );
});

Deno.test("of an unknown product there are two settings for each of three, and nothing else", () => {
  assertEquals(
    say("pool-too-small"),
    "**Set** (`--product NAME` says for which product): Go net/http: `MaxIdleConnsPerHost` at least 100, " +
      "`MaxIdleConns` at least 100; nginx: `keepalive (in upstream)` at least 100; " +
      "Python requests, urllib3: `HTTPAdapter(pool_maxsize)` at least 100.",
  );
});

Deno.test("servers whose default was seen are named after what is to be set", () => {
  assertEquals(
    say("backend-idle-timeout", "nginx"),
    "**Set** nginx: `keepalive_timeout (in upstream)` = 4s (default: 60s; for each worker process); " +
      "the backend: its keep-alive time longer than the gateway's idle time. That time is the default of " +
      "Apache httpd (`KeepAliveTimeout`), Node http.Server (`keepAliveTimeout`), uvicorn (`--timeout-keep-alive`).",
  );
});

Deno.test("no source address is to be left out where it takes no port", () => {
  for (const product of ["nginx", "haproxy"]) {
    assertEquals(
      say("bound-source", product),
      "**Set** any gateway: the socket option IP_BIND_ADDRESS_NO_PORT: set before bind(), or no source address at all.",
    );
  }
});
