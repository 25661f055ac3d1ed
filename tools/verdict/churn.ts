/**
 * What a run's gateway did with its connections to the backend.
 *
 * @module
 */

import { hasOwnTables } from "../lab/any_lab.ts";
import type { TimeWaitGroup } from "../observe/tcp_table.ts";
import { type Environment, type Run, type Watching, watchingOf } from "../results/results.ts";
import { backendRequestsOf } from "./forwarding.ts";
import { estimateMedian } from "./intervals.ts";
import { othersOf } from "./others.ts";
import { openedOnceWarm, portsFailed } from "./ports.ts";

/** A gateway whose backend answers less than this share of the requests answers the others by itself. */
const FORWARDED_SHARE = 0.5;

/** A warm pool that opens a connection for more than this share of requests is too small. */
export const CHURN_SHARE = 0.01;

/**
 * - `none opened`: the gateway opened no connection while the load ran.
 * - `kept`: it opened next to none once it was warm, or its pool was still filling up and it closed next to
 *   none.
 * - `not closed`: it went on opening connections and closed next to none, and more of them stand than the
 *   load has.
 * - `churning`: it went on opening connections, and they were closed; or its ports ran out.
 */
export type ChurnOutcome = "none opened" | "kept" | "not closed" | "churning";

/** What a run's connections to the backend did, as medians over its repetitions. */
export interface Churn {
  /** What it comes to. */
  readonly outcome: ChurnOutcome;
  /** Requests that the load generator got answers to. */
  readonly requests: number;
  /**
   * Requests that the backend has answered; in a document of an older version those when it last said so,
   * which may be some time before the end.
   */
  readonly backendRequests: number;
  /** Whether the backend answered the requests, and not the gateway by itself. */
  readonly forwards: boolean;
  /** Connections that the gateway opened while the load ran. */
  readonly connectionsOpened: number;
  /**
   * How many of them are not seen to be the gateway's own. Left out where they do not matter, and where that
   * is not known.
   */
  readonly openedByOthers?: number;
  /** Connections opened ÷ requests: near 0 where they are reused, 1 where none is; 0 without requests. */
  readonly openedPerRequest: number;
  /** Connections opened per second in the second half of the load, when the pool is warm. */
  readonly openedPerSec: number;
  /**
   * Connections to the backend that stood at the end of the load. Left out where the hosts share a TCP table.
   */
  readonly openAtEnd?: number;
  /** TIME_WAITs on the gateway for connections that it had opened to the backend, at the end of the load. */
  readonly timeWaitOnGateway: number;
  /** TIME_WAITs on the gateway for connections that its clients had opened, at the end of the load. */
  readonly timeWaitOfClients: number;
  /**
   * TIME_WAITs on the backend for connections that it had accepted, at the end of the load; 0 where nobody
   * watched it.
   */
  readonly timeWaitOnBackend: number;
  /** TIME_WAITs whose port a new connection took again; 0 where that is not known. */
  readonly timeWaitReused: number;
  /** TIME_WAITs that were thrown away because `tcp_max_tw_buckets` was reached; 0 where that is not known. */
  readonly timeWaitOverflowed: number;
  /** Connects that failed for want of an ephemeral port; 0 where that is not known. */
  readonly portsFailed: number;
  /** Whether a warm-up came before the load: its TIME_WAITs are among those at the end. */
  readonly warmedUp: boolean;
  /** Whether so few of the connections that were closed are in TIME_WAIT that they were closed otherwise. */
  readonly closedWithoutTimeWait: boolean;
}

/**
 * Looks at what a run's gateway did with its connections; `undefined` for a direct run, where nothing was
 * measured, and where nobody watched the gateway.
 */
export function churnOf(
  run: Run,
  { lab }: Pick<Environment, "lab">,
): Churn | undefined {
  const measured = watchingOf(run, "gateway");
  const { gateway, load, loopback } = run.options;
  if (gateway === null || measured.length === 0) return undefined;
  const median = (of: (repetition: Watching<"gateway">) => number) =>
    estimateMedian(measured.map(of))!.estimate;
  const ownTable = hasOwnTables(lab.kind) && loopback !== true;
  const timeWaitOnGateway = median(({ hosts }) => sumOf(hosts.gateway.timeWaitGroups, "opened"));
  const timeWaitOnBackend = median(({ hosts }) => sumOf(hosts.backend?.timeWaitGroups ?? [], "accepted"));
  const requests = median((repetition) => repetition.requests);
  const backendRequests = median(backendRequestsOf);
  const connectionsOpened = median(({ hosts }) => hosts.gateway.connectionsOpened);
  // Where the hosts share a table, what stands cannot be told, and each connection that was opened counts as
  // closed.
  const closed = median(({ hosts, samples }) =>
    hosts.gateway.connectionsOpened - (ownTable ? openAt(samples, -1) - openAt(samples, 0) : 0)
  );
  const openAtEnd = median(({ samples }) => openAt(samples, -1));
  const openedPerSec = median((repetition) => openedOnceWarm(repetition));
  const failed = median((repetition) => portsFailed(repetition));
  const others = othersOf(run);
  const goesOn = openedPerSec > CHURN_SHARE * median((repetition) => repetition.requestsPerSec);
  return {
    outcome: failed > 0
      ? "churning"
      : connectionsOpened === 0
      ? "none opened"
      : !goesOn
      ? "kept"
      : closed >= connectionsOpened / 10
      ? "churning"
      : openAtEnd > load.connections
      ? "not closed"
      : "kept",
    requests,
    backendRequests,
    // What was not answered in time may not have been sent.
    forwards: backendRequests >=
      FORWARDED_SHARE * median(({ requests, errors }) => Math.max(0, requests - errors.timeout)),
    connectionsOpened,
    ...(others === undefined ? {} : { openedByOthers: others.count }),
    openedPerRequest: median(({ hosts, requests }) =>
      requests === 0 ? 0 : hosts.gateway.connectionsOpened / requests
    ),
    openedPerSec,
    ...(ownTable ? { openAtEnd } : {}),
    timeWaitOnGateway,
    timeWaitOfClients: median(({ hosts }) => sumOf(hosts.gateway.timeWaitGroups, "accepted")),
    timeWaitOnBackend,
    timeWaitReused: median(({ hosts }) => hosts.gateway.timeWaitReused ?? 0),
    timeWaitOverflowed: median(({ hosts }) => hosts.gateway.timeWaitOverflowed ?? 0),
    portsFailed: failed,
    warmedUp: load.warmUpMs > 0,
    closedWithoutTimeWait: measured.every(({ hosts }) => hosts.backend !== null) &&
      timeWaitOnGateway + timeWaitOnBackend < closed / 10,
  };
}

/**
 * The gateway's connections to the backend at a sample: those that stand on it, without those of its clients.
 */
function openAt({ hosts: { client, gateway } }: Watching<"gateway">["samples"], index: number): number {
  return Math.max(0, (gateway.established.at(index) ?? 0) - (client.established.at(index) ?? 0));
}

function sumOf(groups: readonly TimeWaitGroup[], side: TimeWaitGroup["side"]): number {
  return groups.filter((group) => group.side === side).reduce((sum, group) => sum + group.timeWait, 0);
}
