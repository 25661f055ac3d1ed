/**
 * What the machine as a whole did while a load ran: what was idle, what others used, what the hypervisor took. Read
 * from /proc/stat, which is the machine's in every namespace (proc_stat(5)).
 *
 * @module
 */

import type { Amount } from "../figures.ts";
import { type Host } from "../lab/host.ts";

/** CPU time of all CPUs since boot, in seconds. */
export interface CpuTimes {
  /** In programs and, for them, in the kernel: `user`, which holds `guest`, `nice` and `system`. */
  readonly processes: number;
  /** In interrupts, most of it the network's work, which no process is charged for: `irq` and `softirq`. */
  readonly interrupts: number;
  /** Nothing to do, or waiting for a disk. */
  readonly idle: number;
  /** Time that the hypervisor gave to other virtual machines. */
  readonly steal: number;
}

/** Where the CPU time of a machine went, as shares of all of it. They add up to 1. */
export interface MachineUse {
  /** Processes other than those of the bench. */
  readonly others: Amount;
  /** The parties, the load generator and the sampler. */
  readonly bench: Amount;
  /** Interrupts: most of it the network's work, the bench's own included. */
  readonly interrupts: Amount;
  /** Idle, or waiting for a disk. */
  readonly idle: Amount;
  /** Given to other virtual machines by the hypervisor. */
  readonly steal: Amount;
  /** The load average of the minute before the load began: how many tasks wanted a CPU. */
  readonly loadAverageBefore: Amount;
}

/** One reading. */
export interface MachineReading {
  /** Since boot. */
  readonly cpu: CpuTimes;
  /** The load average over one minute. */
  readonly loadAverage: number;
}

const TICKS_PER_SEC = 100;

/** Reads what the machine has done since boot. */
export async function readMachine(host: Host): Promise<MachineReading> {
  const [stat, loadavg] = await host.readProc("/proc/stat", "/proc/loadavg");
  return { cpu: parseCpuTimes(stat ?? ""), loadAverage: Number(loadavg?.split(" ")[0] ?? 0) };
}

/**
 * Parses the first line of /proc/stat.
 *
 * @throws {Error} when it is not there.
 */
export function parseCpuTimes(stat: string): CpuTimes {
  const figures = /^cpu +(.*)$/m.exec(stat)?.[1]?.split(" ").map((ticks) => Number(ticks) / TICKS_PER_SEC);
  if (figures === undefined || figures.length < 8 || figures.some(Number.isNaN)) {
    throw new Error("/proc/stat does not begin with the times of all CPUs");
  }
  const [user, nice, system, idle, iowait, irq, softirq, steal] = figures as [
    number,
    number,
    number,
    number,
    number,
    number,
    number,
    number,
  ];
  return { processes: user + nice + system, interrupts: irq + softirq, idle: idle + iowait, steal };
}

/**
 * Where the CPU time between two readings went. `benchCpuSec` is what the processes of the bench have used; what is
 * left of that of all processes is others'.
 */
export function machineUse(before: MachineReading, after: MachineReading, benchCpuSec: number): MachineUse {
  const spent = (of: keyof CpuTimes) => Math.max(0, after.cpu[of] - before.cpu[of]);
  const total = spent("processes") + spent("interrupts") + spent("idle") + spent("steal");
  const share = (seconds: number) => total === 0 ? 0 : Math.round(seconds / total * 1e4) / 1e4;
  const bench = Math.min(benchCpuSec, spent("processes"));
  return {
    others: share(spent("processes") - bench),
    bench: share(bench),
    interrupts: share(spent("interrupts")),
    idle: share(spent("idle")),
    steal: share(spent("steal")),
    loadAverageBefore: before.loadAverage,
  };
}
