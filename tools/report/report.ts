/**
 * The report: a pure function of the results document, to Markdown.
 *
 * @module
 */

import { type NetHttpPlan } from "../scenario/plan.ts";
import { format as formatBytes } from "@std/fmt/bytes";
import { estimateMedian } from "../verdict/intervals.ts";
import {
  isMeasured,
  type Measured,
  measuredOf,
  type Results,
  type Run,
  servedPerSec,
} from "../results/results.ts";
import { baselineOf, compareWithBaseline, type Comparison } from "../verdict/comparison.ts";
import { poolWarning, resolvePoolLimits } from "../transport/pool/limits.ts";
import { renderAdvice, summarizeAdvice } from "./sections/advice.ts";
import { renderChart } from "./plots/mermaid.ts";
import { explainFigures, lossCell, medianCell } from "./cells.ts";
import { renderExhaustion } from "./sections/ports.ts";
import { formatCount, formatMs, formatRatio, formatShare } from "./format.ts";
import { renderKnobs, warnOfKnobs, withKnobs } from "./sections/knobs.ts";
import { renderLatency } from "./sections/latency.ts";
import { describeLoad } from "./sections/load.ts";
import { warnOfMachine } from "./sections/machine_warnings.ts";
import { renderSelfCheck } from "./sections/self_check.ts";
import { renderRows } from "./table.ts";
import { explainRun } from "./sections/why.ts";

/** A plot that was drawn elsewhere. */
export interface PlotFile {
  /** What it shows. */
  readonly title: string;
  /** Where it is, seen from the report. */
  readonly path: string;
}

/** Renders the report. Plots that were drawn for it take the place of its own chart of TIME_WAIT. */
export function renderReport(results: Results, plots: readonly PlotFile[] = []): string {
  // What to set is the same for all runs with the same pool: said once.
  const why = [
    ...new Set(results.runs.flatMap((run) => explainRun(run, withKnobs(results.environment, run)))),
  ];
  const chart = renderChart(results.runs);
  const warnings = warn(results);
  const answer = summarizeAdvice(results);
  const comparisons = compareWithBaseline(results);
  const sections = [
    [
      `# ${results.question}`,
      "",
      `Scenario \`${results.scenario}\`, measured on ${results.startedAt.slice(0, 10)}.`,
      ...(answer.length === 0 ? [] : ["", ...answer]),
    ],
    renderSelfCheck(results),
    renderTable(results, comparisons),
    caption(results, comparisons),
    renderAdvice(results),
    renderExhaustion(results),
    why.length === 0 ? [] : ["## Why", "", ...why.map((sentence) => `- ${sentence}`)],
    ...plots.map(({ title, path }) => [`### ${title}`, "", `![${title}](${path})`]),
    chart.length === 0 || plots.length > 0 ? [] : [`## TIME_WAIT ${whose(results)} over time`, "", ...chart],
    renderLatency(results),
    warnings.length === 0 ? [] : ["## Warnings", "", ...warnings.map((warning) => `- ${warning}`)],
    renderKnobs(results),
    environment(results),
    ["## Measure it again", "", "```sh", results.command.replace(/^deno task /, "npx -y deno task "), "```"],
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** Whose sockets a series counts: in a host lab there is one table for the whole machine. */
function whose({ environment }: Results): string {
  return environment.lab.kind === "host" ? "of the whole machine" : "on the gateway";
}

/** A column of the table: its header, and its cell for a run. */
export interface Column {
  /** `{baseline}` stands for the name of the baseline. */
  readonly header: string;
  /** Whether it is about the difference between this run and the baseline. */
  readonly compares?: boolean;
  /** The text of its cell. */
  cell(run: Run, comparisons: Comparisons): string;
}

/** What each run's requests per second show against the baseline, by the run's name. */
export type Comparisons = ReadonlyMap<string, Comparison>;

/** The columns of the table behind the run's name. */
export const COLUMNS: readonly Column[] = [
  { header: "requests/s", cell: (run) => medianCell(run, servedPerSec, formatCount) },
  {
    header: "loss against {baseline}",
    compares: true,
    cell: (run, comparisons) => lossCell(comparisons.get(run.name)),
  },
  { header: "p50 ms", cell: (run) => medianCell(run, (one) => one.latencyUs.p50, formatMs) },
  { header: "p99 ms", cell: (run) => medianCell(run, (one) => one.latencyUs.p99, formatMs) },
  { header: "failed requests", cell: (run) => medianCell(run, failedRequests, formatCount) },
  {
    header: "new connections per request",
    cell: (run) => {
      const opener = run.options.gateway === null ? "client" : "gateway";
      const opened = (one: Measured) => one.hosts[opener].connectionsOpened / Math.max(1, one.requests);
      return medianCell(run, opened, formatRatio);
    },
  },
  {
    header: "TIME_WAIT on the gateway, peak",
    cell: (run) =>
      run.options.gateway === null
        ? "–"
        : medianCell(run, (one) => one.hosts.gateway.timeWaitPeak, formatCount),
  },
];

function renderTable(results: Results, comparisons: Comparisons): string[] {
  const rows = results.runs.map((run) => {
    const name = `\`${run.name}\`${run.baseline ? " (baseline)" : ""}`;
    if (measuredOf(run).length > 0) return [name, ...COLUMNS.map((column) => column.cell(run, comparisons))];
    const why = run.repetitions.length === 0 ? "not measured" : "**failed**";
    return [name, why, ...COLUMNS.slice(1).map(() => "–")];
  });
  const baseline = baselineOf(results);
  const named = baseline === undefined ? "the baseline" : `\`${baseline.name}\``;
  return renderRows(["run", ...COLUMNS.map(({ header }) => header.replace("{baseline}", named))], rows);
}

/** Requests that got no answer, a late one, or one that says it failed. */
function failedRequests({ errors }: Measured): number {
  return errors.connect + errors.read + errors.write + errors.timeout + errors.status;
}

function caption(results: Results, comparisons: Comparisons): string[] {
  const reading = explainFigures(results, comparisons).join(" ");
  return [
    `${reading} Requests/s are those answered in time with 2xx or 3xx; more are better, all else is better lower. ${
      describeLoad(results.runs[0]!.options.load)
    }`,
  ];
}

function warn(results: Results): string[] {
  const { environment, runs } = results;
  const { load, lab } = environment;
  const warnings: string[] = [];
  if (results.interrupted) warnings.push("The bench was stopped before all was measured.");
  if (lab.kind === "host") {
    const why = lab.reason === undefined ? "" : ` instead of a private one: ${lab.reason}`;
    warnings.push(
      `Measured in a host lab${why}. All parties share the machine's loopback and its TCP tables: TIME_WAIT is ` +
        "attributed by port as it stands at the end, connections opened include those of the rest of the machine, and what " +
        "`tcp_tw_reuse` = 2 does on loopback hides port exhaustion.",
    );
  }
  if (load.name === "autocannon") {
    const why = load.reason === undefined ? "" : `, because ${load.reason}`;
    warnings.push(
      `The load came from autocannon${why}. It reaches about half of wrk's rate, and its figures must not be compared ` +
        "with wrk's.",
    );
  }
  for (const run of runs) warnings.push(...warnOfKnobs(run), ...warnOfRun(run));
  warnings.push(...warnOfMachine(results));
  return warnings;
}

function warnOfRun(run: Run): string[] {
  const failures = new Map<string, number>();
  for (const one of run.repetitions) {
    if (!isMeasured(one)) failures.set(one.failed, (failures.get(one.failed) ?? 0) + 1);
  }
  const warnings = [...failures].map(([reason, times]) =>
    `\`${run.name}\` failed in ${times} of ${run.repetitions.length} repetitions: ${reason}.`
  );
  const total = (of: (one: Measured) => number) => measuredOf(run).reduce((sum, one) => sum + of(one), 0);
  const errors = ERROR_KINDS.flatMap(([kind, text]) => {
    const count = total((one) => one.errors[kind]);
    return count === 0 ? [] : [`${formatCount(count)} ${text}`];
  });
  if (errors.length > 0) warnings.push(`\`${run.name}\` had failed requests in all: ${errors.join(", ")}.`);
  const drops = total(({ hosts }) => hosts.gateway.listenDrops ?? 0);
  if (drops > 0) {
    warnings.push(
      `\`${run.name}\`: the gateway's backlog was full ${formatCount(drops)} times (ListenDrops).`,
    );
  }
  const overflowed = total(({ hosts }) => hosts.gateway.timeWaitOverflowed ?? 0);
  if (overflowed > 0) {
    warnings.push(
      `\`${run.name}\`: ${
        formatCount(overflowed)
      } TIME_WAIT states were thrown away on the gateway because ` +
        "net.ipv4.tcp_max_tw_buckets was reached, so its count of TIME_WAIT is too low.",
    );
  }
  return warnings;
}

const ERROR_KINDS = [
  ["connect", "could not connect"],
  ["read", "failed while reading"],
  ["write", "failed while writing"],
  ["timeout", "were answered too late"],
  ["status", "got a status other than 2xx and 3xx"],
] as const;

function environment({ environment, runs }: Results): string[] {
  const { load, lab, sysctls } = environment;
  const { backend } = runs[0]!.options;
  const cost = runs.flatMap(measuredOf).map((one) => one.processes.sampler.cpuSec / one.durationSec);
  return [
    "## Environment",
    "",
    `- Timewait ${environment.timewait}, Deno ${environment.deno}, ${load.name} ${load.version}, Linux ${environment.kernel}`,
    `- ${environment.cpus} CPUs (${environment.cpuModel}), ${
      formatBytes(environment.memoryBytes, { binary: true })
    } of memory`,
    `- lab: ${lab.kind}; backend: ${backend.latencyMs} ms latency, ${
      formatCount(backend.bodyBytes)
    } bytes, status ${backend.status}`,
    ...runs.flatMap((run) =>
      run.options.gateway === null ? [] : [`- \`${run.name}\`: ${describeGateway(run)}`]
    ),
    `- on the gateway: ${Object.entries(sysctls).map(([key, value]) => `${key} = ${value}`).join(", ")}`,
    ...machineDiffers(environment),
    ...(cost.length === 0 ? [] : [
      `- observing cost ${formatShare(estimateMedian(cost)!.estimate)} of one CPU, at most ${
        formatShare(Math.max(...cost))
      } in a repetition`,
    ]),
  ];
}

/** The machine's own sysctls where they are not those of the lab: what is measured here is not what happens outside. */
function machineDiffers({ sysctls, machineSysctls = {} }: Results["environment"]): string[] {
  const others = Object.entries(machineSysctls).filter(([key, value]) => value !== (sysctls[key] ?? ""));
  if (others.length === 0) return [];
  const list = others.map(([key, value]) =>
    `${key} = ${value === "" ? "(empty)" : value} (the lab's: ${sysctls[key] ?? "(empty)"})`
  );
  return [
    `- **this machine's own sysctls differ** from the lab's, which are those of a fresh network namespace: ${
      list.join(", ")
    }; \`--sysctl KEY=VALUE\` measures with them`,
  ];
}

function describeNetHttp(gateway: NetHttpPlan): string {
  const limits = resolvePoolLimits(gateway);
  const { maxIdleConns, maxIdleConnsPerHost, maxConnsPerHost, disableKeepAlives } = limits;
  const warning = poolWarning(limits);
  return [
    `net-http, ${gateway.workers ?? 1} worker(s), maxIdleConns ${formatCount(maxIdleConns)}`,
    `maxIdleConnsPerHost ${formatCount(maxIdleConnsPerHost)}`,
    ...(maxConnsPerHost === 0
      ? []
      : [`maxConnsPerHost ${formatCount(maxConnsPerHost)}, divided among the workers`]),
    ...(disableKeepAlives ? ["disableKeepAlives"] : []),
    ...(warning === undefined ? [] : [`**warning**: ${warning}`]),
  ].join(", ");
}

function describeGateway(run: Run): string {
  const gateway = run.options.gateway!;
  if ("command" in gateway) return `\`${gateway.command}\``;
  if (gateway.transport === "net-http") return describeNetHttp(gateway);
  const { transport, poolMaxIdlePerHost: limit, poolIdleTimeoutMs: idleMs, workers = 1 } = gateway;
  const kept = limit === undefined || limit === false
    ? "all idle connections"
    : `${formatCount(limit)} idle connections`;
  const long = idleMs === undefined || idleMs === false ? "" : ` for ${idleMs / 1000} s`;
  const none = typeof limit === "number" && limit < workers
    ? `, so that ${workers - limit} of them keep none`
    : "";
  const divided = limit === undefined || limit === false ? "" : `, divided among the workers${none}`;
  const inThreads = workers === 1 ? "" : `${divided}, ${workers} workers`;
  return `${transport}, keeps ${kept} per host${long}${inThreads}`;
}
