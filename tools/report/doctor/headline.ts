/**
 * The first sentence of the doctor's report, and what each thing that is wrong is called.
 *
 * @module
 */

import type { Diagnosis } from "../../doctor/diagnosis.ts";
import { sayCause } from "../sections/cause_words.ts";
import type { Destination, Facts } from "../../doctor/facts.ts";
import type { Problem } from "../../doctor/problems.ts";
import { TIME_WAIT_SEC } from "../../verdict/port_forecast.ts";
import { formatCount, formatRough, formatSeconds } from "../format.ts";
import { code } from "../markdown.ts";

/**
 * The answer: the most urgent thing that is wrong, or why nothing is; and in a second sentence the cause,
 * where it is another thing.
 */
export function renderAnswer({ facts, problems, causes, verdict }: Diagnosis): string {
  const [first] = problems;
  const answer = first !== undefined
    ? sayProblem(first, facts!)
    : verdict === "wrong"
    ? `**Connections are opened that need not be**, ${sayOpened(facts!)}not yet so many that ports run short.`
    : sayHarmless(facts!);
  if (verdict !== "wrong") return answer;
  const why = causes.filter(({ cause }) => !SAID_BY_PROBLEM.has(cause) && cause !== "none");
  if (why.length === 0) return answer;
  const program = facts!.program === undefined ? "A program here" : code(facts!.program.name);
  const sure = why.filter(({ sure }) => sure !== "possible");
  const named = (sure.length > 0 ? sure : why).map(sayCause);
  return `${answer} ${program}: ${named.join(sure.length > 0 ? ", and " : ", or ")}.`;
}

function sayOpened({ rates, lastMinute }: Facts): string {
  const { openedPerSec } = rates ?? lastMinute;
  return openedPerSec === 0 ? "" : `${formatPerSec(openedPerSec)} a second, `;
}

/** Causes that say no more than the problem that showed them. */
const SAID_BY_PROBLEM: ReadonlySet<string> = new Set([
  "ports-exhausted",
  "bound-source",
  "leak",
  "accept-queue",
  "descriptors-exhausted",
]);

/** What is wrong, in one sentence. */
export function sayProblem(problem: Problem, facts: Facts): string {
  const usable = formatCount(facts.usable.count);
  switch (problem.kind) {
    case "ports gone": {
      const { service, portsUsed } = problem.destination;
      return `**The ports towards ${code(service)} are gone**: ${
        formatCount(portsUsed)
      } of ${usable} are in use, so ` +
        'new connections fail with EADDRNOTAVAIL, "cannot assign requested address".';
    }
    case "ports going": {
      const { service, portsUsed, outlook } = problem.destination;
      return `**The ports towards ${code(service)} run out in ${
        formatSeconds(outlook.goneInSec!)
      } s** if it goes on ` +
        `like this: ${formatCount(portsUsed)} of ${usable} are in use, and ${sayMade(problem.destination)}.`;
    }
    case "ports slow": {
      const { service, portsUsed, outlook } = problem.destination;
      const when = outlook.halfInSec === 0
        ? "is in use"
        : `is in use in ${formatSeconds(outlook.halfInSec!)} s`;
      return `**Half of the ports towards ${
        code(service)
      } ${when}**, from where on connects get slow, because the ` +
        `kernel has to search: ${formatCount(portsUsed)} of ${usable} now, and ${
          sayMade(problem.destination)
        }.`;
    }
    case "churn":
      return `**This host opens connections to ${code(problem.destination.service)} and closes them**: ` +
        `${sayMade(problem.destination)}, which comes to ` +
        `${formatCount(problem.destination.outlook.levelsOffAt)} of ${usable} ports if it goes on.`;
    case "piling up": {
      const { destination: { service, states, portsUsed }, grownPerSec } = problem;
      const left = (facts.usable.count - portsUsed) / grownPerSec;
      return `**Connections to ${code(service)} are opened and stay open**: ${
        formatCount(states.established)
      } stand, ${
        formatPerSec(grownPerSec)
      } more each second, and each holds a port. If it goes on like this, the ` +
        `${usable} ports are gone in ${formatSeconds(Math.max(0, left))} s.`;
    }
    case "reset churn":
      return `**This host closes ${
        formatPerSec(problem.resetsPerSec)
      } connections a second by a reset**, and opens as many ` +
        "anew. A reset leaves no TIME_WAIT and holds no port; what it costs is a new connection each time.";
    case "bound source":
      return `**Connections from ${
        code(problem.source)
      } take a port for all destinations at once**: none of its local ports ` +
        "goes to two destinations, as after a bind() to that address ahead of the connect. New " +
        'connections then fail with EADDRINUSE, "address already in use".';
    case "leak": {
      const { service, stuck, closeWait, owner } = problem;
      const who = owner === undefined ? "A program here" : `${code(owner.name)} (process ${owner.pid})`;
      return `**${who} does not close its connections with ${code(service)}**: the other end has closed ` +
        `${formatCount(closeWait)} of them, which stand in CLOSE_WAIT, ${
          stuck === closeWait ? "all" : formatCount(stuck)
        } of them for the whole ${formatSeconds(facts.watchedSec)} s of the watch.`;
    }
    case "accept queue": {
      const fullest = problem.fullest === undefined
        ? ""
        : `; the longest queue is that of port ${problem.fullest.port}, ${
          formatCount(problem.fullest.queue)
        } long`;
      return `**Connections met a full accept queue**, ${formatCount(problem.overflows)} times in ${
        formatSeconds(facts.watchedSec)
      } s${fullest}.`;
    }
    case "time waits thrown away": {
      const { overflowed, timeWait } = problem;
      const of = timeWait === undefined
        ? ""
        : `: ${formatCount(timeWait.used)} of at most ${formatCount(timeWait.limit)} (tcp_max_tw_buckets)`;
      return (overflowed.meanwhile ?? 0) > 0
        ? `**The kernel throws TIME_WAITs away**, ${formatCount(overflowed.meanwhile!)} in ${
          formatSeconds(facts.watchedSec)
        } s${of}: late packets of an old connection may reach a new one.`
        : `**The kernel soon throws TIME_WAITs away**${of}.`;
    }
    case "descriptors": {
      const { name, pid, used, limit } = problem.process;
      return `**${code(name)} (process ${pid}) has ${formatCount(used)} of its ${
        formatCount(limit)
      } descriptors ` +
        "open**: at the limit it can accept and open no connection (EMFILE).";
    }
    case "conntrack":
      return `**The table of tracked connections is nearly full**: ${
        formatCount(problem.conntrack.used)
      } of ${
        formatCount(problem.conntrack.limit)
      } (nf_conntrack_max). Then packets are dropped and connects time out.`;
  }
}

function sayMade({ madePerSec }: Destination): string {
  return `${
    formatPerSec(madePerSec)
  } connections a second are closed here first, each of which holds its port for ` +
    `${TIME_WAIT_SEC} s`;
}

/** Why what is there does no harm. */
export function sayHarmless({ destinations, listeners, usable, states }: Facts): string {
  const opened = destinations.reduce((sum, { states }) => sum + states.timeWait, 0);
  const accepted = listeners.reduce((sum, { states }) => sum + states.timeWait, 0);
  if (states.timeWait === 0) return "**Nothing is wrong**: no socket is in TIME_WAIT.";
  const all = `${formatCount(states.timeWait)} socket${states.timeWait === 1 ? " is" : "s are"} in TIME_WAIT`;
  const [most] = destinations;
  if (opened === 0 || most === undefined) {
    return `**Nothing is wrong**: ${all}, all on the side that accepted the connection, where a TIME_WAIT takes no ` +
      "ephemeral port.";
  }
  const which = accepted === 0
    ? "they go"
    : `${formatCount(accepted)} of them of accepted connections, which take no port; the other ${
      formatCount(opened)
    } go`;
  return `**Nothing is wrong**: ${all}; ${which} to ${formatCount(destinations.length)} destination${
    destinations.length === 1 ? "" : "s"
  }, and none holds more than ${formatRough(most.portsUsed / usable.count)} of the ports towards it.`;
}

/** A rate, with one digit where it is small. */
export function formatPerSec(value: number): string {
  return value > 0 && value < 10 ? value.toFixed(1) : formatCount(value);
}
