/**
 * The witnesses of a run's repetitions and backends as one.
 *
 * @module
 */

import type { BusyConnections, EndedConnections, OpenConnections, Witness } from "../observe/witness.ts";
import { mergeDistributions } from "./distributions.ts";
import type { WitnessEvidence } from "./evidence.ts";
import { estimateMedian } from "./intervals.ts";

/**
 * Merges witnesses. `repetitions` has the witnesses of all backends for each repetition; `undefined` where
 * there are none.
 */
export function mergeWitnesses(repetitions: readonly (readonly Witness[])[]): WitnessEvidence | undefined {
  const all = repetitions.flat();
  if (all.length === 0) return undefined;
  const sum = (of: (witness: Witness) => number) => all.reduce((total, witness) => total + of(witness), 0);
  const peaks = repetitions.map((witnesses) =>
    witnesses.reduce((total, { openPeak }) => total + openPeak, 0)
  );
  return {
    backends: Math.max(...repetitions.map((witnesses) => witnesses.length)),
    stoodBefore: sum(({ stoodBefore }) => stoodBefore),
    accepted: sum(({ accepted }) => accepted),
    reopened: sum(reopenedOf),
    requests: sum(({ requests }) => requests),
    http10: sum(({ http10 }) => http10),
    askedToClose: sum(({ askedToClose }) => askedToClose),
    unanswered: sum(({ unanswered }) => unanswered),
    openPeak: estimateMedian(peaks)!.estimate,
    openPeaks: [Math.min(...peaks), Math.max(...peaks)],
    ...busyOf(repetitions),
    ended: mergeEnded(all.flatMap(({ ended }) => ended)),
    open: mergeOpen(all.map(({ open }) => open)),
  };
}

/**
 * Connections that need not have been opened: had all been kept, no more of them would exist than stood at
 * one time.
 */
function reopenedOf({ stoodBefore, accepted, openPeak }: Witness): number {
  return Math.min(accepted, Math.max(0, stoodBefore + accepted - openPeak));
}

/** How busy the connections were: those of all backends summed for each repetition. */
function busyOf(repetitions: readonly (readonly Witness[])[]): Pick<WitnessEvidence, "busy"> {
  const known = repetitions.flat().flatMap(({ busy }) => busy ?? []);
  const sum = (of: (busy: BusyConnections) => number) => known.reduce((total, busy) => total + of(busy), 0);
  const spanMs = sum((busy) => busy.spanMs);
  if (spanMs === 0) return {};
  const most = repetitions.map((witnesses) =>
    witnesses.reduce((total, { busy }) => total + (busy?.most ?? 0), 0)
  );
  return {
    busy: {
      totalMs: sum((busy) => busy.spanMs * busy.mean),
      share: sum((busy) => busy.spanMs * busy.mean) / Math.max(1, sum((busy) => busy.spanMs * busy.most)),
      most: [Math.min(...most), Math.max(...most)],
      fullShare: sum((busy) => busy.spanMs * busy.fullShare) / spanMs,
    },
  };
}

function mergeEnded(groups: readonly EndedConnections[]): EndedConnections[] {
  const alike = Map.groupBy(groups, ({ by, how, at }) => `${by} ${how} ${at}`);
  return [...alike.values()].map((group): EndedConnections => {
    const { by, how, at } = group[0]!;
    const sum = (of: (one: EndedConnections) => number) => group.reduce((total, one) => total + of(one), 0);
    const merged = (of: (one: EndedConnections) => EndedConnections["requests"] | undefined) =>
      mergeDistributions(group.flatMap((one) => {
        const distribution = of(one);
        return distribution === undefined ? [] : [{ connections: one.connections, distribution }];
      }));
    return {
      by,
      how,
      at,
      connections: sum(({ connections }) => connections),
      askedToClose: sum(({ askedToClose }) => askedToClose),
      announced: sum(({ announced }) => announced),
      requests: merged(({ requests }) => requests),
      ...(at === "idle" ? { idleMs: merged(({ idleMs }) => idleMs) } : {}),
      ageMs: merged(({ ageMs }) => ageMs),
    };
  }).sort((a, b) => b.connections - a.connections);
}

function mergeOpen(all: readonly OpenConnections[]): OpenConnections {
  const sum = (of: (open: OpenConnections) => number) => all.reduce((total, open) => total + of(open), 0);
  const idle = all.flatMap(({ connections, busy, idleMs }) =>
    idleMs === undefined ? [] : [{ connections: connections - busy, distribution: idleMs }]
  );
  return {
    connections: sum(({ connections }) => connections),
    busy: sum(({ busy }) => busy),
    requests: mergeDistributions(
      all.map(({ connections, requests }) => ({ connections, distribution: requests })),
    ),
    ...(idle.length === 0 ? {} : { idleMs: mergeDistributions(idle) }),
  };
}
