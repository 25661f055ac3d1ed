/**
 * Measures pools under several loads for three gateways, and prints a page of what the simulation predicts
 * beside it, misses included. For each gateway and load the first pool is known; the others are predicted.
 *
 * ```sh
 * deno run --allow-run --allow-read --allow-write --allow-env --allow-sys=uid,osRelease \
 *   tests/support/validate_predictions.ts --repeat 3 --json predictions.json > .github/PREDICTIONS.md
 * deno fmt .github/PREDICTIONS.md
 * ```
 *
 * 48 runs, 3 times each, take some 11 minutes. `--kind KIND` measures one gateway, `--from FILE` renders kept
 * results anew and may be given several times.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { readResults, runScenario, writeResults } from "../../mod.ts";
import {
  type Band,
  type KnownGateway,
  openedPerRequest,
  type PredictedRuns,
  predictRuns,
} from "../../tools/predict/mod.ts";
import { formatChange, formatCount, formatRatio } from "../../tools/report/format.ts";
import { renderRows } from "../../tools/report/table.ts";
import { measuredOf, type Results } from "../../tools/results/results.ts";
import type { Gateway, Run } from "../../tools/scenario/scenario.ts";
import { estimateMedian } from "../../tools/verdict/intervals.ts";
import { ROOT } from "./root.ts";

/** Connections per request above which a prediction should be near, and how near. */
const MUCH = 0.05, NEAR = 0.15;

const KINDS = ["http-client", "net-http", "go"] as const;
type Kind = typeof KINDS[number];

/** One cell of the sweep. */
interface Cell {
  readonly kind: Kind;
  readonly loop: "closed" | "open";
  readonly connections: number;
  readonly latencyMs: number;
  readonly pool: number;
}

/**
 * A load, and the pools that were measured under it; the run with the first of them is the one that is known.
 */
interface Group extends Omit<Cell, "kind" | "pool"> {
  readonly pools: readonly [known: number, ...others: number[]];
}

/** The open loop's rate is one that all gateways can serve on two CPUs. */
const RATE = 3_000;

const GROUPS: readonly Group[] = [
  { loop: "closed", connections: 300, latencyMs: 20, pools: [50, 20, 100, 150] },
  { loop: "closed", connections: 1_000, latencyMs: 20, pools: [100, 50, 200, 400] },
  { loop: "closed", connections: 1_000, latencyMs: 70, pools: [100, 50, 200, 400] },
  { loop: "open", connections: 300, latencyMs: 20, pools: [20, 5, 40, 60] },
];

const cellsOf = (kind: Kind): Cell[] =>
  GROUPS.flatMap(({ pools, ...group }) => pools.map((pool) => ({ kind, ...group, pool })));

const nameOf = ({ kind, loop, connections, latencyMs, pool }: Cell) =>
  `${kind}-${loop}-${connections}-${latencyMs}-${pool}`;

function gatewayOf({ kind, pool }: Cell): Gateway {
  if (kind === "http-client") return { poolMaxIdlePerHost: pool };
  if (kind === "net-http") {
    return { transport: "net-http", maxIdleConns: 0, maxIdleConnsPerHost: pool, workers: 1 };
  }
  const go = "peers/start.sh' go {listen_host} {listen_port} {upstream_host} {upstream_port}";
  return { command: `'${ROOT}scenarios/${go} ${pool} 0` };
}

function runOf(cell: Cell): Run {
  const { connections, latencyMs, loop } = cell;
  return {
    name: nameOf(cell),
    gateway: gatewayOf(cell),
    backend: { latency: latencyMs },
    load: { connections, rate: loop === "open" ? RATE : undefined },
  };
}

/** Measures the closed loops, then the open ones, which no bench compares, and puts all into one document. */
async function measure(cells: readonly Cell[], repeat: number): Promise<Results> {
  const closed = await measureAlike(cells.filter(({ loop }) => loop === "closed"), repeat);
  const open = await measureAlike(cells.filter(({ loop }) => loop === "open"), repeat);
  return { ...closed, runs: [...closed.runs, ...open.runs.map((run) => ({ ...run, baseline: false }))] };
}

async function measureAlike(cells: readonly Cell[], repeat: number): Promise<Results> {
  return await runScenario({
    question: "How near are predictions to measurements?",
    runs: cells.map(runOf),
  }, {
    repeat,
    onProgress: ({ run, repetition, load }) => {
      if (load === undefined) console.error(`${run} ${repetition}`);
    },
  });
}

/** The runs of a document under one load, with the one that is known as the baseline. */
function partOf(results: Results, kind: Kind, { pools: [known, ...others], ...group }: Group): Results {
  const names = [known, ...others].map((pool) => nameOf({ kind, ...group, pool }));
  const runs = results.runs.filter(({ name }) => names.includes(name));
  return { ...results, runs: runs.map((run) => ({ ...run, baseline: run.name === names[0] })) };
}

/** What is known of a gateway that is a command; nothing of ours, which are known by their options. */
function gatewaysOf({ runs }: Results): Readonly<Record<string, KnownGateway>> {
  return Object.fromEntries(
    runs.filter(({ name }) => name.startsWith("go-")).map(({ name }) => [name, {
      profile: "go",
      perHost: Number(name.split("-").at(-1)),
      total: Infinity,
      maxConns: Infinity,
      idleTimeoutMs: 90_000,
      workers: 1,
    }]),
  );
}

/** A load with what was measured and predicted under it. */
interface Outcome {
  readonly kind: Kind;
  readonly group: Group;
  readonly known: number;
  readonly predicted: PredictedRuns;
}

function outcomesOf(documents: readonly Results[]): Outcome[] {
  return documents.flatMap((results) =>
    KINDS.flatMap((kind) =>
      GROUPS.flatMap((group) => {
        const part = partOf(results, kind, group);
        const baseline = part.runs.find((run) => run.baseline);
        if (baseline === undefined || measuredOf(baseline).length === 0) return [];
        const known = estimateMedian(measuredOf(baseline).map(openedPerRequest))!.estimate;
        return [{ kind, group, known, predicted: predictRuns(part, gatewaysOf(part)) }];
      })
    )
  );
}

function render(documents: readonly Results[]): string {
  const outcomes = outcomesOf(documents);
  return [
    "# Predictions beside measurements",
    "",
    ...introduction(documents[0]!),
    "",
    ...sayOthers(outcomes),
    ...hits(outcomes),
    "",
    ...renderRows(
      ["gateway", "loop", "clients", "latency ms", "pool", "measured", "predicted", "off by", "within"],
      outcomes.flatMap(rowsOf),
      2,
    ),
    "",
    "## What the predictions were told",
    "",
    "The measured run of each load on which the machine was calibrated. Slowness is how many times as long as " +
    "in the profiles everything took. Bunching is how many times as large batches were: if they are much " +
    "alike, if a few are far larger, and with long pauses.",
    "",
    ...renderRows(
      [
        "gateway",
        "loop",
        "clients",
        "latency ms",
        "pool",
        "measured",
        "slowness",
        "bunching",
        "CPUs of others",
      ],
      outcomes.map(toldOf),
      2,
    ),
  ].join("\n");
}

function introduction({ startedAt, environment, method }: Results): string[] {
  return [
    "What `deno task predict` says of connections per request, beside what was measured, misses included. " +
    "`tests/support/validate_predictions.ts` has written this page.",
    "",
    "For each load one pool was measured and told to the prediction, which then says what the other pools do " +
    "under that load. A figure is the median with the lowest and the highest: of the repetitions, and of the " +
    "simulations. Nothing of the other pools was told but what other programs used of the CPUs meanwhile. " +
    "The profiles of the gateways were fitted to earlier runs, none of which is on this page.",
    "",
    `Measured on ${
      startedAt.slice(0, 10)
    }: ${environment.cpus} CPUs (${environment.cpuModel}), Linux ${environment.kernel}, Deno ${environment.deno}; ` +
    `${method.repeat} repetition${method.repeat === 1 ? "" : "s"} of each run.`,
  ];
}

/** CPUs of other programs from which on a machine is not quiet. */
const NOT_QUIET = 0.2;

function sayOthers(outcomes: readonly Outcome[]): string[] {
  const others = outcomes.map(({ predicted: { calibration } }) => calibration.others);
  if (others.every((cpus) => cpus < NOT_QUIET)) return [];
  const [least, most] = [Math.min(...others), Math.max(...others)].map((cpus) => cpus.toFixed(1));
  return [
    `**The machine was not quiet**: other programs used ${least} to ${most} of its CPUs while the runs that are ` +
    "told were measured.",
    "",
  ];
}

/** How many are within the bands, how many near, and how wide the bands are. */
function hits(outcomes: readonly Outcome[]): string[] {
  const rows = [...KINDS, undefined].flatMap((kind) => {
    const told = outcomes.filter((outcome) => kind === undefined || outcome.kind === kind)
      .flatMap(({ predicted }) => predicted.runs);
    const runs = told.filter(({ onlyBounds }) => onlyBounds === undefined)
      .map((run) => run.openedPerRequest);
    if (told.length === 0) return [];
    const above = runs.filter(({ measured }) => measured.median > MUCH);
    const near = above.filter(({ error }) => Math.abs(error!) <= NEAR);
    const width = estimateMedian(above.map(({ predicted }) => predicted.high / predicted.low))?.estimate;
    return [[
      kind ?? "all",
      `${runs.filter(({ isWithin }) => isWithin).length} of ${runs.length}`,
      `${near.length} of ${above.length}`,
      width === undefined ? "–" : width.toFixed(1),
      `${told.length - runs.length}`,
    ]];
  });
  return renderRows(
    [
      "gateway",
      "measured medians within the band",
      `off by at most ${NEAR * 100}%, where more than ${MUCH} were measured`,
      "highest ÷ lowest of the band there, median",
      "only bounds",
    ],
    rows,
  );
}

function loadOf({ kind, group: { loop, connections, latencyMs } }: Outcome): string[] {
  return [kind, loop, formatCount(connections), `${latencyMs}`];
}

const bandText = ({ median, low, high }: Band) =>
  `${formatRatio(median)} (${formatRatio(low)}…${formatRatio(high)})`;

function rowsOf(outcome: Outcome): string[][] {
  return outcome.predicted.runs.map((
    { name, onlyBounds, openedPerRequest: { predicted, measured, error, isWithin } },
  ) => [
    ...loadOf(outcome),
    name.split("-").at(-1)!,
    bandText(measured),
    bandText(predicted),
    error === null ? "–" : formatChange(error),
    onlyBounds !== undefined ? "only bounds" : isWithin ? "yes" : "**no**",
  ]);
}

function toldOf(outcome: Outcome): string[] {
  const { group, known, predicted: { calibration: { slowness, bunchings, others } } } = outcome;
  return [
    ...loadOf(outcome),
    `${group.pools[0]}`,
    formatRatio(known),
    slowness.toFixed(2),
    bunchings?.map(({ factor }) => factor.toFixed(2)).join(", ") ?? "–",
    others.toFixed(2),
  ];
}

const args = parseArgs(Deno.args, { string: ["repeat", "json", "kind", "from"], collect: ["from"] });
const kinds = args.kind === undefined ? KINDS : KINDS.filter((kind) => kind === args.kind);
const from = [args.from ?? []].flat().map(String);
const documents = from.length > 0
  ? await Promise.all(from.map((file) => readResults(file)))
  : [await measure(kinds.flatMap(cellsOf), Number(args.repeat ?? 3))];
if (args.json !== undefined) await writeResults(String(args.json), documents[0]!);
console.log(render(documents));
