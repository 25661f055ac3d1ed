/**
 * The environment of a bench: what a reader elsewhere must know of the machine and the lab to understand the
 * results.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { type Host, localMachine } from "../lab/host.ts";
import type { LabChoice, LabKind } from "../lab/lab.ts";
import { openLab } from "../lab/open_lab.ts";
import { SYSCTL_FACTS } from "../lab/knob_facts.ts";
import { readSysctls } from "../lab/knobs.ts";
import type { GeneratorChoice } from "../load/load.ts";
import { type Environment } from "../results/results.ts";
import type { Machines } from "./machines.ts";

/** The sysctls that affect TIME_WAIT, ephemeral ports and backlogs. */
const SYSCTLS = SYSCTL_FACTS.filter(({ perNamespace }) => perNamespace).map(({ key }) => key);

const GOVERNORS = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor";

/**
 * Reads the environment. Its sysctls are those of the gateway's host in a fresh lab of the given kind, or of
 * the given host of the gateway.
 */
export async function readEnvironment(
  lab: LabChoice,
  load: GeneratorChoice,
  machines?: Machines,
): Promise<Environment> {
  await using started = lab.kind === "remote" ? undefined : await openLab(lab.kind);
  await using machine = localMachine();
  const gateway: Host | undefined = started?.gateway ?? machines?.lab.gateway;
  const [cpuinfo, meminfo, governors] = await machine.readProc("/proc/cpuinfo", "/proc/meminfo", GOVERNORS);
  return {
    timewait: config.version,
    deno: Deno.version.deno,
    kernel: Deno.osRelease(),
    cpus: navigator.hardwareConcurrency,
    cpuModel: /^model name\s*: (.*)$/m.exec(cpuinfo ?? "")?.[1]?.trim() ?? "unknown",
    memoryBytes: Number(/^MemTotal:\s*(\d+) kB$/m.exec(meminfo ?? "")?.[1] ?? 0) * 1024,
    governors: [...new Set(governors?.split(/\s+/).filter((name) => name !== ""))],
    load,
    lab,
    sysctls: gateway === undefined ? {} : await readKnown(gateway),
    // Those of the machine, or of the container, in which the bench runs.
    ...(hasSysctlsOfItsOwn(lab.kind) ? { machineSysctls: await readKnown(machine) } : {}),
    ...machines?.facts,
  };
}

/** Whether a lab begins with the kernel's defaults, and not with the sysctls that somebody has set. */
function hasSysctlsOfItsOwn(kind: LabKind): boolean {
  return kind === "private" || kind === "loopback";
}

/** The sysctls that this kernel knows. */
async function readKnown(host: Host): Promise<Record<string, string>> {
  const values = await readSysctls(host, SYSCTLS);
  const known = SYSCTLS.flatMap((key, i): [string, string][] => values[i] ? [[key, values[i]]] : []);
  return Object.fromEntries(known);
}
