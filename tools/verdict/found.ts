/**
 * What a bisection has found: how many connections a pool holds, or what rate keeps what was promised.
 *
 * @module
 */

import { failedRequests } from "../load/load.ts";
import { isMeasured, type Measured, type Results, type Run } from "../results/results.ts";
import type { FindPlan, Promised } from "../scenario/find.ts";
import { bracketOf, type Trial } from "./bisection.ts";
import { KNEE_SHARE } from "./knee.ts";

/** What a bisection has found for one run of the scenario. What is not known is left out. */
export interface Found {
  /** The run of the scenario. */
  readonly series: string;
  /** What was tried, in the order of the values. */
  readonly tried: readonly Tried[];
  /** The largest value that held, below all that did not. */
  readonly holds?: Tried;
  /** The smallest value that did not hold. */
  readonly fails?: Tried;
  /**
   * The most connections that the gateway opens, however many requests there are at once. Left out where it
   * opened one for each.
   */
  readonly cap?: number;
  /**
   * Connections that the gateway kept of the most that it was tried with, where they are more than the first
   * that it could not hold: several pools together, of which some were full before the others. Left out where
   * there is one.
   */
  readonly together?: number;
}

/** A value that was tried. */
export interface Tried extends Trial {
  /** The name of the run. */
  readonly run: string;
  /** What broke, in those repetitions in which it did not hold; each the median of them. */
  readonly why: readonly Broken[];
  /**
   * Connections opened for each request, less those that the load needed to begin with: the median. Left out
   * for a rate.
   */
  readonly share?: number;
  /** Connections opened at all: the median. Left out for a rate. */
  readonly opened?: number;
  /**
   * Connections that the pool kept of those that were busy at once. Left out where it kept all, where some
   * requests took longer than to the next time that all were sent, and for a rate.
   */
  readonly kept?: number;
  /**
   * Requests that the load generator sent late, as a share: the median. From 1% on it is the generator that
   * is at its limit. Left out for connections.
   */
  readonly late?: number;
}

/** A condition that did not hold. */
export interface Broken {
  /**
   * The figure of the promise; `share` where a pool opened connections, `fewer` where the gateway did not
   * even open one for each of the requests at once, `too slow` where the gateway did not
   * answer often enough to tell, `failed` where a repetition was not measured.
   */
  readonly figure: Promised["figure"] | "share" | "fewer" | "too slow" | "failed";
  /** What it was: milliseconds of a latency, else a share. 0 where it is no figure. */
  readonly was: number;
  /** The most that it might be. */
  readonly most: number;
}

/** What the bisections of a document have found; empty where it is none. */
export function foundIn({ runs, method: { find } }: Pick<Results, "runs" | "method">): Found[] {
  if (find === undefined) return [];
  const series = Map.groupBy(runs.filter(({ swept }) => swept !== undefined), (run) => run.series!);
  return [...series].map(([series, runs]) => {
    const tried = runs.filter(({ repetitions }) => repetitions.length > 0).map((run) => triedOf(run, find))
      .toSorted((a, b) => a.value - b.value);
    // The ends are two of those that were tried.
    const { holds, fails } = bracketOf(tried) as { holds?: Tried; fails?: Tried };
    const most = tried.at(-1)?.kept;
    return {
      series,
      tried,
      ...defined({
        holds,
        fails,
        cap: capOf(tried),
        together: most !== undefined && fails !== undefined && most > fails.value ? most : undefined,
      }),
    };
  });
}

/** A gateway that opens fewer connections than this share of the requests at once does not open all. */
const ALL = 0.9;

/**
 * The most connections that a gateway opens: as many at two values or more, and fewer than there were
 * requests at once. `undefined` where there is no such limit.
 */
export function capOf(tried: readonly Tried[]): number | undefined {
  const limited = tried.filter(({ opened, value }) => opened !== undefined && opened < ALL * value);
  const [first] = limited;
  return limited.length >= 2 && limited.every(({ opened }) => opened === first!.opened)
    ? first!.opened
    : undefined;
}

/** What the repetitions at one value have shown. */
export function triedOf(run: Run, find: FindPlan): Tried {
  const { value } = run.swept!.find(({ name }) => name === find.name)!;
  const outcomes = run.repetitions.map((repetition) =>
    isMeasured(repetition)
      ? judge(repetition, run, find)
      : { broken: [{ figure: "failed", was: 0, most: 0 }] as Broken[], figures: {} }
  );
  const broken = outcomes.filter(({ broken }) => broken.length > 0);
  const share = median(outcomes.map(({ figures }) => figures.share));
  return {
    run: run.name,
    value,
    held: outcomes.length - broken.length,
    broke: broken.length,
    why: worst(broken.flatMap(({ broken }) => broken)),
    // Of so many connections at a time, the pool keeps all but this share.
    ...(share !== undefined && share >= KNEE_SHARE
      ? { hint: Math.round(value * (1 - Math.min(1, share))) }
      : {}),
    ...defined({
      share,
      opened: median(outcomes.map(({ figures }) => figures.opened)),
      kept: median(outcomes.map(({ figures }) => figures.kept)),
      late: median(outcomes.map(({ figures }) => figures.late)),
    }),
  };
}

interface Outcome {
  readonly broken: readonly Broken[];
  readonly figures: {
    readonly share?: number;
    readonly opened?: number;
    readonly kept?: number;
    readonly late?: number;
  };
}

function judge(repetition: Measured, { options: { load } }: Run, find: FindPlan): Outcome {
  return find.name === "connections" ? judgePool(repetition, load) : judgeRate(repetition, find.promised);
}

/** The least times that all connections must have been answered together. */
const LEAST_BEATS = 3;

/**
 * All connections send at once, again and again. The first time the gateway must open one for each; from then
 * on a pool of that size opens none, and one that keeps fewer opens the rest each time.
 */
function judgePool(
  { hosts, requests, backendRequests, latencyUs }: Measured,
  { connections, beatMs = 0 }: Run["options"]["load"],
): Outcome {
  // It is not looked for where the gateway is not watched.
  const opened = hosts.gateway?.connectionsOpened ?? 0;
  // Those on their way at the end have needed their connections as well.
  const later = (backendRequests ?? requests) - connections;
  if (later < (LEAST_BEATS - 1) * connections) {
    return { broken: [{ figure: "too slow", was: 0, most: 0 }], figures: { opened } };
  }
  const share = Math.max(0, opened - connections) / later;
  if (opened < ALL * connections) {
    const was = opened / connections;
    return { broken: [{ figure: "fewer", was, most: ALL }], figures: { share, opened } };
  }
  const broken: Broken[] = share < KNEE_SHARE ? [] : [{ figure: "share", was: share, most: KNEE_SHARE }];
  const isWhole = latencyUs.max < beatMs * 1000;
  const kept = share >= KNEE_SHARE && isWhole
    ? { kept: Math.round(connections * (1 - Math.min(1, share))) }
    : {};
  return { broken, figures: { share, opened, ...kept } };
}

function judgeRate(
  { latencyUs, errors, requests, arrivals }: Measured,
  promised: readonly Promised[],
): Outcome {
  const due = arrivals?.due ?? requests + failedRequests(errors);
  const broken = promised.flatMap(({ figure, most }): Broken[] => {
    const was = figure === "errors" ? failedRequests(errors) / Math.max(1, due) : latencyUs[figure] / 1000;
    return was <= most ? [] : [{ figure, was, most }];
  });
  return {
    broken,
    figures: arrivals === undefined ? {} : { late: arrivals.late / Math.max(1, arrivals.due) },
  };
}

/** Each condition that broke once, with the median of what it was. */
function worst(broken: readonly Broken[]): Broken[] {
  return [...Map.groupBy(broken, ({ figure }) => figure).values()].map((some) => ({
    ...some[0]!,
    was: median(some.map(({ was }) => was))!,
  }));
}

/** The lower of the two in the middle where there is an even number. */
function median(values: readonly (number | undefined)[]): number | undefined {
  const sorted = values.filter((value) => value !== undefined).toSorted((a, b) => a - b);
  return sorted[Math.floor((sorted.length - 1) / 2)];
}

function defined<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
