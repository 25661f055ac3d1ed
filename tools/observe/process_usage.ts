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
  /** Processor time in user and kernel mode, in seconds, since it began. */
  readonly cpuSec: number;
  /** The most memory that was resident, in bytes, summed over the processes alive now, shells that started them included. */
  readonly rssPeakBytes: Amount;
}

/** Ticks of /proc/PID/stat in a second: USER_HZ, which is 100 on every architecture that Deno runs on (proc(5)). */
const TICKS_PER_SEC = 100;

/**
 * Reads what the processes of the given groups have used. A process that has ended and was waited for by its
 * parent is within its parent's time.
 *
 * @returns the usage of each group, in the order given; zeros for a group with no process left.
 */
export async function readProcessUsage(
  host: Host,
  processGroups: readonly number[],
): Promise<ProcessUsage[]> {
  const [stats] = await host.readProc("/proc/[0-9]*/stat");
  const members = parseStats(stats ?? "").filter((member) => processGroups.includes(member.group));
  const statuses = members.length === 0
    ? []
    : await host.readProc(...members.map(({ pid }) => `/proc/${pid}/status`));
  const rssPeaks = statuses.map((status) => parseRssPeakBytes(status ?? ""));
  return processGroups.map((group) => {
    let cpuSec = 0;
    let rssPeakBytes = 0;
    for (const [i, member] of members.entries()) {
      if (member.group !== group) continue;
      cpuSec += member.cpuTicks / TICKS_PER_SEC;
      rssPeakBytes += rssPeaks[i]!;
    }
    return { cpuSec, rssPeakBytes };
  });
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
  /** The id of its process group, by which a party's processes are told from others. */
  readonly group: number;
  /** Its own time and that of the children it has waited for, in user and kernel mode. */
  readonly cpuTicks: number;
}

/** Parses lines of /proc/PID/stat. The name in parentheses may hold anything, parentheses and line ends included. */
export function parseStats(text: string): ProcessStat[] {
  // After the last parenthesis: state, parent, group, session, terminal, its group, flags, four fault counts, then
  // utime, stime, cutime and cstime.
  const pattern = /^(\d+) \([^]*?\) [A-Za-z] -?\d+ (\d+)(?: -?\d+){8} (\d+) (\d+) (\d+) (\d+) /gm;
  return [...text.matchAll(pattern)].map((match) => ({
    pid: Number(match[1]),
    group: Number(match[2]),
    cpuTicks: Number(match[3]) + Number(match[4]) + Number(match[5]) + Number(match[6]),
  }));
}

/** The most memory that was resident (`VmHWM`), in bytes; 0 for a process without memory of its own. */
export function parseRssPeakBytes(status: string): number {
  return Number(/^VmHWM:\s*(\d+) kB$/m.exec(status)?.[1] ?? 0) * 1024;
}

/** What the processes used while the load ran; peak memory since they began. `sampler` is the bench's own. */
export interface Processes {
  /** `null` where the load went direct. */
  readonly gateway: ProcessUsage | null;
  /** The backend's process group. */
  readonly backend: ProcessUsage;
  /** The load generator's process group, from its start to the end of the load. */
  readonly load: ProcessUsage;
  /** The sampling process, and the bench itself while the load ran. */
  readonly sampler: ProcessUsage;
}
