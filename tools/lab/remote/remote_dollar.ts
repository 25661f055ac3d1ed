/**
 * The `$` of a remote host: dax's own, whose command lines run there, by bash where it is there and else by
 * `sh`. Of the environment it sends what was set on the command, and nothing of this process's.
 *
 * @module
 */

import { UnavailableError } from "../../errors.ts";
import { type Dollar, type DollarLine, dollarOf, type SpawnedLine } from "../host_dollar.ts";
import { placeOf } from "../prefix_shell.ts";
import type { Lease } from "./lease.ts";
import { startStreams } from "./remote_process.ts";

/** Makes the `$` of a remote host. What it starts ends with the host, in the background as well. */
export function createRemoteDollar(
  { name, lease }: { readonly name: string; readonly lease: Lease },
): Dollar {
  return dollarOf({ name, spawn: (line) => spawnThere(name, lease, line) });
}

async function spawnThere(name: string, lease: Lease, line: DollarLine): Promise<SpawnedLine> {
  const { cwd, env, stdin, stdout, stderr } = line;
  const started = await startStreams(lease, {
    argv: shellArgv(name, lease, line),
    env: Object.fromEntries(Object.entries(env).filter(([name, value]) => isOwn(name, value))),
    ...(cwd === Deno.cwd() ? {} : { folder: cwd }),
  });
  return {
    stdin: stdin === "piped"
      ? new WritableStream({
        write: (bytes) => started.stdin.write(bytes),
        close: () => started.stdin.close(),
      })
      : undefined,
    stdout: shown(started.stdout, stdout, Deno.stdout),
    stderr: shown(started.stderr, stderr, Deno.stderr),
    code: started.ended.then((ended) => typeof ended === "number" ? ended : Promise.reject(ended)),
    signal: (name) => started.send(-started.processGroup, name),
  };
}

/** The standard input of this process is not passed on: one that nobody reads would swallow the script's. */
const NO_INPUT = "exec </dev/null; ";

function shellArgv(name: string, { far, prefix }: Lease, { line, options, stdin }: DollarLine): string[] {
  const text = stdin === "piped" ? line : NO_INPUT + line;
  if (far.programs.bash !== undefined) return ["bash", ...options, "-c", text, "bash"];
  // errexit is the one that every sh has.
  const others = options.filter((_, i) => i % 2 === 1 && options[i] !== "errexit");
  if (others.length > 0) {
    throw new UnavailableError(
      `${others.join(", ")} needs bash on ${name} (${placeOf(prefix)}), and it is not on PATH there`,
    );
  }
  return ["sh", ...options, "-c", text, "sh"];
}

/** Whether a variable was set on the command, and is not one that this process has. */
function isOwn(name: string, value: string): boolean {
  return name !== "PWD" && name !== "OLDPWD" && value !== Deno.env.get(name);
}

/** The bytes where dax takes them; else they are shown or dropped here. */
async function* shown(
  bytes: AsyncIterable<Uint8Array>,
  kind: DollarLine["stdout"],
  to: { write(bytes: Uint8Array): Promise<number> },
): AsyncGenerator<Uint8Array> {
  for await (const chunk of bytes) {
    if (kind === "piped") yield chunk;
    if (kind !== "inherit") continue;
    for (let sent = 0; sent < chunk.length;) sent += await to.write(chunk.subarray(sent));
  }
}
