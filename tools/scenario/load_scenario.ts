/**
 * Finds scenarios by name or by path, and loads them.
 *
 * @module
 */

import { didYouMean, messageOf, reasonOf, TimewaitError } from "../errors.ts";
import { type Run, type Scenario } from "./scenario.ts";

/** A scenario and what it is called. */
export interface LoadedScenario {
  /** The name of its file, without `.ts`. */
  readonly name: string;
  /** What the file says, with `{folder}` filled in, and paths of scripts that lead there from anywhere. */
  readonly scenario: Scenario;
}

const SCENARIOS = new URL("../../scenarios/", import.meta.url);

/** The names of the scenarios that come with Timewait, in alphabetical order. */
export async function scenarioNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(SCENARIOS)) {
    if (entry.isFile && entry.name.endsWith(".ts")) names.push(entry.name.slice(0, -".ts".length));
  }
  return names.sort();
}

/**
 * Loads a scenario.
 *
 * @param nameOrPath the name of one that comes with Timewait, or the path of a file that ends in `.ts`.
 * @throws {TimewaitError} where there is none, or the file holds none.
 */
export async function loadScenario(nameOrPath: string): Promise<LoadedScenario> {
  if (/\.[cm]?[jt]s$/.test(nameOrPath)) {
    const url = fileUrl(nameOrPath);
    await Deno.stat(url).catch((cause) => {
      throw new TimewaitError(`${nameOrPath} is no scenario: ${reasonOf(cause)}`, { cause });
    });
    return await importScenario(url, nameOrPath);
  }
  const known = await scenarioNames();
  if (!known.includes(nameOrPath)) {
    const hint = didYouMean(nameOrPath, known) || `; known are ${known.join(", ")}`;
    throw new TimewaitError(`there is no scenario ${nameOrPath}${hint}`);
  }
  return await importScenario(new URL(`${nameOrPath}.ts`, SCENARIOS), nameOrPath);
}

/** A path as people type it, from where they are. Every character stands for itself. */
function fileUrl(path: string): URL {
  const absolute = path.startsWith("/") ? path : `${Deno.cwd()}/${path}`;
  return new URL(`file://${absolute.split("/").map(encodeURIComponent).join("/")}`);
}

async function importScenario(url: URL, shown: string): Promise<LoadedScenario> {
  let module: { default?: unknown };
  try {
    module = await import(url.href);
  } catch (cause) {
    throw new TimewaitError(`${shown} is no scenario: ${messageOf(cause)}`, { cause });
  }
  if (typeof module.default !== "object" || module.default === null) {
    throw new TimewaitError(
      `${shown} is no scenario: it needs "export default { question: …, runs: […] } satisfies Scenario"`,
    );
  }
  const folder = decodeURIComponent(new URL(".", url).pathname).replace(/\/$/, "");
  const name = decodeURIComponent(url.pathname.split("/").at(-1)!).replace(/\.[cm]?[jt]s$/, "");
  return { name, scenario: placed(module.default as Scenario, folder) };
}

/** The scenario with everything that is relative to its folder made absolute. */
function placed(scenario: Scenario, folder: string): Scenario {
  const runs = Array.isArray(scenario.runs) ? scenario.runs : undefined;
  return {
    ...scenario,
    ...placedScript(scenario, folder),
    ...(runs === undefined ? {} : { runs: runs.map((run: Run) => placedRun(run, folder)) }),
  };
}

function placedRun(run: Run, folder: string): Run {
  if (typeof run !== "object" || run === null) return run;
  const { gateway } = run;
  const command = typeof gateway === "object" && gateway !== null && "command" in gateway
    ? gateway.command
    : undefined;
  return {
    ...run,
    ...placedScript(run, folder),
    ...(typeof command === "string"
      ? { gateway: { ...gateway, command: command.replaceAll("{folder}", () => quoted(folder)) } }
      : {}),
  };
}

function placedScript({ load }: Pick<Run, "load">, folder: string): Pick<Run, "load"> {
  const script = load?.script;
  if (typeof script !== "string" || script.startsWith("/")) return {};
  return { load: { ...load, script: `${folder}/${script}` } };
}

/** A text as one word for `sh`. */
function quoted(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
