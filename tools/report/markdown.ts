/**
 * The report: a pure function of the results document, to Markdown.
 *
 * @module
 */

import { format as formatBytes } from "@std/fmt/bytes";
import { isMeasured, type Measured, measuredOf, type Results, type Run } from "../results/results.ts";
import { type Spread, spreadOf } from "../results/statistics.ts";
import { renderAdvice } from "./advice.ts";
import { renderChart } from "./chart.ts";
import { renderExhaustion } from "./exhaustion.ts";
import { formatCount, formatMs, formatRatio, formatShare, formatSpread } from "./figures.ts";
import { renderKnobs, warnOfKnobs, withKnobs } from "./knobs.ts";
import { explainRun } from "./why.ts";

/** Renders the report. */
export function renderReport(results: Results): string {
  const why = results.runs.flatMap((run) => explainRun(run, withKnobs(results.environment, run)));
  const chart = renderChart(results.runs);
  const warnings = warn(results);
  const sections = [
    [
      `# ${results.question}`,
      "",
      `Scenario \`${results.scenario}\`, measured on ${results.startedAt.slice(0, 10)}.`,
    ],
    renderTable(results),
    caption(results),
    renderAdvice(results),
    renderExhaustion(results),
    why.length === 0 ? [] : ["## Why", "", ...why.map((sentence) => `- ${sentence}`)],
    chart.length === 0 ? [] : ["## TIME_WAIT on the gateway over time", "", ...chart],
    warnings.length === 0 ? [] : ["## Warnings", "", ...warnings.map((warning) => `- ${warning}`)],
    renderKnobs(results),
    environment(results),
    ["## Measure it again", "", "```sh", `npx -y ${results.command}`, "```"],
  ];
  return `${sections.filter((lines) => lines.length > 0).map((lines) => lines.join("\n")).join("\n\n")}\n`;
}

/** A column of the table: its header, and its cell for a run. */
interface Column {
  /** `{baseline}` stands for the name of the baseline. */
  readonly header: string;
  cell(run: Run, results: Results): string;
}

const COLUMNS: readonly Column[] = [
  {
    header: "requests/s",
    cell: (run) => formatSpread(spreadBy(run, (one) => one.requestsPerSec), formatCount),
  },
  { header: "loss against {baseline}", cell: lossCell },
  { header: "p50 ms", cell: (run) => formatSpread(spreadBy(run, (one) => one.latencyUs.p50), formatMs) },
  { header: "p99 ms", cell: (run) => formatSpread(spreadBy(run, (one) => one.latencyUs.p99), formatMs) },
  { header: "failed requests", cell: (run) => formatSpread(spreadBy(run, failedRequests), formatCount) },
  {
    header: "new connections per request",
    cell: (run) => {
      const opener = run.options.gateway === null ? "client" : "gateway";
      return formatSpread(
        spreadBy(run, (one) => one.hosts[opener].connectionsOpened / Math.max(1, one.requests)),
        formatRatio,
      );
    },
  },
  {
    header: "TIME_WAIT on the gateway, peak",
    cell: (run) =>
      run.options.gateway === null
        ? "–"
        : formatSpread(spreadBy(run, (one) => one.hosts.gateway.timeWaitPeak), formatCount),
  },
];

function renderTable(results: Results): string[] {
  const rows = results.runs.map((run) => {
    const name = `\`${run.name}\`${run.baseline ? " (baseline)" : ""}`;
    if (measuredOf(run).length > 0) return [name, ...COLUMNS.map((column) => column.cell(run, results))];
    const why = run.repetitions.length === 0 ? "not measured" : "**failed**";
    return [name, why, ...COLUMNS.slice(1).map(() => "–")];
  });
  const baseline = results.runs.find((run) => run.baseline)?.name ?? "the baseline";
  const header = ["run", ...COLUMNS.map((column) => column.header.replace("{baseline}", `\`${baseline}\``))];
  const widths = header.map((cell, i) => Math.max(cell.length, ...rows.map((row) => row[i]!.length)));
  const line = (cells: readonly string[]) =>
    `| ${
      cells.map((cell, i) => i === 0 ? cell.padEnd(widths[i]!) : cell.padStart(widths[i]!)).join(" | ")
    } |`;
  const rule = `| ${
    widths.map((width, i) => i === 0 ? "-".repeat(width) : `${"-".repeat(width - 1)}:`).join(" | ")
  } |`;
  return [line(header), rule, ...rows.map(line)];
}

function spreadBy(run: Run, of: (repetition: Measured) => number): Spread | undefined {
  return spreadOf(measuredOf(run).map(of));
}

/** Requests that got no answer, a late one, or one that says it failed. */
function failedRequests({ errors }: Measured): number {
  return errors.connect + errors.read + errors.write + errors.timeout + errors.status;
}

/** The share of the baseline's requests per second that a run lost, repetition by repetition. */
function lossCell(run: Run, results: Results): string {
  const baseline = results.runs.find((other) => other.baseline);
  if (run.baseline || baseline === undefined) return "–";
  const losses = run.repetitions.flatMap((one, i) => {
    const other = baseline.repetitions[i];
    if (!isMeasured(one) || other === undefined || !isMeasured(other) || other.requestsPerSec === 0) {
      return [];
    }
    return [1 - one.requestsPerSec / other.requestsPerSec];
  });
  const spread = spreadOf(losses);
  if (spread === undefined) return "–";
  const cell = formatSpread(spread, formatShare);
  return spread.count > 1 && spread.lowest <= 0 && spread.highest >= 0
    ? `no difference shown, ${cell}`
    : cell;
}

function caption(results: Results): string[] {
  const { load } = results.runs[0]!.options;
  const counts = results.runs.map((run) => measuredOf(run).length);
  const most = Math.max(...counts);
  const reading = most > 1
    ? `Medians of ${most} repetitions, with the lowest and the highest; each loss is taken within a round, in which ` +
      "all runs were measured one after the other."
    : "One repetition each: no uncertainty is known.";
  return [
    `${reading} More requests/s are better, all else is better lower. ${
      formatCount(load.connections)
    } connections for ` +
    `${
      load.durationMs / 1000
    } s, each waiting for its answer before its next request (a closed loop: latency leaves out ` +
    `what waited behind a slow answer); answers after ${
      load.timeoutMs / 1000
    } s count as failed and as that long.`,
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
  if (load.name !== "wrk") {
    const why = load.reason === undefined ? "" : `, because ${load.reason}`;
    warnings.push(
      `The load came from autocannon${why}. It reaches about half of wrk's rate, and its figures must not be compared ` +
        "with wrk's.",
    );
  }
  for (const run of runs) warnings.push(...warnOfKnobs(run), ...warnOfRun(run));
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
    ...(cost.length === 0 ? [] : [`- observing cost ${formatShare(Math.max(...cost))} of one CPU at most`]),
  ];
}

function describeGateway(run: Run): string {
  const gateway = run.options.gateway!;
  if ("command" in gateway) return `\`${gateway.command}\``;
  const { transport, poolMaxIdlePerHost: limit, poolIdleTimeoutMs: idleMs } = gateway;
  const kept = limit === undefined || limit === false
    ? "all idle connections"
    : `${formatCount(limit)} idle connections`;
  const long = idleMs === undefined || idleMs === false ? "" : ` for ${idleMs / 1000} s`;
  return `${transport}, keeps ${kept} per host${long}`;
}
