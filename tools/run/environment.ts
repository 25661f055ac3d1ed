/**
 * The environment of a bench: what a reader elsewhere must know of the machine and the lab to understand the
 * results.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { type Host, localMachine } from "../lab/host.ts";
import { type LocalLabChoice, openLab } from "../lab/open_lab.ts";
import { SYSCTL_FACTS } from "../lab/knob_facts.ts";
import { readSysctls } from "../lab/knobs.ts";
import type { GeneratorChoice } from "../load/load.ts";
import { type Environment } from "../results/results.ts";

/** The sysctls that affect TIME_WAIT, ephemeral ports and backlogs. */
const SYSCTLS = SYSCTL_FACTS.filter(({ perNamespace }) => perNamespace).map(({ key }) => key);

const GOVERNORS = "/sys/devices/system/cpu/cpu[0-9]*/cpufreq/scaling_governor";

/** Reads the environment. Its sysctls are those of the gateway's host in a fresh lab of the given kind. */
export async function readEnvironment(lab: LocalLabChoice, load: GeneratorChoice): Promise<Environment> {
  await using started = await openLab(lab.kind);
  const host = started.gateway;
  const [cpuinfo, meminfo, governors] = await host.readProc("/proc/cpuinfo", "/proc/meminfo", GOVERNORS);
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
    sysctls: await readKnown(host),
    ...(lab.kind === "host" ? {} : { machineSysctls: await readMachineSysctls() }),
  };
}

/** The sysctls of the machine, or of the container in which the bench runs. */
async function readMachineSysctls(): Promise<Record<string, string>> {
  await using machine = localMachine();
  return await readKnown(machine);
}

/** The sysctls that this kernel knows. */
async function readKnown(host: Host): Promise<Record<string, string>> {
  const values = await readSysctls(host, SYSCTLS);
  const known = SYSCTLS.flatMap((key, i): [string, string][] => values[i] ? [[key, values[i]]] : []);
  return Object.fromEntries(known);
}
