/**
 * Finds scenarios by name or by path, loads them, and checks what they say.
 *
 * @module
 */

import { fileURLToPath, pathToFileURL } from "node:url";
import { stripAnsiCode } from "@std/fmt/colors";
import { didYouMean, messageOf, reasonOf, TimewaitError } from "../errors.ts";
import { quoteForShell } from "./placeholders.ts";
import { resolveScenario } from "./resolve.ts";
import type { Places } from "./resolve_hosts.ts";
import type { Load, Run, Scenario } from "./scenario.ts";

/** A scenario and what it is called. */
export interface LoadedScenario {
  /** The name of its file, without `.ts`. */
  readonly name: string;
  /**
   * What the file says, checked, with `{folder}` filled in, and paths of scripts that lead there from
   * anywhere.
   */
  readonly scenario: Scenario;
}

const SCENARIOS = new URL("../../scenarios/", import.meta.url);
const EXTENSION = /\.[cm]?[jt]s$/;

/** The names of the scenarios that come with Timewait, in alphabetical order. */
export async function scenarioNames(): Promise<string[]> {
  const names: string[] = [];
  for await (const entry of Deno.readDir(SCENARIOS)) {
    if (entry.isFile && EXTENSION.test(entry.name)) names.push(entry.name.replace(EXTENSION, ""));
  }
  return names.sort();
}

/**
 * Loads a scenario.
 *
 * @param nameOrPath the name of one that comes with Timewait, or the path of a file that ends in `.ts`.
 * @param places machines, and where the parties are on them, over what the scenario says.
 * @throws {TimewaitError} where there is none, or what the file says does not fit; its message begins with
 * the name or path.
 */
export async function loadScenario(nameOrPath: string, places: Places = {}): Promise<LoadedScenario> {
  if (EXTENSION.test(nameOrPath)) return await importScenario(pathToFileURL(nameOrPath), nameOrPath, places);
  const known = await scenarioNames();
  if (known.includes(nameOrPath)) {
    return await importScenario(new URL(`${nameOrPath}.ts`, SCENARIOS), `${nameOrPath}.ts`, places);
  }
  const hint = nameOrPath.includes("/")
    ? "; the path of a scenario ends in .ts"
    : didYouMean(nameOrPath, known) || `; known are ${known.join(", ")}`;
  throw new TimewaitError(`there is no scenario ${nameOrPath}${hint}`);
}

async function importScenario(url: URL, shown: string, places: Places): Promise<LoadedScenario> {
  await Deno.stat(url).catch((cause) => {
    throw new TimewaitError(`${shown} is no scenario: ${reasonOf(cause)}`, { cause });
  });
  let module: { default?: unknown };
  try {
    module = await imported(url);
  } catch (cause) {
    throw new TimewaitError(`${shown} is no scenario: ${whyNotLoaded(cause, url)}`, { cause });
  }
  if (module.default === undefined) {
    throw new TimewaitError(
      `${shown} is no scenario: it needs "export default { question: …, runs: […] } satisfies Scenario"`,
    );
  }
  const name = fileURLToPath(url).replace(/^.*\//s, "").replace(EXTENSION, "");
  try {
    const own = placed(module.default as Scenario, fileURLToPath(new URL(".", url)).replace(/\/$/, ""));
    const scenario = onPlaces(own, places);
    resolveScenario(scenario, name);
    return { name, scenario };
  } catch (cause) {
    // What given machines lack is said by whoever gave them.
    const isOfPlaces = cause instanceof TimewaitError && ["url", "backendUrl"].includes(cause.field ?? "");
    if (places.hosts !== undefined && isOfPlaces) throw cause;
    throw new TimewaitError(`${shown}: ${messageOf(cause)}`, { cause });
  }
}

/** How long a file may take to load, in milliseconds. */
const LOAD_LIMIT_MS = 10_000;

/** Loads a module. One that waits for what never comes is given up. */
async function imported(url: URL): Promise<{ default?: unknown }> {
  const late = Promise.withResolvers<never>();
  const problem = `it waits for something that has not come within ${LOAD_LIMIT_MS / 1000} s`;
  const timer = setTimeout(() => late.reject(new Error(problem)), LOAD_LIMIT_MS);
  try {
    return await Promise.race([import(url.href), late.promise]);
  } finally {
    clearTimeout(timer);
  }
}

/**
 * Why a file could not be loaded, in one line. Deno draws the place of a syntax error in several coloured
 * lines; here it is said in words.
 */
function whyNotLoaded(error: unknown, url: URL): string {
  if (!(error instanceof SyntaxError || error instanceof TypeError)) return messageOf(error);
  const text = stripAnsiCode(error.message);
  const [, file, line, column] = /\n\s+at (\S+):(\d+):(\d+)\s*$/.exec(text) ?? [];
  if (file === undefined) return messageOf(error);
  const what = text.split(/\n/, 1)[0]!.replace(/^SyntaxError: /, "");
  const where = `line ${line}, column ${column}`;
  return `${messageOf(what)} (${file === url.href ? where : `${file}, ${where}`})`;
}

/** The scenario on other machines than its own. */
function onPlaces(scenario: Scenario, places: Places): Scenario {
  const given = Object.entries(places).filter(([, value]) => value !== undefined);
  if (given.length === 0 || typeof scenario !== "object" || scenario === null) return scenario;
  return { ...scenario, ...Object.fromEntries(given) };
}

/**
 * The scenario with everything that is relative to its folder made absolute. Nothing of it is checked yet.
 */
function placed(scenario: Scenario, folder: string): Scenario {
  if (typeof scenario !== "object" || scenario === null || Array.isArray(scenario)) return scenario;
  const { runs, load, backend } = scenario;
  return {
    ...scenario,
    ...placedLoad(load, folder),
    ...(backend === undefined ? {} : { backend: placedCommand(backend, folder) }),
    ...(Array.isArray(runs) ? { runs: runs.map((run: Run) => placedRun(run, folder)) } : {}),
  };
}
function placedRun(run: Run, folder: string): Run {
  if (typeof run !== "object" || run === null) return run;
  const { gateway, backend, load } = run;
  return {
    ...run,
    ...placedLoad(load, folder),
    ...(gateway === undefined ? {} : { gateway: placedCommand(gateway, folder) }),
    ...(backend === undefined ? {} : { backend: placedCommand(backend, folder) }),
  };
}
function placedLoad(load: Load | undefined, folder: string): { load?: Load } {
  const script = load?.script;
  if (typeof script !== "string" || script === "" || script.startsWith("/")) return {};
  return { load: { ...load, script: `${folder}/${script}` } };
}
function placedCommand<P>(party: P, folder: string): P {
  if (typeof party !== "object" || party === null || !("command" in party)) return party;
  if (typeof party.command !== "string") return party;
  return { ...party, command: party.command.replaceAll("{folder}", () => quoteForShell(folder)) };
}
