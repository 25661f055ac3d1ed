import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { measureRepetition } from "../tools/repetition.ts";
import { DEFAULT_LOAD, type GatewayPlan } from "../tools/scenario.ts";
import { wrkInPrivateLab } from "./requirements.ts";

const GATEWAYS: Record<string, GatewayPlan> = {
  "http-client": { transport: "http-client", poolMaxIdlePerHost: 40 },
  "net-http": { transport: "net-http", maxIdleConns: 40, maxIdleConnsPerHost: 40, workers: 1 },
};

for (const [name, gateway] of Object.entries(GATEWAYS)) {
  Deno.test({
    name: `${name}: what the warm-up did does not count, and the load finds the pool that it has filled`,
    ...wrkInPrivateLab,
    async fn() {
      const measured = await measureRepetition({
        gateway,
        backend: { latencyMs: 20, bodyBytes: 12, status: 200 },
        load: { ...DEFAULT_LOAD, connections: 40, durationMs: 1_000, warmUpMs: 1_000 },
      }, { lab: "private", generator: "wrk", signal: new AbortController().signal });
      const { requests, hosts, samples, pool } = measured;
      // 40 connections that wait 20 ms each time cannot do more in a second.
      assertLess(requests, 2_100);
      assertLess(samples.answered.requests.at(-1)!, 2_100);
      assertGreater(samples.answered.requests.at(-1)!, 0);
      assertEquals(hosts.gateway.connectionsOpened, 0);
      assertEquals(hosts.gateway.timeWaitPeak, 0);
      if (gateway === GATEWAYS["http-client"]) return;
      assertEquals(pool?.dialed, 0);
      assertLess(Math.abs(pool!.reused - requests), 50);
      assert(!("tooManyIdle" in pool!.closed));
    },
  });
}
