/**
 * Series of hosts whose clocks are not the same, laid over each other.
 *
 * @module
 */

import { checkClock, type ClockOffset } from "../lab/remote/clock.ts";
import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";
import type { Sample, TcpState } from "./sampler.ts";

/**
 * One difference for a whole load, of one reading before it and one after: the middle, with half of what they
 * differ by added to the error. Clocks drift by some 0.1 ms a second at the most.
 */
export function middleOf(before: ClockOffset, after: ClockOffset): ClockOffset {
  return {
    offsetMs: (before.offsetMs + after.offsetMs) / 2,
    errorMs: Math.max(before.errorMs, after.errorMs) + Math.abs(before.offsetMs - after.offsetMs) / 2,
  };
}

/** By how much two of several series may be shifted against each other, in milliseconds; 0 for one. */
export function mostApart(clocks: Iterable<ClockOffset>): number {
  const [first = 0, second = 0] = [...clocks].map(({ errorMs }) => errorMs).toSorted((a, b) => b - a);
  return Math.round(first + second);
}

/** One reading of one host. */
export interface HostSample extends TcpState {
  /** When, in milliseconds since that host was started. */
  readonly upMs: number;
}

/** The series of one machine. */
export interface HostStream {
  /** Which party's host it is. There may be several clients. */
  readonly name: HostName;
  /** How its clock stands to the bench's own, `performance.now()`. */
  readonly clock: ClockOffset;
  /** In the order of time; at least one. */
  readonly samples: readonly HostSample[];
}

/**
 * Lays the series of several machines over each other. The times are those of the gateway's samples, or of
 * the first client's where the gateway is not watched; beside each stands what every other machine showed at
 * the time nearest to it. Clients are added up, and a host that is not watched is all zeros.
 *
 * @param beganMs when the load began, by the bench's own clock: the first sample is the last one before.
 * @throws {UnavailableError} where a clock is not known well enough.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { overlay } from "./overlay.ts";
 *
 * const sample = (upMs: number, timeWait: number) => ({ upMs, timeWait, established: 0, connectionsOpened: 0 });
 * const samples = overlay([
 *   { name: "client", clock: { offsetMs: 0, errorMs: 1 }, samples: [sample(1000, 1), sample(1100, 2)] },
 *   { name: "gateway", clock: { offsetMs: -50_000, errorMs: 1 }, samples: [sample(51_010, 3), sample(51_110, 4)] },
 * ], 1050);
 * assertEquals(samples.map(({ timeMs }) => timeMs), [0, 100]);
 * assertEquals(samples.map(({ hosts }) => [hosts.client.timeWait, hosts.gateway.timeWait]), [[1, 3], [2, 4]]);
 * ```
 */
export function overlay(streams: readonly HostStream[], beganMs: number): Sample[] {
  for (const { name, clock } of streams) checkClock(`the ${name}'s host`, clock);
  const times = streams.map(({ clock, samples }) => samples.map(({ upMs }) => upMs + clock.offsetMs));
  const reference = Math.max(0, streams.findIndex(({ name }) => name === "gateway"));
  const first = Math.max(0, times[reference]!.findLastIndex((ms) => ms <= beganMs));
  const startMs = times[reference]![first]!;
  return times[reference]!.slice(first).map((atMs) => {
    const nearest = streams.map(({ samples }, i) => samples[nearestTo(atMs, times[i]!)]!);
    const entries = HOST_NAMES.map((name) => {
      return [name, together(nearest.filter((_, i) => streams[i]!.name === name))] as const;
    });
    return { timeMs: Math.round(atMs - startMs), hosts: Object.fromEntries(entries) as Sample["hosts"] };
  });
}

/** What several machines show together. */
function together(states: readonly TcpState[]): TcpState {
  const sum = (of: keyof TcpState) => states.reduce((total, state) => total + state[of], 0);
  return {
    timeWait: sum("timeWait"),
    established: sum("established"),
    connectionsOpened: sum("connectionsOpened"),
  };
}

/** The place of the time that is nearest to another; the times ascend. */
function nearestTo(ms: number, times: readonly number[]): number {
  let after = 0;
  for (let end = times.length; after < end;) {
    const middle = (after + end) >> 1;
    if (times[middle]! < ms) after = middle + 1;
    else end = middle;
  }
  if (after === times.length) return times.length - 1;
  return after > 0 && ms - times[after - 1]! < times[after]! - ms ? after - 1 : after;
}

/**
 * Parses a line of sample_host.sh.
 *
 * @throws {Error} where it is none.
 */
export function parseHostSample(line: string): HostSample {
  if (!/^\d+\.\d+( \d+){3}$/.test(line)) {
    throw new Error(`the sampler printed a line that is no sample: ${line}`);
  }
  const [sec, timeWait, established, connectionsOpened] = line.split(" ").map(Number);
  return {
    upMs: Math.round(sec! * 1000),
    timeWait: timeWait!,
    established: established!,
    connectionsOpened: connectionsOpened!,
  };
}
