/**
 * The words for what a cause rests on: the two or three figures that decide, in sentences that are read once.
 *
 * @module
 */

import type { Cause, CauseFigures, CauseName } from "../../verdict/causes.ts";
import { formatCount, formatRatio, formatRough, formatSeconds } from "../format.ts";

/** A time in the unit that suits it. */
export function formatTime(ms: number): string {
  return ms < 1000 ? `${formatCount(ms)} ms` : `${formatSeconds(ms / 1000)} s`;
}

/** A cause by itself, as its evidence is worded. */
type Evidence = CauseFigures & Pick<Cause, "side">;

/**
 * What decides, as one or two sentences after the one on connections and requests: the two or three figures
 * without which it would be another cause. All others are in the findings.
 */
const DECIDING: { readonly [K in CauseName]: (evidence: Evidence) => string } = {
  "pool-too-small": (evidence) => `${sayCloser(evidence)}${sayKept(evidence)}`,
  "many-pools": (evidence) => `${sayCloser(evidence)}${sayKept(evidence)}`,
  "used-once": ({ onceShare, connectionsEnded, timeWaitOnGateway, unanswered }) =>
    onceShare !== undefined
      ? `Of the ${count(connectionsEnded, "connection")} that it ended, ${
        formatRough(onceShare)
      } had served exactly one request${
        unanswered ? `, and ${formatCount(unanswered)} ended within their answer` : ""
      }.`
      : timeWaitOnGateway === undefined
      ? ""
      : `It closes them itself: ${count(timeWaitOnGateway, "TIME_WAIT")} towards the backend are its own.`,
  "close-asked": ({ askedShare, http10Share, timeWaitOnGateway, timeWaitOnBackend }) =>
    askedShare !== undefined
      ? `${formatRough(askedShare)} of the requests asked for the end of their connection, ${
        !http10Share ? "by `Connection: close`" : `${formatRough(http10Share)} as HTTP/1.0`
      }.`
      : timeWaitOnBackend === undefined
      ? ""
      : `The backend holds ${count(timeWaitOnBackend, "TIME_WAIT")} and the gateway ${
        formatCount(timeWaitOnGateway ?? 0)
      }.`,
  "leak": ({ openAtEnd = 0, concurrency, closeWait }) =>
    `${count(openAtEnd, "connection")} stood at the end${
      concurrency === undefined ? "" : `, where no more than ${formatCount(concurrency)} can have been in use`
    }${closeWait ? `; the backend has closed ${formatCount(closeWait)} more (CLOSE_WAIT)` : ""}.`,
  "request-limit": (evidence) => sayLimit(evidence),
  "backend-idle-timeout": (evidence) => sayIdle("The backend ended", evidence),
  "gateway-idle-timeout": (evidence) => sayIdle("It ended", evidence),
  "backend-closes": ({ connectionsEnded, announcedShare, timeWaitOnBackend, unanswered }) =>
    connectionsEnded === undefined
      ? timeWaitOnBackend === undefined
        ? ""
        : `The backend holds the ${count(timeWaitOnBackend, "TIME_WAIT")}.`
      : `The backend ended ${count(connectionsEnded, "connection")}, of which it had announced ${
        formatRough(announcedShare ?? 0)
      }${unanswered ? `; ${count(unanswered, "request")} got no whole answer` : ""}.`,
  "cut-short": (evidence) => sayCutShort(evidence),
  "cap": () => "",
  "client-side": ({ clientOpenedPerRequest = 0, timeWaitOfClients = 0, timeWaitOnClient = 0 }) =>
    `Clients opened ${formatRatio(clientOpenedPerRequest)} connections per request. They left ${
      count(timeWaitOfClients, "TIME_WAIT")
    } on its listening port, which take no port of its own, and ${
      formatCount(timeWaitOnClient)
    } on the clients' host.`,
  "ports-exhausted": ({ portRange, portsUsed, logged, failedRequests }) =>
    `${
      portRange === undefined || portsUsed === undefined
        ? "Its ports were in use"
        : portsUsed >= portRange
        ? `All ${formatCount(portRange)} ephemeral ports were in use`
        : `${formatCount(portsUsed)} of the ${formatCount(portRange)} ephemeral ports were in use`
    }, and ${count(failedRequests, "request")} failed.${sayLogged("EADDRNOTAVAIL", logged)}`,
  "descriptors-exhausted": ({ logged, failedRequests }) =>
    `${count(failedRequests, "request")} failed.${sayLogged("EMFILE or ENFILE", logged)}`,
  "accept-queue": ({ listenDrops, failedRequests }) =>
    `The kernel dropped ${count(listenDrops, "connection")} from a full queue (ListenDrops), and ${
      count(failedRequests, "request")
    } failed.`,
  "bound-source": ({ portRange, portsUsed, logged, failedRequests }) =>
    `${count(failedRequests, "request")} failed${
      portRange === undefined || portsUsed === undefined
        ? ""
        : `, with ${formatCount(portsUsed)} of the ${formatCount(portRange)} ports in use`
    }.${sayLogged("EADDRINUSE", logged)}`,
  "intended": ({ connectionsEnded, ageP50Ms }) =>
    connectionsEnded === undefined
      ? ""
      : `${count(connectionsEnded, "connection")} ended at ${
        ageP50Ms === undefined ? "one age" : `an age of ${formatTime(ageP50Ms)}`
      }, whatever they had carried.`,
  "none": ({ concurrency, openAtEnd }) =>
    concurrency === undefined || openAtEnd === undefined
      ? ""
      : `${count(openAtEnd, "connection")} stood at the end, for up to ${
        formatCount(concurrency)
      } requests at one time.`,
};

/** `1 request`, `2 requests`. */
function count(value: number | undefined, noun: string): string {
  return `${formatCount(value ?? 0)} ${noun}${value === 1 ? "" : "s"}`;
}

/** The number at which connections end; where nobody counted, their age then, or what they carried. */
function sayLimit(
  { limit, atLimitShare, announcedShare, ageP10Ms, ageP90Ms, openedPerRequest }: Evidence,
): string {
  if (limit !== undefined) {
    const who = atLimitShare === undefined
      ? "Connections"
      : `${formatRough(atLimitShare)} of those that ended`;
    const announced = announcedShare ? " The backend had announced it (`Connection: close`)." : "";
    return `${who} had served exactly ${formatCount(limit)} requests, and none served more.${announced}`;
  }
  if (ageP10Ms !== undefined && ageP90Ms !== undefined) {
    const ages = `${formatTime(ageP10Ms)} to ${formatTime(ageP90Ms)}`;
    return `Of those that ended, eight in ten did so at an age of ${ages}.`;
  }
  return openedPerRequest
    ? `A connection carried ${formatCount(1 / openedPerRequest)} requests on average.`
    : "";
}

/** Who closes the connections that a pool had no place for. */
function sayCloser({ connectionsEnded, onceShare, timeWaitOnGateway, timeWaitOnBackend }: Evidence): string {
  if (connectionsEnded !== undefined) {
    const once = onceShare ? `, ${formatRough(onceShare)} of them after a single request` : "";
    return `It ended ${count(connectionsEnded, "connection")} at once after an answer${once}`;
  }
  if (timeWaitOnGateway === undefined) return "It ended connections";
  const theirs = !timeWaitOnBackend ? "" : `, and ${formatCount(timeWaitOnBackend)} the backend's`;
  return `It closes first: ${count(timeWaitOnGateway, "TIME_WAIT")} were its own${theirs}`;
}

/** What it keeps, and what would be wanted. */
function sayKept({ keepsPerHost, keepsInAll, keptIdle, concurrency }: Evidence): string {
  const kept = [
    ...(keepsPerHost === undefined ? [] : [`${formatCount(keepsPerHost)} idle connections for a backend`]),
    ...(keepsInAll === undefined ? [] : [`${formatCount(keepsInAll)} in all`]),
  ];
  const wanted = concurrency === undefined ? "" : `up to ${formatCount(concurrency)} requests at one time`;
  if (kept.length === 0 && keptIdle !== undefined) kept.push(`${count(keptIdle, "connection")} idle`);
  if (kept.length === 0) return wanted === "" ? "." : `, with ${wanted}.`;
  return `. It keeps ${kept.join(" and ")}${wanted === "" ? "" : `, for ${wanted}`}.`;
}

function sayIdle(who: string, evidence: Evidence): string {
  const { connectionsEnded, idleP5Ms, idleP95Ms, failedRequests } = evidence;
  if (connectionsEnded === undefined) return saySides(evidence);
  const times = idleP5Ms === undefined || idleP95Ms === undefined
    ? "idle"
    : formatTime(idleP5Ms) === formatTime(idleP95Ms)
    ? `idle for ${formatTime(idleP5Ms)}`
    : `idle for ${formatTime(idleP5Ms)} to ${formatTime(idleP95Ms)}`;
  return `${who} ${count(connectionsEnded, "connection")} that had been ${times}.${
    failedRequests ? ` ${count(failedRequests, "request")} failed.` : ""
  }`;
}

/** Whose answers were given up, and how many; without a witness the requests alone are known. */
function sayCutShort({ side, connectionsEnded, abandoned, failedRequests, timedOut }: Evidence): string {
  if (side === "client" && !abandoned) {
    // An open loop alone has clients that are meant to leave.
    return connectionsEnded === undefined
      ? ""
      : `${count(connectionsEnded, "connection")} ended because clients had left. The pool is not to blame.`;
  }
  if (side === "client") {
    const left = `${count(abandoned, "client")} left before their answer`;
    return connectionsEnded === undefined
      ? `${left}.`
      : `${left}, and ${
        count(connectionsEnded, "connection")
      } to the backend ended with them. The pool is not to blame.`;
  }
  const failed = failedRequests === undefined
    ? ""
    : `${count(failedRequests, "request")} of its clients failed${
      timedOut ? `, ${formatCount(timedOut)} of them too late` : ""
    }`;
  if (connectionsEnded === undefined) return failed === "" ? "" : `${failed}.`;
  return `It ended ${count(connectionsEnded, "connection")} while an answer was owed${
    failed === "" ? "" : `; ${failed}`
  }.`;
}

/** Which side holds the TIME_WAITs, where nobody saw the ends themselves. */
function saySides({ timeWaitOnGateway, timeWaitOnBackend }: Evidence): string {
  const sides = [
    ...(timeWaitOnGateway === undefined ? [] : [`${count(timeWaitOnGateway, "TIME_WAIT")} were its own`]),
    ...(timeWaitOnBackend === undefined ? [] : [`${count(timeWaitOnBackend, "TIME_WAIT")} the backend's`]),
  ];
  return sides.length === 0 ? "" : `${sides.join(", and ")}.`;
}

function sayLogged(codes: string, logged: number | undefined): string {
  return logged === undefined ? "" : ` Its log has ${codes} ${formatCount(logged)} times.`;
}

/** The causes whose first sentence is how many connections were opened: all that make more of them. */
const WITHOUT_OPENED: readonly CauseName[] = [
  "client-side",
  "ports-exhausted",
  "descriptors-exhausted",
  "accept-queue",
  "bound-source",
];

/**
 * The evidence of a cause as two or three short sentences; empty where the figures that it needs are missing.
 * Counts are those of all repetitions together.
 */
export function sayEvidence({ cause, evidence, side }: Cause, repetitions: number): string {
  if (cause === "cap") return sayCap(evidence);
  const opened = WITHOUT_OPENED.includes(cause) ? "" : sayOpened(evidence, repetitions);
  const decides = DECIDING[cause]({ ...evidence, ...(side === undefined ? {} : { side }) });
  return [opened, decides].filter((part) => part !== "").join(" ");
}

function sayOpened(
  { requests, connectionsOpened, openedPerRequest }: CauseFigures,
  repetitions: number,
): string {
  if (connectionsOpened === undefined) return "";
  const opened = connectionsOpened === 0 ? "no connection" : count(connectionsOpened, "connection");
  const within = repetitions > 1 ? ` in ${repetitions} repetitions` : "";
  const ratio = openedPerRequest === undefined || connectionsOpened === 0
    ? ""
    : `, ${formatRatio(openedPerRequest)} per request`;
  return `It opened ${opened} to the backend${
    requests === undefined ? "" : ` for ${count(requests, "request")}`
  }${within}${ratio}.`;
}

/** A cap by Little's law: its ceiling, who waits, and how much of the latency is waiting. */
function sayCap(
  { cap = 0, concurrency = 0, backendMs, ceilingPerSec, requestsPerSec, waiting, waitingShare, busyShare }:
    CauseFigures,
): string {
  const measured = requestsPerSec === undefined ? "" : ` (${formatCount(requestsPerSec)} were measured)`;
  const share = waitingShare === undefined ? "" : `, for ${formatRough(waitingShare)} of the median latency`;
  const queue = waiting === undefined
    ? ""
    : `: ${formatCount(waiting)} of the ${formatCount(concurrency)} clients wait in line at any time${share}`;
  const ceiling = ceilingPerSec === undefined || backendMs === undefined
    ? ""
    : ` At ${formatTime(backendMs)} for a request they carry at most ` +
      `**${formatCount(ceilingPerSec)} requests/s**${measured}${queue}.`;
  // Without the backend's time there is no ceiling, and who waits was told by the gateway.
  const told = ceiling === "" && waiting !== undefined
    ? ` By its own figures ${count(waiting, "request")} waited in line.`
    : "";
  const busy = busyShare === undefined ? "" : `, ${formatRough(busyShare)} of them busy`;
  return `${formatCount(cap)} connections to the backend stood, never more${busy}, while up to ${
    formatCount(concurrency)
  } requests wanted one.${ceiling}${told} This is latency, not TIME_WAIT.`;
}
