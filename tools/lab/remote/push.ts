/**
 * Copies a program of this machine to a remote host, for as long as the host is used.
 *
 * @module
 */

import { messageOf, UnavailableError } from "../../errors.ts";
import { findCommand } from "../find_command.ts";
import { placeOf } from "../prefix_shell.ts";
import { runCommand } from "../process.ts";
import type { Lease } from "./lease.ts";
import RECEIVE from "./receive.sh" with { type: "text" };
import { startStreams } from "./remote_process.ts";

/** A program that can be copied. */
export type Pushed = "wrk" | "deno";

/**
 * Copies a program into the folder of a lease. Where the libraries that it needs are not there, as in an
 * image with Busybox alone, they are copied as well.
 *
 * @returns its path there.
 * @throws {UnavailableError} where it cannot be there, or does not run there: one line that says what to do
 * instead.
 */
export async function push(lease: Lease, program: Pushed): Promise<string> {
  const path = program === "deno" ? Deno.execPath() : findCommand(program);
  const here = (await runCommand(["uname", "-m"])).trim();
  const { architecture } = lease.far;
  if (architecture !== here) {
    throw failed(
      lease,
      program,
      `it is built for ${here}, and the machine there is ${architecture || "of unknown kind"}`,
    );
  }
  const folder = await lease.folder();
  if (folder === undefined) throw failed(lease, program, "no folder there can be written to");
  const there = `${folder}/${program}`;
  await sendFile(lease, program, path, there);
  const problem = await whyNotRunning(lease, there);
  if (problem === undefined) return there;

  const loader = await sendLibraries(lease, program, path, folder);
  if (loader === undefined) throw failed(lease, program, `it does not run there: ${problem}`);
  const wrapper = `${there}_with_libraries`;
  const file = await Deno.makeTempFile();
  try {
    await Deno.writeTextFile(file, `#!/bin/sh\nexec ${loader} --library-path ${folder} ${there} "$@"\n`);
    await sendFile(lease, program, file, wrapper);
  } finally {
    await Deno.remove(file);
  }
  const still = await whyNotRunning(lease, wrapper);
  if (still !== undefined) throw failed(lease, program, `it does not run there: ${still}`);
  return wrapper;
}

function failed({ prefix }: Lease, program: Pushed, problem: string): UnavailableError {
  return new UnavailableError(
    `${program} cannot be copied to the host (${placeOf(prefix)}): ${problem}; install it there`,
  );
}

/** Copies the libraries of a program, and the loader that links it, whose path there is returned. */
async function sendLibraries(
  lease: Lease,
  program: Pushed,
  path: string,
  folder: string,
): Promise<string | undefined> {
  const listed = await runCommand(["ldd", path]).catch(() => "");
  const paths = [...listed.matchAll(/(?:=> |^\s*)(\/\S+)/gm)].map(([, library]) => library!);
  for (const library of paths) {
    await sendFile(lease, program, await Deno.realPath(library), `${folder}/${nameIn(library)}`);
  }
  const loader = paths.find((library) => /^ld-linux/.test(nameIn(library)));
  return loader === undefined ? undefined : `${folder}/${nameIn(loader)}`;
}

function nameIn(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}

/** Why a program there cannot be started; `undefined` where it can. */
async function whyNotRunning(lease: Lease, path: string): Promise<string | undefined> {
  const { stdin, stdout, stderr, ended } = await startStreams(lease, { argv: [path, "-v"], env: {} });
  await stdin.close();
  const [, words] = await Promise.all([textOf(stdout), textOf(stderr)]);
  const code = await ended;
  if (typeof code !== "number") return messageOf(code);
  // wrk ends with the code of a failure after its version. These two are those of a program that is not run.
  return code === 126 || code === 127 ? messageOf(words) : undefined;
}

/** Copies a file; see receive.sh. */
async function sendFile(lease: Lease, program: Pushed, path: string, there: string): Promise<void> {
  const [cksum, bytes] = (await runCommand(["cksum", path])).split(" ");
  const [sha256] = (await runCommand(["sha256sum", path])).split(" ");
  using file = await Deno.open(path);
  const { stdin, stdout, stderr, ended } = await startStreams(lease, {
    argv: ["sh", "-c", RECEIVE, "sh", there, bytes!, sha256!, cksum!],
    env: {},
  });
  const [said, words] = [textOf(stdout), textOf(stderr)];
  // Where the far end stops reading, it says why.
  for await (const chunk of file.readable) await stdin.write(chunk);
  await stdin.close();
  const code = await ended;
  if (typeof code !== "number") throw failed(lease, program, messageOf(code));
  const problem = `${await said}${code === 0 ? "" : await words}`;
  if (problem !== "") throw failed(lease, program, messageOf(problem));
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of bytes) text += decoder.decode(chunk, { stream: true });
  return text;
}
