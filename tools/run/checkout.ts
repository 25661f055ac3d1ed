/**
 * Another checkout of Timewait, whose gateway is measured beside this one's: a folder as it is, or a commit
 * of this clone in a worktree of its own, which is removed again.
 *
 * @module
 */

import { messageOf, TimewaitError } from "../errors.ts";
import { runCommand } from "../lab/process.ts";
import { pathOf, TOOLS } from "../paths.ts";
import { quoteForShell } from "../scenario/placeholders.ts";

/** A checkout, ready to run its gateway. Disposing it removes what was made for it. */
export interface Checkout extends AsyncDisposable {
  /** The commit as it was named, or the name of the folder. */
  readonly name: string;
  /** Where it is. */
  readonly folder: string;
}

/** What the folders of worktrees are called, in the system's folder for temporary files. */
const PREFIX = "timewait-checkout-";

/** The file in such a folder that the bench which made it holds locked, until it ends in whatever way. */
const LOCK = "lock";

/** How long a folder may lack its lock while a bench makes it, in milliseconds. */
const WHILE_MADE_MS = 60_000;

const GIT = ["git", "-c", "core.hooksPath=/dev/null"];

/**
 * Opens a checkout: a folder that holds one, or a commit of the clone that this file stands in. Downloads
 * what its gateway imports, unless that is here already, because a lab has no way out.
 *
 * @throws {TimewaitError} for what is neither.
 */
export async function openCheckout(text: string, signal?: AbortSignal): Promise<Checkout> {
  await using stack = new AsyncDisposableStack();
  const folder = hasGateway(text)
    ? await Deno.realPath(text)
    : stack.use(await addWorktree(text, signal)).folder;
  // Outside of the lab; in the folder, whose deno.json and deno.lock say what to take.
  const cache = [Deno.execPath(), "cache", "--quiet", "tools/gateway.ts"];
  try {
    await runCommand(["env", "-C", folder, "DENO_NO_UPDATE_CHECK=1", ...cache], signal);
  } catch (cause) {
    signal?.throwIfAborted();
    throw refusal(`${text}: what its gateway imports cannot be had: ${messageOf(cause)}`, cause);
  }
  const made = stack.move();
  return {
    name: hasGateway(text) ? folder.replace(/^.*\//, "") : text,
    folder,
    [Symbol.asyncDispose]: () => made.disposeAsync(),
  };
}

/** The folder of this checkout itself. */
export function thisCheckout(): string {
  const folder = pathOf(new URL("../", TOOLS));
  if (folder === undefined) throw refusal("needs a clone of Timewait, and these sources came from a server");
  return folder;
}

function hasGateway(folder: string): boolean {
  try {
    return Deno.statSync(`${folder}/tools/gateway.ts`).isFile;
  } catch {
    return false;
  }
}

function refusal(problem: string, cause?: unknown): TimewaitError {
  return new TimewaitError(problem, { field: "checkout", ...(cause === undefined ? {} : { cause }) });
}

/** A worktree of a commit. Disposing it removes it. */
interface Worktree extends AsyncDisposable {
  readonly folder: string;
}

async function addWorktree(ref: string, signal: AbortSignal | undefined): Promise<Worktree> {
  const clone = thisCheckout();
  const git = (...args: string[]) => runCommand([...GIT, "-C", clone, ...args], signal);
  let commit: string;
  try {
    commit = (await git("rev-parse", "--verify", "--end-of-options", `${ref}^{commit}`)).trim();
  } catch (cause) {
    signal?.throwIfAborted();
    throw refusal(
      `takes a folder with a checkout of Timewait, or a commit of ${clone}; ${ref} is neither: ${
        messageOf(cause)
      }`,
      cause,
    );
  }
  const parent = await Deno.makeTempDir({ prefix: PREFIX });
  // The kernel unlocks it with the end of this process, so that the next bench knows whose folder is left.
  const lock = await Deno.open(`${parent}/${LOCK}`, { write: true, createNew: true });
  await lock.lock(true);
  const folder = `${parent}/${commit.slice(0, 12)}`;
  const remove = async () => {
    try {
      await removeWorktree(parent, folder);
    } finally {
      lock.close();
    }
  };
  try {
    await git("worktree", "add", "--quiet", "--detach", folder, commit);
    if (!hasGateway(folder)) throw refusal(`${ref} has no tools/gateway.ts`);
  } catch (error) {
    await remove();
    signal?.throwIfAborted();
    throw error instanceof TimewaitError ? error : refusal(`${ref}: ${messageOf(error)}`, error);
  }
  return { folder, [Symbol.asyncDispose]: remove };
}

/** Removes a worktree and what git knows of it, and the folder around it. */
async function removeWorktree(parent: string, folder: string): Promise<void> {
  // From within, so that a worktree of another clone is taken from that one. Forced twice, because git locks
  // a worktree that it is still making.
  await runCommand([...GIT, "-C", folder, "worktree", "remove", "--force", "--force", folder]).catch(
    () => {},
  );
  // The lock goes last: what cannot be removed now is then still known to be left.
  for (const path of [folder, parent]) {
    await Deno.remove(path, { recursive: true }).catch((error) => {
      if (!(error instanceof Deno.errors.NotFound)) throw error;
    });
  }
}

/**
 * Removes the worktrees that benches have left which were ended by force: those of this user that no process
 * holds locked.
 */
export async function removeLeftCheckouts(folder: string = Deno.env.get("TMPDIR") || "/tmp"): Promise<void> {
  try {
    for await (const { name, isDirectory } of Deno.readDir(folder)) {
      if (isDirectory && name.startsWith(PREFIX)) await removeLeft(`${folder}/${name}`);
    }
  } catch {
    // What cannot be removed, or was removed by another bench meanwhile, is no reason not to measure.
  }
}

async function removeLeft(parent: string): Promise<void> {
  const found = await Deno.lstat(parent);
  if (found.uid !== Deno.uid() || !await isLeft(parent, found)) return;
  const trees = (await Array.fromAsync(Deno.readDir(parent))).filter(({ isDirectory }) => isDirectory);
  for (const { name } of trees) await removeWorktree(parent, `${parent}/${name}`);
  if (trees.length === 0) await Deno.remove(parent, { recursive: true });
}

async function isLeft(parent: string, { mtime }: Deno.FileInfo): Promise<boolean> {
  try {
    using lock = await Deno.open(`${parent}/${LOCK}`, { write: true });
    return await lock.tryLock(true);
  } catch (error) {
    if (!(error instanceof Deno.errors.NotFound)) throw error;
    return mtime !== null && Date.now() - mtime.getTime() > WHILE_MADE_MS;
  }
}

/**
 * The command line that starts the gateway of a checkout as its own `deno task gateway` does, with its own
 * permissions and settings, and these flags. Flags are what another commit is most likely to understand; how
 * our processes hand plans to each other may have changed.
 *
 * @throws {TimewaitError} where its deno.json has no such task.
 */
export async function gatewayCommand(
  { folder }: Pick<Checkout, "folder">,
  flags: readonly string[],
): Promise<string> {
  const file = `${folder}/deno.json`;
  let task: unknown;
  try {
    task = JSON.parse(await Deno.readTextFile(file)).tasks?.gateway;
  } catch (cause) {
    throw refusal(`${file} cannot be read: ${messageOf(cause)}`, cause);
  }
  const text = typeof task === "object" && task !== null ? (task as { command?: unknown }).command : task;
  // Ahead of it the task may put back sysctls, which the bench has done.
  const own = typeof text === "string" ? text.split(";").at(-1)!.trim() : "";
  const [, variables, run] = /^((?:\w+=\S* )*)deno (run .*)$/.exec(own) ?? [];
  if (run === undefined) throw refusal(`${file} has no task gateway that starts deno run`);
  // `env -C` and no `cd`: so it is one command, which takes the place of the shell.
  return [
    `env -C ${quoteForShell(folder)} ${variables}${quoteForShell(Deno.execPath())} ${run}`,
    "--listen {listen} --upstream {upstream}",
    ...flags.map(quoteForShell),
  ].join(" ");
}
