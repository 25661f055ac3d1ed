/**
 * Copies a program of this machine to a remote host, for as long as the host is used.
 *
 * @module
 */

import { messageOf, UnavailableError } from "../../errors.ts";
import { findCommand } from "../find_command.ts";
import { runCommand } from "../process.ts";
import type { Lease } from "./lease.ts";
import RECEIVE from "./receive.sh" with { type: "text" };
import { startStreams } from "./remote_process.ts";

/** A program that can be copied. */
export type Pushed = "wrk" | "deno";

/**
 * Copies a program into the folder of a lease.
 *
 * @returns its path there.
 * @throws {UnavailableError} where it cannot be there, or does not run there: one line that says what to do
 * instead.
 */
export async function push(lease: Lease, program: Pushed): Promise<string> {
  const path = program === "deno" ? Deno.execPath() : findCommand(program);
  const failed = (problem: string) =>
    new UnavailableError(`${program} cannot be copied to ${lease.prefix}: ${problem}`);
  const here = await architectureHere();
  if (lease.far.architecture !== here) {
    throw failed(
      `it is built for ${here}, and the machine there is ${
        lease.far.architecture || "of unknown kind"
      }: install it there`,
    );
  }
  const folder = await lease.folder();
  if (folder === undefined) throw failed("no folder there can be written to: install it there");
  const there = `${folder}/${program}`;
  const [sum, bytes] = (await runCommand(["cksum", path])).split(" ");
  const said = await send(lease, path, [there, bytes!, `${sum} ${bytes}`]);
  if (said !== "") throw failed(messageOf(said));
  return there;
}

/** Sends a file to receive.sh, and returns what that says. */
async function send(lease: Lease, path: string, args: readonly string[]): Promise<string> {
  using file = await Deno.open(path);
  const { stdin, stdout, stderr, ended } = await startStreams(lease, {
    argv: ["sh", "-c", RECEIVE, "sh", ...args],
    env: {},
  });
  const [said, words] = [textOf(stdout), textOf(stderr)];
  // Where the far end stops reading, it says why.
  for await (const chunk of file.readable) await stdin.write(chunk);
  await stdin.close();
  const code = await ended;
  if (typeof code !== "number") return code.message;
  return `${await said}${code === 0 ? "" : await words}`;
}

async function textOf(bytes: AsyncIterable<Uint8Array>): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  for await (const chunk of bytes) text += decoder.decode(chunk, { stream: true });
  return text;
}

async function architectureHere(): Promise<string> {
  return (await runCommand(["uname", "-m"])).trim();
}
