/**
 * Whether the processes of a run may open as many files as its connections take: a socket is a file, and where they
 * run out a load measures the limit and nothing else.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { localMachine } from "./host.ts";

/** What a process opens besides its connections: libraries, pipes, its event loop, what it listens on. */
export const FILES_BESIDE = 64;

/**
 * How many more connections a process holds than are open at a time, as a share: one that is closed keeps its file until
 * its event loop has come to that. Of 1,000 connections a `net-http` gateway held 2,168 files, and a backend behind one that
 * closes all held 1,267.
 */
const CLOSING_SHARE = 0.25;

/**
 * How many files the process of a run that needs most has to open: a gateway holds both ends, one connection to a
 * client and one to the backend for each request in flight.
 */
export function filesNeeded(
  connections: number,
  { throughGateway }: { readonly throughGateway: boolean },
): number {
  return Math.ceil((1 + CLOSING_SHARE) * (throughGateway ? 2 : 1) * connections) + FILES_BESIDE;
}

/** The hard limit of open files in /proc/PID/limits (proc(5)); `Infinity` where there is none. */
export function parseHardFileLimit(limits: string): number {
  const hard = /^Max open files\s+\S+\s+(\S+)/m.exec(limits)?.[1];
  return hard === undefined || hard === "unlimited" ? Infinity : Number(hard);
}

/**
 * Checks that the connections fit under the hard limit of open files. The soft one is raised for every process.
 *
 * @throws {TimewaitError} which says how many are needed, how many may be opened, and what raises that.
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
  const most = Math.max(1, Math.floor((limit - FILES_BESIDE) / perConnection * 100));
  throw new TimewaitError(
    `of ${connections} takes ${needed} open files (${who}, and some are closing or beside), and the limit here is ` +
      `${limit}: sudo prlimit --nofile=${needed} --pid $$ raises it for this shell, or use at most ${most}`,
    { field: "connections" },
  );
}
