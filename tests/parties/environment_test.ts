/** What the environment of this process must not change. All files of a process share it. */

import { assertEquals } from "@std/assert";
import { startGatewayRig } from "../support/gateway_rig.ts";
import { statusOf } from "../support/raw_http.ts";
import "../support/one_at_a_time.ts";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";

Deno.test("proxy variables do not lead a gateway elsewhere", async () => {
  const before = Deno.env.get("HTTP_PROXY");
  Deno.env.set("HTTP_PROXY", "http://127.0.0.1:1");
  try {
    await using rig = await startGatewayRig();
    assertEquals(statusOf(await rig.exchange(GET)), 200);
  } finally {
    if (before === undefined) Deno.env.delete("HTTP_PROXY");
    else Deno.env.set("HTTP_PROXY", before);
  }
});
