import { assertEquals, assertRejects } from "@std/assert";
import { deadline } from "@std/async/deadline";
import type { Speaker } from "../../tools/observe/collector.ts";
import { collectPoolCounters } from "../../tools/observe/pool_counters.ts";
import { PoolLedger } from "../../tools/transport/pool/counters.ts";

const NEVER = new AbortController().signal;

/** A gateway that prints its counters when it is asked, and notes by which signals it was. */
function gatewayOf(print: () => void): Speaker & { readonly signals: string[] } {
  const signals: string[] = [];
  return {
    name: "the gateway",
    signals,
    signal(name) {
      signals.push(name);
      print();
    },
  };
}

function lineOf(ledger: PoolLedger): string {
  return `counters ${JSON.stringify({ pool: ledger.snapshot() })}`;
}

Deno.test("what a pool has counted before the load does not count", async () => {
  const ledger = new PoolLedger();
  const pool = collectPoolCounters({ asks: true });
  const gateway = gatewayOf(() => pool.add(lineOf(ledger)));
  ledger.dialed = 7;
  await pool.settled(gateway, NEVER);
  pool.begin(0);
  ledger.dialed = 9;
  pool.add("listening on http://127.0.0.1:8080");
  pool.add(lineOf(ledger));
  assertEquals(pool.result()?.dialed, 2);
  assertEquals(gateway.signals, ["SIGUSR2"]);
});

Deno.test("a gateway that has not said that it may be asked gets no signal, which might end it", async () => {
  const pool = collectPoolCounters({ asks: false });
  const gateway = gatewayOf(() => {});
  await pool.settled(gateway, NEVER);
  pool.begin(0);
  assertEquals([gateway.signals, pool.result()], [[], undefined]);
});

Deno.test("a bench that is stopped does not wait for the counters", async () => {
  const pool = collectPoolCounters({ asks: true });
  const stopped = AbortSignal.abort(new Error("stopped"));
  const settled = () => deadline(pool.settled(gatewayOf(() => {}), stopped), 2_000);
  await assertRejects(settled, Error, "stopped");
});
