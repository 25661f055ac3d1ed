import { assert, assertEquals, assertFalse } from "@std/assert";
import {
  isProxied,
  PROXY_VARIABLES,
  withoutProxyVariables,
} from "../../../tools/transport/http_client/environment_proxy.ts";
// All files of a process share the environment.
import "../../support/one_at_a_time.ts";
import { startRepeatingUpstream } from "../../support/raw_http.ts";

Deno.test("a client is made without the proxy variables, and they are there again afterwards", async () => {
  await using proxy = startRepeatingUpstream("HTTP/1.1 200 OK\r\nContent-Length: 0\r\n\r\n");
  for (const variable of PROXY_VARIABLES) {
    using _restore = setVariable(variable, proxy.url);
    using proxied = Deno.createHttpClient({ http2: false });
    assert(await isProxied(proxied), variable);
    using direct = withoutProxyVariables(() => Deno.createHttpClient({ http2: false }));
    assertFalse(await isProxied(direct), variable);
    assertEquals(Deno.env.get(variable), proxy.url);
  }
});

Deno.test("a proxy that cannot be reached is noticed too", async () => {
  using _restore = setVariable("ALL_PROXY", "http://127.0.0.1:1");
  using client = Deno.createHttpClient({ http2: false });
  assert(await isProxied(client));
});

function setVariable(name: string, value: string): Disposable {
  const before = Deno.env.get(name);
  Deno.env.set(name, value);
  return {
    [Symbol.dispose]: () => before === undefined ? Deno.env.delete(name) : Deno.env.set(name, before),
  };
}
