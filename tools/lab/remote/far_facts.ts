/**
 * What a remote host is, as its far end tells.
 *
 * @module
 */

/** What a remote host is. */
export interface FarEnd {
  /** The kernel's release: `6.1.0-18-amd64`. */
  readonly kernel: string;
  /** The machine's architecture as `uname -m` names it, such as `x86_64`; empty where nothing there tells. */
  readonly architecture: string;
  /** CPUs that our processes may use there, as their limits allow: a whole number, or a share of one. */
  readonly cpus: number;
  /** Our user there; 0 is root. */
  readonly uid: number;
  /** Files that a process of ours may open there. */
  readonly fileLimit: number;
  /** The start of its kernel: two hosts with the same one are one machine. */
  readonly bootId: string;
  /**
   * Its network namespace: two hosts of one machine with the same one share their TCP tables. Empty where
   * nothing there tells.
   */
  readonly network: string;
  /** Programs that are on PATH there, and where. */
  readonly programs: Readonly<Partial<Record<"bash" | "setsid" | "wrk" | "deno", string>>>;
  /** The ids there of the two processes that hold the lease: while both live, it is not over. */
  readonly leaseHolders: string;
}

/** Whether two hosts are one machine with one TCP table, in which their connections cannot be told apart. */
export function sharesTables(one: FarEnd, other: FarEnd): boolean {
  return one.network !== "" && one.network === other.network && one.bootId === other.bootId;
}

const PROGRAMS = ["bash", "setsid", "wrk", "deno"] as const;

/** Parses the lines `is NAME VALUE` of far_end.sh, without their first word. */
export function parseFarEnd(lines: readonly string[]): FarEnd {
  const facts = new Map(lines.map((line) => [line.split(" ", 1)[0]!, line.slice(line.indexOf(" ") + 1)]));
  const get = (name: string) => facts.get(name)?.trim() ?? "";
  const programs = PROGRAMS.flatMap((name) => get(name).startsWith("/") ? [[name, get(name)]] : []);
  const files = Number(get("files"));
  return {
    kernel: get("kernel"),
    architecture: get("architecture"),
    cpus: Math.min(countCpus(get("cpus")), quotaOf(get("quota"))),
    uid: Number(get("uid")),
    fileLimit: Number.isNaN(files) ? Infinity : files,
    bootId: get("boot"),
    network: get("network"),
    programs: Object.fromEntries(programs),
    leaseHolders: get("holders"),
  };
}

/** The CPUs in a list of the kernel's, such as `0-3,8` (cpuset(7), "List format"); 1 for an empty one. */
export function countCpus(list: string): number {
  const ranges = list.split(",").map((range) => range.split("-").map(Number));
  return ranges.reduce((sum, [first = 0, last = first]) => sum + last - first + 1, 0);
}

/**
 * The CPUs that a quota and its period allow (cgroup-v2.rst, "cpu.max"); no limit for `max`, -1 and nothing.
 */
function quotaOf(text: string): number {
  const [quota, period] = text.split(" ").map(Number);
  return quota! > 0 && period! > 0 ? quota! / period! : Infinity;
}
