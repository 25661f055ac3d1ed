/** `deno task bench`, as the tests run it: short, and with its output. */

import { assert } from "@std/assert";
import { isMeasured, type Measured, type Results } from "../../tools/results/results.ts";
import { ROOT } from "./root.ts";

/** What `deno task bench` gives it. */
export const PERMISSIONS = ["--allow-run", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];
export const BENCH = [Deno.execPath(), "run", "--no-prompt", ...PERMISSIONS, `${ROOT}tools/bench.ts`];
/** One run, of a second. */
export const ONE_RUN = ["./tests/support/one_run.ts", "--repeat", "1"];
/** A load that leaves the CPUs to others: for what does not depend on how many requests there are. */
export const GENTLE = ["--quick", "--connections", "20", "--latency", "100ms", "--warm-up", "0"];
/** A second of a load that a pool of 100 does not fit, and that takes all that the machine has. */
export const SHORT = [
  ...["--quick", "--connections", "300", "--latency", "20ms", "--warm-up", "0", "--duration", "1s"],
];

export interface Output {
  readonly code: number;
  readonly stdout: string;
  readonly stderr: string;
}

export async function run(argv: readonly string[], options: Deno.CommandOptions = {}): Promise<Output> {
  const [program, ...args] = argv;
  const command = new Deno.Command(program!, { args, stdin: "null", cwd: ROOT, ...options });
  const { code, stdout, stderr } = await command.output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

export const bench = (...args: string[]) => run([...BENCH, ...args]);

export async function inDirectory(use: (directory: string) => Promise<void>): Promise<void> {
  const directory = await Deno.makeTempDir();
  try {
    await use(directory);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

export function measured(results: Results, name: string): Measured {
  const repetition = results.runs.find((run) => run.name === name)?.repetitions[0];
  assert(repetition !== undefined && isMeasured(repetition), `${name} was not measured`);
  return repetition;
}
