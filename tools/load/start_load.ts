/**
 * Decides on a load generator, checks what it is told, and starts it.
 *
 * @module
 */

import { UsageError } from "../command_line.ts";
import type { Host } from "../lab/host.ts";
import { CommandNotFoundError, findCommand } from "../lab/process.ts";
import { prepareAutocannon, startAutocannon } from "./autocannon.ts";
import type { GeneratorChoice, LoadGenerator, LoadOptions, RunningLoad } from "./load.ts";
import type { LoadPlan } from "../scenario.ts";
import { checkWrkOptions, readWrkVersion, startWrk } from "./wrk.ts";

/**
 * Checks options that a generator would mishandle without a word.
 *
 * @throws {UsageError} which says what to give instead.
 */
export function checkLoadOptions(generator: LoadGenerator, options: LoadPlan): void {
  const { connections, threads, warmUpMs } = options;
  if (connections < threads) {
    throw new UsageError(
      `--connections ${connections} is below --threads ${threads}: give at least one connection a thread`,
    );
  }
  if (generator === "wrk") {
    if (warmUpMs % 1000 !== 0) {
      throw new UsageError(`--warm-up must be whole seconds for wrk, or 0, not ${warmUpMs}ms`);
    }
    return checkWrkOptions(options);
  }
  if (options.script !== undefined) {
    throw new UsageError("--script is for wrk, which is not what drives this load: apt-get install wrk");
  }
}

/** Starts a generator on a host. */
export function startLoad(generator: LoadGenerator, host: Host, options: LoadOptions): Promise<RunningLoad> {
  return generator === "wrk" ? startWrk(host, options) : startAutocannon(host, options);
}

/**
 * Decides on the generator. `auto` takes wrk where it is installed, and otherwise autocannon, which comes from npm.
 *
 * @throws {CommandNotFoundError} when wrk was asked for and is not installed.
 */
export async function chooseGenerator(asked: LoadGenerator | "auto"): Promise<GeneratorChoice> {
  if (asked === "autocannon") return { name: asked, version: await prepareAutocannon() };
  try {
    return { name: "wrk", version: await readWrkVersion(findCommand("wrk")) };
  } catch (error) {
    if (asked === "wrk" || !(error instanceof CommandNotFoundError)) throw error;
    return { name: "autocannon", version: await prepareAutocannon(), reason: error.message };
  }
}
