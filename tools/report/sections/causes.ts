/**
 * Why: the cause of each run, its evidence, what it was told apart from, and what to set.
 *
 * @module
 */

import type { Results } from "../../results/results.ts";
import { describeClosed, type PoolCounters } from "../../transport/pool/counters.ts";
import type { Churn } from "../../verdict/churn.ts";
import type { CauseFinding, Findings, RunFindings } from "../../verdict/findings.ts";
import { formatCount } from "../format.ts";
import { sayCannotTell, sayCause, sayToldApart } from "./cause_words.ts";
import { sayEvidence } from "./evidence_words.ts";
import { sayPortsLeft } from "./ports_left.ts";
import { sayRemedies } from "./remedy_words.ts";

/** The section; empty where no run had a gateway. */
export function renderCauses({ runs }: Findings, results: Results): string[] {
  const said = new Map<string, string>();
  const lines = runs.flatMap((run) => explainRun(run, results, said));
  if (lines.length === 0) return [];
  return ["## Why", "", ...lines.map((line) => `- ${line}`)];
}

/** `said` has the remedies that were said, with the run of which they were. */
function explainRun(run: RunFindings, results: Results, said: Map<string, string>): string[] {
  const { churn, causes } = run;
  if (churn === undefined || causes.length === 0) return [];
  const lines = causes.map((cause, i) => explainCause(run, cause, { isFirst: i === 0, said }));
  const counted = sayCounted(churn, run.pool);
  const more = [
    ...(counted === "" ? [] : [counted]),
    ...(holdsPorts(run) ? [sayPortsLeft(churn, run, results)] : []),
  ];
  return more.length === 0 ? lines : [...lines, `\`${run.name}\`: ${more.join(" ")}`];
}

/** One cause: its name, how sure it is, its evidence, what it was told apart from, what to set. */
function explainCause(
  { name, churn, product, measured, gatewayCpu }: RunFindings,
  cause: CauseFinding,
  { isFirst, said }: { readonly isFirst: boolean; readonly said: Map<string, string> },
): string {
  const { sure, toldApartFrom, cannotTell, remedy } = cause;
  const certainty = cause.cause === "none" ? "" : ` (\`${cause.cause}\`, ${sure})`;
  return [
    `\`${name}\`: **${sayCause(cause)}**${certainty}.`,
    sayEvidence(cause, measured),
    isFirst ? sayForwarded(churn!) : "",
    isFirst ? sayOthers(churn!) : "",
    cause.cause === "none" ? sayTimeWaits(churn!) : isFirst ? sayOfClients(churn!) : "",
    cause.cause === "close-asked"
      ? "Who closes first is a race then: the side of the TIME_WAIT means nothing."
      : "",
    cause.cause === "none" && gatewayCpu?.limits === true
      ? `The gateway's CPU is the limit here, not its pool: ${
        formatCount(gatewayCpu.perRequestUs.estimate)
      } µs of CPU time for each request.`
      : "",
    sayToldApart(toldApartFrom),
    sayCannotTell(cannotTell),
    once(sayRemedies(remedy, product), name, said),
  ].filter((part) => part !== "").join(" ");
}

/** What is the same for several runs is said once. */
function once(text: string, run: string, said: Map<string, string>): string {
  const before = said.get(text);
  if (text === "" || before === undefined) {
    said.set(text, run);
    return text;
  }
  return before === run ? "" : `What to set is the same as for \`${before}\`.`;
}

/** That the backend was not asked for most requests, so that there is no praise in few connections. */
function sayForwarded({ forwards, backendRequests }: Churn): string {
  if (forwards) return "";
  const answered = backendRequests === 0 ? "none" : `only ${formatCount(backendRequests)}`;
  return `The backend answered ${answered} of the requests.`;
}

function sayOthers({ openedByOthers }: Churn): string {
  if (openedByOthers === undefined) return "";
  return `${formatCount(openedByOthers)} of the connections are not seen to be its own: see the warnings.`;
}

/** The TIME_WAITs that a pool that fits has left all the same, by side. */
function sayTimeWaits({ timeWaitOnGateway, timeWaitOfClients, connectionsOpened, warmedUp }: Churn): string {
  const clients = timeWaitOfClients === 0
    ? ""
    : `${formatCount(timeWaitOfClients)} connections of its clients were`;
  if (timeWaitOnGateway === 0) {
    return clients === ""
      ? ""
      : `On the gateway, ${clients} in TIME_WAIT at the end, and none of its connections to the backend.`;
  }
  const fromWarmUp = warmedUp && timeWaitOnGateway > connectionsOpened
    ? ", those of the warm-up among them"
    : "";
  return `On the gateway, ${
    formatCount(timeWaitOnGateway)
  } of its connections to the backend were in TIME_WAIT at the end${fromWarmUp}${
    clients === "" ? "" : `, and ${clients} besides`
  }.`;
}

/** The TIME_WAITs on the gateway that no connection to the backend has left. */
function sayOfClients({ timeWaitOfClients }: Churn): string {
  return timeWaitOfClients === 0
    ? ""
    : `On the gateway, ${
      formatCount(timeWaitOfClients)
    } connections of its clients were in TIME_WAIT besides.`;
}

/** Whether connections to the backend go on taking ports of the gateway's, so that it matters how many. */
function holdsPorts({ churn, causes }: RunFindings): boolean {
  return churn!.outcome === "churning" && churn!.portsFailed === 0 && !churn!.closedWithoutTimeWait &&
    causes.some(({ cause }) => cause !== "none" && cause !== "cap" && cause !== "client-side");
}

/**
 * What a gateway of ours with a pool of its own says of why it closed connections, in its last repetition.
 */
function sayCounted({ outcome, warmedUp }: Churn, pool: PoolCounters | undefined): string {
  if (pool === undefined || outcome !== "churning") return "";
  const closed = describeClosed(pool.closed, formatCount);
  return `its pool counted, in the last repetition${warmedUp ? " and its warm-up" : ""}, ${
    formatCount(pool.dialed)
  } connections opened, at most ${formatCount(pool.idlePeak)} idle at a time${
    closed.length === 0 ? "" : `; ${closed.join(", ")}`
  }.`;
}
