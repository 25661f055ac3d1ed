/**
 * The flags of bench, in the groups of its help.
 *
 * @module
 */

import { quoteForShell } from "../scenario/placeholders.ts";
import { pathOf, TOOLS } from "../paths.ts";
import { maskSecrets } from "../scenario/mask.ts";
import type { Sysctls } from "../scenario/sysctls.ts";
import { namedKnobs } from "../scenario/sysctls.ts";
import { ANY_BACKEND_FLAGS, BACKENDS_FLAG } from "./backend_flags.ts";
import { CHECKOUT_FLAGS } from "./checkout_flags.ts";
import { listFlag, type Options, switchFlag, valueFlag, type Word } from "./command.ts";
import { FINDINGS_FLAGS, PRODUCT_FLAGS } from "./findings_flags.ts";
import { GATE_FLAGS } from "./gate_flags.ts";
import { GATEWAY_FLAGS } from "./gateway_flags.ts";
import { HOST_FLAGS } from "./host_flags.ts";
import { LOAD_FLAGS } from "./load_flags.ts";
import { REPEAT_FLAGS } from "./repeat_flags.ts";
import { SWEEP_FLAGS } from "./sweep_flags.ts";
import { parseChoice, parseSysctl, parseText } from "./values.ts";

const GENERATOR_FLAGS = {
  load: valueFlag(
    "NAME",
    "load generator: auto, wrk or autocannon (default auto)",
    parseChoice(["auto", "wrk", "autocannon"]),
    "auto",
  ),
} as const;

const PROBE_FLAG = {
  probeConnects: switchFlag(
    "a probe on the gateway's host that times a connect to the backend 20 times a second",
  ),
} as const;

const LAB_FLAGS = {
  sysctl: listFlag(
    "KEY=VALUE",
    "sysctl of the gateway's host; with client: or backend: before KEY, of that host",
    parseSysctl,
  ),
  lab: valueFlag(
    "KIND",
    "lab: auto, private or host (default auto)",
    parseChoice(["auto", "private", "host"]),
    "auto",
  ),
  allowHostSysctl: switchFlag(
    "permission for a host lab to change this machine's sysctls, put back afterwards; needs root",
  ),
} as const;

/** Flags that say where the output goes: they change nothing that is measured. */
export const OUTPUT_FLAGS = {
  json: valueFlag(
    "FILE",
    "file for the results document; - is standard output, in place of the report",
    parseText,
    undefined,
  ),
  out: valueFlag("DIR", "folder for report.md, its plots and results.json", parseText, undefined),
  html: valueFlag("FILE", "file for the report as one page with interactive plots", parseText, undefined),
  ...FINDINGS_FLAGS,
  predict: switchFlag("section of the report with what a simulation predicts beside what was measured"),
  list: switchFlag("names and questions of all scenarios; nothing is measured"),
} as const;

/** The flags by headings. */
export const BENCH_FLAG_GROUPS = {
  "Load": { ...LOAD_FLAGS, ...GENERATOR_FLAGS, ...PROBE_FLAG },
  "Backend": { ...ANY_BACKEND_FLAGS, ...BACKENDS_FLAG },
  "Gateway": { ...GATEWAY_FLAGS, ...PRODUCT_FLAGS, ...CHECKOUT_FLAGS },
  "Sweep": SWEEP_FLAGS,
  "Repetitions": REPEAT_FLAGS,
  "Gates": GATE_FLAGS,
  "Knobs and lab": LAB_FLAGS,
  "Many machines": HOST_FLAGS,
  "Output": OUTPUT_FLAGS,
} as const;

/** All flags. */
export const BENCH_FLAGS = {
  ...LOAD_FLAGS,
  ...GENERATOR_FLAGS,
  ...PROBE_FLAG,
  ...ANY_BACKEND_FLAGS,
  ...BACKENDS_FLAG,
  ...GATEWAY_FLAGS,
  ...PRODUCT_FLAGS,
  ...SWEEP_FLAGS,
  ...CHECKOUT_FLAGS,
  ...REPEAT_FLAGS,
  ...GATE_FLAGS,
  ...LAB_FLAGS,
  ...HOST_FLAGS,
  ...OUTPUT_FLAGS,
} as const;

/** The flags, parsed. */
export type BenchFlags = Options<typeof BENCH_FLAGS>;

/** The sysctls that the flags ask for. */
export function sysctlsOf({ sysctl }: Pick<BenchFlags, "sysctl">): Sysctls {
  return namedKnobs(sysctl);
}

/**
 * The command that measures one scenario again: what the person typed, less where the output went and less
 * the other scenarios. Secrets are masked word by word, before the quotes of the shell hide where a word
 * ends.
 *
 * @param scenario its name or its path, as typed; `undefined` where none was, and the flags say all.
 * @param folder where the person typed: outside of Timewait's own folder, the command says where its tasks
 * are.
 */
export function commandOf(scenario: string | undefined, words: readonly Word[], folder: string): string {
  const kept = words.filter(({ flag }) => flag !== undefined && !Object.hasOwn(OUTPUT_FLAGS, flag));
  const root = pathOf(new URL("../", TOOLS)) ?? "";
  const inside = `${folder}/`.startsWith(`${root}/`);
  const task = [
    "deno",
    "task",
    ...(inside ? [] : ["--config", `${root}/deno.json`]),
    "bench",
    ...(scenario === undefined ? [] : [scenario]),
  ];
  const flags = kept.flatMap(({ texts }) => texts.map((text) => maskSecrets(text)));
  return [...task, ...flags].map(quoteForShell).join(" ");
}

/** What wrk and wrk2 call flags of ours: people type them out of habit. */
export const FLAGS_OF_WRK = {
  "-c": "--connections",
  "-t": "--threads",
  "-d": "--duration, with a unit: 30s",
  "-s": "--script",
  "-H": "--header",
  "-R": "--rate",
} as const;

/**
 * What was asked for and changes nothing, or less than it says, in a line each.
 *
 * @param lab the kind of lab that was chosen.
 * @param generator the name of the load generator that was chosen.
 */
export function flagsWithoutEffect(
  flags: BenchFlags,
  { lab, generator }: { readonly lab: string; readonly generator: string },
): string[] {
  return [
    ...(flags.quick && flags.repeat !== undefined && flags.duration !== undefined
      ? ["--quick changes nothing beside --repeat and --duration"]
      : flags.quick && flags.repeat !== undefined
      ? [
        `--quick gives the length of a load alone: --repeat ${flags.repeat} says how often each run is measured`,
      ]
      : []),
    ...(flags.find !== undefined && flags.repeat !== undefined
      ? ["--repeat changes nothing beside --find, which decides by itself what it measures how often"]
      : []),
    ...(flags.allowHostSysctl && lab !== "host"
      ? [`--allow-host-sysctl changes nothing in a ${lab} lab, whose sysctls are its own`]
      : []),
    ...(flags.threads !== undefined && generator !== "wrk"
      ? [`--threads is for wrk: the load comes from ${generator}, in one thread`]
      : []),
  ];
}
