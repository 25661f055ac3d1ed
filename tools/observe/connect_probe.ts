/**
 * A probe that times connects from a host to a service while a load runs: how long a new connection of the
 * gateway would have to wait.
 *
 * @module
 */

import type { Amount } from "../figures.ts";
import { deadline } from "@std/async/deadline";
import { type Host } from "../lab/host.ts";
import { reasonOfExit, type RunningProcess } from "../lab/process.ts";
import PROBE from "./connect_probe.sh" with { type: "text" };

/** Connects, in the order in which they were tried. */
export interface ConnectTimes {
  /** When each was tried, in milliseconds since the first. */
  readonly timeMs: readonly Amount[];
  /** How long each took, in microseconds; `null` where it failed. */
  readonly connectUs: readonly (Amount | null)[];
}

/** A probe at work. Disposing it ends it. */
export interface RunningProbe extends AsyncDisposable {
  /** The probing process. */
  readonly process: RunningProcess;
  /**
   * Ends the probe and returns what it has seen.
   *
   * @throws {Error} when it has ended before, or somebody has stopped it (SIGSTOP).
   */
  finish(): Promise<ConnectTimes>;
}

/** Time between two connects, in milliseconds. */
const PROBE_INTERVAL_MS = 50;

/**
 * How long the start and the end wait for a connect, in milliseconds. Where nothing answers, a connect takes
 * minutes.
 */
const CONNECT_WAIT_MS = 1_000;

/**
 * Starts a probe on a host. Returns when its first connect has succeeded or failed, at the latest after a
 * second.
 *
 * Each connect holds an ephemeral port of the host while it lasts, and the kernel counts it as a connection
 * that the host opened.
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
      // The script times by the wall clock. A negative time shows that somebody set the clock back in
      // between.
      if (Number(us) < 0) return;
      timeMs.push(atMs - firstMs);
      connectUs.push(us === "-" ? null : Number(us));
      began.resolve();
    },
  });
  process.exited.then(() => began.resolve());
  await deadline(began.promise, CONNECT_WAIT_MS).catch(() => {});
  return {
    process,
    async finish() {
      await process.closeInput();
      const status = await deadline(process.exited, CONNECT_WAIT_MS).catch(() => undefined);
      if (status === undefined) {
        // It waits for a connect, which is what it is for, unless somebody has stopped it.
        const [state] = await host.readProc(`/proc/${process.pid}/status`);
        await process.stop();
        if (/^State:\s*[Tt]/m.test(state ?? "")) throw new Error("the probe of connects stood still");
      } else if (status.code !== 0) {
        throw new Error(`the probe of connects failed: ${reasonOfExit(status)}`);
      }
      return { timeMs, connectUs };
    },
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}
