/**
 * Every command under one name, for an installed Timewait: `timewait bench undersized_pool`.
 *
 * Each command is what `deno task` would start, with the same permissions: the tasks of deno.json are read,
 * not repeated. This file imports no package, so that it installs without any.
 *
 * @module
 */

import { pathOf, sourcePermission } from "./paths.ts";
import config from "../deno.json" with { type: "json" };

/** Where `deno.json` is, with the sources below it. */
const ROOT = new URL("../", import.meta.url);

/** Says to a command that it was called through this one: see cli/help.ts, which needs packages. */
const CALLED_BY = "TIMEWAIT_COMMAND";

/** Tasks that are for those who work on Timewait. */
const OWN_TASKS = /^(ok|static|schema|test|lint)(:|$)/;

/** What `timewait run` permits a script: what a lab, its parties and its load need. */
const SCRIPT_PERMISSIONS = ["--allow-run", "--allow-read", "--allow-write", "--allow-env", "--allow-sys"];

/** How a command is started. */
export interface Start {
  /** Arguments of `deno`. */
  readonly args: readonly string[];
  /** Variables that its environment needs. */
  readonly env: Readonly<Record<string, string>>;
}

/** The commands and what each does. */
export function commands(): Record<string, string> {
  const tasks = Object.entries(config.tasks).filter(([name]) => !OWN_TASKS.test(name));
  return Object.fromEntries([
    ...tasks.map(([name, { description }]) => [name, description]),
    ["run", 'run a script of your own that imports from "timewait"'],
  ]);
}

/**
 * What starts a command; `undefined` for one that there is not.
 *
 * @param args what comes after its name.
 */
export function startOf(name: string, args: readonly string[]): Start | undefined {
  if (!Object.hasOwn(commands(), name)) return undefined;
  if (name === "run") {
    const file = new URL("deno.json", ROOT);
    const config = ["--config", pathOf(file) ?? file.href];
    return { args: ["run", "--no-prompt", ...config, ...SCRIPT_PERMISSIONS, ...args], env: {} };
  }
  const { command } = config.tasks[name as keyof typeof config.tasks];
  const words = command.slice(command.lastIndexOf(";") + 1).trim().split(/\s+/);
  const at = words.indexOf("deno");
  const env = Object.fromEntries(words.slice(0, at).map((word) => word.split("=") as [string, string]));
  const flags = words.slice(at + 1).map((word) => {
    if (/^tools\/\w+\.ts$/.test(word)) return new URL(word, ROOT).href;
    return word === "--allow-read=tools" ? sourcePermission().flag : word;
  });
  // To say in its help what the person types.
  const naming = flags.includes("--allow-env") ? [] : [`--allow-env=${CALLED_BY}`];
  return { args: [flags[0]!, ...naming, ...flags.slice(1), ...args], env };
}

/** Runs a command to its end and returns its exit code. */
async function main([name, ...args]: readonly string[]): Promise<number> {
  if (name === undefined || name === "--help" || name === "-h") {
    const rows = Object.entries(commands()).map(([name, summary]) => `  ${name.padEnd(8)}  ${summary}`);
    console.log(
      ["Usage: timewait COMMAND [FLAGS]", "", ...rows, "", "Each command takes --help."].join("\n"),
    );
    return 0;
  }
  if (name === "--version") {
    console.log(`timewait ${config.version}`);
    return 0;
  }
  const start = startOf(name, args);
  if (start === undefined) {
    console.error(`error: there is no command ${name}; known are ${Object.keys(commands()).join(", ")}`);
    return 2;
  }
  if (name === "run" && args.length === 0) {
    console.error("error: run takes the path of a script: timewait run my_pool.ts");
    return 2;
  }
  // The command follows its parent: it ends when this process is gone, as it does under `deno task`.
  const env = { ...start.env, INIT_CWD: ".", [CALLED_BY]: "timewait" };
  const child = new Deno.Command(Deno.execPath(), { args: [...start.args], env }).spawn();
  // The terminal sends Ctrl-C to the command as well, which ends in order.
  Deno.addSignalListener("SIGINT", () => {});
  Deno.addSignalListener("SIGTERM", () => child.kill("SIGTERM"));
  const { code } = await child.status;
  return code;
}

if (import.meta.main) Deno.exit(await main(Deno.args));
