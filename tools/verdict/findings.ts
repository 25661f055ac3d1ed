/**
 * Everything that a document shows, worked out once and as plain data: what the report has words for.
 *
 * @module
 */

import type { Knob } from "../lab/knobs.ts";
import { failedRequests } from "../load/load.ts";
import { openedShareOf } from "../observe/ports_used.ts";
import {
  isMeasured,
  type Measured,
  measuredOf,
  openerOf,
  type Results,
  type Run,
  servedPerSec,
  type Watching,
  watchingOf,
} from "../results/results.ts";
import type { PoolCounters } from "../transport/pool/counters.ts";
import { type Advice, changesOf, failedShare, judgedRuns, judgeRun } from "./advice.ts";
import { type Cause, causesOf } from "./causes.ts";
import { type Churn, churnOf } from "./churn.ts";
import { baselineOf, compareWithBaseline, type Comparison, differingOptions } from "./comparison.ts";
import { evidenceOf } from "./evidence_of_run.ts";
import { type Forwarding, forwardingOf } from "./forwarding.ts";
import { type GatewayCpu, gatewayCpuOf } from "./gateway_cpu.ts";
import { type IdlePool, idlePoolOf } from "./idle_pool.ts";
import { estimateMedian, type Interval } from "./intervals.ts";
import { knobsOf, sysctlsOf } from "./knobs.ts";
import { type MergedLatency, mergedLatency } from "./latency.ts";
import { forecastOf, type PortForecast } from "./port_forecast.ts";
import { type PortFindings, portsOf } from "./ports.ts";
import { guessProduct, type NamedProduct } from "./products.ts";
import { remediesOf, type Remedy } from "./remedies.ts";
import { type SelfCheck, selfCheckOf } from "./self_check.ts";
import { medianUnanswered } from "./unanswered.ts";
import type { Warning } from "./warning.ts";
import { warningsOf } from "./warnings.ts";

/** What a document shows. It is JSON: what is not known is left out. */
export interface Findings {
  /** The baseline's name. */
  readonly baseline?: string;
  /** In the order of the document. */
  readonly runs: readonly RunFindings[];
  /** Left out for anything but a self-check. */
  readonly selfCheck?: SelfCheck;
  /** What to know before believing the figures. */
  readonly warnings: readonly Warning[];
}

/** What a run shows. */
export interface RunFindings {
  /** Its name. */
  readonly name: string;
  /** Whether the others are compared with it. */
  readonly baseline: boolean;
  /** Whether the load went through a gateway. */
  readonly hasGateway: boolean;
  /** Repetitions that were measured. */
  readonly measured: number;
  /** Repetitions that failed. */
  readonly failed: number;
  /** Medians over the measured repetitions. */
  readonly figures: RunFigures;
  /**
   * The share of requests that failed: the median of the repetitions, of an even number the lower of the two
   * in the middle.
   */
  readonly failedShare: number;
  /** Its requests per second against the baseline's. Left out for the baseline. */
  readonly comparison?: Comparison;
  /** In what, besides the gateway and the knobs, the run differs from the baseline. */
  readonly differs: readonly ("load" | "backend")[];
  /** What the gateway did with its connections. Left out for a direct run, and where nothing was measured. */
  readonly churn?: Churn;
  /**
   * Requests that were unanswered when the time was over, where they are more than a load always leaves: the
   * median of the repetitions. Left out where they are not.
   */
  readonly unanswered?: number;
  /** Left out where the gateway asked the backend once for each request, and where that is not known. */
  readonly forwarding?: Forwarding;
  /**
   * What becomes of the ports if the load goes on. As with `ports`; left out as well where no connection was
   * opened.
   */
  readonly portForecast?: PortForecast;
  /** The pool of a gateway of ours, as it was asked for. Left out for a direct run and for other gateways. */
  readonly idlePool?: IdlePool;
  /** Left out for a direct run, and where nothing was answered. */
  readonly gatewayCpu?: GatewayCpu;
  /** The product that the gateway is. Left out where nobody said it and nothing gives it away. */
  readonly product?: RunProduct;
  /** The causes of what it does with its connections, the surest first; `none` where its pool fits. */
  readonly causes: readonly CauseFinding[];
  /** The gateway's ephemeral ports. As with `churn`; left out as well where the range is not known. */
  readonly ports?: PortFindings;
  /** What the pool of our `net-http` gateway has counted, in the last measured repetition. */
  readonly pool?: PoolCounters;
  /** What became of each sysctl that was asked for. */
  readonly knobs: readonly Knob[];
  /** The gateway's sysctls, with the knobs in force. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** Left out where the runs do not differ in their sysctls. */
  readonly advice?: Advice;
  /** The latency of all repetitions together. Left out where a repetition has no histogram. */
  readonly latency?: MergedLatency;
}

/** A cause, and what to set. */
export interface CauseFinding extends Cause {
  /** The most important first. Empty where nothing is to be set, or nobody knows what. */
  readonly remedy: readonly Remedy[];
}

/** The product that a gateway is. */
export interface RunProduct extends NamedProduct {
  /** How that is known: somebody said it, it is a gateway of ours, or its command line gives it away. */
  readonly from: "given" | "transport" | "command";
}

/** Medians over a run's measured repetitions; a figure that was not measured is left out. */
export interface RunFigures {
  /** Requests answered in time with 2xx or 3xx, per second. */
  readonly servedPerSec?: Interval;
  /** The median latency, in microseconds. */
  readonly latencyP50Us?: Interval;
  /** The 99th percentile of the latency, in microseconds. */
  readonly latencyP99Us?: Interval;
  /** Requests that failed. */
  readonly failedRequests?: Interval;
  /** Answers with a status other than 2xx and 3xx. */
  readonly failedByStatus?: Interval;
  /** Connections opened towards the backend, by the gateway or by a direct client, ÷ requests. */
  readonly openedPerRequest?: Interval;
  /** The most sockets in TIME_WAIT on the gateway, of both sides together. */
  readonly timeWaitPeak?: Interval;
  /** Those of its connections to the backend. */
  readonly timeWaitToBackend?: Interval;
  /** Those of its clients' connections. */
  readonly timeWaitOfClients?: Interval;
  /**
   * Connections that clients opened to the gateway ÷ requests. Left out for a document of an older version.
   */
  readonly clientConnectionsPerRequest?: Interval;
  /** TIME_WAITs on the gateway whose port was taken again. */
  readonly timeWaitReused?: Interval;
  /** TIME_WAITs on the gateway that were thrown away (TCPTimeWaitOverflow). */
  readonly timeWaitOverflowed?: Interval;
}

/** The product of a run's gateway; `undefined` where it is not known. */
export function productOfRun(run: Run, given: Results["products"] = []): RunProduct | undefined {
  const { gateway } = run.options;
  if (gateway === null) return undefined;
  if ("transport" in gateway) return { id: gateway.transport, from: "transport" };
  const said = given.find(({ run: name }) => name === run.name) ?? given.find(({ run }) => run === undefined);
  if (said !== undefined) {
    const { id, version } = said;
    return { id, ...(version === undefined ? {} : { version }), from: "given" };
  }
  const id = "command" in gateway ? guessProduct(gateway.command) : undefined;
  return id === undefined ? undefined : { id, from: "command" };
}

/** Works out what a document shows. */
export function analyse(results: Results): Findings {
  const { environment, runs } = results;
  const baseline = baselineOf(results);
  const comparisons = compareWithBaseline(results);
  const judged = judgedRuns(results);
  const selfCheck = selfCheckOf(results, comparisons);
  return {
    ...(baseline === undefined ? {} : { baseline: baseline.name }),
    runs: runs.map((run): RunFindings => {
      const measured = measuredOf(run);
      const churn = churnOf(run, environment);
      const ports = portsOf(run, environment);
      const product = productOfRun(run, results.products);
      const evidence = evidenceOf(run, environment);
      const facts = defined({
        comparison: comparisons.get(run.name),
        churn,
        unanswered: medianUnanswered(run),
        forwarding: forwardingOf(run),
        ports,
        portForecast: ports && forecastOf(run, ports.range.count),
        idlePool: idlePoolOf(run.options.gateway),
        gatewayCpu: gatewayCpuOf(run),
        product,
        pool: measured.at(-1)?.pool,
        advice: baseline !== undefined && judged.includes(run)
          ? adviceOf({ run, churn, ports }, baseline)
          : undefined,
        latency: mergedLatency(run),
      });
      return {
        name: run.name,
        baseline: run.baseline,
        hasGateway: run.options.gateway !== null,
        measured: measured.length,
        failed: run.repetitions.filter((repetition) => !isMeasured(repetition)).length,
        figures: figuresOf(run),
        failedShare: failedShare(run),
        differs: baseline === undefined ? [] : differingOptions(run, baseline),
        knobs: knobsOf(run),
        sysctls: sysctlsOf(run, environment),
        causes: evidence === undefined
          ? []
          : causesOf(evidence).map((cause) => ({ ...cause, remedy: remediesOf(cause, product) })),
        ...facts,
      };
    }),
    ...(selfCheck === undefined ? {} : { selfCheck }),
    warnings: warningsOf(results),
  };
}

function adviceOf(judged: Parameters<typeof judgeRun>[0], baseline: Run): Advice {
  const changes = changesOf(judged.run, baseline);
  return judged.run === baseline ? { changes } : { verdict: judgeRun(judged, baseline), changes };
}

function figuresOf(run: Run): RunFigures {
  const opener = openerOf(run.options);
  const medianOf = <R>(some: readonly R[], of: (repetition: R) => number | null) =>
    estimateMedian(some.map(of).filter((value) => value !== null));
  const median = (of: (repetition: Measured) => number | null) => medianOf(measuredOf(run), of);
  const watching = run.options.gateway === null ? [] : watchingOf(run, "gateway");
  const ofGateway = (of: (repetition: Watching<"gateway">) => number | null) => medianOf(watching, of);
  return defined({
    servedPerSec: median(servedPerSec),
    latencyP50Us: median(({ latencyUs }) => latencyUs.p50),
    latencyP99Us: median(({ latencyUs }) => latencyUs.p99),
    failedRequests: median(({ errors }) => failedRequests(errors)),
    failedByStatus: median(({ errors }) => errors.status),
    openedPerRequest: medianOf(
      watchingOf(run, opener),
      ({ hosts, requests }) => hosts[opener].connectionsOpened / Math.max(1, requests),
    ),
    timeWaitPeak: ofGateway(({ hosts }) => hosts.gateway.timeWaitPeak),
    timeWaitToBackend: ofGateway((repetition) => timeWaitsOf(repetition).toBackend),
    timeWaitOfClients: ofGateway((repetition) => timeWaitsOf(repetition).ofClients),
    clientConnectionsPerRequest: ofGateway(({ sides }) => sides?.clients.openedPerRequest ?? null),
    timeWaitReused: ofGateway(({ hosts }) => hosts.gateway.timeWaitReused),
    timeWaitOverflowed: ofGateway(({ hosts }) => hosts.gateway.timeWaitOverflowed ?? 0),
  });
}

/**
 * The peak of the gateway's TIME_WAITs by side. An older document has only their sum, and the end's sides.
 */
function timeWaitsOf(
  { sides, hosts: { gateway } }: Watching<"gateway">,
): { toBackend: number; ofClients: number } {
  if (sides !== undefined) {
    return { toBackend: sides.backend.timeWaitPeak, ofClients: sides.clients.timeWaitPeak };
  }
  const toBackend = Math.round(gateway.timeWaitPeak * openedShareOf(gateway.timeWaitGroups));
  return { toBackend, ofClients: gateway.timeWaitPeak - toBackend };
}

/** An object without the properties that are `undefined`. */
function defined<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
