/**
 * What kind of loop the load was, and so what its latencies are.
 *
 * @module
 */

import { type LoadPlan } from "../../scenario/plan.ts";
import { formatCount } from "../format.ts";

/** `closed loop`, or `open loop, 5,000/s`. */
export function nameLoop({ ratePerSec }: LoadPlan): string {
  return ratePerSec === undefined ? "closed loop" : `open loop, ${formatRate(ratePerSec)}/s`;
}

/** The sentence that says how the requests came about, and from when on an answer was late. */
export function describeLoad(load: LoadPlan): string {
  const connections = formatCount(load.connections);
  const timeout = load.timeoutMs / 1000;
  const warmUp = load.warmUpMs > 0
    ? `, after ${
      load.warmUpMs / 1000
    } s of the same that does not count, but for the TIME_WAITs that it has left`
    : "";
  const duration = `${load.durationMs / 1000} s${warmUp}`;
  return load.ratePerSec === undefined
    ? `${connections} connections for ${duration}, each waiting for its answer before its next request (a closed loop: ` +
      `latency leaves out what waited behind a slow answer); answers after ${timeout} s count as failed and as that long.`
    : `${
      formatRate(load.ratePerSec)
    } requests a second for ${duration}, evenly spaced, each sent whether or not those ` +
      `before it were answered, over at most ${connections} connections (an ${
        nameLoop(load)
      }: latency counts from ` +
      `when a request was due, so it holds what waited behind a slow answer); what was not answered ${timeout} s after ` +
      "it was due counts as failed and as that long.";
}

/** The sentence below latencies that says what they leave out. */
export function qualifyLatency(load: LoadPlan): string {
  return load.ratePerSec === undefined
    ? "From a closed loop: each connection waits for its answer, so a stall delays requests that are then not counted as " +
      "slow (coordinated omission)."
    : `From an ${
      nameLoop(load)
    }: each counts from when its request was due, so a stall makes slow what had to wait for it.`;
}

function formatRate(ratePerSec: number): string {
  return ratePerSec.toLocaleString("en-US");
}
