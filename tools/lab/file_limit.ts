/**
 * Whether the processes of a run may open as many files as its connections take. A socket is a file, and a
 * load that runs out of files measures the limit and nothing else.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { localMachine } from "./host.ts";

/**
 * Files a process opens besides its connections: libraries, pipes, its event loop, the sockets it listens on.
 */
const OTHER_FILES = 64;

/**
 * Connections that a process still holds after their end, as a share of those open at a time: a closed
 * connection keeps its file until the event loop gets to it. With 1,000 connections a `net-http` gateway held
 * 2,168 files, and a backend behind a gateway that closes every connection held 1,267.
 */
const CLOSING_SHARE = 0.25;

/**
 * Files that the process which needs most of them in a run has to open. A gateway holds two connections for
 * each request in flight: one to a client, and one to the backend.
 */
export function filesNeeded(
  connections: number,
  { throughGateway }: { readonly throughGateway: boolean },
): number {
  return Math.ceil((1 + CLOSING_SHARE) * (throughGateway ? 2 : 1) * connections) + OTHER_FILES;
}

/** Parses the hard limit of open files from /proc/PID/limits (proc(5)); `Infinity` where there is none. */
export function parseHardFileLimit(limits: string): number {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  return hard === undefined || hard === "unlimited" ? Infinity : Number(hard);
}

/**
 * Checks that the connections fit under the hard limit of open files. Every process raises its soft limit to
 * the hard one.
 *
 * @throws {TimewaitError} which says how many files are needed, what the limit is, and what raises it.
 */
export async function checkFileLimit(
  connections: number,
  path: { readonly throughGateway: boolean },
): Promise<void> {
  await using machine = localMachine();
  const [limits] = await machine.readProc("/proc/self/limits");
  const limit = parseHardFileLimit(limits ?? "");
  const needed = filesNeeded(connections, path);
  if (needed <= limit) return;
  const who = path.throughGateway
    ? "the gateway opens two for each"
    : "the load generator and the backend open one for each";
  const perConnection = filesNeeded(100, path) - filesNeeded(0, path);
  const most = Math.max(1, Math.floor((limit - OTHER_FILES) / perConnection * 100));
  throw new TimewaitError(
    `of ${connections} takes ${needed} open files (${who}, and some are closing or are no connections), and the limit here is ` +
      `${limit}: sudo prlimit --nofile=${needed} --pid $$ raises it for this shell, or use at most ${most}`,
    { field: "connections" },
  );
}
