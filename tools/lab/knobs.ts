/**
 * Knobs: sysctls that a run asks for on a host of its lab, set before its parties start and read back.
 *
 * @module
 */

import type { KnobRequest } from "../scenario/sysctls.ts";
import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";
import { type Host, localMachine } from "./host.ts";
import type { HostSysctls } from "./machine_knobs.ts";
import type { Lab, LabKind } from "./lab.ts";
import { inTime } from "./in_time.ts";
import { reasonOfExit } from "./process.ts";
import { REMOVED_SYSCTLS } from "./knob_facts.ts";
import WRITE_KNOBS from "./write_knobs.sh" with { type: "text" };

/**
 * - `applied`: in force, and it was not before.
 * - `unchanged`: what was asked for was in force already.
 * - `denied`: not in force; `reason` says why and what would permit it.
 * - `unknown`: this kernel does not have it.
 */
export type KnobStatus = "applied" | "unchanged" | "denied" | "unknown";

/**
 * One sysctl: the value before, the value asked for and the value in force, with single spaces between their
 * parts.
 */
export interface Knob {
  /** The host that it was asked for on. */
  readonly host: HostName;
  /** Its name, such as `net.ipv4.tcp_tw_reuse`. */
  readonly key: string;
  /** `null` where it could not be read. */
  readonly before: string | null;
  /** The value that was asked for. */
  readonly asked: string;
  /** Read back after it was set; `null` where it could not be read. */
  readonly inForce: string | null;
  /** What became of it. */
  readonly status: KnobStatus;
  /** Why a knob is not in force as asked, and what would permit it. */
  readonly reason?: string;
}

/**
 * Knobs that were set. Disposing it puts the machine's own sysctls back; those of a private lab end with the
 * lab.
 */
export interface SetKnobs extends AsyncDisposable {
  /** What became of each, in the order of the hosts. */
  readonly knobs: readonly Knob[];
}

/** The file of a sysctl. */
function sysctlFile(key: string): string {
  return `/proc/sys/${key.replaceAll(".", "/")}`;
}

/** Reads sysctls as they are on a host; `null` for those that are not there or cannot be read. */
export async function readSysctls(host: Host, keys: readonly string[]): Promise<(string | null)[]> {
  if (keys.length === 0) return [];
  const texts = await host.readProc(...keys.map(sysctlFile));
  return texts.map((text) => text === undefined ? null : oneSpaced(text));
}

/**
 * Sets sysctls on the hosts of a lab and reads them back. One that cannot be set is in the result with the
 * reason, and the others are set all the same.
 *
 * @param machine what changes the machine's own sysctls in a host lab; without it they stay as they are.
 */
export async function setKnobs(
  lab: Lab,
  requests: readonly KnobRequest[],
  machine?: HostSysctls,
): Promise<SetKnobs> {
  await using stack = new AsyncDisposableStack();
  if (machine !== undefined) stack.defer(() => machine.restore());
  const knobs: Knob[] = [];
  for (const hostName of HOST_NAMES) {
    const ofHost = requests.filter(({ host }) => host === hostName);
    if (ofHost.length === 0) continue;
    const host = lab[hostName];
    const keys = ofHost.map(({ key }) => key);
    const before = await readSysctls(host, keys);
    const refusals = await write(
      ofHost.map(({ key, value }, i) =>
        before[i] === null || before[i] === value ? undefined : { key, value }
      ),
      lab.kind === "host" ? machineWriter(machine) : (pairs) => writeThrough(host, pairs),
    );
    const inForce = await readSysctls(host, keys);
    for (const [i, { key, value }] of ofHost.entries()) {
      const read = { host: hostName, key, before: before[i]!, asked: value, inForce: inForce[i]! };
      knobs.push(await judge(read, refusals[i], lab.kind));
    }
  }
  const owned = stack.move();
  return { knobs, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

interface KeyValue {
  readonly key: string;
  readonly value: string;
}

/** Writes each pair that there is; returns the kernel's error for it, or `undefined`. */
async function write(
  wanted: readonly (KeyValue | undefined)[],
  writer: (pairs: readonly KeyValue[]) => Promise<(string | undefined)[]>,
): Promise<(string | undefined)[]> {
  const pairs = wanted.filter((pair) => pair !== undefined);
  const refusals = pairs.length === 0 ? [] : await writer(pairs);
  return wanted.map((pair) => pair === undefined ? undefined : refusals[pairs.indexOf(pair)]);
}

/** Writes by a child on the host, which is root in the lab's user namespace. */
async function writeThrough(host: Host, pairs: readonly KeyValue[]): Promise<(string | undefined)[]> {
  const answers: (string | undefined)[] = [];
  const args = pairs.flatMap(({ key, value }) => [sysctlFile(key), value]);
  await using child = await host.startScript(WRITE_KNOBS, args, {
    name: "the writer of sysctls",
    onStdout: (line) => answers.push(line === "+" ? undefined : line.slice(2)),
  });
  const status = await inTime(child.exited, "the writer of sysctls did not end");
  if (answers.length !== pairs.length) throw new Error(`sysctls could not be set: ${reasonOfExit(status)}`);
  return answers;
}

function machineWriter(machine: HostSysctls | undefined) {
  return async (pairs: readonly KeyValue[]) => {
    const refusals: (string | undefined)[] = [];
    for (const { key, value } of pairs) {
      refusals.push(machine === undefined ? NOT_ALLOWED : await machine.set(key, value));
    }
    return refusals;
  };
}

const NOT_ALLOWED = "not allowed";
const NOT_ALLOWED_REASON =
  "in a host lab it is the machine's own: running as root with --allow-host-sysctl permits it, " +
  "and it is put back afterwards; --lab private needs neither";

/** Compares what is in force with what was asked for. */
async function judge(
  read: Omit<Knob, "status" | "reason">,
  refusal: string | undefined,
  lab: LabKind,
): Promise<Knob> {
  const { key, before, asked, inForce } = read;
  if (before === null) return { ...read, ...await explainMissing(key, lab) };
  if (refusal !== undefined) return { ...read, status: "denied", reason: explainRefusal(refusal) };
  if (asked === before) return { ...read, status: "unchanged" };
  if (asked === inForce) return { ...read, status: "applied" };
  return inForce === before
    ? { ...read, status: "denied", reason: "the kernel took the value and did not keep it" }
    : { ...read, status: "applied", reason: "the kernel made this of the value that was asked for" };
}

async function explainMissing(key: string, lab: LabKind): Promise<Pick<Knob, "status" | "reason">> {
  const removed = REMOVED_SYSCTLS[key];
  if (removed !== undefined) return { status: "unknown", reason: removed };
  if (lab !== "host") {
    await using machine = localMachine();
    const [value] = await readSysctls(machine, [key]);
    if (value !== null) return { status: "denied", reason: NOT_PER_NAMESPACE };
  }
  return {
    status: "unknown",
    reason: `Linux ${Deno.osRelease()} does not have it, or does not let it be read`,
  };
}

const NOT_PER_NAMESPACE =
  "it is not per network namespace: it belongs to the whole machine, so a private lab cannot " +
  "set it. As root on the machine, sysctl -w does, for everything that runs there";

/** Why a knob is not in force whose value is none, or is out of range. */
export const NOT_TAKEN = "the kernel does not take this value";

/** What the kernel's refusal means, and what would permit the knob. */
function explainRefusal(words: string): string {
  if (words === NOT_ALLOWED) return NOT_ALLOWED_REASON;
  if (/permission denied/i.test(words)) return NOT_PER_NAMESPACE;
  if (/read-only file system/i.test(words)) {
    return "/proc/sys is read-only here, as in most containers: docker run --sysctl KEY=VALUE or securityContext.sysctls " +
      "of a Kubernetes pod sets it from outside, --privileged permits it from inside";
  }
  if (/invalid argument|out of range/i.test(words)) return NOT_TAKEN;
  return words;
}

function oneSpaced(text: string): string {
  return text.trim().replaceAll(/\s+/g, " ");
}
