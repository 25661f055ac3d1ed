/**
 * The load that counts, and everything that is observed before, while and after it runs.
 *
 * @module
 */

import type { Lab } from "../lab/lab.ts";
import type { RunningProcess } from "../lab/process.ts";
import type { LoadGenerator, LoadOptions, LoadResult, RunningLoad } from "../load/load.ts";
import { startLoad } from "../load/start_load.ts";
import { type Observation, withoutProbe } from "../observe/attribution.ts";
import { type ClockCheck, startClockCheck } from "../observe/clock_check.ts";
import { type ConnectTimes, type RunningProbe, startConnectProbe } from "../observe/connect_probe.ts";
import { type MachineReading, machineUse, readMachine } from "../observe/machine.ts";
import {
  addUsage,
  type Processes,
  type ProcessUsage,
  readOwnCpuSec,
  readProcessUsage,
  usageSince,
} from "../observe/process_usage.ts";
import { readCounters, type RunningSampler, startSampler, type TcpState } from "../observe/sampler.ts";
import { readSockets } from "../observe/sockets.ts";
import type { TcpCounters } from "../observe/tcp_counters.ts";
import type { Party } from "../parties/lab_parties.ts";
import type { Measured } from "../results/results.ts";
import type { HostName } from "../scenario/host_names.ts";
import { finishLoad, untilOver } from "./load_end.ts";

/** A lab whose parties listen, and the load that it is to carry. */
export interface Stage {
  /** Where everything runs. */
  readonly lab: Lab;
  /** The server at the end, the first where there are several. */
  readonly backend: Party;
  /** The other backends. */
  readonly furtherBackends: readonly Party[];
  /** What stands in between; `undefined` where the load goes straight at the backend. */
  readonly gateway: Party | undefined;
  /** What makes the load. */
  readonly generator: LoadGenerator;
  /** How much load, and where it goes. */
  readonly load: LoadOptions;
  /** Ends the load early. */
  readonly signal: AbortSignal;
}

/** What a load has come to, and what was observed of it. */
export interface WatchedLoad extends Pick<Measured, "processes" | "machine"> {
  /** When it began, by `performance.now()`. */
  readonly startMs: number;
  /** What the load generator has measured. */
  readonly result: LoadResult;
  /** What the TCP tables have shown, without the connections of the probe. */
  readonly observation: Omit<Observation, "socketsBefore">;
  /** What the probe has seen; `undefined` where there was none. */
  readonly connects: ConnectTimes | undefined;
}

/** How a load is watched. */
export interface WatchOptions {
  /** Whether a probe times connects from the gateway's host to the backend. */
  readonly probeConnects: boolean;
  /** Called with each sample of the TCP tables. */
  readonly onSample: (hosts: Readonly<Record<HostName, TcpState>>) => void;
}

/** The parties of a stage that run: the backends, and the gateway where there is one. */
export function partiesOf({ backend, furtherBackends, gateway }: Stage): Party[] {
  return [backend, ...furtherBackends, ...(gateway === undefined ? [] : [gateway])];
}

/** The processes of a stage's parties. */
export function processesOf(stage: Stage): RunningProcess[] {
  return partiesOf(stage).map(({ process }) => process);
}

/**
 * Runs the load that counts, and observes everything before, while and after it runs.
 *
 * @throws {Error} when the load hangs, a party or an observer ends or hangs, or somebody sets the clock
 * meanwhile; the reason of the signal when that aborts.
 */
export async function watchLoad(stage: Stage, options: WatchOptions): Promise<WatchedLoad> {
  await using stack = new AsyncDisposableStack();
  const before = await lookBefore(stage, options, stack);
  const driven = await drive(stage, before, stack);
  return await lookAfter(stage, before, driven);
}

/** What watches the load, and how everything stood before it. */
interface Before {
  readonly sampler: RunningSampler;
  readonly probe: RunningProbe | undefined;
  readonly clock: ClockCheck;
  readonly used: Readonly<Partial<Record<keyof Processes, ProcessUsage | null>>>;
  readonly counters: Readonly<Record<HostName, TcpCounters>>;
  readonly machine: MachineReading;
}

async function lookBefore(
  stage: Stage,
  { probeConnects, onSample }: WatchOptions,
  stack: AsyncDisposableStack,
): Promise<Before> {
  const { lab, backend } = stage;
  const sampler = stack.use(await startSampler(lab, ({ hosts }) => onSample(hosts)));
  const used = await readUsage(stage, processGroups(stage, sampler));
  const counters = await readCounters(lab);
  const probe = probeConnects ? stack.use(await startConnectProbe(lab.gateway, backend)) : undefined;
  const machine = await readMachine(lab.client);
  return { sampler, probe, used, counters, machine, clock: startClockCheck() };
}

/** A load that is over, whose connections are still open. */
interface Driven {
  readonly load: RunningLoad;
  readonly startMs: number;
  /** What the bench itself has used from the start of the load to the last sample of it, in seconds. */
  readonly benchCpuSec: number;
}

async function drive(
  stage: Stage,
  { sampler, probe, clock }: Before,
  stack: AsyncDisposableStack,
): Promise<Driven> {
  const { lab, generator, signal } = stage;
  const startMs = performance.now();
  for (const { collectors } of partiesOf(stage)) {
    for (const collector of collectors) collector.begin(startMs);
  }
  const load = stack.use(await startLoad(generator, lab.client, stage.load));
  const cpuBeforeSec = readOwnCpuSec();
  try {
    const observers = [sampler, probe].flatMap((observer) =>
      observer === undefined ? [] : [observer.process]
    );
    await untilOver(load, stage.load, [...processesOf(stage), ...observers], signal);
  } catch (error) {
    // A clock that was set can also be what the load generator has stumbled over.
    if (!signal.aborted) clock.throwIfSet();
    throw error;
  }
  return { load, startMs, benchCpuSec: Math.max(0, sampler.benchCpuSec - cpuBeforeSec) };
}

async function lookAfter(stage: Stage, before: Before, driven: Driven): Promise<WatchedLoad> {
  const { lab, backend, gateway } = stage;
  const groups = { ...processGroups(stage, before.sampler), load: driven.load.processGroup };
  const used = usageSince(before.used, await readUsage(stage, groups));
  const machine = await readMachine(lab.client);
  const samples = await before.sampler.finish();
  const connects = await before.probe?.finish();
  for (const { process, collectors } of partiesOf(stage)) {
    for (const collector of collectors) await collector.atEnd?.(process, stage.signal);
  }
  const sockets = await readSockets(lab);
  const observed = { lab: lab.kind, samples, after: await readCounters(lab) };
  const result = await finishLoad(driven.load);
  before.clock.throwIfSet();
  const bench = { cpuSec: driven.benchCpuSec, rssPeakBytes: Deno.memoryUsage().rss };
  const processes = { ...used, sampler: addUsage(used.sampler, bench) };
  return {
    startMs: driven.startMs,
    result,
    observation: {
      ...connects === undefined ? observed : withoutProbe(observed, connects),
      before: before.counters,
      sockets,
      backendPort: backend.port,
      furtherBackendPorts: stage.furtherBackends.map(({ port }) => port),
      gatewayPort: gateway?.port,
    },
    connects,
    processes,
    machine: machineUse(before.machine, machine, cpuSecOf(processes)),
  };
}

/** Reads what the parties have used until now: all backends together. */
async function readUsage<Groups extends { readonly backend: number }>(
  { lab, furtherBackends }: Stage,
  groups: Groups,
) {
  const usage = await readProcessUsage(lab.client, groups);
  let backend: ProcessUsage = usage.backend!;
  for (const { process: { processGroup } } of furtherBackends) {
    const { further } = await readProcessUsage(lab.client, { further: processGroup });
    backend = addUsage(backend, further);
  }
  return { ...usage, backend };
}

/**
 * The process groups that run before the load does, by the names under which the results keep what they have
 * used.
 */
function processGroups({ backend, gateway }: Stage, sampler: RunningSampler) {
  return {
    backend: backend.process.processGroup,
    gateway: gateway?.process.processGroup,
    sampler: sampler.process.processGroup,
  };
}

/** The CPU time of all parties together, in seconds. */
function cpuSecOf(processes: Processes): number {
  const all: (ProcessUsage | null)[] = Object.values(processes);
  return all.reduce((sum, usage) => sum + (usage?.cpuSec ?? 0), 0);
}
