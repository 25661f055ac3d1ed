import type { GatewayPlan } from "../../tools/scenario/plan.ts";
import { resolveGateway, resolveLoad } from "../../tools/scenario/resolve.ts";
import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { prepareAutocannon } from "../../tools/load/autocannon.ts";
import { measureRepetition } from "../../tools/run/repetition.ts";
import { ROOT } from "../support/root.ts";
import { unansweredOf } from "../../tools/verdict/unanswered.ts";
import { wrkInPrivateLab } from "../support/requirements.ts";

const NET_HTTP = { transport: "net-http", maxIdleConns: 40, maxIdleConnsPerHost: 40, workers: 1 } as const;
const GATEWAYS: Record<string, GatewayPlan> = {
  "http-client": resolveGateway({ poolMaxIdlePerHost: 40 }),
  "net-http": resolveGateway(NET_HTTP),
  "net-http on epoll": resolveGateway({ ...NET_HTTP, sockets: "epoll" }),
};

for (const [name, gateway] of Object.entries(GATEWAYS)) {
  Deno.test({
    name: `${name}: what the warm-up did does not count, and the load finds the pool that it has filled`,
    ...wrkInPrivateLab,
    async fn() {
      const measured = await measureRepetition({
        gateway,
        backend: { latencyMs: 50, bodyBytes: 12, status: 200 },
        load: { ...resolveLoad(), connections: 40, durationMs: 1_000, warmUpMs: 1_000 },
      }, { lab: "private", generator: "wrk", signal: new AbortController().signal });
      const { requests, hosts, samples, pool } = measured;
      // 40 connections that wait 50 ms each time cannot do more in a second.
      assertLess(requests, 850);
      assertLess(samples.answered.requests.at(-1)!, 850);
      assertGreater(samples.answered.requests.at(-1)!, 0);
      assertEquals(hosts.gateway!.connectionsOpened, 0);
      assertEquals(hosts.gateway!.timeWaitPeak, 0);
      if (gateway === GATEWAYS["http-client"]) return;
      assertEquals(pool?.dialed, 0);
      assertLess(Math.abs(pool!.reused - requests), 50);
      assert(!("tooManyIdle" in pool!.closed));
    },
  });
}

/** A second of load that is not warmed up. */
const ONE_SECOND = { ...resolveLoad(), connections: 20, durationMs: 1_000, warmUpMs: 0 };
const IN_A_LAB = { lab: "private", generator: "wrk", signal: new AbortController().signal } as const;

Deno.test({
  name: "a gateway that never asks its backend is not measured, whatever it answers",
  ...wrkInPrivateLab,
  async fn() {
    for (const status of [200, 400]) {
      const command =
        `"${Deno.execPath()}" run --cached-only --allow-net --allow-env --allow-sys --allow-read ` +
        `"${ROOT}tools/backend.ts" --listen {listen} --latency 50ms --status ${status}`;
      const ours = { latencyMs: 0, bodyBytes: 12, status: 200 };
      // The kernel tells of one that is not ours.
      for (const backend of [ours, { ...ours, command: command.replace(/--status.*/, "") }]) {
        const measuring = measureRepetition({ gateway: { command }, backend, load: ONE_SECOND }, IN_A_LAB);
        const { message } = await assertRejects(() => measuring, Error, "it does not forward: ");
        assertEquals(
          message.includes("all of them with a status other than 2xx and 3xx"),
          status === 400,
          message,
        );
      }
    }
  },
});

Deno.test({
  name: "the backend's count holds every request, also those since its last report",
  ...wrkInPrivateLab,
  async fn() {
    for (const gateway of [null, GATEWAYS["http-client"]!]) {
      const { requests, backendRequests, samples, inFlight } = await measureRepetition(
        { gateway, backend: { latencyMs: 20, bodyBytes: 12, status: 200 }, load: ONE_SECOND },
        IN_A_LAB,
      );
      assert(
        backendRequests! >= requests && backendRequests! <= requests + 20,
        `${backendRequests} of ${requests}`,
      );
      assert(samples.answered.requests.at(-1)! <= backendRequests!);
      assertEquals(inFlight, 20);
    }
  },
});

Deno.test({
  name: "requests that a gateway leaves unanswered are counted when it stands still",
  ...wrkInPrivateLab,
  async fn() {
    const deno =
      `"${Deno.execPath()}" run --cached-only --unstable-net --allow-net --allow-env --allow-sys --allow-read`;
    const command =
      `${deno} "${ROOT}tools/gateway.ts" --listen {listen} --upstream {upstream} & gateway=$!; ` +
      "until grep -q ' 01 ' /proc/net/tcp; do sleep 0.05; done; " +
      "sleep 1; kill -STOP $gateway; sleep 4; kill -CONT $gateway; wait";
    const options = {
      gateway: { command },
      backend: { latencyMs: 50, bodyBytes: 12, status: 200 },
      load: { ...ONE_SECOND, durationMs: 4_000 },
    };
    const measured = await measureRepetition(options, IN_A_LAB);
    assertEquals([measured.inFlight, measured.errors.timeout], [20, 0]);
    assertEquals(unansweredOf(measured, { name: "still", baseline: true, options, repetitions: [] }), 20);
  },
});

for (const generator of ["autocannon", "open-loop"] as const) {
  Deno.test({
    name:
      `${generator}: its warm-up leaves the pool filled, and its requests are those of the time that is watched`,
    ...wrkInPrivateLab,
    async fn() {
      if (generator === "autocannon") await prepareAutocannon();
      const rate = generator === "open-loop" ? { ratePerSec: 1_000 } : {};
      const { requests, hosts, samples, pool, durationSec } = await measureRepetition({
        gateway: GATEWAYS["net-http"]!,
        backend: { latencyMs: 50, bodyBytes: 12, status: 200 },
        load: { ...resolveLoad(), connections: 40, durationMs: 1_000, warmUpMs: 1_000, ...rate },
      }, { lab: "private", generator, signal: new AbortController().signal });
      assertLess(durationSec, 1.5);
      // A load that goes on while nobody watches has more answers than the backend is known to have given.
      assertLess(requests - samples.answered.requests.at(-1)!, 450);
      assertLess(requests, 1_100);
      if (generator === "autocannon") assertEquals([hosts.gateway!.connectionsOpened, pool?.dialed], [0, 0]);
      assertLess(hosts.gateway!.connectionsOpened, 40);
      assertLess(Math.abs(pool!.reused + pool!.dialed - requests), 100);
    },
  });
}
