/**
 * The evidence of a run of results: its repetitions together.
 *
 * @module
 */

import { hasOwnTables } from "../lab/any_lab.ts";
import { failedRequests } from "../load/load.ts";
import type { ConnectionGroup, TimeWaitGroup } from "../observe/tcp_table.ts";
import {
  type Environment,
  type Measured,
  measuredOf,
  type Run,
  servedPerSec,
  type Watching,
  watchingOf,
} from "../results/results.ts";
import {
  type BackendPlan,
  type GatewayPlan,
  type HttpClientPlan,
  isOurBackend,
  type NetHttpPlan,
} from "../scenario/plan.ts";
import type { PoolCounters } from "../transport/pool/counters.ts";
import { resolvePoolLimits } from "../transport/pool/limits.ts";
import type {
  ClientEvidence,
  Evidence,
  PoolEvidence,
  PortEvidence,
  RequestEvidence,
  UpstreamEvidence,
} from "./evidence.ts";
import { backendRequestsOf } from "./forwarding.ts";
import { estimateMedian } from "./intervals.ts";
import { sysctlsOf } from "./knobs.ts";
import { mergeWitnesses } from "./merged_witness.ts";
import { openedOnceWarm, portRange } from "./ports.ts";

/** The evidence of a run; `undefined` for a direct run, and where nothing was measured. */
export function evidenceOf(run: Run, environment: Environment): Evidence | undefined {
  const measured = measuredOf(run);
  if (run.options.gateway === null || measured.length === 0) return undefined;
  const watching = watchingOf(run, "gateway");
  const ports = portsOf(watching, run, environment);
  const witness = mergeWitnesses(measured.map(({ witnesses = [] }) => witnesses));
  const failures = failuresOf(measured);
  const pool = poolOf(run.options.gateway, measured);
  const seen = watching.length > 0;
  return {
    repetitions: measured.length,
    requests: requestsOf(measured, run),
    ...(seen ? { upstream: upstreamOf(watching, run, environment), clients: clientsOf(watching, run) } : {}),
    ...(witness === undefined ? {} : { witness }),
    ...(failures === undefined ? {} : { failures }),
    ...(ports === undefined ? {} : { ports }),
    ...(seen ? { listenDrops: sumOf(watching, ({ hosts }) => hosts.gateway.listenDrops ?? 0) } : {}),
    ...(pool === undefined ? {} : { pool }),
  };
}

function requestsOf(measured: readonly Measured[], { options: { load } }: Run): RequestEvidence {
  return {
    answered: sumOf(measured, ({ requests }) => requests),
    perSec: medianOf(measured, servedPerSec),
    failed: sumOf(measured, ({ errors }) => failedRequests(errors)),
    timedOut: sumOf(measured, ({ errors }) => errors.timeout),
    concurrency: load.connections,
    ...(load.abandon === undefined ? {} : { abandoned: sumOf(measured, abandonedOf) }),
    closedLoop: load.ratePerSec === undefined,
    pauses: load.burst !== undefined,
    latencyP50Ms: medianOf(measured, ({ latencyUs }) => latencyUs.p50 ?? 0) / 1000,
  };
}

function upstreamOf(
  measured: readonly Watching<"gateway">[],
  run: Run,
  { lab }: Environment,
): UpstreamEvidence {
  const ownTable = hasOwnTables(lab.kind) && run.options.loopback !== true;
  const destinations = Math.max(...measured.map(destinationsOf));
  const backendMs = backendMsOf(run.options.backend);
  return {
    ...(destinations === 0 ? {} : { destinations }),
    opened: sumOf(measured, ({ hosts }) => hosts.gateway.connectionsOpened),
    ...(isOurBackend(run.options.backend) ? { answered: sumOf(measured, backendRequestsOf) } : {}),
    carriedPerSec: medianOf(measured, carriedPerSec),
    openedPerSec: medianOf(measured, (repetition) => openedOnceWarm(repetition)),
    ...(ownTable ? standingOf(measured) : {}),
    ...keptIdleOf(measured, run),
    ...(measured.some(({ hosts }) => hosts.gateway.connectionGroups === undefined) ? {} : {
      closeWait: medianOf(
        measured,
        ({ hosts }) => countOf(hosts.gateway.connectionGroups, "opened", "closeWait"),
      ),
    }),
    timeWaitOnGateway: medianOf(
      measured,
      ({ hosts }) => countOf(hosts.gateway.timeWaitGroups, "opened", "timeWait"),
    ),
    ...(measured.some(({ hosts }) => hosts.backend === null) ? {} : {
      timeWaitOnBackend: medianOf(
        measured,
        ({ hosts }) => countOf(hosts.backend?.timeWaitGroups, "accepted", "timeWait"),
      ),
    }),
    ...(backendMs === undefined ? {} : { backendMs }),
    backendClosesOnlyIfAsked: closesOnlyIfAsked(run.options.backend),
  };
}

/** The connections to the backend that stood, where the hosts have tables of their own. */
function standingOf(measured: readonly Watching<"gateway">[]): UpstreamEvidence {
  const each = measured.map((repetition) => {
    const { client, gateway } = repetition.samples.hosts;
    const open = gateway.established.map((count, i) => Math.max(0, count - (client.established[i] ?? 0)));
    const { timeMs } = repetition.samples;
    const warm = open.filter((_, i) => timeMs[i]! >= timeMs.at(-1)! / 2);
    const course = repetition.sides?.backend.established;
    return {
      opened: repetition.hosts.gateway.connectionsOpened,
      atStart: open[0] ?? 0,
      atEnd: open.at(-1) ?? 0,
      peak: course?.ceiling ?? Math.max(0, ...warm),
      floor: course?.floor ?? Math.min(Infinity, ...warm),
    };
  });
  const median = (of: (one: typeof each[number]) => number) => estimateMedian(each.map(of))!.estimate;
  return {
    closed: each.reduce(
      (sum, { opened, atStart, atEnd }) => sum + Math.max(0, opened - (atEnd - atStart)),
      0,
    ),
    openAtStart: median(({ atStart }) => atStart),
    openAtEnd: median(({ atEnd }) => atEnd),
    openPeak: median(({ peak }) => peak),
    openRange: [Math.min(...each.map(({ floor }) => floor)), Math.max(...each.map(({ peak }) => peak))],
  };
}

/**
 * What the gateway kept of its connections when the warm-up was over and its last answers had come. Each
 * client of a closed loop was busy until then.
 */
function keptIdleOf(measured: readonly Measured[], { options: { load } }: Run): UpstreamEvidence {
  const known = measured.flatMap(({ sides }) => sides?.backend.establishedBefore ?? []);
  if (load.warmUpMs === 0 || load.ratePerSec !== undefined || known.length === 0) return {};
  return { keptIdle: estimateMedian(known)!.estimate };
}

function destinationsOf({ witnesses, hosts: { gateway } }: Watching<"gateway">): number {
  const services = [...gateway.connectionGroups ?? [], ...gateway.timeWaitGroups]
    .flatMap(({ side, service }) => side === "opened" ? [service] : []);
  return Math.max(witnesses?.length ?? 0, new Set(services).size);
}

/**
 * How long our backend takes for an answer, on average; `undefined` where it adds no latency, because its CPU
 * decides then, and for another backend.
 */
function backendMsOf(
  { latencyMs, latencyMostMs = latencyMs, slow, ...backend }: BackendPlan,
): number | undefined {
  if (!isOurBackend(backend)) return undefined;
  const usual = (latencyMs + latencyMostMs) / 2;
  const mean = slow === undefined ? usual : (1 - slow.share) * usual + slow.share * slow.latencyMs;
  return mean > 0 ? mean : undefined;
}

/** Our backend ends a connection only where a request asks for it, unless it was told otherwise. */
function closesOnlyIfAsked(
  { closeAfterRequests, idleTimeoutMs, closeOnStatus, closeBeforeAnswer, http10, ...backend }: BackendPlan,
): boolean {
  return isOurBackend(backend) &&
    [closeAfterRequests, idleTimeoutMs, closeOnStatus, closeBeforeAnswer, http10]
      .every((told) => told === undefined);
}

/** Requests per second that the backend read while the load ran, by its witness where it has one. */
function carriedPerSec({ witnesses, samples, requests, durationSec }: Measured): number {
  const seen = witnesses?.reduce((sum, witness) => sum + witness.requests, 0);
  // Not `backendRequests`, which counts those that the backend was asked after the load, too.
  return durationSec === 0 ? 0 : (seen ?? samples.answered.requests.at(-1) ?? requests) / durationSec;
}

function abandonedOf({ arrivals }: Measured): number {
  return arrivals?.abandoned ?? 0;
}

/**
 * The connections of a load are opened once, and each failure explains one more, as does each client that
 * left.
 */
function clientsOf(measured: readonly Watching<"gateway">[], { options: { load } }: Run): ClientEvidence {
  return {
    opened: sumOf(measured, ({ hosts }) => hosts.client.connectionsOpened),
    needed: sumOf(
      measured,
      (repetition) =>
        Math.max(load.connections, ...repetition.samples.hosts.client.established) +
        failedRequests(repetition.errors) + abandonedOf(repetition),
    ),
    timeWaitOnGateway: medianOf(
      measured,
      ({ hosts }) => countOf(hosts.gateway.timeWaitGroups, "accepted", "timeWait"),
    ),
    timeWaitOnClient: medianOf(
      measured,
      ({ hosts }) => countOf(hosts.client.timeWaitGroups, "opened", "timeWait"),
    ),
  };
}

function failuresOf(measured: readonly Measured[]): Record<string, number> | undefined {
  const known = measured.flatMap(({ upstreamFailures }) => upstreamFailures ?? []);
  if (measured.every(({ upstreamFailures }) => upstreamFailures === undefined)) return undefined;
  const counts: Record<string, number> = {};
  for (const { code, count } of known) counts[code] = (counts[code] ?? 0) + count;
  return counts;
}

function portsOf(
  measured: readonly Watching<"gateway">[],
  run: Run,
  environment: Environment,
): PortEvidence | undefined {
  const range = portRange(sysctlsOf(run, environment)["net.ipv4.ip_local_port_range"]);
  if (range === undefined || measured.length === 0) return undefined;
  return {
    range: range.count,
    usedPeak: Math.max(...measured.map(({ hosts }) => hosts.gateway.portsUsedPeak)),
  };
}

function poolOf(gateway: GatewayPlan, measured: readonly Measured[]): PoolEvidence | undefined {
  if (!("transport" in gateway)) return undefined;
  return gateway.transport === "http-client" ? ofHttpClient(gateway) : ofNetHttp(gateway, measured);
}

// A document of an older version holds only what was asked for, hence the defaults.
function ofHttpClient(
  { poolMaxIdlePerHost = false, poolIdleTimeoutMs, workers = 1 }: HttpClientPlan,
): PoolEvidence {
  const keeps = poolIdleTimeoutMs === 0 ? 0 : poolMaxIdlePerHost === false ? Infinity : poolMaxIdlePerHost;
  return {
    keepsPerHost: keeps,
    keepsInAll: Infinity,
    mostPerHost: Infinity,
    idleTimeoutMs: poolIdleTimeoutMs === false ? Infinity : poolIdleTimeoutMs,
    asksToClose: false,
    workers,
  };
}

function ofNetHttp(gateway: NetHttpPlan, measured: readonly Measured[]): PoolEvidence {
  const { maxIdleConns, maxIdleConnsPerHost, maxConnsPerHost, disableKeepAlives, idleConnTimeoutMs } =
    resolvePoolLimits(gateway);
  const pools = measured.flatMap(({ pool }) => pool ?? []);
  const closed = (reason: keyof PoolCounters["closed"]) =>
    pools.reduce((sum, pool) => sum + (pool.closed[reason] ?? 0), 0);
  return {
    keepsPerHost: disableKeepAlives ? 0 : maxIdleConnsPerHost,
    keepsInAll: maxIdleConns || Infinity,
    mostPerHost: maxConnsPerHost || Infinity,
    idleTimeoutMs: idleConnTimeoutMs || Infinity,
    asksToClose: disableKeepAlives,
    workers: gateway.workers ?? 1,
    ...(pools.length === 0 ? {} : {
      closedPerHost: closed("tooManyIdlePerHost"),
      closedInAll: closed("tooManyIdle"),
      closedByBackend: closed("backendSaidClose") + closed("closedByBackend"),
      closedIdle: closed("idleTimeout"),
      closedLate: closed("timeout"),
      closedForClient: closed("clientGone"),
    }),
  };
}

type Grouped = Pick<TimeWaitGroup, "side">;

function countOf<G extends Grouped, K extends keyof G>(
  groups: readonly G[] | undefined,
  side: ConnectionGroup["side"],
  state: K,
): number {
  return (groups ?? []).filter((group) => group.side === side)
    .reduce((sum, group) => sum + Number(group[state]), 0);
}

function sumOf<R>(measured: readonly R[], of: (repetition: R) => number): number {
  return measured.reduce((sum, repetition) => sum + of(repetition), 0);
}

function medianOf<R>(measured: readonly R[], of: (repetition: R) => number): number {
  return estimateMedian(measured.map(of))!.estimate;
}
