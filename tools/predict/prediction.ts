/**
 * Predicts what a gateway does with its connections.
 *
 * @module
 */

import { TIME_WAIT_SEC } from "../verdict/port_forecast.ts";
import { CHURN_SHARE } from "../verdict/churn.ts";
import { type Band, bandOf, churnOf, type Plan, planEnsemble, simulateAll } from "./ensemble.ts";
import {
  batchChurn,
  busyConnections,
  erlangB,
  erlangC,
  erlangWaitSec,
  requestLimitChurn,
  smoothChurn,
} from "./formulas.ts";
import { checkModel, type Model } from "./model.ts";
import { courseOfPorts, type PortCourse } from "./port_course.ts";
import { modelOf, type Question } from "./question.ts";
import type { Tallied } from "./tally.ts";

/** How long a NAT keeps the port of a closed connection, in seconds: that of Linux's conntrack. */
export const NAT_TIME_WAIT_SEC = 120;

/** A closed formula beside the simulation. */
export interface Formula {
  /** What it gives: `busy`, `connections per request`, `share that waits`, `wait in ms`, `share refused`. */
  readonly figure: string;
  /** Written out, with the values filled in. */
  readonly formula: string;
  /** What it comes to. */
  readonly value: number;
  /** What must hold for it. */
  readonly assumes: string;
}

/** What a hard cap does. */
export interface HardCap {
  /** The most requests a second that it lets through: connections ÷ the time that a request holds one. */
  readonly ceilingPerSec: number;
  /** Requests that wait, as a share of all. */
  readonly queuedShare: Band;
  /** Requests that wait at a time, on average. */
  readonly queueMean: Band;
  /** How long those that wait do so, on average, in milliseconds. */
  readonly waitMs: Band;
  /** Requests refused because too many wait, as a share of all. */
  readonly refusedShare: Band;
  /** How fast the queue grows, in requests a second; 0 where the ceiling is high enough. */
  readonly growsPerSec: number;
}

/** A prediction. Rates and shares are those of a warm pool. */
export interface Prediction {
  /** What was simulated. */
  readonly model: Model;
  /** How many simulations, and how long. */
  readonly plan: Plan;
  /** Requests answered a second. */
  readonly requestsPerSec: Band;
  /** Connections opened for each request. */
  readonly openedPerRequest: Band;
  /** Connections opened a second. */
  readonly openedPerSec: Band;
  /** Sockets in TIME_WAIT on the gateway once a minute has passed, all destinations together. */
  readonly timeWait: Band;
  /** Requests that have a connection at a time, on average. */
  readonly busy: Band;
  /** How long a request has its connection, in milliseconds. */
  readonly holdMs: Band;
  /** Requests that come in a row, with no answer in between, for the mean request. */
  readonly batch: Band;
  /** The ports towards one destination: at the median rate, and at the highest. */
  readonly ports: { readonly median: PortCourse; readonly worst: PortCourse };
  /** The same of a NAT's ports. Left out without one. */
  readonly natPorts?: { readonly median: PortCourse; readonly worst: PortCourse };
  /** The pool that would be enough. Left out at a hard cap. */
  readonly enough?: EnoughPool;
  /** What the hard cap does. Left out without one. */
  readonly hardCap?: HardCap;
  /** The closed formulas that hold, more or less. */
  readonly formulas: readonly Formula[];
}

/** The pool that keeps connections per request under 1%. */
export interface EnoughPool {
  /**
   * The smallest that does so in each of five simulations, beside what a pool without a limit opens for new
   * peaks; for each destination. Left out of a model so large that it is simulated once only.
   */
  readonly least?: number;
  /** The most connections that were busy at a time, for each destination: enough whatever happens. */
  readonly most: number;
}

/**
 * Predicts. It takes some seconds of a CPU.
 *
 * @throws {TimewaitError} for a question that cannot be simulated.
 * @example
 * ```ts
 * import { assertLess } from "@std/assert";
 * import { predict } from "./prediction.ts";
 *
 * const { openedPerRequest } = predict({ connections: 20, latencyMs: 10, pool: 20, ratePerSec: 500 });
 * assertLess(openedPerRequest.high, 0.01);
 * ```
 */
export function predict(question: Question): Prediction {
  return predictModel(modelOf(question), { seed: question.seed, natPorts: question.natPorts });
}

/** Predicts for a model, such as a calibrated one. */
export function predictModel(
  model: Model,
  { seed = 1, natPorts }: { readonly seed?: number | undefined; readonly natPorts?: number | undefined } = {},
): Prediction {
  checkModel(model);
  const plan = planEnsemble(model);
  // What a steady load opens; what becomes of the ports then is followed for longer than is simulated.
  const endless = { ...model, ports: Infinity };
  const all = simulateAll(endless, plan, seed);
  const band = (figure: (tallied: Tallied) => number) => bandOf(all, figure);
  const halfSec = (plan.untilSec - plan.fromSec) / 2;
  const openedPerSec = band(({ openedLate }) => openedLate / halfSec);
  const ports = model.ports * model.destinations;
  const hardCap = model.pool.maxConns === Infinity ? undefined : hardCapOf(model, all);
  const enough = hardCap === undefined ? enoughPool(endless, plan, all, seed) : undefined;
  return {
    model,
    plan,
    requestsPerSec: band(({ requestsLate }) => requestsLate / halfSec),
    openedPerRequest: band(churnOf),
    openedPerSec,
    timeWait: band(({ closedLate }) => Math.min(ports, closedLate / halfSec * TIME_WAIT_SEC)),
    busy: band(({ busyMean }) => busyMean),
    holdMs: band(({ holdSec }) => holdSec * 1000),
    batch: band(({ batch }) => batch),
    ports: portsOf(model, all, halfSec, model.ports, TIME_WAIT_SEC),
    ...(natPorts === undefined
      ? {}
      : { natPorts: portsOf(model, all, halfSec, natPorts, NAT_TIME_WAIT_SEC) }),
    ...(enough === undefined ? {} : { enough }),
    ...(hardCap === undefined ? {} : { hardCap }),
    formulas: formulasOf(model, all),
  };
}

function portsOf(
  { destinations, pool }: Model,
  all: readonly Tallied[],
  halfSec: number,
  ports: number,
  timeWaitSec: number,
): { readonly median: PortCourse; readonly worst: PortCourse } {
  const closed = bandOf(all, ({ closedLate }) => closedLate / halfSec / destinations);
  const busy = bandOf(all, ({ busyMean }) => busyMean / destinations).median;
  const standing = busy + (pool.perHost === Infinity ? 0 : pool.perHost / 2);
  const course = (openedPerSec: number) => courseOfPorts({ openedPerSec, standing, ports, timeWaitSec });
  return { median: course(closed.median), worst: course(closed.high) };
}

function hardCapOf({ pool, gateway, destinations, load }: Model, all: readonly Tallied[]): HardCap {
  const servers = pool.maxConns * gateway.workers * destinations;
  const hold = bandOf(all, ({ holdSec }) => holdSec).median;
  const ceilingPerSec = servers / hold;
  const arrived = ({ requests, refused }: Tallied) => Math.max(1, requests + refused);
  return {
    ceilingPerSec,
    queuedShare: bandOf(all, ({ queuedShare }) => queuedShare),
    queueMean: bandOf(all, ({ queueMean }) => queueMean),
    waitMs: bandOf(all, (tallied) => {
      // Little's law for the queue.
      const queuedPerSec = tallied.queuedShare * tallied.requests / tallied.durationSec;
      return queuedPerSec === 0 ? 0 : tallied.queueMean / queuedPerSec * 1000;
    }),
    refusedShare: bandOf(all, (tallied) => tallied.refused / arrived(tallied)),
    growsPerSec: load.kind === "closed" || pool.maxPending !== Infinity
      ? 0
      : Math.max(0, load.ratePerSec - ceilingPerSec),
  };
}

/** Simulations of each pool in the search for one that would be enough. */
const SEARCH_MEMBERS = 5;

function enoughPool(
  model: Model,
  plan: Plan,
  all: readonly Tallied[],
  seed: number,
): EnoughPool {
  const simulateWith = (perHost: number) => {
    const pool = { ...model.pool, perHost, total: Infinity };
    return simulateAll(
      { ...model, pool },
      { ...plan, members: Math.min(SEARCH_MEMBERS, plan.members) },
      seed,
    );
  };
  const shares = model.pool.together ? 1 : model.gateway.workers;
  // A model so large that one simulation is all that there is time for: the search would take twelve.
  const isLarge = plan.members === 1;
  const unlimited = isLarge ? all : simulateWith(Infinity);
  const peak = Math.max(...[...unlimited, ...all].map(({ busyPeak }) => busyPeak));
  const most = Math.ceil(peak / model.destinations / shares);
  if (isLarge) return { most };
  // Without a limit too some are opened, for a peak that is higher than any before.
  const bearable = CHURN_SHARE + bandOf(unlimited, churnOf).high;
  let [tooSmall, least] = [0, most];
  // To 2%, which is finer than the simulations agree.
  while (least - tooSmall > Math.max(1, least / 50)) {
    const middle = Math.floor((tooSmall + least) / 2);
    if (bandOf(simulateWith(middle), churnOf).high < bearable) least = middle;
    else tooSmall = middle;
  }
  return { least, most };
}

function formulasOf(model: Model, all: readonly Tallied[]): Formula[] {
  const { pool, load, backend, gateway, destinations } = model;
  const median = (figure: (tallied: Tallied) => number) => bandOf(all, figure).median;
  const hold = median(({ holdSec }) => holdSec);
  const batch = median((tallied) => tallied.batch);
  const ratePerSec = median(({ requestsLate, durationSec }) => requestsLate / (durationSec / 2));
  const busy = busyConnections(ratePerSec, hold);
  const pools = destinations * (pool.together ? 1 : gateway.workers);
  const kept = Math.min(pool.perHost * pools, pool.total * (pool.together ? 1 : gateway.workers));
  const figures = (value: number, digits = 0) => Number(value.toFixed(digits)).toString();
  const formulas: Formula[] = [{
    figure: "busy connections",
    formula: `rate × hold = ${figures(ratePerSec)} × ${figures(hold, 4)} s`,
    value: busy,
    assumes: "nothing (Little's law)",
  }];
  if (kept !== Infinity && pool.maxConns === Infinity) {
    formulas.push({
      figure: "connections per request, smooth",
      formula: `1 / (pool + 1) = 1 / ${figures(kept + 1)}`,
      value: smoothChurn(kept),
      assumes: "Poisson arrivals that are served one by one, and a pool far below the busy connections",
    }, {
      figure: "connections per request, in batches",
      formula: `1 − pool / batch = 1 − ${figures(kept)} / ${figures(batch)}, at least 0`,
      value: batchChurn(kept, batch),
      assumes: "batches that are all of the size of the simulation's mean one",
    });
  }
  if (pool.requestLimit !== Infinity) {
    formulas.push({
      figure: "connections per request, by the limit of requests",
      formula: `1 / ${pool.requestLimit}`,
      value: requestLimitChurn(pool.requestLimit),
      assumes: "a pool that fits",
    });
  }
  if (pool.maxConns !== Infinity && load.kind === "open") {
    const servers = pool.maxConns * gateway.workers * destinations;
    const offered = busyConnections(load.ratePerSec, hold);
    const poisson = "Poisson arrivals, one queue for all connections";
    if (pool.maxPending === 0) {
      formulas.push({
        figure: "share refused",
        formula: `Erlang B(${servers}, ${figures(offered, 1)})`,
        value: erlangB(servers, offered),
        assumes: poisson,
      });
    } else {
      const exponential = `${poisson}, and holding times that vary exponentially` +
        (backend.spread === "exponential"
          ? ""
          : " (here they vary less, so that fewer wait, and not as long)");
      formulas.push({
        figure: "share that waits",
        formula: `Erlang C(${servers}, ${figures(offered, 1)})`,
        value: erlangC(servers, offered),
        assumes: exponential,
      }, {
        figure: "wait of the mean request, ms",
        formula: `C × hold ÷ (${servers} − ${figures(offered, 1)})`,
        value: erlangWaitSec(servers, load.ratePerSec, hold) * 1000,
        assumes: exponential,
      });
    }
  }
  return formulas;
}
