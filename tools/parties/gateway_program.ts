/**
 * The program that the command line of a gateway starts, where that can be told without running it.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { CommandNotFoundError, findCommand } from "../lab/find_command.ts";

/**
 * Whether a command line is one command. Such a command takes the place of the shell, so that SIGTERM reaches
 * it and not the shell. With any other command line, SIGTERM goes to all processes that the shell has
 * started.
 */
export function isSimple(command: string): boolean {
  return /^[\w\s@%+=:,./{}'"-]+$/.test(command) && !/^\s*\w+=/.test(command);
}

/** What the shell does itself. */
const BUILT_IN = new Set(
  ". : alias bg break case cd command continue echo eval exec exit export false fg for getopts hash if jobs kill local printf pwd read readonly return set shift test times trap true type ulimit umask unalias unset until wait while"
    .split(" "),
);

/**
 * Refuses a simple command whose program is not there or may not be run: it would fail in every repetition.
 * What another command line starts is known only to the shell.
 *
 * @throws {TimewaitError} which names the program.
 */
export function checkProgram(command: string, field = "gateway"): void {
  if (!isSimple(command)) return;
  const [, single, double, plain] = /^\s*(?:'([^']*)'|"([^"]*)"|([^\s'"]+))(?=\s|$)/.exec(command) ?? [];
  const program = single ?? double ?? plain;
  if (program === undefined || program.includes("{") || BUILT_IN.has(program)) return;
  if (!program.includes("/")) {
    try {
      findCommand(program);
    } catch (error) {
      if (!(error instanceof CommandNotFoundError)) throw error;
      throw new TimewaitError(`cannot be started: ${error.message}`, { field, cause: error });
    }
    return;
  }
  let found: Deno.FileInfo;
  try {
    found = Deno.statSync(program);
  } catch (cause) {
    if (!(cause instanceof Deno.errors.NotFound || cause instanceof Deno.errors.NotADirectory)) return;
    throw new TimewaitError(`cannot be started: there is no ${program}`, { field, cause });
  }
  if (!found.isFile) throw new TimewaitError(`cannot be started: ${program} is no file`, { field });
  if (found.mode !== null && (found.mode & 0o111) === 0) {
    throw new TimewaitError(`cannot be started: ${program} may not be run; chmod +x permits it`, { field });
  }
}
