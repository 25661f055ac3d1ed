import { assert, assertEquals } from "@std/assert";
import { guessProduct, productOf, PRODUCTS } from "../../tools/verdict/products.ts";

Deno.test("a product is guessed from the command line that starts it", () => {
  const guesses: [string, string | undefined][] = [
    ["nginx -c /etc/nginx/nginx.conf", "nginx"],
    ["/home/me/scenarios/peers/start.sh nginx 198.18.0.2 8080 198.18.0.3 8081 100", "nginx"],
    ["/x/peers/start.sh go {listen_host} {listen_port} {upstream_host} {upstream_port} 200 100", "go"],
    ["LISTEN={listen} node /opt/gateway/server.js", "node"],
    ["java -jar gateway.jar --listen {listen}", "java"],
    ["/usr/bin/env python3.11 proxy.py {listen_port}", "python"],
    ["deno run --allow-net proxy.ts {listen}", "deno"],
    ["./nginxish --listen {listen}", undefined],
    ["/opt/gateway --listen {listen}", undefined],
  ];
  for (const [command, id] of guesses) assertEquals(guessProduct(command)?.id, id, command);
});

Deno.test("each product has an id of its own, settings, and a source", () => {
  assertEquals(new Set(PRODUCTS.map(({ id }) => id)).size, PRODUCTS.length);
  for (const { id, settings, source } of PRODUCTS) {
    assert(settings.length > 0 && source !== "", id);
    assertEquals(productOf(id)?.id, id);
    assertEquals(new Set(settings.map(({ name }) => name)).size, settings.length, id);
  }
});
