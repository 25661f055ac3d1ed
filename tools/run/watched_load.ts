/**
 * The load that counts, and everything that is observed before, while and after it runs.
 *
 * @module
 */

import { type AnyLab, hostsOf } from "../lab/any_lab.ts";
import type { Host } from "../lab/host.ts";
import type { RunningProcess } from "../lab/process.ts";
import type { LoadGenerator, LoadOptions, LoadReport, LoadResult, RunningLoad } from "../load/load.ts";
import { type LoadClient, startLoad } from "../load/start_load.ts";
import { busiestPort, type Observation, withoutProbe } from "../observe/attribution.ts";
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
import { noStates, startMachinesSampler } from "../observe/machines_sampler.ts";
import { mostApart } from "../observe/overlay.ts";
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
  readonly lab: AnyLab;
  /** Where the load comes from: the lab's client, or given hosts that share it. */
  readonly clients: Host | readonly LoadClient[];
  /** The servers at the end; none where they run already. */
  readonly backends: readonly Party[];
  /**
   * What stands in between; `undefined` where it runs already, and where the load goes straight at the
   * backend.
   */
  readonly gateway: Party | undefined;
  /** The ports on which they listen. */
  readonly ports: ServicePorts;
  /** What makes the load. */
  readonly generator: LoadGenerator;
  /** How much load, and where it goes. */
  readonly load: LoadOptions;
  /** Ends the load early. */
  readonly signal: AbortSignal;
}

/** The ports on which the parties of a stage listen. */
export interface ServicePorts {
  /** Of the backends; empty where they run already and nobody has said where. */
  readonly backends: readonly number[];
  /** Of the gateway; `undefined` where the load goes straight at the backend. */
  readonly gateway: number | undefined;
}

/** What a load has come to, and what was observed of it. */
export interface WatchedLoad extends Pick<Measured, "processes" | "machine"> {
  /** When it began, by `performance.now()`. */
  readonly startMs: number;
  /** What the load generators have measured together. */
  readonly result: LoadResult;
  /** What each of them has counted, and used of its host's CPUs. */
  readonly parts: readonly WatchedPart[];
  /** How much of the CPU time of each party's hosts was left over, in their order. */
  readonly idleShares: Readonly<Record<HostName, readonly number[]>>;
  /** By how much series may be shifted against each other, in milliseconds; 0 where one clock times all. */
  readonly clockErrorMs: number;
  /** What the TCP tables have shown, without the connections of the probe. */
  readonly observation: Omit<Observation, "socketsBefore">;
  /** What the probe has seen; `undefined` where there was none. */
  readonly connects: ConnectTimes | undefined;
}

/** What one load generator has counted, and the CPU time of its processes in seconds. */
export interface WatchedPart {
  /** Where it ran. */
  readonly host: Host;
  /** What it has counted. */
  readonly report: LoadReport;
  /** When it began, by `performance.now()`, as far as it says. */
  readonly beganMs: number;
  /** What it has used. */
  readonly cpuSec: number;
}

/** How a load is watched. */
export interface WatchOptions {
  /** Whether a probe times connects from the gateway's host to the backend. */
  readonly probeConnects: boolean;
  /** Called with each sample of the TCP tables. */
  readonly onSample: (hosts: Readonly<Record<HostName, TcpState>>) => void;
}

/** The parties of a stage that were started: the backends, and the gateway where there is one. */
export function partiesOf({ backends, gateway }: Stage): Party[] {
  return [...backends, ...(gateway === undefined ? [] : [gateway])];
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
  readonly used: Used;
  readonly counters: Readonly<Record<HostName, TcpCounters>>;
  readonly machines: ReadonlyMap<Host, MachineReading>;
}

async function lookBefore(
  stage: Stage,
  { probeConnects, onSample }: WatchOptions,
  stack: AsyncDisposableStack,
): Promise<Before> {
  const { lab, backends } = stage;
  const sampler = stack.use(await startSamplerOf(lab, onSample));
  const used = await readUsage(lab, groupsOf(stage, sampler));
  const counters = await readCounters(lab);
  const [probing] = probeConnects ? hostsOf(lab, "gateway") : [];
  const probe = probing === undefined ? undefined : stack.use(await startConnectProbe(probing, backends[0]!));
  const machines = await readMachines(lab);
  return { sampler, probe, used, counters, machines, clock: startClockCheck() };
}

async function startSamplerOf(lab: AnyLab, onSample: WatchOptions["onSample"]): Promise<RunningSampler> {
  if (lab.kind !== "remote") return await startSampler(lab, ({ hosts }) => onSample(hosts));
  const latest = noStates();
  return await startMachinesSampler(lab, (name, state) => {
    latest[name] = state;
    onSample(latest);
  });
}

/**
 * Reads what each machine has done since it was started. In a lab of our own there is one, seen by the
 * client.
 */
async function readMachines(lab: AnyLab): Promise<Map<Host, MachineReading>> {
  const hosts = lab.kind === "remote" ? lab.all : [lab.client];
  return new Map(await Promise.all(hosts.map(async (host) => [host, await readMachine(host)] as const)));
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
  const { clients, generator, signal } = stage;
  let startMs = 0;
  const onBegin = () => {
    startMs = performance.now();
    for (const { collectors } of partiesOf(stage)) {
      for (const collector of collectors) collector.begin(startMs);
    }
  };
  const load = stack.use(await startLoad(generator, clients, stage.load, { onBegin }));
  const cpuBeforeSec = readOwnCpuSec();
  try {
    const observers = [...sampler.parts, ...(probe === undefined ? [] : [probe])].map(({ process }) =>
      process
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
  const { lab, ports } = stage;
  const { generators } = driven.load;
  const later = await readUsage(lab, [
    ...groupsOf(stage, before.sampler),
    ...generators.map(({ host, processGroup }) => ({ name: "load" as const, host, processGroup })),
  ]);
  const machines = await readMachines(lab);
  const samples = await before.sampler.finish(driven.startMs);
  const connects = await before.probe?.finish();
  for (const { process, collectors } of partiesOf(stage)) {
    for (const collector of collectors) await collector.atEnd?.(process, stage.signal);
  }
  const sockets = await readSockets(lab);
  const observed = { lab: lab.kind, samples, after: await readCounters(lab) };
  for (const { collectors } of partiesOf(stage)) {
    for (const collector of collectors) collector.over?.();
  }
  const result = await finishLoad(driven.load);
  // wrk measures by the wall clock of its own machine.
  if (lab.kind !== "remote") before.clock.throwIfSet();
  const [backendPort = busiestPort(sockets.gateway, ports.gateway) ?? 0, ...furtherBackendPorts] =
    ports.backends;
  const used = later.map((group, i) => ({ ...group, usage: since(before.used[i]?.usage, group.usage) }));
  const sum = (name: keyof Processes) => togetherOf(used.filter((group) => group.name === name));
  const bench = { cpuSec: driven.benchCpuSec, rssPeakBytes: Deno.memoryUsage().rss };
  const processes: Processes = {
    backend: sum("backend"),
    gateway: sum("gateway"),
    load: sum("load")!,
    sampler: addUsage(sum("sampler")!, bench),
  };
  const [client] = hostsOf(lab, "client");
  return {
    startMs: driven.startMs,
    result,
    parts: generators.map(({ host }, i) => {
      const report = driven.load.reports[i]!;
      const { offsetMs } = before.sampler.clocks.get(host) ?? {};
      return {
        host,
        report,
        beganMs: report.beganMs === undefined || offsetMs === undefined
          ? driven.startMs
          : report.beganMs + offsetMs,
        cpuSec: used.filter(({ name }) => name === "load")[i]!.usage.cpuSec,
      };
    }),
    idleShares: idleSharesOf(lab, before.machines, machines),
    clockErrorMs: mostApart(before.sampler.clocks.values()),
    observation: {
      ...connects === undefined ? observed : withoutProbe(observed, connects),
      before: before.counters,
      sockets,
      backendPort,
      furtherBackendPorts,
      gatewayPort: ports.gateway,
    },
    connects,
    processes,
    // What others do on a machine cannot be told from a gateway that runs there already.
    machine: lab.kind === "remote"
      ? null
      : machineUse(before.machines.get(client!)!, machines.get(client!)!, cpuSecOf(processes)),
  };
}

/** How much of the CPU time of each party's machines was left over. */
function idleSharesOf(
  lab: AnyLab,
  before: ReadonlyMap<Host, MachineReading>,
  after: ReadonlyMap<Host, MachineReading>,
): Record<HostName, number[]> {
  const of = (name: HostName) =>
    hostsOf(lab, name).flatMap((host) => {
      const [was, is] = [before.get(host), after.get(host)];
      return was === undefined || is === undefined ? [] : [machineUse(was, is, 0).idle];
    });
  return { client: of("client"), gateway: of("gateway"), backend: of("backend") };
}

/** A process group of a party, and where it runs. */
interface Group {
  readonly name: keyof Processes;
  readonly host: Host;
  readonly processGroup: number;
}

/** What each process group has used. */
type Used = readonly (Group & { readonly usage: ProcessUsage })[];

/** The process groups that run before the load does. */
function groupsOf({ backends, gateway }: Stage, sampler: RunningSampler): Group[] {
  const of = (name: keyof Processes, { host, process }: Pick<Party, "host" | "process">) => {
    return { name, host, processGroup: process.processGroup };
  };
  return [
    ...backends.map((party) => of("backend", party)),
    ...(gateway === undefined ? [] : [of("gateway", gateway)]),
    ...sampler.parts.map((part) => of("sampler", part)),
  ];
}

/** Reads what process groups have used until now: in a lab of our own, which is on one machine, in one go. */
async function readUsage(lab: AnyLab, groups: readonly Group[]): Promise<Used> {
  const readers = Map.groupBy(groups, ({ host }) => lab.kind === "remote" ? host : lab.client);
  const usages = new Map<Group, ProcessUsage>();
  await Promise.all([...readers].map(async ([reader, some]) => {
    const usage = await readProcessUsage(
      reader,
      Object.fromEntries(some.map(({ processGroup }, i) => [String(i), processGroup])),
    );
    for (const [i, group] of some.entries()) usages.set(group, usage[String(i)]!);
  }));
  return groups.map((group) => ({ ...group, usage: usages.get(group)! }));
}

function since(earlier: ProcessUsage | undefined, later: ProcessUsage): ProcessUsage {
  return earlier === undefined ? later : usageSince({ one: earlier }, { one: later }).one;
}

/** What several groups have used; `null` for none. */
function togetherOf(used: Used): ProcessUsage | null {
  const [first, ...others] = used;
  if (first === undefined) return null;
  return others.reduce((sum, { usage }) => addUsage(sum, usage), first.usage);
}

/** The CPU time of all parties together, in seconds. */
function cpuSecOf(processes: Processes): number {
  const all: (ProcessUsage | null)[] = Object.values(processes);
  return all.reduce((sum, usage) => sum + (usage?.cpuSec ?? 0), 0);
}
