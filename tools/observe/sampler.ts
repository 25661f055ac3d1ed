/**
 * Samples of every host's TCP state while a load runs, and its counters before and after.
 *
 * @module
 */

import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";
import { type Host } from "../lab/host.ts";
import { type AnyLab, hostsOf } from "../lab/any_lab.ts";
import type { Lab } from "../lab/lab.ts";
import type { ClockOffset } from "../lab/remote/clock.ts";
import { endInTime, inTime } from "../lab/in_time.ts";
import { reasonOfExit, type RunningProcess } from "../lab/process.ts";
import { readOwnCpuSec } from "./process_usage.ts";
import SAMPLE_TCP from "./sample_tcp.sh" with { type: "text" };
import { addCounters, parseTcpCounters, TCP_COUNTER_FILES, type TcpCounters } from "./tcp_counters.ts";

/** The part of a host's TCP state that is sampled; see {@linkcode TcpCounters}. */
export type TcpState = Pick<TcpCounters, "timeWait" | "established" | "connectionsOpened">;

/** One reading of all hosts. */
export interface Sample {
  /** Milliseconds since the first sample, in steps of 10, by a clock that nobody sets. */
  readonly timeMs: number;
  /** What each host's tables showed; where the hosts share one table, the same under all three names. */
  readonly hosts: Readonly<Record<HostName, TcpState>>;
}

/** Time between two samples, in milliseconds. */
export const SAMPLE_INTERVAL_MS = 100;

/** Samples that a sampler writes at a time. */
export const SAMPLES_PER_WRITE = 5;

/** A sampler at work. Disposing it ends it. */
export interface RunningSampler extends AsyncDisposable {
  /** The sampling processes, each with its host. One that ends early leaves the load without samples. */
  readonly parts: readonly { readonly host: Host; readonly process: RunningProcess }[];
  /**
   * CPU time that this process, the bench, had used when it was handed its latest sample, in seconds. The
   * bench does nothing but take samples while a load runs, so what it uses up to the last sample of the load
   * is a cost of sampling too.
   */
  readonly benchCpuSec: number;
  /**
   * Takes a last sample and returns all of them, the first of which was taken at the start.
   *
   * @param beganMs when the load began, by `performance.now()`. What was sampled on several machines begins
   * with the last sample before that.
   * @throws {Error} when the sampler has failed, or does not end in time.
   */
  finish(beganMs?: number): Promise<Sample[]>;
  /**
   * How the clock of each host stands to `performance.now()`, once finished. Empty where one clock times all.
   */
  readonly clocks: ReadonlyMap<Host, ClockOffset>;
}

/**
 * Starts to sample the hosts of a lab every {@linkcode SAMPLE_INTERVAL_MS}. Returns when the first sample has
 * been taken. `onSample` is called up to half a second late, because the sampler writes five samples at a
 * time: few writes cost less CPU than many.
 */
export async function startSampler(lab: Lab, onSample: (sample: Sample) => void): Promise<RunningSampler> {
  const samples: Sample[] = [];
  let startMs: number | undefined;
  let benchCpuSec = readOwnCpuSec();
  const began = Promise.withResolvers<void>();
  const hosts = HOST_NAMES.map((name) => lab[name]);
  const directories = await Promise.all(hosts.map((host) => host.procNet()));
  const args = [String(SAMPLE_INTERVAL_MS / 1000), String(SAMPLES_PER_WRITE), ...directories];
  await using stack = new AsyncDisposableStack();
  const process = stack.use(
    await lab.client.startScript(SAMPLE_TCP, args, {
      name: "the sampler",
      onStdout: (line) => {
        const sample = parseSample(line);
        startMs ??= sample.timeMs;
        samples.push({ ...sample, timeMs: sample.timeMs - startMs });
        began.resolve();
        onSample(samples.at(-1)!);
        benchCpuSec = readOwnCpuSec();
      },
    }),
  );
  began.promise.catch(() => {});
  process.exited.then((status) => began.reject(new Error(`the sampler ended: ${reasonOfExit(status)}`)));
  await inTime(began.promise, "the sampler took no sample");
  const owned = stack.move();
  return {
    parts: [{ host: lab.client, process }],
    clocks: new Map(),
    get benchCpuSec() {
      return benchCpuSec;
    },
    async finish() {
      await process.closeInput();
      await endInTime(process);
      return samples;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** Parses a line of sample_tcp.sh. Its time is the time since boot. */
export function parseSample(line: string): Sample {
  const [sec, ...figures] = line.split(" ").map(Number);
  if (!/^\d+\.\d+( \d+)+$/.test(line) || figures.length !== 3 * HOST_NAMES.length) {
    throw new Error(`the sampler printed a line that is no sample: ${line}`);
  }
  const entries = HOST_NAMES.map((name, i) => {
    const [timeWait, established, connectionsOpened] = figures.slice(3 * i, 3 * i + 3);
    return [name, { timeWait, established, connectionsOpened }];
  });
  return { timeMs: Math.round(sec! * 1000), hosts: Object.fromEntries(entries) };
}

/**
 * Reads the counters of every host of a lab. Hosts that share one table, as in a host lab, are read once;
 * those of several clients are added up; and those of a party that is not watched are 0.
 */
export function readCounters(lab: AnyLab): Promise<Record<HostName, TcpCounters>> {
  return readEachHost(lab, addCounters, async (host) => {
    const texts = await host.readProc(...TCP_COUNTER_FILES);
    const missing = texts.indexOf(undefined);
    if (missing >= 0) throw new Error(`${TCP_COUNTER_FILES[missing]} of ${host.name} cannot be read`);
    const [sockstat, snmp, netstat] = texts as string[];
    return parseTcpCounters(sockstat!, snmp!, netstat!);
  });
}

/**
 * Reads something of every host of a lab. A host that stands under several names is read once.
 *
 * @param together makes one thing of what was read of several hosts of a party, or of none.
 */
export async function readEachHost<T>(
  lab: AnyLab,
  together: (all: readonly T[]) => T,
  read: (host: Host) => Promise<T>,
): Promise<Record<HostName, T>> {
  const started = new Map<Host, Promise<T>>();
  for (const host of new Set(HOST_NAMES.flatMap((name) => hostsOf(lab, name)))) started.set(host, read(host));
  const entries = HOST_NAMES.map(async (name) => {
    const [only, ...others] = await Promise.all(hostsOf(lab, name).map((host) => started.get(host)!));
    return [
      name,
      only !== undefined && others.length === 0
        ? only
        : together([only, ...others].flatMap((one) => one === undefined ? [] : [one])),
    ];
  });
  return Object.fromEntries(await Promise.all(entries));
}
