/**
 * The scripts of ours that run as processes of their own, and what each is permitted: the network, and as
 * little else as possible.
 *
 * @module
 */

import { pathOf, sourcePermission, TOOLS } from "../paths.ts";
import { runCommand } from "./process.ts";

/** How a script of ours is started. */
export interface DenoScript {
  /** Its file below `tools/`. */
  readonly file: string;
  /** Flags of `deno run` that it needs: permissions, and settings of V8. */
  readonly flags: readonly string[];
  /** Variables that its environment needs. */
  readonly env: Readonly<Record<string, string>>;
}

/**
 * Room for what a thousand requests in flight keep alive. V8's young generation has 16 MiB otherwise, so it
 * is collected more often, and each time everything in flight is copied.
 */
const ROOM_FOR_REQUESTS = "--v8-flags=--min-semi-space-size=32,--max-semi-space-size=64";

/**
 * Ready sockets that Deno's event loop takes up at a time. It carries out 128 operations in one go, and a
 * ready socket takes three or four of them: it is read, what was read is written, and the next read begins.
 * With more sockets at a time, some of a thousand connections wait for seconds while others are served again
 * and again.
 */
const FEW_SOCKETS_AT_A_TIME = { DENO_TOKIO_MAX_IO_EVENTS_PER_TICK: "32" };

/** Whether the sources were loaded from a server, and not from this machine's disk. */
const REMOTE = pathOf(TOOLS) === undefined;

/** Permission for a thread to load its source again. */
const OWN_SOURCE = sourcePermission().flag;

/** The backend. */
export const BACKEND_SCRIPT: DenoScript = { file: "backend.ts", flags: ["--allow-net"], env: {} };

/** A gateway of ours in one thread. */
export const GATEWAY_SCRIPT: DenoScript = {
  file: "gateway.ts",
  flags: [ROOM_FOR_REQUESTS, "--allow-net"],
  env: {},
};

/**
 * A gateway of ours in several threads, which share a port (`--unstable-net`) and each load their own source.
 */
export const GATEWAY_THREADS_SCRIPT: DenoScript = {
  file: "gateway.ts",
  flags: [ROOM_FOR_REQUESTS, "--unstable-net", "--allow-net", OWN_SOURCE],
  env: FEW_SOCKETS_AT_A_TIME,
};

/** A script that calls libc. With this permission it may call anything, whatever else it is not permitted. */
export function withFfi(script: DenoScript): DenoScript {
  return { ...script, flags: [...script.flags, "--allow-ffi"] };
}

/**
 * What tells `deno` the names of our dependencies, wherever the person's own configuration is. Sources on
 * disk have our deno.json beside them. From a server, that file is taken as an import map.
 */
const CONFIG = new URL("../deno.json", TOOLS);
const DEPENDENCIES = REMOTE
  ? ["--no-config", "--import-map", CONFIG.href, `--allow-import=${TOOLS.host}`]
  : ["--config", pathOf(CONFIG)!];

/**
 * The command that starts a script with these arguments. Nothing is downloaded, because a lab has no way out.
 */
export function denoArgv({ file, flags, env }: DenoScript, args: readonly string[]): string[] {
  const variables = Object.entries(env).map(([name, value]) => `${name}=${value}`);
  return [
    ...(variables.length === 0 ? [] : ["/usr/bin/env", ...variables]),
    Deno.execPath(),
    "run",
    "--quiet",
    "--no-prompt",
    "--cached-only",
    ...DEPENDENCIES,
    ...flags.filter((flag) => !DEPENDENCIES.includes(flag)),
    new URL(file, TOOLS).href,
    ...args,
  ];
}

/** The command that downloads whatever a script imports, unless it is there already. */
export function denoCacheArgv(...scripts: readonly Pick<DenoScript, "file">[]): string[] {
  const files = new Set(scripts.map(({ file }) => new URL(file, TOOLS).href));
  return [Deno.execPath(), "cache", "--quiet", ...DEPENDENCIES, ...files];
}

let prepared: Promise<unknown> | undefined;

/**
 * Downloads the scripts and what they import, where the sources came from a server, because a lab has no way
 * out. Sources on disk need nothing: the scripts use the packages that whoever starts them has loaded.
 */
export async function prepareScripts(): Promise<void> {
  if (!REMOTE) return;
  await (prepared ??= runCommand(denoCacheArgv(BACKEND_SCRIPT, GATEWAY_SCRIPT)));
}
