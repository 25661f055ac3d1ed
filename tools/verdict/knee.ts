/**
 * The knee of a curve: up to which value a gateway keeps its connections.
 *
 * @module
 */

import type { Curve, CurvePoint } from "./sweep.ts";

/** Connections opened for each request, from which on a gateway does not keep its connections. */
export const KNEE_SHARE = 0.01;

/** The knee of one curve. What is not known is left out. */
export interface Knee {
  /** The curve. */
  readonly label: string;
  /** The setting, as a field of the run's options. */
  readonly name: string;
  /**
   * Which value is looked for: the largest at which connections are kept, or, of a setting that enlarges the
   * pool, the smallest.
   */
  readonly wanted: "largest" | "smallest";
  /**
   * The last value at which the median stays below {@linkcode KNEE_SHARE}, at all values before it as well.
   */
  readonly holds?: number;
  /** The value after it, at which the median does not. */
  readonly fails?: number;
  /** The median at that value. */
  readonly shareThere?: number;
  /** The last value up to which every repetition stays below: where the knee is at the least. */
  readonly sure?: number;
  /** The first value at which no repetition does: where the knee is at the most. */
  readonly surelyNot?: number;
  /**
   * Connections that the gateway opened while the load ran at `holds`, the median, where they are more than
   * one in fifty of those of the load: its pool may be smaller than the value says, because the load does not
   * show it often.
   */
  readonly openedThere?: number;
}

/** The settings that make a pool larger. */
const ENLARGES: readonly string[] = [
  "maxIdleConns",
  "maxIdleConnsPerHost",
  "poolMaxIdlePerHost",
  "maxConnsPerHost",
  "idleConnTimeoutMs",
  "poolIdleTimeoutMs",
];

/** Of the connections of a load, those that a gateway may open while it runs and still hold them. */
const FEW = 0.02;

/** The knee of a curve; `undefined` for a direct run, and where fewer than two values were measured. */
export function kneeOf({ label, name, hasGateway, points }: Curve): Knee | undefined {
  const wanted = ENLARGES.includes(name) ? "smallest" : "largest";
  const measured = points.filter(({ shares }) => shares.length > 0);
  if (!hasGateway || measured.length < 2) return undefined;
  const inOrder = wanted === "largest" ? measured : measured.toReversed();
  const medianHolds = ({ openedPerRequest }: CurvePoint) => openedPerRequest!.estimate < KNEE_SHARE;
  const allHold = ({ shares }: CurvePoint) => shares.every((share) => share < KNEE_SHARE);
  const noneHolds = ({ shares }: CurvePoint) => shares.every((share) => share >= KNEE_SHARE);
  const holds = lastOfPrefix(inOrder, medianHolds);
  const fails = inOrder.find((point) => !medianHolds(point));
  const sure = lastOfPrefix(inOrder, allHold);
  const surelyNot = inOrder.find(noneHolds);
  const opened = name === "connections" ? holds?.opened?.estimate ?? 0 : 0;
  return {
    label,
    name,
    wanted,
    ...(holds === undefined ? {} : { holds: holds.value }),
    ...(fails === undefined ? {} : { fails: fails.value, shareThere: fails.openedPerRequest!.estimate }),
    ...(sure === undefined ? {} : { sure: sure.value }),
    ...(surelyNot === undefined ? {} : { surelyNot: surelyNot.value }),
    ...(holds !== undefined && opened > Math.max(1, FEW * holds.value) ? { openedThere: opened } : {}),
  };
}

/** The last of the points that pass one after the other from the first one on. */
function lastOfPrefix(points: readonly CurvePoint[], passes: (point: CurvePoint) => boolean) {
  const end = points.findIndex((point) => !passes(point));
  return points[(end === -1 ? points.length : end) - 1];
}
