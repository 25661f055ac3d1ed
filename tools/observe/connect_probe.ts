/**
 * A probe that times connects from a host to a service while a load runs: what a gateway's next connection would
 * have to wait for.
 *
 * @module
 */

import { type Host } from "../lab/host.ts";
import PROBE from "./connect_probe.sh" with { type: "text" };

/** Connects, in the order in which they were tried. */
export interface ConnectTimes {
  /** When each was tried, in milliseconds since the first. */
  readonly timeMs: readonly number[];
  /** How long each took, in microseconds; `null` where it failed. */
  readonly connectUs: readonly (number | null)[];
}

/** A probe at work. Disposing it ends it. */
export interface RunningProbe extends AsyncDisposable {
  /** Ends it and returns what it has seen. */
  finish(): Promise<ConnectTimes>;
}

/** Time between two connects, in milliseconds. */
export const PROBE_INTERVAL_MS = 50;

/** How long a connect is waited for at the start and at the end, in milliseconds: where nothing answers it takes minutes. */
const CONNECT_WAIT_MS = 1_000;

/**
 * Starts a probe on a host; its first connect has been tried when this returns, or takes longer than a second. Each takes an ephemeral port of the
 * host for the 60 s of TIME_WAIT, and is counted where the kernel counts connections.
 */
export async function startConnectProbe(
  host: Host,
  service: { readonly hostname: string; readonly port: number },
): Promise<RunningProbe> {
  const timeMs: number[] = [];
  const connectUs: (number | null)[] = [];
  const began = Promise.withResolvers<void>();
  let firstMs: number | undefined;
  const args = [String(PROBE_INTERVAL_MS / 1000), service.hostname, String(service.port)];
  const process = await host.startScript(PROBE, args, {
    name: "the probe of connects",
    onStdout: (line) => {
      const [sec, us] = line.split(" ");
      const atMs = Math.round(Number(sec) * 1000);
      firstMs ??= atMs;
      // The clock that it is timed by may be set meanwhile, which shows where it is set back.
      if (Number(us) < 0) return;
      timeMs.push(atMs - firstMs);
      connectUs.push(us === "-" ? null : Number(us));
      began.resolve();
    },
  });
  process.exited.then(() => began.resolve());
  const timer = setTimeout(() => began.resolve(), CONNECT_WAIT_MS);
  await began.promise;
  clearTimeout(timer);
  return {
    async finish() {
      await process.closeInput();
      const timer = setTimeout(() => process.stop(), CONNECT_WAIT_MS);
      await process.exited;
      clearTimeout(timer);
      return { timeMs, connectUs };
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
