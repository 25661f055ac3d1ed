/**
 * The flags of bench, in the groups of its help.
 *
 * @module
 */

import type { Sysctls } from "../scenario/sysctls.ts";
import { namedKnobs } from "../scenario/sysctls.ts";
import { BACKEND_FLAGS } from "./backend_flags.ts";
import { listFlag, type Options, switchFlag, valueFlag } from "./command_line.ts";
import { GATEWAY_FLAGS } from "./gateway_flags.ts";
import { LOAD_FLAGS } from "./load_flags.ts";
import { REPEAT_FLAGS } from "./repeat_flags.ts";
import { parseChoice, parseSysctl, parseText } from "./values.ts";

const GENERATOR_FLAGS = {
  load: valueFlag(
    "NAME",
    "load generator: auto, wrk or autocannon (default auto)",
    parseChoice(["auto", "wrk", "autocannon"]),
    "auto",
  ),
} as const;

const LAB_FLAGS = {
  sysctl: listFlag(
    "KEY=VALUE",
    "sysctl of the gateway's host; of another host with client: or backend: before it",
    parseSysctl,
  ),
  lab: valueFlag(
    "KIND",
    "lab: auto, private or host (default auto)",
    parseChoice(["auto", "private", "host"]),
    "auto",
  ),
  allowHostSysctl: switchFlag(
    "permission for --lab host to change this machine's sysctls, put back after; needs root",
  ),
} as const;

/** Flags that say where the output goes: they change nothing that is measured. */
export const OUTPUT_FLAGS = {
  json: valueFlag(
    "FILE",
    "file for the results document; - prints it in place of the report",
    parseText,
    undefined,
  ),
  out: valueFlag("DIR", "folder for report.md, its plots and results.json", parseText, undefined),
  html: valueFlag("FILE", "file for the report as one page with interactive plots", parseText, undefined),
  list: switchFlag("names and questions of all scenarios; measures nothing"),
} as const;

/** The flags by headings. */
export const BENCH_FLAG_GROUPS = {
  "Load": { ...LOAD_FLAGS, ...GENERATOR_FLAGS },
  "Backend": BACKEND_FLAGS,
  "Gateway": GATEWAY_FLAGS,
  "Repetitions": REPEAT_FLAGS,
  "Knobs and lab": LAB_FLAGS,
  "Output": OUTPUT_FLAGS,
} as const;

/** All flags. */
export const BENCH_FLAGS = {
  ...LOAD_FLAGS,
  ...GENERATOR_FLAGS,
  ...BACKEND_FLAGS,
  ...GATEWAY_FLAGS,
  ...REPEAT_FLAGS,
  ...LAB_FLAGS,
  ...OUTPUT_FLAGS,
} as const;

/** The flags, parsed. */
export type BenchFlags = Options<typeof BENCH_FLAGS>;

/** The sysctls that the flags ask for. */
export function sysctlsOf({ sysctl }: Pick<BenchFlags, "sysctl">): Sysctls {
  return namedKnobs(sysctl);
}
