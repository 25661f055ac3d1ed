/** One of the tools as the process that a person starts. */

import { sourcePermission, TOOLS } from "../../tools/paths.ts";

/** A tool that runs as a process. Disposing it kills it, if it still runs. */
export interface RunningScript extends AsyncDisposable {
  /** Where it says that it listens. */
  readonly address: { hostname: string; port: number };
  /** Its process. */
  readonly pid: number;
  /** The next line on its standard output; `undefined` at its end. */
  nextLine(): Promise<string | undefined>;
  /** Sends a signal and waits for its end. */
  stop(signal?: Deno.Signal): Promise<{ code: number; stderr: string }>;
}

/**
 * Runs a tool to its end, with permission for the network and for `more`. A tool that does not end is killed
 * after 30 s.
 */
export async function runScript(
  tool: string,
  args: readonly string[],
  env: Record<string, string> = {},
  more: readonly string[] = [],
): Promise<{ code: number; stdout: string; stderr: string }> {
  const child = command(tool, args, env, more).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), 30_000);
  const { code, stdout, stderr } = await child.output();
  clearTimeout(timer);
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

/**
 * What a tool says to each of several command lines, of which one process takes one after another. For what
 * it refuses, or says without doing any work.
 */
export async function answersOf(
  tool: string,
  lines: readonly (readonly string[])[],
  permissions: readonly string[],
): Promise<{ code: number; stdout: string; stderr: string }[]> {
  const call = new URL("call_main.ts", import.meta.url).href;
  const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--cached-only", ...permissions, call, tool, JSON.stringify(lines)],
    env: { NO_COLOR: "1" },
    stdin: "null",
  }).output();
  const told = (bytes: Uint8Array) => new TextDecoder().decode(bytes).split("\0\n");
  const [out, err] = [told(stdout), told(stderr)];
  if (out.length !== lines.length + 1) throw new Error(`${tool} ended early: ${err.at(-1)}`);
  const textOf = (part: string) => part.slice(0, part.lastIndexOf("\n") + 1);
  return lines.map((_, i) => ({
    code: Number(out[i]!.split("\n").at(-1)),
    stdout: textOf(out[i]!),
    stderr: textOf(err[i]!),
  }));
}

/** Starts a tool, with permission for the network and for `more`, and waits until it says that it listens. */
export async function startScript(
  tool: string,
  args: readonly string[],
  more: readonly string[] = [],
): Promise<RunningScript> {
  const child = command(tool, args, {}, more).spawn();
  const stderr = new Response(child.stderr).text();
  const lines = child.stdout.pipeThrough(new TextDecoderStream()).getReader();
  let unread = "";
  const nextLine = async () => {
    for (;;) {
      const at = unread.indexOf("\n");
      if (at >= 0) {
        const line = unread.slice(0, at);
        unread = unread.slice(at + 1);
        return line;
      }
      const { value, done } = await lines.read();
      if (done) return undefined;
      unread += value;
    }
  };
  const stop = async (signal: Deno.Signal = "SIGTERM") => {
    try {
      child.kill(signal);
    } catch {
      // It has ended.
    }
    await lines.cancel();
    return { code: (await child.status).code, stderr: await stderr };
  };
  const match = /^listening on http:\/\/([\d.]+):(\d+)(?: with \d+ worker\(s\))?$/.exec(
    await nextLine() ?? "",
  );
  if (match === null) throw new Error(`${tool} does not listen: ${(await stop()).stderr}`);
  return {
    address: { hostname: match[1]!, port: Number(match[2]) },
    pid: child.pid,
    nextLine,
    stop,
    [Symbol.asyncDispose]: async () => void await stop("SIGKILL"),
  };
}

/** What a gateway needs beside the network to run in several threads. */
export const FOR_WORKERS = [
  "--unstable-net",
  sourcePermission().flag,
];

function command(
  tool: string,
  args: readonly string[],
  env: Record<string, string>,
  more: readonly string[] = [],
): Deno.Command {
  return new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--cached-only",
      "--allow-net",
      ...more,
      new URL(`${tool}.ts`, TOOLS).href,
      ...args,
    ],
    env: { NO_COLOR: "1", ...env },
    stdin: "null",
    stdout: "piped",
    stderr: "piped",
  });
}
