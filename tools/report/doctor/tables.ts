/**
 * The doctor's tables: where connections go, where they come from, and the line of the last 60 seconds.
 *
 * @module
 */

import type { Connections, Destination, Facts, Listener } from "../../doctor/facts.ts";
import { grownPerSecOf } from "../../doctor/problems.ts";
import { formatCount, formatRough, formatSeconds } from "../format.ts";
import { code } from "../markdown.ts";
import { sparkline } from "../plots/sparkline.ts";
import { renderRows } from "../table.ts";
import { formatPerSec } from "./headline.ts";

/** Rows of a table; what is beyond is added up in words. */
const MOST_ROWS = 12;

/** Lines of the last 60 seconds. */
const MOST_LINES = 6;

/** The section on connections that this host opened; empty where there are none. */
export function renderDestinations(facts: Facts): string[] {
  const { destinations, usable } = facts;
  if (destinations.length === 0) return [];
  const rows = destinations.slice(0, MOST_ROWS).map((destination) => [
    code(destination.service),
    ownersOf(destination),
    formatCount(destination.portsUsed),
    formatRough(destination.portsUsed / usable.count),
    whenGone(destination, facts),
    poolOf(destination),
    formatCount(destination.states.timeWait),
    formatPerSec(destination.madePerSec),
    formatCount(destination.states.closeWait),
    formatCount(destination.states.finWait2),
  ]);
  const several = destinations.find(({ sources }) => sources > 1);
  return [
    "## Connections that this host opened",
    "",
    ...renderRows(
      [
        "destination",
        "held by",
        "ports in use",
        "of those usable",
        "all in use in s",
        "established",
        "TIME_WAIT",
        "made a second",
        "CLOSE_WAIT",
        "FIN_WAIT2",
      ],
      rows,
      2,
    ),
    "",
    ...moreOf(destinations.length, "destinations"),
    `A new connection may get ${formatCount(usable.count)} ports (${usable.first}–${usable.last}${
      usable.reserved === 0 ? "" : `, ${formatCount(usable.reserved)} reserved ones taken off`
    }) for each source address, destination address and port.` +
    (usable.fromPortsInUse
      ? " **These are the lowest and the highest in use: the sysctl could not be read.**"
      : usable.assumed
      ? " **That is the kernel's default: the sysctl could not be read.**"
      : "") +
    (several === undefined
      ? ""
      : ` Where there are several source addresses, ports are those of the one that holds most.`) +
    " Established: the fewest and the most over the watch. CLOSE_WAIT: the other end has closed, the program " +
    "here has not. FIN_WAIT2: the reverse.",
    "",
  ];
}

/** The section on ports that listen; empty where there are none. */
export function renderListeners({ listeners }: Facts): string[] {
  const all = listeners.filter(({ listening, states }) => listening || states.timeWait > 0);
  if (all.length === 0) return [];
  const rows = all.slice(0, MOST_ROWS).map((listener) => [
    listener.listening ? String(listener.port) : `${listener.port} (nobody listens now)`,
    ownersOf(listener),
    poolOf(listener),
    formatCount(listener.states.timeWait),
    formatPerSec(listener.madePerSec),
    formatCount(listener.states.closeWait),
    formatCount(listener.states.finWait2),
    formatCount(listener.queue),
  ]);
  return [
    "## Connections that this host accepted",
    "",
    ...renderRows(
      [
        "port",
        "held by",
        "established",
        "TIME_WAIT",
        "made a second",
        "CLOSE_WAIT",
        "FIN_WAIT2",
        "not yet accepted",
      ],
      rows,
      2,
    ),
    "",
    ...moreOf(all.length, "ports"),
    "A TIME_WAIT of an accepted connection takes no ephemeral port here: it means that this host closed first.",
    "",
  ];
}

/** The section on the last 60 seconds; empty where nothing was closed. */
export function renderTimeline({ destinations, listeners }: Facts): string[] {
  const all: [string, Connections][] = [
    ...destinations.map((one): [string, Destination] => [`to ${one.service}`, one]),
    ...listeners.map((one): [string, Listener] => [`on port ${one.port}`, one]),
  ];
  const lines = all.filter(([, { states }]) => states.timeWait > 0)
    .sort(([, a], [, b]) => b.states.timeWait - a.states.timeWait).slice(0, MOST_LINES);
  if (lines.length === 0) return [];
  const width = Math.max(...lines.map(([name]) => name.length));
  return [
    "## Closed here first, in each of the last 60 seconds",
    "",
    "```text",
    `${" ".repeat(width)}  60 s ago${" ".repeat(49)}now`,
    ...lines.map(([name, { madeAgo }]) =>
      `${name.padEnd(width)}  ${sparkline(madeAgo.toReversed())}  at most ${
        formatCount(Math.max(...madeAgo))
      }/s`
    ),
    "```",
    "",
    "From one reading: each TIME_WAIT carries the time that it has left. Each line has its own scale.",
    "",
  ];
}

function moreOf(count: number, what: string): string[] {
  return count <= MOST_ROWS ? [] : [`${formatCount(count - MOST_ROWS)} more ${what} hold less.`, ""];
}

function ownersOf({ owners }: Connections): string {
  const [first, ...others] = owners;
  if (first === undefined) return "–";
  return `${code(first.name)} (${first.pid})${others.length === 0 ? "" : ` and ${others.length} more`}`;
}

function poolOf({ pool, states }: Connections): string {
  if (pool.readings < 2) return formatCount(states.established);
  const { floor, ceiling } = pool;
  return floor === ceiling ? formatCount(floor) : `${formatCount(floor)}…${formatCount(ceiling)}`;
}

function whenGone(destination: Destination, facts: Facts): string {
  const { outlook, reusable, portsUsed } = destination;
  const grownPerSec = grownPerSecOf(destination, facts);
  if (grownPerSec !== undefined) {
    return formatSeconds(Math.max(0, (facts.usable.count - portsUsed) / grownPerSec));
  }
  if (reusable) return "reused";
  return outlook.goneInSec === undefined ? "never" : formatSeconds(outlook.goneInSec);
}
