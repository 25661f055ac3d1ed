/**
 * The machine's own sysctls, changed for a bench in a host lab and put back afterwards, whatever happens.
 *
 * Three things see to that. The bench puts them back after each repetition. If the bench is killed, its
 * guard, a process in a session of its own, reads the end of a pipe and puts them back. If the guard is
 * killed as well, a record is left on disk, and the next tool that `deno task` starts puts them back: bench
 * and lab by themselves, and the others, which may not, through `deno task sysctl restore --quiet` ahead of
 * them. Sysctls do not outlive a restart of the machine, because the kernel starts with its own, so a record
 * of an earlier boot is thrown away.
 *
 * @module
 */

import { messageOf, TimewaitError, UnavailableError } from "../errors.ts";
import type { LabChoice } from "./lab.ts";
import { scriptArgv } from "./host.ts";
import { endInTime, inTime } from "./in_time.ts";
import { reasonOfExit, type RunningProcess, startProcess } from "./process.ts";
import GUARD from "./machine_knobs.sh" with { type: "text" };

/**
 * The folder of the records. There is one record for each network namespace, because each has `net.*` sysctls
 * of its own. The folder is not below /run, because some containers and chroots have none, and so that a
 * person finds it after a crash.
 */
const SYSCTL_RECORDS = "/var/lib/timewait";

/** A sysctl that was put back, or left alone because somebody has changed it since. */
export interface RestoredSysctl {
  /** Its name, such as `net.ipv4.tcp_tw_reuse`. */
  readonly key: string;
  /** The value in force now. */
  readonly value: string;
  /** Whether it was put back. */
  readonly restored: boolean;
}

/**
 * The right to change the machine's sysctls, which one bench has at a time. Disposing it puts all of them
 * back.
 */
export interface HostSysctls extends AsyncDisposable {
  /** Sysctls that a killed bench had left changed. They were put back before this bench got the right. */
  readonly left: readonly RestoredSysctl[];
  /** Records the value in force on disk, then changes it. Resolves to the kernel's error, or `undefined`. */
  set(key: string, value: string): Promise<string | undefined>;
  /**
   * Puts back everything that was set, as disposing it does.
   *
   * @throws {Error} which names the sysctls that could not be put back, and why.
   */
  restore(): Promise<void>;
}

/** Thrown while another bench has the right to change the machine's sysctls. */
export class SysctlsHeldError extends UnavailableError {
  /** What tells it from other errors. */
  override name = "SysctlsHeldError";
  /** `pid` is the process that has the right. */
  constructor(readonly pid: string) {
    super(
      `process ${pid} measures in a host lab with sysctls of its own on this machine: wait until it has ended, ` +
        "or measure in a private lab",
    );
  }
}

/**
 * Takes the right to change the machine's sysctls, and puts back what a killed bench has left changed.
 *
 * @throws {SysctlsHeldError} where another bench has the right.
 * @throws {Error} where the right cannot be had, because it takes root.
 */
async function holdHostSysctls(): Promise<HostSysctls> {
  const held = await startGuard();
  if (held === undefined) throw new Error("the machine's sysctls cannot be changed: it takes root");
  return renewing(held);
}

/** The right of one guard. */
interface Guarded extends HostSysctls {
  /** Whether the guard has ended, so that nobody can change or put back anything through it. */
  readonly ended: boolean;
}

/**
 * Starts another guard where the one at hand was killed. The new guard begins by putting back what the old
 * one had changed, from the record.
 */
function renewing(first: Guarded): HostSysctls {
  let guarded = first;
  const living = async () => {
    if (!guarded.ended) return guarded;
    const next = await startGuard();
    if (next === undefined) throw new Error("the guard of the machine's sysctls was killed");
    return guarded = next;
  };
  const through = async <T>(act: (held: HostSysctls) => Promise<T>): Promise<T> => {
    try {
      return await act(await living());
    } catch (error) {
      // It may have been killed just now.
      if (!guarded.ended) throw error;
      return await act(await living());
    }
  };
  return {
    left: first.left,
    set: (key, value) => through((held) => held.set(key, value)),
    restore: () => through((held) => held.restore()),
    [Symbol.asyncDispose]: () => through(async (held) => await held[Symbol.asyncDispose]()),
  };
}

/** What the guard has printed since it was last read. */
interface GuardReport {
  /** Sysctls that were put back, or left alone because somebody has changed them since. */
  left: RestoredSysctl[];
  /** Sysctls that could not be put back, each with the reason. */
  failed: string[];
}

/**
 * As `holdHostSysctls`; `undefined` where sysctls may not be changed here and nothing is left to put back.
 */
async function startGuard(): Promise<Guarded | undefined> {
  const report: GuardReport = { left: [], failed: [] };
  const answers: PromiseWithResolvers<string>[] = [];
  const began = Promise.withResolvers<boolean>();
  began.promise.catch(() => {});
  const guard = await startProcess([], {
    name: "the guard of the machine's sysctls",
    argv: scriptArgv(GUARD, [SYSCTL_RECORDS, String(Deno.pid)], { name: "host_sysctl" }),
    onStdout: (line) => {
      const [verb, file = "", ...words] = line.split(" ");
      // A record may name another file.
      const key = /^\/proc\/sys\/[\w./-]+$/.test(file) && !file.includes("..")
        ? file.slice("/proc/sys/".length).replaceAll("/", ".")
        : file;
      if (verb === "ready") began.resolve(true);
      else if (verb === "nothing") began.resolve(false);
      else if (verb === "held") began.reject(new SysctlsHeldError(file));
      else if (verb === "failed") report.failed.push(`${key}: ${words.join(" ")}`);
      else if (verb === "restored" || verb === "kept") {
        report.left.push({ key, value: words.join(" "), restored: verb === "restored" });
      } else answers.shift()?.resolve(line);
    },
  });
  guard.exited.then((status) => {
    const error = new Error(`the machine's sysctls cannot be changed: ${reasonOfExit(status)}`);
    began.reject(error);
    for (const answer of answers) answer.reject(error);
  });
  let ready: boolean;
  try {
    ready = await inTime(began.promise, `${guard.name} was not ready`);
  } catch (error) {
    await guard.stop();
    throw error;
  }
  if (!ready) {
    await endInTime(guard);
    return undefined;
  }
  const held = control(guard, report, answers);
  if (report.failed.length > 0) await held[Symbol.asyncDispose]();
  return held;
}

function control(
  guard: RunningProcess,
  report: GuardReport,
  answers: PromiseWithResolvers<string>[],
): Guarded {
  let ended = false;
  guard.exited.then(() => ended = true);
  const left = report.left.splice(0);
  const throwIfFailed = () => {
    const failed = [...new Set(report.failed.splice(0))];
    if (failed.length === 0) return;
    throw new Error(
      `sysctls of this machine could not be put back (${failed.join("; ")}): their values stand in ` +
        `${SYSCTL_RECORDS}, and deno task sysctl restore tries again`,
    );
  };
  const ask = async (line: string) => {
    const answer = Promise.withResolvers<string>();
    answers.push(answer);
    const gone = guard.exited.then((status): never => {
      throw new Error(
        `the machine's sysctls cannot be changed: ${guard.name} has ended, ${reasonOfExit(status)}`,
      );
    });
    await guard.writeLine(line).catch(() => {});
    return await inTime(Promise.race([answer.promise, gone]), `${guard.name} did not answer`);
  };
  return {
    left,
    get ended() {
      return ended;
    },
    async set(key, value) {
      const answer = await ask(`set /proc/sys/${key.replaceAll(".", "/")} ${value}`);
      return answer === "+" ? undefined : answer.slice(2);
    },
    async restore() {
      await ask("restore");
      throwIfFailed();
    },
    async [Symbol.asyncDispose]() {
      await guard.closeInput();
      const status = await inTime(guard.exited, `${guard.name} did not end`);
      throwIfFailed();
      if (status.code !== 0) {
        throw new Error(
          `${guard.name} failed, and what it had changed may not be put back (${reasonOfExit(status)}): ` +
            "sudo deno task sysctl restore does it",
        );
      }
    },
  };
}

/**
 * Puts back the sysctls that a killed bench has left changed on this machine. Costs next to nothing where
 * there is no record.
 *
 * @throws {SysctlsHeldError} where the bench is still alive.
 * @throws {Error} where there is a record and putting its values back takes root.
 */
export async function restoreHostSysctls(): Promise<readonly RestoredSysctl[]> {
  if (!await hasRecords()) return [];
  try {
    await using held = await startGuard();
    return held?.left ?? [];
  } catch (error) {
    if (error instanceof SysctlsHeldError || Deno.uid() === 0) throw error;
    throw new Error(
      "a bench that was killed may have left sysctls of this machine changed: sudo deno task sysctl restore puts them back",
      { cause: error },
    );
  }
}

async function hasRecords(): Promise<boolean> {
  try {
    for await (const _ of Deno.readDir(SYSCTL_RECORDS)) return true;
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) return true;
  }
  return false;
}

/**
 * What comes first in every bench: puts back the sysctls that a killed bench has left changed, and, for a
 * host lab where that is allowed, takes the right to change them. No bench measures in a host lab while
 * another bench may change the sysctls.
 *
 * @returns `undefined` where the machine's sysctls are not to be changed.
 * @throws {SysctlsHeldError} for a host lab while another bench changes the machine's sysctls.
 */
export async function prepareHostSysctls(
  lab: LabChoice,
  { allowHostSysctl, tell }: {
    /** Whether a host lab may change the machine's own sysctls. */
    readonly allowHostSysctl: boolean;
    /** Receives a line for each sysctl that was put back, or could not be. */
    readonly tell: (line: string) => void;
  },
): Promise<HostSysctls | undefined> {
  const tellAll = (restored: readonly RestoredSysctl[]) => restored.map(describeRestored).forEach(tell);
  if (lab.kind !== "host" || !allowHostSysctl) {
    try {
      tellAll(await restoreHostSysctls());
    } catch (error) {
      if (lab.kind === "host" && error instanceof SysctlsHeldError) throw error;
      if (!(error instanceof SysctlsHeldError)) tell(messageOf(error));
    }
    return undefined;
  }
  if (Deno.uid() !== 0) {
    throw new TimewaitError("needs root: use sudo, or a private lab, which needs none", {
      field: "allowHostSysctl",
    });
  }
  const held = await holdHostSysctls();
  tellAll(held.left);
  return held;
}

/** Says in one line what became of a sysctl that a killed bench had left changed. */
export function describeRestored({ key, value, restored }: RestoredSysctl): string {
  return restored
    ? `put back ${key} = ${value}, which a bench that was killed had changed`
    : `left ${key} = ${value}: a bench that was killed had changed it, and somebody has again since`;
}
