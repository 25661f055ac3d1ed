/**
 * Measures a sweep of pool, connections, latency and loop for three gateways, and prints what the simulation
 * predicts beside it, misses included. The machine is calibrated for each gateway and number of clients, on a
 * run with a pool that fits; no cell is fitted.
 *
 * ```sh
 * deno run --allow-run --allow-read --allow-write --allow-env --allow-sys=uid,osRelease \
 *   tests/support/validate_predictions.ts --repeat 3 > PREDICTIONS.md
 * ```
 *
 * 78 runs, 3 times each, take some 16 minutes of a quiet machine. `--few` measures a fourth of the runs,
 * `--json FILE` keeps the results, `--from FILE` predicts anew from kept ones.
 *
 * @module
 */

import { parseArgs } from "@std/cli";
import { readResults, runScenario, writeResults } from "../../mod.ts";
import { type KnownGateway, predictRuns } from "../../tools/predict/mod.ts";
import { formatChange, formatCount, formatRatio } from "../../tools/report/format.ts";
import { renderRows } from "../../tools/report/table.ts";
import type { Results } from "../../tools/results/results.ts";
import type { Gateway, Run } from "../../tools/scenario/scenario.ts";
import { ROOT } from "./root.ts";

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

/** Clients of the runs. */
const CLIENTS = [300, 1_000] as const;

/** The rate of the open loop: all gateways can serve it, on two CPUs. */
const RATE = 3_000;

/** The run with a pool that fits, on which the machine is calibrated. */
const fitOf = (kind: Kind, connections: number): Cell => ({
  kind,
  loop: "closed",
  connections,
  latencyMs: 20,
  pool: connections,
});

function cellsOf(kind: Kind, isFew: boolean): Cell[] {
  return CLIENTS.flatMap((connections) => {
    const fit = fitOf(kind, connections);
    const open = connections === CLIENTS[0]
      ? [20, 70].flatMap((latencyMs) =>
        [5, 20, 60].map((pool): Cell => ({ ...fit, loop: "open", latencyMs, pool }))
      )
      : [];
    const closed = [20, 70].flatMap((latencyMs) =>
      [10, 50, 100, 200, 400].filter((pool) => pool < connections).map((pool): Cell => ({
        ...fit,
        latencyMs,
        pool,
      }))
    );
    const few = [...open, ...closed].filter((_, i) => i % 4 === 1);
    return [fit, ...(isFew ? few : [...open, ...closed])];
  });
}

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

/**
 * The part of a document that is one gateway's with so many clients, with the run that fits as its baseline.
 */
function partOf(results: Results, kind: Kind, clients: number): Results {
  const runs = results.runs.filter(({ name, options }) =>
    name.startsWith(kind) && options.load.connections === clients
  );
  const fit = nameOf(fitOf(kind, clients));
  return { ...results, runs: runs.map((run) => ({ ...run, baseline: run.name === fit })) };
}

function render(results: Results): string {
  const rows: string[][] = [];
  const notes: string[] = [];
  const count = { all: 0, within: 0, above: 0, near: 0 };
  for (const [kind, clients] of KINDS.flatMap((kind) => CLIENTS.map((clients) => [kind, clients] as const))) {
    const part = partOf(results, kind, clients);
    const go = (pool: number): KnownGateway => ({
      profile: "go",
      perHost: pool,
      total: Infinity,
      maxConns: Infinity,
      idleTimeoutMs: 90_000,
      workers: 1,
    });
    const gateways = kind === "go"
      ? Object.fromEntries(part.runs.map(({ name }) => [name, go(Number(name.split("-").at(-1)))]))
      : {};
    const { calibration, runs, left } = predictRuns(part, gateways);
    notes.push(
      `\`${kind}\`, ${formatCount(clients)} clients: calibrated by ${calibration.by}, ${
        calibration.slowness.toFixed(2)
      } times the profile's time; ` +
        `other programs used ${calibration.others.toFixed(2)} CPUs.`,
      ...left.map(({ name, reason }) => `\`${name}\` is not predicted: ${reason}.`),
    );
    for (const { name, openedPerRequest: { predicted, measured, error, isWithin }, requestsPerSec } of runs) {
      const [loop, connections, latency, pool] = name.slice(kind.length + 1).split("-");
      const band = ({ median, low, high }: typeof predicted) =>
        `${formatRatio(median)} (${formatRatio(low)}…${formatRatio(high)})`;
      count.all++;
      if (isWithin) count.within++;
      if (measured.median > 0.05) {
        count.above++;
        if (Math.abs(error!) <= 0.15) count.near++;
      }
      rows.push([
        kind,
        loop!,
        formatCount(Number(connections)),
        latency!,
        pool!,
        band(measured),
        band(predicted),
        error === null ? "–" : formatChange(error),
        isWithin ? "yes" : "no",
        formatCount(requestsPerSec.measured.median),
        formatCount(requestsPerSec.predicted.median),
      ]);
    }
  }
  const { environment } = results;
  return [
    ...renderRows(
      [
        "gateway",
        "loop",
        "clients",
        "latency ms",
        "pool",
        "connections per request, measured",
        "predicted",
        "off by",
        "within",
        "requests/s, measured",
        "predicted",
      ],
      rows,
      2,
    ),
    "",
    `${count.within} of ${count.all} measured medians are within the predicted band. Where more than 0.05 ` +
    `connections per request were measured, ${count.near} of ${count.above} predictions are off by at most 15%.`,
    "",
    ...notes,
    "",
    `Measured on ${
      results.startedAt.slice(0, 10)
    }: ${environment.cpus} CPUs (${environment.cpuModel}), Linux ` +
    `${environment.kernel}, Deno ${environment.deno}, ${results.method.repeat} repetitions.`,
  ].join("\n");
}

const args = parseArgs(Deno.args, { string: ["repeat", "json", "from"], boolean: ["few"] });
const cells = KINDS.flatMap((kind) => cellsOf(kind, args.few === true));
const results = args.from === undefined
  ? await measure(cells, Number(args.repeat ?? 3))
  : await readResults(String(args.from));
if (args.json !== undefined) await writeResults(String(args.json), results);
console.log(render(results));
