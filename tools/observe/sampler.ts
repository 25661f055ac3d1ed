/**
 * Samples of every host's TCP counters while a load runs.
 *
 * @module
 */

import { type Host, HOST_NAMES, type HostName } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { parseTcpCounters, TCP_COUNTER_FILES, type TcpCounters } from "./tcp_counters.ts";

/** One reading of all hosts. */
export interface HostCounters {
  /** Milliseconds since the first reading. */
  readonly timeMs: number;
  readonly hosts: Readonly<Record<HostName, TcpCounters>>;
}

/** Time between two samples, in milliseconds. */
export const SAMPLE_INTERVAL_MS = 100;

/** Reads the counters of every host of a lab. Where hosts share their tables, as in a host lab, they are read once. */
export async function readCounters(lab: Lab): Promise<Record<HostName, TcpCounters>> {
  const read = new Map<Host, Promise<TcpCounters>>();
  for (const host of Object.values(lab.hosts)) if (!read.has(host)) read.set(host, readHost(host));
  const entries = HOST_NAMES.map(async (name) => [name, await read.get(lab.hosts[name])!]);
  return Object.fromEntries(await Promise.all(entries));
}

/**
 * Samples a lab until the signal aborts, the first time at once. An interval that a slow reading has missed is
 * left out, not made up for.
 */
export async function* sampleCounters(lab: Lab, signal: AbortSignal): AsyncGenerator<HostCounters> {
  const startMs = performance.now();
  for (let tick = 0; !signal.aborted;) {
    const timeMs = performance.now() - startMs;
    yield { timeMs, hosts: await readCounters(lab) };
    tick = Math.floor((performance.now() - startMs) / SAMPLE_INTERVAL_MS) + 1;
    await waitUntil(startMs + tick * SAMPLE_INTERVAL_MS, signal);
  }
}

async function readHost(host: Host): Promise<TcpCounters> {
  const texts = await host.readProc(...TCP_COUNTER_FILES);
  const missing = texts.indexOf(undefined);
  if (missing >= 0) throw new Error(`${TCP_COUNTER_FILES[missing]} of ${host.name} cannot be read`);
  const [sockstat, snmp, netstat] = texts as string[];
  return parseTcpCounters(sockstat!, snmp!, netstat!);
}

/** Waits until `performance.now()` reaches the time, or the signal aborts. */
function waitUntil(timeMs: number, signal: AbortSignal): Promise<void> {
  const { promise, resolve } = Promise.withResolvers<void>();
  const timer = setTimeout(resolve, timeMs - performance.now());
  const onAbort = () => {
    clearTimeout(timer);
    resolve();
  };
  signal.addEventListener("abort", onAbort, { once: true });
  return promise.finally(() => signal.removeEventListener("abort", onAbort));
}
