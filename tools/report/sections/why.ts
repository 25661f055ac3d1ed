/**
 * The sentences below the table: what opened and closed the connections, how long the ports last, what to set.
 *
 * @module
 */

import { type HttpClientPlan, type NetHttpPlan } from "../../scenario/plan.ts";
import { type Environment, type Measured, measuredOf, type Run } from "../../results/results.ts";
import { estimateMedian } from "../../verdict/intervals.ts";
import { failuresOf } from "../../observe/upstream_failures.ts";
import { describeClosed } from "../../transport/pool/counters.ts";
import { resolvePoolLimits } from "../../transport/pool/limits.ts";
import type { TimeWaitGroup } from "../../observe/tcp_table.ts";
import { formatCount, formatRatio, formatSeconds, formatShare } from "../format.ts";

/** How long a socket stays in TIME_WAIT on Linux, in seconds: `TCP_TIMEWAIT_LEN` of include/net/tcp.h, not a sysctl. */
export const TIME_WAIT_SEC = 60;

/** From this share of requests that cost a new connection on, once the pool is warm, a pool counts as too small. */
export const CHURN_SHARE = 0.01;

/** What a run's connections to the backend did, as medians over its repetitions. */
export interface Churn {
  /** Requests that the load generator got answers to. */
  readonly requests: number;
  /** Connections that the gateway opened while the load ran. */
  readonly connectionsOpened: number;
  /** Connections opened ÷ requests: near 0 where they are reused, 1 where none is; 0 without requests. */
  readonly openedPerRequest: number;
  /** Connections opened per second in the second half of the load, when the pool is warm. */
  readonly openedPerSec: number;
  /** TIME_WAITs on the gateway for connections that it had opened to the backend, at the end of the load. */
  readonly timeWaitOnGateway: number;
  /** TIME_WAITs on the backend for connections that it had accepted, at the end of the load. */
  readonly timeWaitOnBackend: number;
  /** TIME_WAITs whose port a new connection took again; 0 where that is not known. */
  readonly timeWaitReused: number;
  /** TIME_WAITs that were thrown away because `tcp_max_tw_buckets` was reached; 0 where that is not known. */
  readonly timeWaitOverflowed: number;
  /** Whether a warm-up came before the load: its TIME_WAITs are among those at the end. */
  readonly warmedUp: boolean;
  /** Whether connections are used a few times and closed. */
  readonly tooSmall: boolean;
}

/** Looks at what a run's gateway did with its connections; `undefined` for a direct run, and where nothing was measured. */
export function churnOf(run: Run): Churn | undefined {
  const measured = measuredOf(run);
  if (run.options.gateway === null || measured.length === 0) return undefined;
  const median = (of: (repetition: Measured) => number) => estimateMedian(measured.map(of))!.estimate;
  const timeWaitOnGateway = median(({ hosts }) => sumOf(hosts.gateway.timeWaitGroups, "opened"));
  const timeWaitOnBackend = median(({ hosts }) => sumOf(hosts.backend.timeWaitGroups, "accepted"));
  const requests = median((repetition) => repetition.requests);
  const openedPerSec = median(openedOnceWarm);
  return {
    requests,
    connectionsOpened: median(({ hosts }) => hosts.gateway.connectionsOpened),
    openedPerRequest: median(({ hosts, requests }) =>
      requests === 0 ? 0 : hosts.gateway.connectionsOpened / requests
    ),
    openedPerSec,
    timeWaitOnGateway,
    timeWaitOnBackend,
    timeWaitReused: median(({ hosts }) => hosts.gateway.timeWaitReused ?? 0),
    timeWaitOverflowed: median(({ hosts }) => hosts.gateway.timeWaitOverflowed ?? 0),
    warmedUp: run.options.load.warmUpMs > 0,
    tooSmall: portsFailed(run) > 0 ||
      openedPerSec > CHURN_SHARE * median((repetition) => repetition.requestsPerSec),
  };
}

/** Connections opened per second in the second half of a load: those that fill the pool at first are paid for once. */
function openedOnceWarm({ samples }: Measured): number {
  const { timeMs, hosts } = samples;
  const opened = hosts.gateway.connectionsOpened;
  const half = timeMs.findIndex((time) => time >= timeMs.at(-1)! / 2);
  const seconds = (timeMs.at(-1)! - timeMs[half]!) / 1000;
  return seconds > 0 ? (opened.at(-1)! - opened[half]!) / seconds : 0;
}

/** The sentences about one run, as lines of Markdown without bullets. */
export function explainRun(run: Run, environment: Environment): string[] {
  const churn = churnOf(run);
  if (churn === undefined) return [];
  const { requests, connectionsOpened, openedPerRequest } = churn;
  const atEnd = `${formatCount(churn.timeWaitOnGateway)} in TIME_WAIT on the gateway at the end`;
  if (connectionsOpened === 0) {
    return [
      `\`${run.name}\` opened no connection for ${
        formatCount(requests)
      } requests: those it had served them all, ` +
      `${atEnd}.`,
    ];
  }
  const opened =
    `\`${run.name}\` opened ${formatCount(connectionsOpened)} connection${
      connectionsOpened === 1 ? "" : "s"
    } for ` +
    `${formatCount(requests)} ` +
    `requests, ${formatRatio(openedPerRequest)} per request`;
  if (!churn.tooSmall) {
    // A pool may lose some while it settles, or in the warm-up.
    const kept = closedWithoutTimeWait(churn) ? "kept them" : "hardly any once it was warm";
    return [`${opened}, and ${kept}: ${atEnd}.`];
  }
  return [
    `${opened}. ${whoClosed(churn)}${sayWhyClosed(run)}`,
    ...(closedWithoutTimeWait(churn) ? [] : [portsGone(run) ?? portsLeft(churn, environment)]),
    whatToSet(run, churn),
  ];
}

function sumOf(groups: readonly TimeWaitGroup[], side: TimeWaitGroup["side"]): number {
  return groups.filter((group) => group.side === side).reduce((sum, group) => sum + group.timeWait, 0);
}

/** Whether so few of the connections that were opened are in TIME_WAIT that they were closed otherwise. */
function closedWithoutTimeWait({ timeWaitOnGateway, timeWaitOnBackend, connectionsOpened }: Churn): boolean {
  return timeWaitOnGateway + timeWaitOnBackend < connectionsOpened / 10;
}

function whoClosed(churn: Churn): string {
  const { timeWaitOnGateway, timeWaitOnBackend } = churn;
  if (closedWithoutTimeWait(churn)) {
    return "**They are gone, and few of them are in TIME_WAIT**: closed by a reset, or their TIME_WAIT was thrown away " +
      "or taken again by a sysctl. Each still cost its request a new connection.";
  }
  const gateway = formatCount(timeWaitOnGateway);
  const more = churn.warmedUp && timeWaitOnGateway + timeWaitOnBackend > churn.connectionsOpened
    ? " Those of the warm-up are among them."
    : "";
  const backend = formatCount(timeWaitOnBackend);
  return timeWaitOnGateway >= timeWaitOnBackend
    ? `**The gateway closed them**: who closes first holds the TIME_WAIT, and at the end that was the gateway ` +
      `${gateway} times, the backend ${backend} times.${more}`
    : `**The backend closed them, because the gateway asked it to**: the backend of a bench closes only where a request ` +
      `says \`Connection: close\` or is HTTP/1.0. It holds the TIME_WAIT, ${backend} times at the end, the gateway ` +
      `${gateway} times.${more}`;
}

/** How many connects of the gateway failed for want of a port; 0 where that is not known. */
function portsFailed(run: Run): number {
  const failures = measuredOf(run).map((one) => failuresOf(one.upstreamFailures, "EADDRNOTAVAIL"));
  return estimateMedian(failures)?.estimate ?? 0;
}

/** What a gateway of ours with a pool of its own says of why it closed connections, in its last repetition. */
function sayWhyClosed(run: Run): string {
  const pool = measuredOf(run).at(-1)?.pool;
  if (pool === undefined) return "";
  const closed = describeClosed(pool.closed, formatCount);
  return ` Its pool says why, in the last repetition: it dialed ${
    formatCount(pool.dialed)
  } and kept at most ` +
    `${formatCount(pool.idlePeak)} idle at a time${
      closed.length === 0 ? "" : `; of all that it had, ${closed.join(", ")}`
    }.`;
}

/** That the ports ran out, where they did: an average over the whole run would tell nothing then. */
function portsGone(run: Run): string | undefined {
  const failed = portsFailed(run);
  if (failed === 0) return undefined;
  return `**The ephemeral ports ran out**, and ${formatCount(failed)} connects failed with EADDRNOTAVAIL, ` +
    '"cannot assign requested address".';
}

/** How many ephemeral ports there are, and when they will be used up. */
function portsLeft(
  { openedPerSec, timeWaitOnGateway, timeWaitOnBackend, timeWaitReused, timeWaitOverflowed }: Churn,
  environment: Environment,
): string {
  const range = portRange(environment.sysctls["net.ipv4.ip_local_port_range"]);
  const rate = `At ${formatCount(openedPerSec)} new connections a second`;
  if (timeWaitOnBackend > timeWaitOnGateway) {
    return `${rate}, the backend holds ${
      formatCount(openedPerSec * TIME_WAIT_SEC)
    } TIME_WAITs once ${TIME_WAIT_SEC} s ` +
      "have passed; they cost memory there, and no port on the gateway.";
  }
  if (range === undefined) return `${rate}, each holds an ephemeral port for ${TIME_WAIT_SEC} s.`;
  const ports = `${
    formatCount(range.count)
  } ephemeral ports (${range.first}–${range.last}) towards the backend`;
  const held = openedPerSec * TIME_WAIT_SEC;
  if (held <= range.count) {
    return `${rate}, ${formatCount(held)} of the ${ports} are held by TIME_WAIT for good: ${
      formatShare(held / range.count)
    }.`;
  }
  const value = environment.sysctls["net.ipv4.tcp_tw_reuse"];
  const onLoopback = environment.lab.kind === "host" && value === "2";
  const outSec = formatSeconds(range.count / openedPerSec);
  if (value === "1" || onLoopback || timeWaitReused > 0) {
    return `${rate}, the ${ports} **would run out after ${outSec} s**, were they not taken again after a second: ` +
      `tcp_tw_reuse is ${value} here, which hides the cause and does not cure it.`;
  }
  if (timeWaitOverflowed > 0) {
    return `${rate}, the ${ports} **would run out after ${outSec} s**, were TIME_WAIT states not thrown away: ` +
      "tcp_max_tw_buckets is reached here, which takes away what TIME_WAIT protects from, and does not cure the cause.";
  }
  return `${rate}, the ${ports} **run out after ${outSec} s**; connects get slow ` +
    `from half of that, ${
      formatSeconds(range.count / openedPerSec / 2)
    } s, because the kernel has to search. Then connects fail with EADDRNOTAVAIL, "cannot assign requested address".`;
}

/**
 * Parses `net.ipv4.ip_local_port_range`, both ends included; `undefined` where it was not read or holds no range.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { portRange } from "./why.ts";
 *
 * assertEquals(portRange("32768 60999"), { first: 32768, last: 60999, count: 28232 });
 * ```
 */
export function portRange(
  text: string | undefined,
): { first: number; last: number; count: number } | undefined {
  const [first, last] = (text ?? "").split(" ").map(Number);
  if (!first || !last) return undefined;
  return { first, last, count: last - first + 1 };
}

function whatToSet(run: Run, { timeWaitOnGateway, timeWaitOnBackend }: Churn): string {
  if (timeWaitOnBackend > timeWaitOnGateway) {
    return "**Set** the gateway to keep its connections to the backend: nginx `keepalive` in the upstream, " +
      '`proxy_http_version 1.1` and `proxy_set_header Connection ""`; HAProxy `http-reuse always` and no ' +
      "`option http-server-close`; Go no `DisableKeepAlives`.";
  }
  const { gateway, load } = run.options;
  const connections = formatCount(load.connections);
  const general = `Go: MaxIdleConns and MaxIdleConnsPerHost; nginx: keepalive; HAProxy: pool-max-conn`;
  if (gateway === null || "command" in gateway) {
    return `**Set** the gateway's pool of idle connections to at least the concurrency, ${connections} (${general}).`;
  }
  // An open loop uses no more of them than it needs, and how many these were was not seen.
  const busy = `${
    load.ratePerSec === undefined ? "" : "up to "
  }${connections} connections were busy at a time`;
  const kept = keptOf(gateway);
  if (kept >= load.connections) {
    const limit = kept === Infinity ? "any number of them" : `up to ${formatCount(kept)}`;
    return `**Its pool is large enough**: ${busy}, and it keeps ${limit} when they fall idle. Look for what else opens or ` +
      "closes connections: answers that end theirs, threads that share the pool unevenly, or, in a host lab, other programs " +
      "on this machine.";
  }
  if (gateway.transport === "net-http") {
    const { maxIdleConns, maxIdleConnsPerHost } = resolvePoolLimits(gateway);
    return `**Set** both limits of the pool to at least the concurrency: ${busy}, ` +
      `and it keeps ${formatCount(kept)} when they fall idle, the lower of maxIdleConnsPerHost ` +
      `(${formatCount(maxIdleConnsPerHost)}) and maxIdleConns (${
        maxIdleConns === 0 ? "no limit" : formatCount(maxIdleConns)
      }). ` +
      `\`--max-idle-conns ${load.connections} --max-idle-conns-per-host ${load.connections}\` (${general}).`;
  }
  return `**Set** the pool to at least the concurrency: ${busy}, ` +
    `and it keeps ${formatCount(kept)} when they fall idle. ` +
    `\`--pool-max-idle-per-host ${load.connections}\` (${general}).`;
}

/** How many idle connections to one backend a gateway of ours keeps. */
function keptOf(gateway: HttpClientPlan | NetHttpPlan): number {
  if (gateway.transport === "http-client") {
    const { poolMaxIdlePerHost = false, poolIdleTimeoutMs } = gateway;
    return poolIdleTimeoutMs === 0 ? 0 : poolMaxIdlePerHost === false ? Infinity : poolMaxIdlePerHost;
  }
  const { maxIdleConns, maxIdleConnsPerHost, disableKeepAlives } = resolvePoolLimits(gateway);
  return disableKeepAlives ? 0 : Math.min(maxIdleConns || Infinity, maxIdleConnsPerHost);
}
