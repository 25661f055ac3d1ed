import { assertEquals, assertGreater, assertThrows } from "@std/assert";
import { startBackend } from "../../tools/backend.ts";
import { localMachine } from "../../tools/lab/host.ts";
import { parseAutocannonReport, prepareAutocannon, startAutocannon } from "../../tools/load/autocannon.ts";

Deno.test("autocannon drives a load in wrk's place, its connections open until it may end", async () => {
  await prepareAutocannon();
  await using server = startBackend({ listen: { hostname: "127.0.0.1", port: 0 }, status: 503 });
  await using host = localMachine();
  const url = `http://127.0.0.1:${server.address.port}/`;
  const options = {
    connections: 8,
    threads: 1,
    durationMs: 1000,
    timeoutMs: 2000,
    headers: ["X-A: b: c"],
    url,
  };
  await using load = await startAutocannon(host, options);
  await load.over;
  const [table] = await host.readProc("/proc/net/tcp");
  const port = server.address.port.toString(16).toUpperCase().padStart(4, "0");
  assertEquals(table!.match(new RegExp(`:[0-9A-F]{4} 0100007F:${port} 01 `, "g"))?.length, 8);
  const result = await load.finish();
  assertGreater(result.requests, 0);
  assertEquals(result.errors.status, result.requests);
});

Deno.test("a result that is damaged is refused", () => {
  for (
    const damage of [
      "",
      "{}",
      "null",
      '{"latency":{}}',
      '{"requests":{"total":"1"},"duration":1,"latency":{}}',
    ]
  ) {
    assertThrows(() => parseAutocannonReport(damage), Error, "autocannon's result is damaged");
  }
});
