/**
 * One repetition: a fresh lab, the parties in it, a load, and what was seen of it.
 *
 * @module
 */

import { type HostName } from "../scenario/host_names.ts";
import { type RunOptions } from "../scenario/plan.ts";
import { runWarmUp, untilOver, whileAllRun } from "./drive.ts";
import type { HostSysctls } from "../lab/machine_knobs.ts";
import type { Lab, LabKind } from "../lab/lab.ts";
import { openLab } from "../lab/open_lab.ts";
import type { RunningProcess } from "../lab/process.ts";
import { parseKnobs } from "../scenario/sysctls.ts";
import { setKnobs } from "../lab/knobs.ts";
import type { LoadGenerator, LoadResult } from "../load/load.ts";
import { startLoad } from "../load/start_load.ts";
import { startClockCheck } from "../observe/clock_check.ts";
import { type ConnectTimes, startConnectProbe } from "../observe/connect_probe.ts";
import { machineUse, readMachine } from "../observe/machine.ts";
import { type ProcessUsage, readOwnCpuSec, readProcessUsage } from "../observe/process_usage.ts";
import { readCounters, startSampler } from "../observe/sampler.ts";
import { readSockets } from "../observe/sockets.ts";
import type { TcpSocket } from "../observe/tcp_table.ts";
import { type Party, startBackendIn, startGatewayIn } from "../parties/lab_parties.ts";
import { type AnsweredCount, startAnsweredCount } from "../observe/answered.ts";
import { hostResults, hostSeries, type Observation, withoutProbe } from "../observe/attribution.ts";
import { type PoolLog, startPoolLog } from "../observe/pool_log.ts";
import { type Measured, openerOf } from "../results/results.ts";
import { type FailureCount, startFailureCount } from "../observe/upstream_failures.ts";

/** What a bench may show while a load runs. */
export interface Progress {
  /** Milliseconds since the load began. */
  readonly elapsedMs: number;
  /** Requests per second that the backend has answered lately. */
  readonly requestsPerSec: number;
  /** Sockets in TIME_WAIT now, on the host that opens the connections to the backend. */
  readonly timeWait: number;
}

/** What a repetition needs to know beside its run. */
export interface RepetitionContext {
  /** The kind of lab that is started for this repetition, and disposed with it. */
  readonly lab: LabKind;
  /** What drives the load; it must be installed, which {@linkcode chooseGenerator} finds out. */
  readonly generator: LoadGenerator;
  /** Ends the repetition early: all that it started is stopped, and nothing is measured. */
  readonly signal: AbortSignal;
  /** What changes the machine's own sysctls in a host lab; without it they stay as they are. */
  readonly hostSysctls?: HostSysctls | undefined;
  /** When the first repetition began, by `performance.now()`. Left out, this is the first. */
  readonly firstStartedMs?: number;
  /** Called twice a second. */
  readonly onProgress?: (progress: Progress) => void;
}

/**
 * Measures a run once.
 *
 * @throws {Error} when a part could not be started, ended early or hung, and the reason of the signal when that
 * aborts. Nothing is left running then.
 */
export async function measureRepetition(options: RunOptions, context: RepetitionContext): Promise<Measured> {
  const { signal } = context;
  signal.throwIfAborted();
  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await openLab(labOf(options, context.lab)));
  signal.throwIfAborted();
  const { sysctls } = options;
  const set = sysctls === undefined
    ? undefined
    : stack.use(await setKnobs(lab, parseKnobs(sysctls), context.hostSysctls));
  const parts = await startParts(stack, lab, options, context);
  const socketsBefore = options.load.warmUpMs > 0 ? await warmUp(parts, options, context) : undefined;
  const seen = await watchLoad(parts, options, context);
  const { backend, gateway, answered, failures, pool } = parts;
  const { startMs, result, connects } = seen;
  if (result.requests === 0) {
    throw new Error(`no request was answered in ${options.load.durationMs / 1000} s`);
  }
  // The gateway logs what it has not yet logged when it ends.
  const ours = options.gateway !== null && "transport" in options.gateway;
  if (ours) await gateway?.process.stop();
  const counters = pool.counters();
  const ports = { backendPort: backend.port, gatewayPort: gateway?.port };
  const observation = { ...seen.tables, socketsBefore, ...ports };
  const hosts = hostResults(observation);
  return {
    startedMs: Math.round(startMs - (context.firstStartedMs ?? startMs)),
    ...result,
    reuseRatio: gateway === undefined ? null : reuseRatioOf(hosts.gateway.connectionsOpened, result.requests),
    hosts,
    processes: seen.processes,
    machine: seen.machine,
    samples: {
      timeMs: seen.tables.samples.map((sample) => sample.timeMs),
      hosts: hostSeries(observation),
      answered: answered.series(),
    },
    ...(set === undefined ? {} : { knobs: set.knobs }),
    ...(ours ? { upstreamFailures: failures.list() } : {}),
    ...(counters === undefined ? {} : { pool: counters }),
    ...(connects === undefined ? {} : { connects }),
  };
}

/** What runs in a lab before any load does, and what listens to it. */
interface Parts {
  readonly lab: Lab;
  readonly backend: Party;
  readonly gateway: Party | undefined;
  /** The process of the backend, then that of the gateway where there is one. */
  readonly running: readonly RunningProcess[];
  /** Where the load goes. */
  readonly url: string;
  readonly answered: AnsweredCount;
  readonly failures: FailureCount;
  readonly pool: PoolLog;
  /** Takes the TIME_WAITs that progress is shown with. */
  readonly showTimeWait: (timeWait: number) => void;
}

/** Starts the parties of a run on the stack. */
async function startParts(
  stack: AsyncDisposableStack,
  lab: Lab,
  options: RunOptions,
  { signal, onProgress }: RepetitionContext,
): Promise<Parts> {
  let timeWait = 0;
  const answered = startAnsweredCount((elapsedMs, requestsPerSec) =>
    onProgress?.({ elapsedMs, requestsPerSec, timeWait })
  );
  const failures = startFailureCount();
  const pool = startPoolLog();
  const backend = stack.use(await startBackendIn(lab, options.backend, answered.add, signal));
  const gateway = options.gateway === null ? undefined : stack.use(
    await startGatewayIn(lab, options.gateway, backend, {
      signal,
      onStdout: pool.add,
      onStderr: failures.add,
    }),
  );
  return {
    lab,
    backend,
    gateway,
    running: [backend, gateway].flatMap((party) => party?.process ?? []),
    url: (gateway ?? backend).url,
    answered,
    failures,
    pool,
    showTimeWait: (now) => timeWait = now,
  };
}

/** Runs a load that does not count, waits until all that it did was told, and returns the sockets that it has left. */
async function warmUp(
  { lab, gateway, running, url, answered, failures, pool }: Parts,
  options: RunOptions,
  { generator, signal }: RepetitionContext,
): Promise<Record<HostName, TcpSocket[]>> {
  const { latencyMs } = options.backend;
  const load = { ...options.load, durationMs: options.load.warmUpMs, url };
  await runWarmUp(
    lab,
    () => startLoad(generator, lab.client, load),
    { ...load, latencyMs },
    running,
    signal,
  );
  await whileAllRun(answered.heard(), running, signal);
  await whileAllRun(failures.heard(), running, signal);
  if (isNetHttp(options)) await whileAllRun(pool.read(gateway!.process), running, signal);
  return await readSockets(lab);
}

/** What was seen while a load ran. */
interface Seen extends Pick<Measured, "processes" | "machine"> {
  /** When it began, by `performance.now()`. */
  readonly startMs: number;
  readonly result: LoadResult;
  readonly tables: Pick<Observation, "lab" | "samples" | "before" | "after" | "sockets">;
  readonly connects: ConnectTimes | undefined;
}

/** Drives the load that counts, and looks at everything before, while and after it runs. */
async function watchLoad(
  { lab, backend, gateway, running, url, answered, failures, showTimeWait }: Parts,
  options: RunOptions,
  { generator, signal }: RepetitionContext,
): Promise<Seen> {
  await using stack = new AsyncDisposableStack();
  const opener = openerOf(options);
  let benchCpuSec = 0;
  let over = false;
  const sampler = stack.use(
    await startSampler(lab, ({ hosts }) => {
      showTimeWait(hosts[opener].timeWait);
      if (!over) benchCpuSec = readOwnCpuSec();
    }),
  );
  const observed = [...running.map((process) => process.processGroup), sampler.processGroup];
  const usedBefore = await readProcessUsage(lab.client, observed);
  const before = await readCounters(lab);
  const probe = options.probeConnects ? stack.use(await startConnectProbe(lab.gateway, backend)) : undefined;
  const machineBefore = await readMachine(lab.client);
  const clock = startClockCheck();
  const startMs = performance.now();
  for (const count of [answered, failures]) count.begin(startMs);
  const driven = stack.use(await startLoad(generator, lab.client, { ...options.load, url }));
  const benchCpuBeforeSec = readOwnCpuSec();
  await untilOver(driven, options.load, running, signal).catch((error) => {
    // A load generator may stumble over it.
    if (!signal.aborted) clock.throwIfSet();
    throw error;
  });
  over = true;

  const used = await readProcessUsage(lab.client, [...observed, driven.processGroup]);
  const machineAfter = await readMachine(lab.client);
  const sampled = await sampler.finish();
  const connects = await probe?.finish();
  const sockets = await readSockets(lab);
  const counted = { lab: lab.kind, samples: sampled, after: await readCounters(lab) };
  const result = await driven.finish();
  clock.throwIfSet();
  const usage = used.map((group, i) => since(usedBefore[i], group));
  const sampling = withBench(usage.at(-2)!, Math.max(0, benchCpuSec - benchCpuBeforeSec));
  const ofBench = [...usage.slice(0, -2), sampling, usage.at(-1)!];
  return {
    startMs,
    result,
    tables: { ...connects === undefined ? counted : withoutProbe(counted, connects), before, sockets },
    connects,
    processes: {
      backend: usage[0]!,
      gateway: gateway === undefined ? null : usage[1]!,
      sampler: sampling,
      load: usage.at(-1)!,
    },
    machine: machineUse(machineBefore, machineAfter, ofBench.reduce((sum, { cpuSec }) => sum + cpuSec, 0)),
  };
}

function isNetHttp({ gateway }: RunOptions): boolean {
  return gateway !== null && "transport" in gateway && gateway.transport === "net-http";
}

/** A run on loopback needs a namespace of its own, so that others can be measured across the links of the same lab. */
function labOf({ loopback }: RunOptions, lab: LabKind): LabKind {
  if (loopback === false && lab === "host") {
    throw new Error("it is about a network that is not loopback, and a host lab has no other");
  }
  return loopback === true && lab === "private" ? "loopback" : lab;
}

/** 1 − connections ÷ requests; 0 where more connections were opened than requests answered. */
function reuseRatioOf(connectionsOpened: number, requests: number): number | null {
  return requests === 0 ? null : Math.max(0, 1 - connectionsOpened / requests);
}

/** What was used since an earlier reading, where there was one; peak memory is that of now. */
function since(earlier: ProcessUsage | undefined, now: ProcessUsage): ProcessUsage {
  return { ...now, cpuSec: roundMs(now.cpuSec - (earlier?.cpuSec ?? 0)) };
}

/** What sampling has used: its own process, and the bench up to the last sample, as it does nothing else meanwhile. */
function withBench(sampler: ProcessUsage, benchCpuSec: number): ProcessUsage {
  return {
    cpuSec: roundMs(sampler.cpuSec + benchCpuSec),
    rssPeakBytes: sampler.rssPeakBytes + Deno.memoryUsage().rss,
  };
}

function roundMs(seconds: number): number {
  return Math.round(seconds * 1000) / 1000;
}
