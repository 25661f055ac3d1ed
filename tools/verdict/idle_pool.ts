/**
 * How many idle connections a gateway of ours keeps, by its own options.
 *
 * @module
 */

import type { GatewayPlan, HttpClientPlan, NetHttpPlan } from "../scenario/plan.ts";
import { poolWarning, resolvePoolLimits } from "../transport/pool/limits.ts";

/** The pool of a gateway of ours, as it was asked for. */
export interface IdlePool {
  /** Idle connections to one backend that it keeps. */
  readonly keeps: number | "no limit";
  /** The options that limit them, by name; `false` is no limit. The lowest counts. */
  readonly limits: Readonly<Record<string, number | false>>;
  /**
   * The option that is divided among several workers, with how many workers get no share. Left out where
   * there is none.
   */
  readonly divided?: { readonly option: string; readonly workersWithout: number };
  /** That two options contradict each other. Left out where they do not. */
  readonly contradiction?: string;
}

/** The pool of a gateway; `undefined` for a direct run and for a gateway that is not ours. */
export function idlePoolOf(gateway: GatewayPlan | null): IdlePool | undefined {
  if (gateway === null || !("transport" in gateway)) return undefined;
  return gateway.transport === "http-client" ? ofHttpClient(gateway) : ofNetHttp(gateway);
}

// A document of an older version holds only what was asked for, hence the defaults.
function ofHttpClient(
  { poolMaxIdlePerHost = false, poolIdleTimeoutMs, workers = 1 }: HttpClientPlan,
): IdlePool {
  const keeps = poolIdleTimeoutMs === 0 ? 0 : poolMaxIdlePerHost === false ? "no limit" : poolMaxIdlePerHost;
  return {
    keeps,
    limits: { poolMaxIdlePerHost },
    ...divide("poolMaxIdlePerHost", poolMaxIdlePerHost, workers),
  };
}

function ofNetHttp(gateway: NetHttpPlan): IdlePool {
  const limits = resolvePoolLimits(gateway);
  const { maxIdleConns, maxIdleConnsPerHost, maxConnsPerHost, disableKeepAlives } = limits;
  const contradiction = poolWarning(limits);
  return {
    keeps: disableKeepAlives ? 0 : Math.min(maxIdleConns || Infinity, maxIdleConnsPerHost),
    limits: { maxIdleConnsPerHost, maxIdleConns: maxIdleConns || false },
    // It never has more workers than connections, so that each has a share.
    ...divide(
      "maxConnsPerHost",
      maxConnsPerHost || false,
      Math.min(gateway.workers ?? 1, maxConnsPerHost || 1),
    ),
    ...(contradiction === undefined ? {} : { contradiction }),
  };
}

function divide(option: string, limit: number | false, workers: number): Pick<IdlePool, "divided"> {
  if (workers === 1 || limit === false) return {};
  return { divided: { option, workersWithout: Math.max(0, workers - limit) } };
}
