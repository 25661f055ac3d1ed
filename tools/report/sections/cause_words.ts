/**
 * The words for causes: what each is called, and what its figures say.
 *
 * @module
 */

import type { Cause, CauseFigures, CauseName, ToldApart } from "../../verdict/causes.ts";
import type { CannotTell } from "../../verdict/causes/cause.ts";
import { formatCount, formatRatio, formatRough, formatSeconds } from "../format.ts";

/** A time in the unit that suits it. */
export function formatTime(ms: number): string {
  return ms < 1000 ? `${formatCount(ms)} ms` : `${formatSeconds(ms / 1000)} s`;
}

/** What a run with this cause does, as a clause of which the gateway is `it`. */
const CLAUSES: { readonly [K in CauseName]: (cause: Cause) => string } = {
  "pool-too-small": () => "its pool of idle connections is too small",
  "used-once": () => "it uses each connection for one request",
  "close-asked": () => "its requests ask for the end of their connection",
  "leak": () => "it leaves connections open that nobody uses again",
  "request-limit": ({ side, evidence: { limit = 0 } }) =>
    `${side === "backend" ? "the backend" : "it"} ends each connection after ${formatCount(limit)} requests`,
  "backend-idle-timeout": ({ evidence }) => `the backend ends connections that were idle${forTime(evidence)}`,
  "gateway-idle-timeout": ({ evidence }) => `it ends connections that were idle${forTime(evidence)}`,
  "backend-closes": () => "the backend ends connections, and nobody asked it to",
  "cut-short": () => "it ends connections before their answer is whole",
  "cap": ({ evidence: { cap = 0 } }) => `its connections to the backend are limited to ${formatCount(cap)}`,
  "many-pools": () => "its idle connections are spread over several pools, and one limit holds across them",
  "client-side": () => "connections between its clients and it are not kept",
  "ports-exhausted": () => "it ran out of ephemeral ports",
  "descriptors-exhausted": () => "it ran out of file descriptors",
  "accept-queue": () => "its queue of new connections overflowed",
  "bound-source": () => "its connections are bound to a source address, so that destinations share its ports",
  "intended": ({ evidence: { ageP50Ms } }) =>
    `it ends connections${
      ageP50Ms === undefined ? "" : ` at the age of ${formatTime(ageP50Ms)}`
    }, perhaps on purpose`,
  "none": () => "its pool fits",
};

function forTime({ idleP50Ms }: CauseFigures): string {
  return idleP50Ms === undefined ? "" : ` for ${formatTime(idleP50Ms)}`;
}

/** What a run with this cause does: `its pool of idle connections is too small`. */
export function sayCause(cause: Cause): string {
  return CLAUSES[cause.cause](cause);
}

/** What each figure says, as a noun phrase. */
const FIGURES: { readonly [K in keyof Required<CauseFigures>]: (value: number) => string } = {
  requests: (value) => `${formatCount(value)} requests`,
  connectionsOpened: (value) => `${formatCount(value)} connections opened`,
  openedPerRequest: (value) => `${formatRatio(value)} connections per request`,
  endedPerRequest: (value) => `${formatRatio(value)} connections ended for each request`,
  connectionsEnded: (value) => `${formatCount(value)} connections ended in this way`,
  shareOfEnded: (value) => `which is ${formatRough(value)} of all that ended`,
  onceShare: (value) => `${formatRough(value)} of these connections served exactly one request`,
  requestsP50: (value) => `a median of ${formatCount(value)} requests in each connection`,
  requestsMax: (value) => `at most ${formatCount(value)} requests in a connection`,
  askedShare: (value) => `${formatRough(value)} of the requests asked for the end`,
  http10Share: (value) => `${formatRough(value)} of the requests in HTTP/1.0`,
  endedByGatewayShare: (value) => `${formatRough(value)} of the connections ended by the gateway`,
  resetShare: (value) => `${formatRough(value)} of them ended by a reset`,
  announcedShare: (value) => `${formatRough(value)} of the ends announced by the backend`,
  idleP50Ms: (value) => `a median idle time of ${formatTime(value)} at the end`,
  idleP5Ms: (value) => `idle for at least ${formatTime(value)} in 95% of the cases`,
  idleP95Ms: (value) => `idle for at most ${formatTime(value)} in 95% of the cases`,
  ageP50Ms: (value) => `a median age of ${formatTime(value)} at the end`,
  limit: (value) => `an end at ${formatCount(value)} requests`,
  atLimitShare: (value) =>
    `${formatRough(value)} of the connections ended at exactly that number, and none served more`,
  openPeak: (value) => `at most ${formatCount(value)} connections to the backend at one time`,
  openAtEnd: (value) => `${formatCount(value)} connections to the backend at the end`,
  busyShare: (value) => `${formatRough(value)} of them busy`,
  concurrency: (value) => `up to ${formatCount(value)} requests at one time`,
  keepsPerHost: (value) => `${formatCount(value)} idle connections kept for each backend, by its options`,
  keepsInAll: (value) => `${formatCount(value)} kept in all, by its options`,
  workers: (value) => `${formatCount(value)} workers`,
  destinations: (value) => `${formatCount(value)} backends`,
  cap: (value) => `${formatCount(value)} connections, never more`,
  backendMs: (value) => `${formatTime(value)} at the backend`,
  ceilingPerSec: (value) => `a ceiling of ${formatCount(value)} requests/s`,
  requestsPerSec: (value) => `${formatCount(value)} requests/s`,
  waiting: (value) => `${formatCount(value)} clients waiting`,
  waitingShare: (value) => `${formatRough(value)} of the median latency`,
  unanswered: (value) => `${formatCount(value)} requests cut off before their answer was whole`,
  failedRequests: (value) => `${formatCount(value)} failed requests`,
  timedOut: (value) => `${formatCount(value)} answers too late`,
  clientOpenedPerRequest: (value) => `${formatRatio(value)} connections of clients per request`,
  timeWaitOnGateway: (value) => `${formatCount(value)} TIME_WAITs on the gateway towards the backend`,
  timeWaitOnBackend: (value) => `${formatCount(value)} on the backend`,
  timeWaitOfClients: (value) => `${formatCount(value)} TIME_WAITs on the gateway towards its clients`,
  timeWaitOnClient: (value) => `${formatCount(value)} on the clients' host`,
  closeWait: (value) => `${formatCount(value)} connections that only the backend has closed (CLOSE_WAIT)`,
  logged: (value) => `${formatCount(value)} failures in its log`,
  portRange: (value) => `${formatCount(value)} ephemeral ports`,
  portsUsed: (value) => `${formatCount(value)} of them in use at most`,
  listenDrops: (value) => `${formatCount(value)} connections dropped from a full queue (ListenDrops)`,
};

/** Figures as a list of noun phrases. */
export function sayFigures(figures: CauseFigures): string {
  return Object.entries(figures)
    .map(([name, value]) => FIGURES[name as keyof CauseFigures](value as number))
    .join(", ");
}

/** Figures that say something of these causes alone; elsewhere they only stand in the findings. */
const ONLY_OF: { readonly [K in keyof CauseFigures]: readonly CauseName[] } = {
  endedPerRequest: [],
  idleP5Ms: ["backend-idle-timeout", "gateway-idle-timeout"],
  idleP95Ms: ["backend-idle-timeout", "gateway-idle-timeout"],
};

/** The figures of a cause that a reader needs: a share of 0 says nothing of it. */
function tellingFigures(cause: CauseName, figures: CauseFigures): CauseFigures {
  return Object.fromEntries(
    Object.entries(figures).filter(([name, value]) =>
      ONLY_OF[name as keyof CauseFigures]?.includes(cause) !== false &&
      !(name.endsWith("Share") && value === 0)
    ),
  );
}

/**
 * The evidence of a cause as one or two sentences; empty where the figures that it needs are missing. Counts
 * are those of all repetitions together.
 */
export function sayEvidence({ cause, evidence }: Cause, repetitions: number): string {
  const { requests, connectionsOpened, openedPerRequest, ...figures } = evidence;
  if (cause === "cap") return sayCap(evidence);
  const others = tellingFigures(cause, figures);
  const opened = connectionsOpened === undefined
    ? ""
    : `It opened ${
      connectionsOpened === 0
        ? "no connection"
        : `${formatCount(connectionsOpened)} connection${connectionsOpened === 1 ? "" : "s"}`
    } to the backend${requests === undefined ? "" : ` for ${formatCount(requests)} requests`}${
      repetitions > 1 ? ` in ${repetitions} repetitions` : ""
    }${
      openedPerRequest === undefined || connectionsOpened === 0
        ? ""
        : `, ${formatRatio(openedPerRequest)} per request`
    }.`;
  const rest = sayFigures(others);
  return [opened, rest === "" ? "" : `${rest[0]!.toUpperCase()}${rest.slice(1)}.`].filter((part) =>
    part !== ""
  ).join(" ");
}

/** A cap by Little's law: its ceiling, who waits, and how much of the latency is waiting. */
function sayCap(
  { cap = 0, concurrency = 0, backendMs, ceilingPerSec, requestsPerSec, waiting, waitingShare, busyShare }:
    CauseFigures,
): string {
  const measured = requestsPerSec === undefined ? "" : ` (${formatCount(requestsPerSec)} were measured)`;
  const ceiling = ceilingPerSec === undefined || backendMs === undefined
    ? ""
    : ` Each is busy for ${formatTime(backendMs)} with a request, so ${
      formatCount(cap)
    } of them carry at most ` +
      `**${formatCount(ceilingPerSec)} requests/s**${measured}.`;
  const queue = waiting === undefined
    ? ""
    : ` ${formatCount(waiting)} of the ${formatCount(concurrency)} clients wait in line at any time${
      waitingShare === undefined
        ? ""
        : `, and ${formatRough(waitingShare)} of the median latency is that wait`
    }.`;
  const busy = busyShare === undefined ? "" : `, ${formatRough(busyShare)} of them busy`;
  return `${formatCount(cap)} connections to the backend stood, never more${busy}, while up to ${
    formatCount(concurrency)
  } requests wanted one.${ceiling}${queue} This is latency, not TIME_WAIT.`;
}

/** What a cause was told apart from, as one sentence; empty where there is nothing. */
export function sayToldApart(toldApart: readonly ToldApart[]): string {
  const parts = toldApart.flatMap(({ cause, because }) => {
    // One figure is enough to see that it is another cause.
    const [figure] = Object.entries(because);
    return figure === undefined ? [] : [`${cause} (${sayFigures(Object.fromEntries([figure]))})`];
  });
  return parts.length === 0 ? "" : `Told apart from ${parts.join("; ")}.`;
}

const TELLS: { readonly [K in CannotTell["tells"]]: string } = {
  "witness": "a backend of Timewait's own, which sees what each connection carries",
  "configuration": "only the gateway's own configuration",
  "one backend": "the same load with one backend",
  "one worker": "the same load with one worker of the gateway",
  "larger pool": "the same load with a pool as large as the concurrency",
  "longer load": "a longer load",
  "request count": "the number of requests (`--requests-per-sec`)",
  "backend latency": "a known latency of the backend (`--latency`)",
};

/** What it could not be told apart from, as sentences; empty where there is nothing. */
export function sayCannotTell(cannotTell: readonly CannotTell[] = []): string {
  const groups = Map.groupBy(cannotTell, ({ tells }) => tells);
  return [...groups].map(([tells, group]) =>
    `${
      joined(group.map(({ cause }) => cause === "none" ? "a pool that fits" : cause))
    } would look the same; ${TELLS[tells]} would tell.`
  ).map((sentence) => `${sentence[0]!.toUpperCase()}${sentence.slice(1)}`).join(" ");
}

/** Words in a row: `a, b and c`. */
function joined(words: readonly string[]): string {
  return words.length < 2 ? words.join("") : `${words.slice(0, -1).join(", ")} and ${words.at(-1)}`;
}
