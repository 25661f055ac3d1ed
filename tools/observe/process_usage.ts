/**
 * CPU time and memory of a process and all that it has started, from /proc/PID/stat and /proc/PID/status.
 *
 * @module
 */

import type { Amount } from "../figures.ts";
import { cpuUsage } from "node:process";
import { type Host } from "../lab/host.ts";

/** What a process group has used. */
export interface ProcessUsage {
  /** CPU time in user and kernel mode, in seconds, since the group began. */
  readonly cpuSec: number;
  /**
   * Peak resident memory in bytes, summed over the processes alive now, the shells that started them
   * included.
   */
  readonly rssPeakBytes: Amount;
}

/**
 * Ticks of the CPU times in /proc in a second: USER_HZ, which is 100 on every architecture that Deno runs on
 * (proc(5)).
 */
export const TICKS_PER_SEC = 100;

/** The usage of each process group by its name; `null` for a name that stands for no group. */
export type UsageOf<Groups> = {
  readonly [Name in keyof Groups]: Groups[Name] extends number ? ProcessUsage : ProcessUsage | null;
};

/**
 * Reads what the processes of the given groups have used. The time of a process that has ended, and for which
 * its parent has waited, is within the time of its parent.
 *
 * @param processGroups by the name of the party; `undefined` for a party that this run does without.
 * @returns the usage under the same names: zeros for a group with no process left, `null` for `undefined`.
 */
export async function readProcessUsage<Groups extends Readonly<Record<string, number | undefined>>>(
  host: Host,
  processGroups: Groups,
): Promise<UsageOf<Groups>> {
  const wanted = new Set(Object.values(processGroups));
  const [stats] = await host.readProc("/proc/[0-9]*/stat");
  const members = parseStats(stats ?? "").filter(({ group }) => wanted.has(group));
  const statuses = members.length === 0
    ? []
    : await host.readProc(...members.map(({ pid }) => `/proc/${pid}/status`));
  const usageOf = (group: number): ProcessUsage => {
    let cpuSec = 0;
    let rssPeakBytes = 0;
    for (const [i, member] of members.entries()) {
      if (member.group !== group) continue;
      cpuSec += member.cpuTicks / TICKS_PER_SEC;
      rssPeakBytes += parseRssPeakBytes(statuses[i] ?? "");
    }
    return { cpuSec, rssPeakBytes };
  };
  return mapValues(processGroups, (group) => group === undefined ? null : usageOf(group)) as UsageOf<Groups>;
}

/**
 * What each party has used between two readings, to the millisecond; peak memory is that of the later
 * reading. A party that is not in the earlier reading has begun since.
 */
export function usageSince<Usage extends Readonly<Record<string, ProcessUsage | null>>>(
  earlier: Readonly<Partial<Record<keyof Usage, ProcessUsage | null>>>,
  later: Usage,
): Usage {
  return mapValues(later, (usage, name) => {
    if (usage === null) return null;
    return { ...usage, cpuSec: roundMs(usage.cpuSec - (earlier[name]?.cpuSec ?? 0)) };
  }) as Usage;
}

/** What two parties have used together. */
export function addUsage(one: ProcessUsage, other: ProcessUsage): ProcessUsage {
  return {
    cpuSec: roundMs(one.cpuSec + other.cpuSec),
    rssPeakBytes: one.rssPeakBytes + other.rssPeakBytes,
  };
}

function mapValues<T extends object, U>(values: T, map: (value: T[keyof T], name: keyof T) => U) {
  const entries = Object.entries(values) as [string & keyof T, T[keyof T]][];
  return Object.fromEntries(entries.map(([name, value]) => [name, map(value, name)]));
}

function roundMs(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}

/** The CPU time that this process has used, in seconds. */
export function readOwnCpuSec(): number {
  const { user, system } = cpuUsage();
  return (user + system) / 1e6;
}

/** One process in a text made of /proc/PID/stat files. */
export interface ProcessStat {
  /** The process id, as /proc of the reading host numbers it. */
  readonly pid: number;
  /** The id of its process group: every process of a party has the same one, and no other process has it. */
  readonly group: number;
  /** Its own CPU time and that of the children it has waited for, in user and kernel mode. */
  readonly cpuTicks: number;
}

/**
 * Parses lines of /proc/PID/stat. The name in parentheses may hold anything, parentheses and line ends
 * included.
 */
export function parseStats(text: string): ProcessStat[] {
  // After the last parenthesis: state, parent, group, session, terminal, its group, flags, four fault counts,
  // then utime, stime, cutime and cstime.
  const pattern = /^(\d+) \([^]*?\) [A-Za-z] -?\d+ (\d+)(?: -?\d+){8} (\d+) (\d+) (\d+) (\d+) /gm;
  return [...text.matchAll(pattern)].map((match) => ({
    pid: Number(match[1]),
    group: Number(match[2]),
    cpuTicks: Number(match[3]) + Number(match[4]) + Number(match[5]) + Number(match[6]),
  }));
}

/** Peak resident memory (`VmHWM`) in bytes; 0 for a process without memory of its own. */
export function parseRssPeakBytes(status: string): number {
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** What each party used: CPU time while the load ran, and peak memory since the party began. */
export interface Processes {
  /** The gateway's process group; `null` where the load went straight at the backend, or it runs already. */
  readonly gateway: ProcessUsage | null;
  /** The backend's process group; `null` where it runs already. */
  readonly backend: ProcessUsage | null;
  /** The load generator's process group, from its start to the end of the load. */
  readonly load: ProcessUsage;
  /** What observing has cost: the sampling process, and the bench itself while the load ran. */
  readonly sampler: ProcessUsage;
}
