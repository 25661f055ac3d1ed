/** What a run's repetitions say of its gateway's connections. */

import { assertEquals } from "@std/assert";
import type { Run, Watching } from "../../tools/results/results.ts";
import type { LoadPlan } from "../../tools/scenario/plan.ts";
import { evidenceOf } from "../../tools/verdict/evidence_of_run.ts";
import { witness } from "../support/made_up_evidence.ts";
import type { HostName } from "../../tools/scenario/host_names.ts";
import { repetition, results, run } from "../support/made_up_results.ts";

const { environment } = results([]);

function ofLoad(one: Run, load: Partial<LoadPlan>): Run {
  return { ...one, options: { ...one.options, load: { ...one.options.load, ...load } } };
}

/** 40,000 requests in 8 s. */
const one = (more: Partial<Watching<HostName>> = {}) => repetition(5_000, { opened: 9, ...more });

Deno.test("requests per second are those of the table, and what the backend carried stands beside them", () => {
  const errors = { ...one().errors, status: 8_000, timeout: 800 };
  const failing = evidenceOf(
    run("mine", [one({ errors, witnesses: [witness({ requests: 41_600 })] })]),
    environment,
  )!;
  assertEquals(failing.requests?.perSec, 3_900);
  assertEquals(failing.upstream?.carriedPerSec, 5_200);
  // A backend that is no witness, and one that counts nothing.
  assertEquals(evidenceOf(run("mine", [one()]), environment)!.upstream?.carriedPerSec, 5_000);
  const uncounted = { ...one().samples, answered: { timeMs: [], requests: [] } };
  const foreign = evidenceOf(run("mine", [one({ samples: uncounted, errors })]), environment)!;
  assertEquals(foreign.upstream?.carriedPerSec, 5_000);
});

Deno.test("a load in bursts has pauses, in which all connections stay those that ask", () => {
  const burst = { onMs: 200, offMs: 500 };
  const { requests } = evidenceOf(ofLoad(run("mine", [one()]), { burst }), environment)!;
  assertEquals([requests?.pauses, requests?.concurrency], [true, 1_000]);
  assertEquals(evidenceOf(run("mine", [one()]), environment)!.requests?.pauses, false);
});

Deno.test("a client that leaves opens one more connection, and is no waste", () => {
  const arrivals = { due: 40_000, unsent: 0, late: 0, abandoned: 2_000 };
  const leaving = ofLoad(run("mine", [one({ arrivals })]), {
    ratePerSec: 5_000,
    abandon: { share: 0.05, afterMs: 50 },
  });
  const { requests, clients } = evidenceOf(leaving, environment)!;
  assertEquals([requests?.abandoned, clients?.needed], [2_000, 3_000]);
  assertEquals(evidenceOf(run("mine", [one()]), environment)!.requests?.abandoned, undefined);
});

Deno.test("what a gateway kept once all clients had been busy is known after a warm-up only", () => {
  const side = { connectionsOpened: 9, openedPerRequest: 0, timeWaitPeak: 0, establishedBefore: 930 };
  const sides = { backend: side, clients: side, openedAtStart: 0, ofOthersBefore: 0 };
  const keptIdle = (load: Partial<LoadPlan>) =>
    evidenceOf(ofLoad(run("mine", [one({ sides })]), load), environment)!.upstream?.keptIdle;
  assertEquals(keptIdle({ warmUpMs: 1_000 }), 930);
  assertEquals(keptIdle({ warmUpMs: 0 }), undefined);
  assertEquals(keptIdle({ warmUpMs: 1_000, ratePerSec: 5_000 }), undefined);
});
