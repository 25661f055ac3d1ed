/**
 * Decides on a load generator, checks what it is told, and starts it.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { UsageError } from "../cli/command_line.ts";
import type { Host } from "../lab/host.ts";
import { CommandNotFoundError, findCommand } from "../lab/process.ts";
import type { LoadPlan } from "../scenario/scenario.ts";
import { prepareAutocannon, startAutocannon } from "./autocannon.ts";
import type { GeneratorChoice, LoadGenerator, LoadOptions, RunningLoad } from "./load.ts";
import { startOpenLoopIn } from "./open_loop_process.ts";
import { checkWrkOptions, readWrkVersion, startWrk } from "./wrk.ts";

/**
 * Checks options that a generator would mishandle without a word.
 *
 * @throws {UsageError} which says what to give instead.
 */
export function checkLoadOptions(generator: LoadGenerator, options: LoadPlan): void {
  const { connections, threads, warmUpMs, headers, ratePerSec, durationMs } = options;
  if (connections < threads) {
    throw new UsageError(
      `--connections ${connections} is below --threads ${threads}: give at least one connection a thread`,
    );
  }
  for (const header of headers) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+: [^\r\n]*$/.test(header)) {
      throw new UsageError(`--header takes "Name: value", not "${header}": it would be left out`);
    }
  }
  if (ratePerSec !== undefined && generator !== "open-loop") {
    throw new UsageError(
      `${generator} has no --rate, it waits for each answer: leave --load away, and a rate gets an open loop`,
    );
  }
  if (generator === "wrk") {
    if (warmUpMs % 1000 !== 0) {
      throw new UsageError(`--warm-up must be whole seconds for wrk, or 0, not ${warmUpMs}ms`);
    }
    return checkWrkOptions(options);
  }
  if (options.script !== undefined) {
    throw new UsageError(
      ratePerSec === undefined
        ? "--script is for wrk, which is not what drives this load: apt-get install wrk"
        : "--script is for wrk, and wrk has no --rate: give one of the two",
    );
  }
  if (generator === "autocannon") return;
  if (ratePerSec === undefined) throw new UsageError("an open loop needs a rate: give --rate N");
  if (!(ratePerSec * durationMs >= 1000)) {
    throw new UsageError(
      `--rate ${ratePerSec} makes no request in ${durationMs / 1000} s: give a higher one`,
    );
  }
}

/** Starts a generator on a host. */
export function startLoad(generator: LoadGenerator, host: Host, options: LoadOptions): Promise<RunningLoad> {
  if (generator === "open-loop") return startOpenLoopIn(host, options);
  return generator === "wrk" ? startWrk(host, options) : startAutocannon(host, options);
}

/** How a generator is decided on. */
export interface GeneratorWish {
  /** Whether the load has a rate, which the open loop alone can keep. */
  readonly rate?: boolean;
}

/**
 * Decides on the generator. `auto` takes the open loop for a load with a rate; else wrk where it is installed, and
 * autocannon, which comes from npm, where it is not.
 *
 * @throws {CommandNotFoundError} when wrk was asked for and is not installed.
 */
export async function chooseGenerator(
  asked: LoadGenerator | "auto",
  { rate = false }: GeneratorWish = {},
): Promise<GeneratorChoice> {
  if (asked === "open-loop" || (asked === "auto" && rate)) {
    return { name: "open-loop", version: config.version };
  }
  if (asked === "autocannon") return { name: asked, version: await prepareAutocannon() };
  try {
    return { name: "wrk", version: await readWrkVersion(findCommand("wrk")) };
  } catch (error) {
    if (asked === "wrk" || !(error instanceof CommandNotFoundError)) throw error;
    return { name: "autocannon", version: await prepareAutocannon(), reason: error.message };
  }
}
