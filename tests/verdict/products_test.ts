import { assert, assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import {
  guessProduct,
  isBefore,
  parseProduct,
  productOf,
  PRODUCTS,
  productsNamed,
} from "../../tools/verdict/products.ts";

Deno.test("a product is guessed from the command line that starts it", () => {
  const guesses: [string, string | undefined][] = [
    ["nginx -c /etc/nginx/nginx.conf", "nginx"],
    ["/home/me/scenarios/peers/start.sh nginx 198.18.0.2 8080 198.18.0.3 8081 100", "nginx"],
    ["/x/peers/start.sh go {listen_host} {listen_port} {upstream_host} {upstream_port} 200 100", "go"],
    ["LISTEN={listen} node /opt/gateway/server.js", "node"],
    ["java -jar gateway.jar --listen {listen}", "java"],
    ["/usr/bin/env python3.11 proxy.py {listen_port}", "python"],
    ["deno run --allow-net proxy.ts {listen}", "deno"],
    ["cd /srv && exec nginx -g 'daemon off;'", "nginx"],
    ["sh -c 'exec /usr/sbin/haproxy -f x {listen}'", "haproxy"],
    ["go run ./gateway.go {listen}", "go"],
    ["taskset -c 1 caddy run --config x", "caddy"],
  ];
  for (const [command, id] of guesses) assertEquals(guessProduct(command), id, command);
});

Deno.test("a path or an argument that merely has a product's name in it gives nothing away", () => {
  for (
    const command of [
      "/home/nginx/gw --listen {listen}",
      "/opt/go/bin/gateway {listen}",
      "/srv/haproxy/bin/my-gateway --config /etc/nginx/nginx.conf",
      "./nginxish --listen {listen}",
      "./gw nginx {listen}",
      "./start.sh mine {listen}",
      "/node/gateway --upstream {upstream}",
      "/opt/gateway --listen {listen}",
      "",
    ]
  ) assertEquals(guessProduct(command), undefined, command);
});

Deno.test("each product has an id of its own, settings, and a source", () => {
  assertEquals(new Set(PRODUCTS.map(({ id }) => id)).size, PRODUCTS.length);
  for (const { id, settings, source, once } of PRODUCTS) {
    assert(settings.length > 0 && once.length > 0 && source !== "", id);
    assertEquals(productOf(id)?.id, id);
    assertEquals(new Set(settings.map(({ name }) => name)).size, settings.length, id);
  }
});

Deno.test("a product is named with its version, by its own name, another one or a language", () => {
  assertEquals(parseProduct("nginx@1.22", "product"), { id: "nginx", version: "1.22" });
  assertEquals(parseProduct("HAProxy", "product"), { id: "haproxy" });
  assertEquals(productsNamed("python").map(({ id }) => id), ["requests", "httpx", "aiohttp"]);
  assertEquals(productsNamed("openresty").map(({ id }) => id), ["nginx"]);
  const wrong = assertThrows(() => parseProduct("ngnix", "product"), TimewaitError);
  assert(wrong.message.includes("nginx"), wrong.message);
  assertThrows(() => parseProduct("nginx@new", "product"), TimewaitError, "a version such as 1.22");
});

Deno.test("versions are compared by their numbers", () => {
  assert(isBefore("1.22", "1.29.7"));
  assert(isBefore("1.9", "1.29.7"));
  assert(!isBefore("1.29.7", "1.29.7"));
  assert(!isBefore("1.31", "1.29.7"));
});
