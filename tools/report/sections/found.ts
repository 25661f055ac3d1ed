/**
 * What a bisection has found, and what it tried.
 *
 * @module
 */

import { measuredOf, type Results } from "../../results/results.ts";
import type { Promised } from "../../scenario/find.ts";
import type { Findings } from "../../verdict/findings.ts";
import { type Broken, type Found, foundIn, type Tried } from "../../verdict/found.ts";
import { estimateMedian } from "../../verdict/intervals.ts";
import { intervalCell } from "../cells.ts";
import { formatCount, formatMs, formatRatio, formatShare } from "../format.ts";
import { code, prose } from "../markdown.ts";
import { saySetting } from "../setting.ts";
import { renderRows } from "../table.ts";

/** From this share of late requests on, the load generator was at its limit. */
const LATE = 0.01;

/** The title, the answer, and where it comes from. */
export function renderFoundHeadline(_findings: Findings, results: Results): string[] {
  const found = foundIn(results);
  const answer = found.length === 0
    ? "nothing was measured"
    : found.map((one) => sayFound(one, results)).join("; ");
  const stopped = results.interrupted ? "Stopped before all was measured: " : "";
  const asked = results.method.find!.name === "connections"
    ? "How many connections does its pool hold?"
    : `What rate keeps ${sayPromise(results.method.find!.promised)}?`;
  return [
    `# ${asked}`,
    "",
    `${stopped === "" ? capital(answer) : `${stopped}${answer}`}.`,
    "",
    `Scenario ${code(results.scenario)} (${prose(results.question)}), measured on ${
      results.startedAt.slice(0, 10)
    }.`,
  ];
}

function capital(text: string): string {
  return `${text[0]!.toUpperCase()}${text.slice(1)}`;
}

function sayFound(found: Found, { method }: Results): string {
  const { name, low, high } = method.find!;
  const { series, holds, fails, tried, cap, together } = found;
  const subject = `\`${series}\``;
  if (tried.every(({ held, why }) => held === 0 && why.every(({ figure }) => figure === "failed"))) {
    return `${subject} could not be measured`;
  }
  const isPool = name === "connections";
  if (cap !== undefined) {
    return `${subject} opens **at most ${saySetting(name, cap)}**, however many requests there are at once`;
  }
  if (holds === undefined) {
    return `${subject} ${isPool ? "keeps" : "holds"} not even ${saySetting(name, low)}: ${sayWhy(fails!)}`;
  }
  if (fails === undefined) {
    const all = saySetting(name, holds.value);
    const most = holds.value === high ? ", the most that was tried" : "";
    return isPool ? `the pool of ${subject} holds ${all}${most}` : `${subject} holds ${all}${most}`;
  }
  const between = `${formatCount(holds.value)}…${formatCount(fails.value)}`;
  return isPool
    ? `the pool of ${subject} holds **${saySetting(name, holds.value)}** (${between})${
      together === undefined ? "" : `, and its pools together ${formatCount(together)}`
    }`
    : `${subject} holds **${saySetting(name, holds.value)}** (${between}); above, ${sayBrokeFirst(fails)}`;
}

function sayBrokeFirst(tried: Tried): string {
  if ((tried.late ?? 0) >= LATE) {
    return `the load generator breaks first: it sent ${
      formatShare(tried.late!)
    } of the requests late, so that the ` +
      "gateway may hold more";
  }
  return `${tried.why[0] === undefined ? "nothing" : sayFigure(tried.why[0].figure)} breaks first: ${
    sayWhy(tried)
  }`;
}

function sayWhy({ run, why }: Tried): string {
  if (why.length === 0) return `nothing broke in \`${run}\``;
  return why.map(sayBroken).join(", ");
}

function sayBroken({ figure, was, most }: Broken): string {
  switch (figure) {
    case "failed":
      return "it could not be measured";
    case "too slow":
      return "it did not answer often enough to tell";
    case "fewer":
      return `it opened connections for only ${formatShare(was)} of the requests that were sent together`;
    case "share":
      return `${formatRatio(was)} new connections per request`;
    case "errors":
      return `${formatShare(was)} of the requests failed, more than ${formatPercent(most)}`;
    default:
      return `${sayFigure(figure)} was ${formatMs(was * 1000)} ms, more than ${formatCount(most)} ms`;
  }
}

function sayFigure(figure: Broken["figure"]): string {
  if (figure === "errors") return "the share of errors";
  if (figure === "share") return "the pool";
  return figure === "p999" ? "p99.9" : figure;
}

/** `p99 ≤ 200 ms and errors ≤ 0.1%`. */
function sayPromise(promised: readonly Promised[]): string {
  return promised.map(({ figure, most }) =>
    figure === "errors" ? `errors ≤ ${formatPercent(most)}` : `${sayFigure(figure)} ≤ ${formatCount(most)} ms`
  ).join(" and ");
}

/** A share with as many digits as it was given with. */
function formatPercent(share: number): string {
  return `${Number((share * 100).toPrecision(6))}%`;
}

/** What was tried, in the order of the values. */
export function renderTried(_findings: Findings, results: Results): string[] {
  const isPool = results.method.find!.name === "connections";
  const header = isPool
    ? ["run", "connections", "held", "connections opened", "new connections per request after the first fill"]
    : ["run", "requests/s asked for", "held", "p50 ms", "p99 ms", "failed requests", "sent late"];
  const rows = foundIn(results).flatMap(({ series, tried }) =>
    tried.map((one) => {
      const head = [`\`${series}\``, formatCount(one.value), `${one.held} of ${one.held + one.broke}`];
      return [...head, ...(isPool ? poolCells(one) : rateCells(one, results))];
    })
  );
  return rows.length === 0 ? [] : renderRows(header, rows);
}

function poolCells({ opened, share }: Tried): string[] {
  return [
    opened === undefined ? "–" : formatCount(opened),
    share === undefined ? "–" : formatRatio(share),
  ];
}

function rateCells({ run, late }: Tried, results: Results): string[] {
  const measured = measuredOf(results.runs.find(({ name }) => name === run)!);
  return [
    intervalCell(estimateMedian(measured.map(({ latencyUs }) => latencyUs.p50)), formatMs),
    intervalCell(estimateMedian(measured.map(({ latencyUs }) => latencyUs.p99)), formatMs),
    intervalCell(
      estimateMedian(
        measured.map(({ errors }) => Object.values(errors).reduce((sum, count) => sum + count, 0)),
      ),
      formatCount,
    ),
    late === undefined ? "–" : formatShare(late),
  ];
}

/** How it was found, and what it says. */
export function renderMethod(_findings: Findings, results: Results): string[] {
  const { name } = results.method.find!;
  const found = foundIn(results);
  const notes = found.flatMap((
    one,
  ) => [...noteCap(one), ...notePools(one), ...noteLuck(one), ...noteSlow(one)]);
  const longest = Math.max(...results.runs.map(({ options }) => options.backend.latencyMs));
  const how = name === "connections"
    ? "All connections send together and pause together, while the backend holds each answer until all of them are " +
      `busy, here for up to ${
        formatCount(longest)
      } ms. The first time the gateway opens one connection for each; from then on a pool that holds them all opens ` +
      "none, and a smaller one opens the rest again each time. The size found is the *effective* one, whatever the " +
      "configuration says: several gates, workers with a pool each and idle timeouts are in it. A value holds where the " +
      "pool opens fewer than 0.01 connections per request."
    : "Each rate is an open loop: requests are sent when they are due, answered or not, and latency counts from when a " +
      "request was due.";
  return [
    ...(notes.length === 0 ? [] : [...notes.map((note) => `- ${note}`), ""]),
    `${how} The values are those of a bisection; a value holds where more than half of its repetitions do, and the two ` +
    "ends of the interval were measured up to three times each, as far as twelve repetitions lasted.",
  ];
}

function noteCap({ series, cap }: Found): string[] {
  if (cap === undefined) return [];
  return [
    `\`${series}\` opened ${
      formatCount(cap)
    } connections at every number of clients above, and closed none: a limit on ` +
    "connections, at which requests wait in line. A pool that is too small closes what it cannot keep.",
  ];
}

function notePools({ series, together, holds, fails }: Found): string[] {
  if (together === undefined) return [];
  return [
    `\`${series}\` has several pools, as a gateway has whose workers keep one each: with many connections they kept ` +
    `${formatCount(together)} of them together, and the first was full somewhere between ` +
    `${formatCount(holds?.value ?? 1)} and ${
      formatCount(fails!.value)
    }, because chance divides connections unevenly.`,
  ];
}

function noteLuck({ series, tried }: Found): string[] {
  const mixed = tried.filter(({ held, broke }) => held > 0 && broke > 0);
  if (mixed.length === 0) return [];
  return [
    `\`${series}\` held in some repetitions and not in others at ${
      mixed.map(({ value }) => formatCount(value)).join(", ")
    }: its limit is not sharp.`,
  ];
}

function noteSlow({ series, tried, cap }: Found): string[] {
  if (cap !== undefined) return [];
  const slow = tried.filter(({ why }) =>
    why.some(({ figure }) => figure === "too slow" || figure === "fewer")
  );
  if (slow.length === 0) return [];
  return [
    `\`${series}\` was too slow to tell at ${
      slow.map(({ value }) => formatCount(value)).join(", ")
    }: too few of the ` +
    "requests that were sent together were answered. The pool may hold more.",
  ];
}
