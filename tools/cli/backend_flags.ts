/**
 * The flags of a backend, by the names of its options.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { checkPlaceholders } from "../scenario/placeholders.ts";
import type { Backend, CommandBackend, OwnBackend, Spread } from "../scenario/scenario.ts";
import { type Options, switchFlag, valueFlag } from "./command.ts";
import { parseBytes, parseChoice, parseDurationMs, parseShare, parseText, parseWhole } from "./values.ts";

/** The flags of our own backend. */
export const BACKEND_FLAGS = {
  latency: valueFlag(
    "DURATION",
    "latency the backend adds to each answer, such as 70ms, or 70ms..200ms for a spread (default 0)",
    parseSpread,
    undefined,
  ),
  slowShare: valueFlag(
    "SHARE",
    "share of the answers that take --slow-latency instead, such as 1% (default none)",
    parseShare,
    undefined,
  ),
  slowLatency: valueFlag(
    "DURATION",
    "latency of the slow answers (default 2s)",
    parseDurationMs,
    undefined,
  ),
  bodyBytes: valueFlag(
    "SIZE",
    "size of each answer's body, up to 256MiB (default 12)",
    parseBytes,
    undefined,
  ),
  status: valueFlag(
    "N",
    "status of each answer, 200 to 599, or shares such as 200=99%,503=1% (default 200)",
    parseStatus,
    undefined,
  ),
  closeAfterRequests: valueFlag(
    "N",
    "requests after which the backend ends a connection; 0 is no limit (default 0)",
    parseWhole(0),
    undefined,
  ),
  idleTimeout: valueFlag(
    "DURATION",
    "idle time after which the backend ends a connection; 0 is for ever (default 0)",
    parseDurationMs,
    undefined,
  ),
  closeOnStatus: valueFlag(
    "N[,N…]",
    "statuses with whose answers the backend ends the connection (default none)",
    parseStatuses,
    undefined,
  ),
  closeBeforeAnswer: valueFlag(
    "SHARE",
    "share of the requests whose connection the backend ends in place of an answer (default none)",
    parseShare,
    undefined,
  ),
  announceClose: valueFlag(
    "WORD",
    "whether the last answer says that the backend ends its connection: yes or no (default yes)",
    parseYes,
    undefined,
  ),
  closeBy: valueFlag(
    "WORD",
    "how the backend ends connections unasked: fin or rst (default fin)",
    parseChoice(["fin", "rst"]),
    undefined,
  ),
  http10: switchFlag("answers in HTTP/1.0: one request for each connection, unless it asks for keep-alive"),
} as const;

/** The flags of the backend of a bench or a lab, which can be any program. */
export const ANY_BACKEND_FLAGS = {
  backend: valueFlag(
    "COMMAND",
    "command line of a backend to use in place of ours; {listen} is filled in",
    parseBackendCommand,
    undefined,
  ),
  ...BACKEND_FLAGS,
} as const;

/** The flag of a bench for several backends. */
export const BACKENDS_FLAG = {
  backends: valueFlag(
    "N",
    "number of backends, each on a port of its own; {upstreams} names them all (default 1)",
    parseWhole(1, 16),
    undefined,
  ),
} as const;

/** The options of our own backend that the flags give. */
export function ownBackendOf(flags: Options<typeof BACKEND_FLAGS>): OwnBackend {
  const given = Object.keys(BACKEND_FLAGS).map((name) => [name, flags[name as keyof typeof flags]] as const);
  const options: OwnBackend = Object.fromEntries(given.filter(([, value]) => value !== undefined));
  // A switch that was not given says nothing: the scenario may.
  return flags.http10 ? options : { ...options, http10: undefined };
}

/**
 * The backend that the flags describe.
 *
 * @throws {TimewaitError} for an option of ours beside a command.
 */
export function backendOf(flags: Options<typeof ANY_BACKEND_FLAGS>): Backend {
  const own = ownBackendOf(flags);
  if (flags.backend === undefined) return own;
  const [option] = Object.entries(own).flatMap(([name, value]) => value === undefined ? [] : [name]);
  if (option === undefined) return flags.backend;
  throw new TimewaitError("is an option of our own backend: leave it out beside --backend", {
    field: option,
  });
}

function parseBackendCommand(text: string, field: string): CommandBackend {
  checkPlaceholders(text, field, "backend");
  return { command: text };
}

/** Takes a duration, or two with dots between them. */
function parseSpread(text: string, field: string): Spread {
  const parts = text.split("..");
  if (parts.length > 2) throw new TimewaitError(`takes 70ms or 70ms..200ms, not "${text}"`, { field });
  const durations = parts.map((part) => parseDurationMs(part, field));
  if (durations.length === 1) return durations[0]!;
  if (durations[0]! > durations[1]!) {
    throw new TimewaitError(`takes the least first, such as 70ms..200ms, not "${text}"`, { field });
  }
  return text as Spread;
}

/** Takes a status, or the share of each: `200=99%,503=1%`. */
function parseStatus(text: string, field: string): number | Record<number, number> {
  if (!text.includes("=")) return parseWhole(200, 599)(text, field);
  const shares: Record<number, number> = {};
  for (const part of text.split(",")) {
    const [status = "", share = ""] = part.split("=");
    shares[parseWhole(200, 599)(status, field)] = parseShare(share, field);
  }
  const all = Object.values(shares).reduce((sum, share) => sum + share, 0);
  if (Math.abs(all - 1) > 1e-6) {
    throw new TimewaitError(`takes shares that are 100% in all, such as 200=99%,503=1%; not "${text}"`, {
      field,
    });
  }
  return shares;
}

function parseStatuses(text: string, field: string): number[] {
  return text.split(",").map((status) => parseWhole(200, 599)(status, field));
}

function parseYes(text: string, field: string): boolean {
  return parseChoice(["yes", "no"])(parseText(text, field), field) === "yes";
}
