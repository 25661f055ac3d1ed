/**
 * The results document: everything that a bench has measured, as JSON. The report is a pure function of it.
 *
 * Units are in the names; a share is between 0 and 1. What could not be measured is `null`, never 0.
 *
 * @module
 */

import type { Amount, Count, Share } from "../figures.ts";
import type { HostName } from "../scenario/host_names.ts";
import type { LabChoice } from "../lab/lab.ts";
import { type Knob } from "../lab/knobs.ts";
import type { Latency } from "../load/latency.ts";
import type { Arrivals, GeneratorChoice, LoadErrors } from "../load/load.ts";
import type { ConnectTimes } from "../observe/connect_probe.ts";
import type { LatencyHistogram } from "../load/latency_histogram.ts";
import type { MachineUse } from "../observe/machine.ts";
import type { GatewaySides } from "../observe/gateway_sides.ts";
import type { HostResult, HostSeries, OfHosts, Samples } from "../observe/series.ts";
import type { Processes } from "../observe/process_usage.ts";
import type { PoolCounters } from "../transport/pool/counters.ts";
import type { FindPlan } from "../scenario/find.ts";
import type { RunOptions, SweptValue } from "../scenario/plan.ts";
import type { Witness } from "../observe/witness.ts";
import type { UpstreamFailure } from "../observe/upstream_failures.ts";

/** The version of the document. A change that an older reader would misread raises it. */
export const SCHEMA = "timewait.results/1";

/** The document. */
export interface Results {
  /** The version of this document. A reader must refuse a version that it does not know. */
  readonly schema: typeof SCHEMA;
  /**
   * The scenario's name.
   *
   * @pattern ^[^\r\n`]*$
   */
  readonly scenario: string;
  /**
   * What the scenario asks; the report's title.
   *
   * @pattern ^[^\r\n]*$
   */
  readonly question: string;
  /** What the scenario's author expected before anything was measured. Nothing is checked against it. */
  readonly expectation: string;
  /** The command line that measures this again. Where a secret was, it has `***`. */
  readonly command: string;
  /**
   * When the bench began, in ISO 8601.
   *
   * @format date-time
   */
  readonly startedAt: string;
  /**
   * What the order of the repetitions was drawn with: a whole number of 32 bits.
   *
   * @asType integer
   * @minimum -2147483648
   * @maximum 2147483647
   */
  readonly seed: number;
  /** How often each run was measured. */
  readonly method: Method;
  /** The machine, the lab and the tools, read once, before the first repetition. */
  readonly environment: Environment;
  /**
   * Every run of the scenario in its order, those not yet measured included; exactly one is the baseline.
   *
   * @minItems 1
   */
  readonly runs: readonly Run[];
  /** Whether the bench was stopped before all was measured. */
  readonly interrupted: boolean;
  /**
   * The products that the gateways are, as somebody has said it. Left out where nobody did, and in a document
   * of an older version.
   */
  readonly products?: readonly GivenProduct[];
}

/** The product that a gateway is, as somebody has said it. */
export interface GivenProduct {
  /** The run that it is said of. Left out where it is said of every gateway that is a command line. */
  readonly run?: string;
  /** What to call it, such as `nginx`. */
  readonly id: string;
  /** Its version. Left out where nobody said it. */
  readonly version?: string;
}

/** When to stop repeating: by precision instead of by number. */
export interface UntilPlan {
  /** The widest that the interval of a comparison may be in the end, as a share of the baseline. */
  readonly width: Amount;
  /** No round begins after this time, in milliseconds since the first one began. */
  readonly maxTimeMs: Amount;
}

/** When to stop repeating: once the repetitions have shown what is asked, looked at after each round. */
export interface DecidePlan {
  /** No round begins after this time, in milliseconds since the first one began. */
  readonly maxTimeMs: Amount;
  /**
   * Gates, as typed: the bench stops once each of them is said to hold or to fail. Left out where it stops
   * once each comparison with the baseline has shown a difference.
   */
  readonly gates?: readonly GateText[];
}

/**
 * A gate, as typed: `[RUN:]FIGURE>=LIMIT` or `<=`.
 *
 * @pattern ^\s*([^:<>=]+:)?[A-Za-z0-9.]+\s*(<=|>=)\s*[+\-]?\d+(\.\d+)?%?\s*$
 */
export type GateText = string;

/** How often a bench measures each run. */
export interface Method {
  /**
   * Repetitions of each run; the fewest of them where `until` or `decide` is set.
   *
   * @asType integer
   * @minimum 1
   */
  readonly repeat: number;
  /** When the bench was to stop, by precision; `null` where it was to stop by number. */
  readonly until: UntilPlan | null;
  /**
   * That the bench was to stop once something was decided, after 60 rounds at the latest. Left out where it
   * was not, and in a document of an older version.
   */
  readonly decide?: DecidePlan;
  /** Whether the two runs are one configuration under two names. Left out where they are not. */
  readonly selfCheck?: boolean;
  /**
   * What a bisection looked for. Its runs are the values that it tried, as often as it tried each. Left out
   * where there was none.
   */
  readonly find?: FindPlan;
}

/** Where it was measured. */
export interface Environment {
  /** The version of Timewait. */
  readonly timewait: string;
  /** The version of Deno, under which the bench and our own parties ran. */
  readonly deno: string;
  /** `uname -r`. */
  readonly kernel: string;
  /** Logical CPUs that the bench may use; all parties share them. */
  readonly cpus: Count;
  /** `model name` of /proc/cpuinfo; `unknown` where it has none, as on many ARM machines. */
  readonly cpuModel: string;
  /** `MemTotal` of /proc/meminfo, which ignores the limit of a container; 0 where it cannot be read. */
  readonly memoryBytes: Amount;
  /**
   * The CPU frequency governors in force (`scaling_governor`), each once; empty where the machine shows none.
   */
  readonly governors: readonly string[];
  /** The load generator, its version, and the reason where it stood in for wrk. */
  readonly load: GeneratorChoice;
  /** The kind of lab, and the reason where no private lab could be had. */
  readonly lab: LabChoice;
  /**
   * The sysctls that bear on TIME_WAIT, as in force on the gateway. Sysctls that this kernel lacks are left
   * out.
   */
  readonly sysctls: Readonly<Record<string, string>>;
  /**
   * The same sysctls as in force where the bench ran, outside of its private lab, which begins with the
   * kernel's defaults. An empty value is `""`. Left out in a host lab, and in a document of an older version.
   */
  readonly machineSysctls?: Readonly<Record<string, string>>;
  /**
   * The machines of a lab of given hosts, clients first. Left out in a lab of our own, which is on the
   * machine that is described here.
   */
  readonly machines?: readonly Machine[];
  /**
   * The parties whose machines were not watched: in `hosts` and in `samples` they are `null`. Left out where
   * all were.
   */
  readonly notWatched?: readonly HostName[];
}

/** A machine of a lab of given hosts. */
export interface Machine {
  /** The party that it is the host of. */
  readonly party: HostName;
  /**
   * The command prefix that leads there; empty for the machine of the bench. Where a secret was, it has
   * `***`.
   */
  readonly prefix: string;
  /** `uname -r` there. */
  readonly kernel: string;
  /** CPUs that a process of the bench may use there, or a share of one. */
  readonly cpus: Amount;
  /** Ephemeral ports there. Left out in a document of an older version. */
  readonly ports?: Count;
  /** Proxies of a service mesh that stand in the path there, and by what each was seen. Left out for none. */
  readonly proxies?: readonly string[];
}

/** What one of several clients has contributed to a load. */
export interface ClientPart {
  /** Connections that it had. */
  readonly connections: Count;
  /** Answers that it got. */
  readonly requests: Count;
  /** Its own requests ÷ its own duration. */
  readonly requestsPerSec: Amount;
  /** How much later than the first client it began, in milliseconds. */
  readonly beganAfterMs: Amount;
  /** CPU time of its load generator, in seconds. */
  readonly cpuSec: Amount;
  /** The share of its machine's CPU time that was left over. */
  readonly idleShare: Share;
}

/** What is known of a repetition on given hosts besides. */
export interface OnMachines {
  /** Each client, in the order of the machines. */
  readonly clients: readonly ClientPart[];
  /** The share of the CPU time of the gateway's and of the backend's machine that was left over. */
  readonly idleShares: Readonly<Partial<Record<"gateway" | "backend", Share>>>;
  /** By how much the series of two hosts may be shifted against each other, in milliseconds. */
  readonly clockErrorMs: Amount;
  /** How long it was waited beforehand until the gateway's TIME_WAITs were gone, in milliseconds. */
  readonly waitedMs: Amount;
  /**
   * The ports on which the parties listen on their own hosts, where those are others than they are reached
   * by, as behind a service of Kubernetes: there the one with most connections is taken. The groups of
   * connections name the port by which each is reached. Left out where they are the same.
   */
  readonly portsThere?: Readonly<Partial<Record<"gateway" | "backend", Count>>>;
  /**
   * The port of the backend, taken to be the one towards which the gateway held most connections. Left out
   * where it was said.
   */
  readonly backendPortSeen?: Count;
}

/** One named configuration and its repetitions. */
export interface Run {
  /**
   * Unique in its scenario.
   *
   * @pattern ^[^\r\n`]+$
   */
  readonly name: string;
  /** Whether the other runs are compared with it. */
  readonly baseline: boolean;
  /** What was measured; the same in all of its repetitions. Where a secret was, it has `***`. */
  readonly options: RunOptions;
  /**
   * The run of the scenario that this is one value of. Left out where no setting of it was varied.
   *
   * @pattern ^[^\r\n`]+$
   */
  readonly series?: string;
  /**
   * The values that tell it apart from the others of its series, the first that of the axis. Left out where
   * no setting was varied.
   */
  readonly swept?: readonly SweptValue[];
  /**
   * In the order measured. The n-th repetitions of all runs share a round. Fewer where the bench was stopped.
   */
  readonly repetitions: readonly Repetition[];
}

/** One measurement of a run, or why there is none. */
export type Repetition = Failed | Measured;

/** A repetition that could not be measured. */
export interface Failed {
  /** The reason, in one line. */
  readonly failed: string;
}

/** A repetition that was measured. */
export interface Measured {
  /**
   * When it began, in milliseconds since the first repetition did; `null` in a document of an older version.
   */
  readonly startedMs: number | null;
  /** Answers of any status, those later than the timeout included. */
  readonly requests: Count;
  /** `requests` ÷ `durationSec`, the pauses of bursts included; 0 where no time has passed. */
  readonly requestsPerSec: Amount;
  /**
   * How long the load lasted by the generator's own clock, in seconds; in an open loop, how long requests
   * were due.
   */
  readonly durationSec: Amount;
  /** Bytes of the answers, their headers included. */
  readonly bytesRead: Count;
  /**
   * How long answers took, as the client saw it. In a closed loop it leaves out the wait behind a slow
   * answer.
   */
  readonly latencyUs: Latency;
  /** All latencies; `null` in a document of an older version. */
  readonly latencyHistogram: LatencyHistogram | null;
  /** What went wrong for the load generator, in counts. */
  readonly errors: LoadErrors;
  /**
   * Requests of a closed loop on their way when its time was over: one for each connection that stood, more
   * where a script pipelines; with pauses, those that were sent and not answered. Neither `requests` nor
   * `errors` count them. Left out for an open loop, which waits for each answer, and in a document of an
   * older version.
   */
  readonly inFlight?: Count;
  /** How the requests of an open loop arrived. Left out for a closed one. */
  readonly arrivals?: Arrivals;
  /**
   * Requests that the backend has answered, until it ended: those on their way when the load was over among
   * them. Left out in a document of an older version.
   */
  readonly backendRequests?: Count;
  /**
   * 1 − connections opened towards the backend ÷ requests; at least 0. `null` where the load went direct,
   * where nothing was answered, and where the gateway was not watched.
   */
  readonly reuseRatio: Share | null;
  /**
   * What the TCP tables have shown, by host; `null` for one that was not watched. The gateway's host is idle
   * where the load went direct.
   */
  readonly hosts: OfHosts<HostResult>;
  /**
   * The gateway's connections towards the backend and of its clients, told apart. Left out where the load
   * went direct, where the gateway was not watched, and in a document of an older version.
   */
  readonly sides?: GatewaySides;
  /**
   * Connections of `hosts` that no socket of this repetition accounts for: other programs on the machine
   * opened them, or they were reset. Left out outside of a host lab, for a load so long that sockets of it
   * may be gone, and in a document of an older version.
   */
  readonly openedByOthers?: Count;
  /**
   * What each backend of ours has seen of its connections. Left out for other backends, and in a document of
   * an older version.
   */
  readonly witnesses?: readonly Witness[];
  /** CPU time and memory of each party, and what observing them has cost. */
  readonly processes: Processes;
  /** What else the machine did meanwhile; `null` on given hosts, and in a document of an older version. */
  readonly machine: MachineUse | null;
  /** What is known besides of a repetition on given hosts. Left out in a lab of our own. */
  readonly onMachines?: OnMachines;
  /** The same over time, for plots. */
  readonly samples: Samples;
  /** What became of each sysctl asked for. Left out where none was asked for. */
  readonly knobs?: readonly Knob[];
  /**
   * What the pool of our `net-http` gateway has counted until its end. Left out for other gateways, which
   * count nothing.
   */
  readonly pool?: PoolCounters;
  /**
   * The failures of connections that the gateway has logged, added up. Left out for a gateway that is not
   * ours and has logged none: it may not log, or into a file.
   */
  readonly upstreamFailures?: readonly UpstreamFailure[];
  /** How long connects from the gateway's host to the backend took. Left out where there was no probe. */
  readonly connects?: ConnectTimes;
}

/** Whether a repetition was measured. */
export function isMeasured(repetition: Repetition): repetition is Measured {
  return !("failed" in repetition);
}

/** The measured repetitions of a run. */
export function measuredOf(run: Run): Measured[] {
  return run.repetitions.filter(isMeasured);
}

/** A repetition in which the hosts of some parties were watched. */
export type Watching<P extends HostName> = Measured & {
  readonly hosts: Readonly<Record<P, HostResult>>;
  readonly samples: { readonly hosts: Readonly<Record<P, HostSeries>> };
};

/** Whether the host of a party was watched in a repetition. */
export function isWatching<P extends HostName>(repetition: Measured, party: P): repetition is Watching<P> {
  return repetition.hosts[party] !== null;
}

/** The measured repetitions of a run in which the host of a party was watched. */
export function watchingOf<P extends HostName>(run: Run, party: P): Watching<P>[] {
  return measuredOf(run).filter((repetition) => isWatching(repetition, party));
}

/**
 * Requests per second that were answered in time and with a status of 2xx or 3xx. Reports compare this
 * figure, because a gateway that refuses everything is fast and serves nobody.
 *
 * wrk counts an answer that is both late and of another status in both errors, so it is taken
 * off twice: the figure is never too high.
 */
export function servedPerSec({ requests, errors, durationSec }: Measured): number {
  return durationSec === 0 ? 0 : Math.max(0, requests - errors.status - errors.timeout) / durationSec;
}

/** The host that opens the connections to the backend: the client where there is no gateway (`null`). */
export function openerOf({ gateway }: { readonly gateway: unknown }): "client" | "gateway" {
  return gateway === null ? "client" : "gateway";
}

/**
 * The same by what was measured; a gateway that runs already has no CPU time, but two sides. Where the
 * gateway's host was not watched it may be either, and is taken to be the one of which nothing is known.
 */
export function openerIn(
  { processes, sides, hosts }: Pick<Measured, "processes" | "sides" | "hosts">,
): "client" | "gateway" {
  return openerOf({ gateway: hosts.gateway === null ? hosts : processes.gateway ?? sides ?? null });
}
