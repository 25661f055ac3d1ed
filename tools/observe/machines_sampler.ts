/**
 * Samples of machines whose clocks are their own: a stream from each, laid over the others.
 *
 * @module
 */

import { endInTime, inTime } from "../lab/in_time.ts";
import { reasonOfExit, type RunningProcess } from "../lab/process.ts";
import type { Host } from "../lab/host.ts";
import type { ClockOffset } from "../lab/remote/clock.ts";
import type { RemoteHost } from "../lab/remote/remote_host.ts";
import type { RemoteLab } from "../lab/remote/remote_lab.ts";
import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";
import { type HostSample, type HostStream, middleOf, overlay, parseHostSample } from "./overlay.ts";
import { readOwnCpuSec } from "./process_usage.ts";
import SAMPLE_HOST from "./sample_host.sh" with { type: "text" };
import { type RunningSampler, SAMPLE_INTERVAL_MS, SAMPLES_PER_WRITE, type TcpState } from "./sampler.ts";

interface Sampled {
  readonly name: HostName;
  readonly host: RemoteHost;
  readonly process: RunningProcess;
  readonly samples: readonly HostSample[];
  readonly clockBefore: ClockOffset;
}

/**
 * Starts to sample each machine of a lab every {@linkcode SAMPLE_INTERVAL_MS}, and reads its clock. Returns
 * when the first sample of each has come.
 *
 * @param onSample is called with what a machine showed, up to half a second later.
 * @throws {Error} where a machine cannot be sampled.
 */
export async function startMachinesSampler(
  lab: RemoteLab,
  onSample: (name: HostName, state: TcpState) => void,
): Promise<RunningSampler> {
  await using stack = new AsyncDisposableStack();
  let benchCpuSec = readOwnCpuSec();
  const all: [HostName, RemoteHost][] = [
    ...lab.clients.map((host): [HostName, RemoteHost] => ["client", host]),
    ...(lab.gateway === undefined ? [] : [["gateway", lab.gateway] as [HostName, RemoteHost]]),
    ...(lab.backend === undefined ? [] : [["backend", lab.backend] as [HostName, RemoteHost]]),
  ];
  const started = await Promise.allSettled(all.map(async ([name, host]) => {
    const one = await startStream(name, host, (state) => {
      onSample(name, state);
      benchCpuSec = readOwnCpuSec();
    });
    stack.use(one.process);
    return one;
  }));
  const parts = started.map((start) => {
    if (start.status === "rejected") throw start.reason;
    return start.value;
  });
  const clocks = new Map<Host, ClockOffset>();
  const owned = stack.move();
  return {
    parts,
    get benchCpuSec() {
      return benchCpuSec;
    },
    clocks,
    async finish(beganMs = 0) {
      await Promise.all(parts.map(async ({ process }) => {
        await process.closeInput();
        await endInTime(process);
      }));
      const streams = await Promise.all(
        parts.map(async ({ name, host, samples, clockBefore }): Promise<HostStream> => {
          const clock = middleOf(clockBefore, await host.clock());
          clocks.set(host, clock);
          return { name, samples, clock };
        }),
      );
      return overlay(streams, beganMs);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

async function startStream(
  name: HostName,
  host: RemoteHost,
  onSample: (state: TcpState) => void,
): Promise<Sampled> {
  const clockBefore = await host.clock();
  const samples: HostSample[] = [];
  const began = Promise.withResolvers<void>();
  began.promise.catch(() => {});
  const argv = [
    "sh",
    "-c",
    SAMPLE_HOST,
    "sampler",
    String(SAMPLE_INTERVAL_MS / 1000),
    String(SAMPLES_PER_WRITE),
  ];
  const process = await host.start({
    name: `the sampler of the ${host.name}`,
    argv,
    onStdout: (line) => {
      samples.push(parseHostSample(line));
      began.resolve();
      onSample(samples.at(-1)!);
    },
  });
  process.exited.then((status) => began.reject(new Error(`${process.name} ended: ${reasonOfExit(status)}`)));
  try {
    await inTime(began.promise, `${process.name} took no sample`);
  } catch (error) {
    await process.stop();
    throw error;
  }
  return { name, host, process, samples, clockBefore };
}

/** All zeros, for hosts of which nothing has come yet. */
export function noStates(): Record<HostName, TcpState> {
  const none = { timeWait: 0, established: 0, connectionsOpened: 0 };
  return Object.fromEntries(HOST_NAMES.map((name) => [name, none])) as Record<HostName, TcpState>;
}
