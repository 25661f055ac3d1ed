/**
 * The results document: everything that a bench has measured, as JSON. The report is a pure function of it.
 *
 * Units are in the names; a share is between 0 and 1. What could not be measured is `null`, never 0.
 *
 * @module
 */

import type { HostName } from "../lab/host.ts";
import type { LabChoice } from "../lab/lab.ts";
import type { Latency } from "../load/latency.ts";
import type { GeneratorChoice, LoadErrors } from "../load/load.ts";
import type { ProcessUsage } from "../observe/process_usage.ts";
import type { TimeWaitGroup } from "../observe/tcp_table.ts";
import type { BackendPlan, GatewayPlan, LoadPlan } from "../scenario.ts";

/** The version of the document. A change that an older reader would misread raises it. */
export const SCHEMA = "timewait.results/1";

/** The document. */
export interface Results {
  readonly schema: typeof SCHEMA;
  /** The scenario's name. */
  readonly scenario: string;
  readonly question: string;
  readonly expectation: string;
  /** The command line that measures this again. */
  readonly command: string;
  /** When the first repetition began, in ISO 8601. */
  readonly startedAt: string;
  readonly environment: Environment;
  readonly runs: readonly Run[];
  /** Whether the bench was stopped before all was measured. */
  readonly interrupted: boolean;
}

/** Where it was measured. */
export interface Environment {
  readonly timewait: string;
  readonly deno: string;
  /** `uname -r`. */
  readonly kernel: string;
  readonly cpus: number;
  readonly cpuModel: string;
  readonly memoryBytes: number;
  readonly load: GeneratorChoice;
  readonly lab: LabChoice;
  /** The sysctls that bear on TIME_WAIT, as in force on the gateway; those that this kernel lacks are left out. */
  readonly sysctls: Readonly<Record<string, string>>;
}

/** One named configuration and its repetitions. */
export interface Run {
  readonly name: string;
  /** Whether the others are compared with it. */
  readonly baseline: boolean;
  readonly options: RunOptions;
  readonly repetitions: readonly Repetition[];
}

/** Everything a run was told, defaults included. */
export interface RunOptions {
  /** `null`: the load went straight at the backend. */
  readonly gateway: GatewayPlan | null;
  readonly backend: BackendPlan;
  readonly load: LoadPlan;
}

/** One measurement of a run, or why there is none. */
export type Repetition = Measured | Failed;

/** A repetition that could not be measured. */
export interface Failed {
  /** The reason, in one line. */
  readonly failed: string;
}

/** A repetition that was measured. */
export interface Measured {
  readonly requests: number;
  readonly requestsPerSec: number;
  readonly durationSec: number;
  readonly bytesRead: number;
  readonly latencyUs: Latency;
  readonly errors: LoadErrors;
  /** 1 − connections opened towards the backend ÷ requests; at least 0. `null` where the load went direct. */
  readonly reuseRatio: number | null;
  readonly hosts: Readonly<Record<HostName, HostResult>>;
  readonly processes: Processes;
  readonly samples: Samples;
}

/** What the processes used while the load ran; peak memory since they began. `sampler` is the bench's own. */
export interface Processes {
  /** `null` where the load went direct. */
  readonly gateway: ProcessUsage | null;
  readonly backend: ProcessUsage;
  readonly load: ProcessUsage;
  readonly sampler: ProcessUsage;
}

/** What one host's TCP tables have shown between the start and the end of the load. */
export interface HostResult {
  /** The most sockets in TIME_WAIT at a time, beyond those there before. */
  readonly timeWaitPeak: number;
  /** Times that a socket entered TIME_WAIT. `null` in a host lab, where it cannot be told whose it was. */
  readonly timeWaitEntered: number | null;
  /** Connections that this host has opened. */
  readonly connectionsOpened: number;
  /** The most ephemeral ports in use at a time: open connections that this host had opened, and their TIME_WAITs. */
  readonly portsUsedPeak: number;
  /** TIME_WAIT sockets whose port a new connection took. `null` in a host lab. */
  readonly timeWaitReused: number | null;
  /** TIME_WAIT states thrown away for `tcp_max_tw_buckets`. `null` in a host lab. */
  readonly timeWaitOverflowed: number | null;
  /** Connections that a full backlog has dropped. `null` in a host lab. */
  readonly listenDrops: number | null;
  /** Who held the TIME_WAITs at the end: by service, and by the side of it that this host was on. */
  readonly timeWaitGroups: readonly TimeWaitGroup[];
}

/** The series of a repetition: the n-th entry of each belongs to the n-th time. */
export interface Samples {
  /** Milliseconds since the load began, in steps of 10. */
  readonly timeMs: readonly number[];
  /** Per host; in a host lab there is one table, and it stands under all three. */
  readonly hosts: Readonly<Record<HostName, HostSeries>>;
  /** What the backend has answered, on times of its own. */
  readonly answered: AnsweredSeries;
}

/** Requests that the backend has answered by a time. */
export interface AnsweredSeries {
  /** Milliseconds since the load began. */
  readonly timeMs: readonly number[];
  readonly requests: readonly number[];
}

/** The series of one host. */
export interface HostSeries {
  readonly timeWait: readonly number[];
  readonly established: readonly number[];
  /** Since the load began. */
  readonly connectionsOpened: readonly number[];
}

/** Whether a repetition was measured. */
export function isMeasured(repetition: Repetition): repetition is Measured {
  return !("failed" in repetition);
}

/** The measured repetitions of a run. */
export function measuredOf(run: Run): Measured[] {
  return run.repetitions.filter(isMeasured);
}
