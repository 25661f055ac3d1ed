/**
 * The machine's own sysctls, changed for a bench in a host lab and put back afterwards, whatever happens.
 *
 * Three things see to that. The bench puts them back after each repetition. Should it be killed, its guard, a process
 * of its own session, reads the end of a pipe and puts them back. Should that be killed as well, the record on disk
 * stands, and the next start of any tool by `deno task` puts them back: the bench itself, the others, which have no
 * right to, by way of `deno task sysctl restore --quiet` ahead of them. Sysctls do not outlive a restart of the machine
 * (the kernel starts with its own), so a record of an earlier boot is thrown away.
 *
 * @module
 */

import { messageOf, TimewaitError, UnavailableError } from "../errors.ts";
import type { LabChoice } from "./lab.ts";
import { scriptArgv } from "./host.ts";
import { reasonOfExit, type RunningProcess, startProcess } from "./process.ts";
import GUARD from "./machine_knobs.sh" with { type: "text" };

/**
 * Where the records are: one for each network namespace, as each has `net.*` of its own. Not below /run, so that it
 * is there also in containers and chroots that have none, and for whoever looks after a crash.
 */
export const SYSCTL_RECORDS = "/var/lib/timewait";

/** A sysctl that was put back, or left as somebody else has set it since. */
export interface RestoredSysctl {
  /** Its name, such as `net.ipv4.tcp_tw_reuse`. */
  readonly key: string;
  /** The value in force now. */
  readonly value: string;
  /** Whether it was put back. */
  readonly restored: boolean;
}

/** The right to change the machine's sysctls, which one bench has at a time. Disposing it puts all back. */
export interface HostSysctls extends AsyncDisposable {
  /** What an earlier bench, which was killed, had left. Put back before this one began. */
  readonly left: readonly RestoredSysctl[];
  /** Notes on disk what is in force, then changes it. Resolves to what the kernel said against it. */
  set(key: string, value: string): Promise<string | undefined>;
  /**
   * Puts back everything that was set. So does disposing it.
   *
   * @throws {Error} which names those that could not be put back, and why.
   */
  restore(): Promise<void>;
}

/** Thrown when another bench may change the machine's sysctls at the moment. */
export class SysctlsHeldError extends UnavailableError {
  /** What tells it from other errors. */
  override name = "SysctlsHeldError";
  /** `pid` is the process that has it. */
  constructor(readonly pid: string) {
    super(
      `process ${pid} measures in a host lab with sysctls of its own on this machine: wait until it has ended, ` +
        "or measure in a private lab",
    );
  }
}

/**
 * Takes the right to change the machine's sysctls, and puts back what an earlier bench has left.
 *
 * @throws {SysctlsHeldError} where another bench has it.
 * @throws {Error} where it cannot be had: it takes root.
 */
export async function holdHostSysctls(): Promise<HostSysctls> {
  const held = await startGuard();
  if (held === undefined) throw new Error("the machine's sysctls cannot be changed: it takes root");
  return held;
}

/** What the guard has printed since somebody looked. */
interface GuardReport {
  /** Put back, or left as somebody has set them since. */
  left: RestoredSysctl[];
  /** Could not be put back, each with the reason. */
  failed: string[];
}

/** As {@linkcode holdHostSysctls}; `undefined` where they may not be changed and nothing is left to put back. */
async function startGuard(): Promise<HostSysctls | undefined> {
  const report: GuardReport = { left: [], failed: [] };
  const answers: PromiseWithResolvers<string>[] = [];
  const began = Promise.withResolvers<boolean>();
  began.promise.catch(() => {});
  const guard = await startProcess([], {
    name: "the guard of the machine's sysctls",
    argv: scriptArgv(GUARD, [SYSCTL_RECORDS, String(Deno.pid)], { name: "host_sysctl" }),
    onStdout: (line) => {
      const [verb, file = "", ...words] = line.split(" ");
      const key = file.replace("/proc/sys/", "").replaceAll("/", ".");
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
  const ready = await began.promise.catch(async (error) => {
    await guard.exited;
    throw error;
  });
  if (!ready) {
    await guard.exited;
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
): HostSysctls {
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
    await guard.writeLine(line).catch(() => {});
    return await answer.promise;
  };
  return {
    left,
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
      await guard.exited;
      throwIfFailed();
    },
  };
}

/**
 * Puts back what a bench that was killed has left on this machine. Costs next to nothing where there is no record.
 *
 * @throws {SysctlsHeldError} where the bench is alive.
 * @throws {Error} where there is a record and it takes root to put back what is in it.
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
 * What every bench does first: puts back what one that was killed has left, and, for a host lab where that is
 * allowed, takes the right to change the machine's sysctls. No bench measures in a host lab while another one may
 * change them.
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

/** What became of a sysctl that a killed bench has left, in one line. */
export function describeRestored({ key, value, restored }: RestoredSysctl): string {
  return restored
    ? `put back ${key} = ${value}, which a bench that was killed had changed`
    : `left ${key} = ${value}: a bench that was killed had changed it, and somebody has again since`;
}
