import { assert, assertEquals } from "@std/assert";
import { type Cause, CAUSES } from "../../tools/verdict/causes/cause.ts";
import { PRODUCTS } from "../../tools/verdict/products.ts";
import { remediesOf } from "../../tools/verdict/remedies.ts";

function cause(name: Cause["cause"], more: Partial<Cause> = {}): Cause {
  return { cause: name, sure: "certain", evidence: { concurrency: 100 }, toldApartFrom: [], ...more };
}

const settings = (of: Cause, id?: string, version?: string) =>
  remediesOf(of, id === undefined ? undefined : version === undefined ? { id } : { id, version })
    .map(({ setting, value }) => `${setting}: ${value}`);

Deno.test("HAProxy is never told to raise a limit that it does not have", () => {
  for (const name of CAUSES) {
    const all = remediesOf(cause(name), { id: "haproxy" });
    assert(
      !all.some(({ setting }) => setting.includes("pool-max-conn") || setting.includes("fd-ratio")),
      name,
    );
  }
  assert(settings(cause("pool-too-small"), "haproxy").includes("http-reuse: always"));
});

Deno.test("no product is told to raise a pool for a cause that no pool helps", () => {
  const none: Cause["cause"][] = [
    "used-once",
    "close-asked",
    "leak",
    "request-limit",
    "backend-closes",
    "cut-short",
    "client-side",
  ];
  for (const name of none) {
    for (const { id } of PRODUCTS) {
      for (const { kind } of remediesOf(cause(name), { id })) {
        assert(kind !== "idle cap" && kind !== "hard cap", `${name} ${id}`);
      }
    }
  }
});

Deno.test("a cap is answered with a hard cap, and a pool that is too small with an idle cap", () => {
  assertEquals(settings(cause("cap"), "go"), ["MaxConnsPerHost: at least 100"]);
  assertEquals(settings(cause("pool-too-small"), "go"), [
    "MaxIdleConnsPerHost: at least 100",
    "MaxIdleConns: at least 100",
  ]);
});

Deno.test("nginx is told by its version, and both where it is not known", () => {
  const of = cause("pool-too-small");
  const [old] = remediesOf(of, { id: "nginx", version: "1.22" });
  assertEquals(old!.byDefault, "none: connections are not kept");
  assertEquals(old!.notes?.length, 1);
  const [recent] = remediesOf(of, { id: "nginx", version: "1.31" });
  assertEquals([recent!.byDefault, recent!.notes], ["32", undefined]);
  const [either] = remediesOf(of, { id: "nginx" });
  assertEquals(either!.byDefault, "32 since 1.29.7; none: connections are not kept before");
});

Deno.test("a product that nobody knows gets those of at most three", () => {
  for (const name of CAUSES) {
    const products = new Set(remediesOf(cause(name)).map(({ product }) => product));
    assert(products.size <= 5, `${name}: ${[...products].join(", ")}`);
    const own = [...products].filter((name) => PRODUCTS.some((product) => product.name === name));
    assert(own.length <= 3, name);
  }
});

Deno.test("the backend's limit of requests is the servers', those first whose default it is", () => {
  const of = cause("request-limit", { side: "backend", evidence: { limit: 100 } });
  assertEquals(settings(of, "nginx"), [
    "MaxKeepAliveRequests: 1000 or more",
    "maxKeepAliveRequests: 1000 or more",
  ]);
});

Deno.test("a limit of requests that nobody has seen may be either side's", () => {
  const of = cause("request-limit", { evidence: { openedPerRequest: 0.0102 } });
  assertEquals(settings(of, "nginx"), [
    "keepalive_requests (in upstream): 1000 or more",
    "MaxKeepAliveRequests: 1000 or more",
    "maxKeepAliveRequests: 1000 or more",
  ]);
});

Deno.test("of the clients of a language, those that have a cap are told to raise it", () => {
  const products = remediesOf(cause("pool-too-small"), { id: "python" }).map(({ product }) => product);
  assertEquals(products, ["Python requests, urllib3", "Python httpx"]);
});

Deno.test("the gateway's idle time goes below the backend's", () => {
  const of = cause("backend-idle-timeout", { evidence: { idleP5Ms: 5_010, idleP50Ms: 5_010 } });
  assert(settings(of, "go").includes("IdleConnTimeout: 4s"));
  assert(settings(of, "go").some((line) => line.startsWith("KeepAliveTimeout")));
});

Deno.test("a server whose versions have several idle times is known by each", () => {
  for (const ms of [5_020, 6_030]) {
    const of = cause("backend-idle-timeout", { evidence: { idleP5Ms: ms, idleP50Ms: ms } });
    assert(settings(of, "go").some((line) => line.startsWith("keepAliveTimeout")), `${ms}`);
  }
});

Deno.test("Caddy is told to take out what asks for the close", () => {
  assertEquals(settings(cause("close-asked"), "caddy"), ["keepalive off (in transport http): left out"]);
});

Deno.test("a pool that fits has no remedy", () => assertEquals(remediesOf(cause("none"), { id: "go" }), []));
