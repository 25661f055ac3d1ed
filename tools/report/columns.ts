/**
 * The columns of the table of figures, for one document and for several.
 *
 * @module
 */

import type { RunFindings } from "../verdict/findings.ts";
import { intervalCell, lossCell, otherOptions } from "./cells.ts";
import { formatCount, formatMs, formatRatio } from "./format.ts";

/** A column: its header, and its cell for a run. */
export interface Column {
  /** `{baseline}` stands for the name of the baseline. */
  readonly header: string;
  /** Whether it is about the difference between this run and the baseline. */
  readonly compares?: boolean;
  /** The text of its cell. */
  cell(run: RunFindings): string;
}

/** The columns behind the run's name, whatever the runs are. */
export const COLUMNS: readonly Column[] = [
  { header: "requests/s", cell: ({ figures }) => intervalCell(figures.servedPerSec, formatCount) },
  {
    header: "loss against {baseline}",
    compares: true,
    cell: ({ comparison, differs }) => {
      const cell = lossCell(comparison);
      return cell === "–" ? cell : `${cell}${otherOptions(differs)}`;
    },
  },
  { header: "p50 ms", cell: ({ figures }) => intervalCell(figures.latencyP50Us, formatMs) },
  { header: "p99 ms", cell: ({ figures }) => intervalCell(figures.latencyP99Us, formatMs) },
  {
    header: "failed requests",
    cell: ({ figures, unanswered }) =>
      intervalCell(figures.failedRequests, formatCount) +
      (unanswered === undefined ? "" : ` and ${formatCount(unanswered)} unanswered`),
  },
  {
    header: "new connections per request",
    cell: ({ figures }) => intervalCell(figures.openedPerRequest, formatRatio),
  },
  {
    header: "TIME_WAIT on the gateway, peak",
    cell: timeWaitCell,
  },
];

/**
 * Only where gateways of several kinds are compared: CPU time of the gateway alone is what is fair on shared
 * CPUs.
 */
const CPU_COLUMN: Column = {
  header: "CPU of the gateway per request, µs",
  cell: ({ gatewayCpu }) => intervalCell(gatewayCpu?.perRequestUs, formatCount),
};

/** The columns for these runs. */
export function columnsOf(runs: readonly RunFindings[]): readonly Column[] {
  const kinds = new Set(
    runs.filter(({ hasGateway }) => hasGateway).map(({ name, product }) => product?.id ?? name),
  );
  // Nobody knows that of gateways that run already.
  const isKnown = runs.some(({ gatewayCpu }) => gatewayCpu !== undefined);
  return kinds.size > 1 && isKnown ? [...COLUMNS, CPU_COLUMN] : COLUMNS;
}

/** Those of the connections to the backend, which are what the report is about, and those of clients. */
function timeWaitCell({ figures: { timeWaitToBackend, timeWaitOfClients } }: RunFindings): string {
  const toBackend = intervalCell(timeWaitToBackend, formatCount);
  if (timeWaitOfClients === undefined || timeWaitOfClients.high === 0) return toBackend;
  return `${toBackend} to the backend, ${intervalCell(timeWaitOfClients, formatCount)} of clients`;
}
