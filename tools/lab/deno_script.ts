/**
 * The scripts of ours that run as processes of their own, and what each is permitted: the network, and as little else as it can do
 * with.
 *
 * @module
 */

import { pathOf, TOOLS } from "../paths.ts";

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
 * Room for what a thousand requests in flight keep alive: V8's young generation is 16 MiB otherwise, is collected the more often,
 * and each time what is still in flight is copied.
 */
const ROOM_FOR_REQUESTS = "--v8-flags=--min-semi-space-size=32,--max-semi-space-size=64";

/**
 * How many ready sockets Deno's event loop takes up at a time. It carries out 128 operations in one go, and a ready socket comes to
 * three or four of them: it is read, what was read is written, and the next read begins. Beyond that, some of a thousand connections
 * wait for seconds while others are served again and again.
 */
const FEW_SOCKETS_AT_A_TIME = { DENO_TOKIO_MAX_IO_EVENTS_PER_TICK: "32" };

/** The backend. */
export const BACKEND_SCRIPT: DenoScript = { file: "backend.ts", flags: ["--allow-net"], env: {} };

/** A gateway of ours in one thread. */
export const GATEWAY_SCRIPT: DenoScript = {
  file: "gateway.ts",
  flags: [ROOM_FOR_REQUESTS, "--allow-net"],
  env: {},
};

/** A gateway of ours in several threads, which share a port (`--unstable-net`) and each read their own source. */
export const GATEWAY_THREADS_SCRIPT: DenoScript = {
  file: "gateway.ts",
  flags: [ROOM_FOR_REQUESTS, "--unstable-net", "--allow-net", `--allow-read=${pathOf(TOOLS) ?? ""}`],
  env: FEW_SOCKETS_AT_A_TIME,
};

const CONFIG = pathOf(new URL("../deno.json", TOOLS));

/**
 * The command that starts a script with these arguments. Nothing is downloaded: a lab has no way out. Its names of dependencies are
 * those of our own deno.json, wherever the person's is.
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
    ...(CONFIG === undefined ? [] : ["--config", CONFIG]),
    ...flags,
    new URL(file, TOOLS).href,
    ...args,
  ];
}

/** The command that downloads whatever a script imports, unless it is there already. */
export function denoCacheArgv({ file }: DenoScript): string[] {
  const config = CONFIG === undefined ? [] : ["--config", CONFIG];
  return [Deno.execPath(), "cache", ...config, new URL(file, TOOLS).href];
}
