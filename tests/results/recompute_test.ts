// A second program for the figures of the report, which shares nothing with the first: it goes back to every
// single answer and tries all arrangements. It takes the document as JSON.

import { assertEquals, assertStringIncludes } from "@std/assert";
import { renderReport } from "../../tools/report/report.ts";
import { normalRandom } from "../support/simulation.ts";
import { pool, repetition, results, run } from "../support/made_up_results.ts";

const REPETITIONS = 7;

function chanceResults(seed: number) {
  const { normal, uniform } = normalRandom(seed);
  const runs = [["direct", 8_000], ["pool-100", 5_200], ["pool-1000", 7_900]].map(([name, rate]) => {
    const direct = name === "direct";
    const repetitions = Array.from({ length: REPETITIONS }, () => {
      const us = Array.from({ length: 9 }, (_, i) => 1_000 * (i + 1) + Math.floor(uniform() * 900));
      const count = us.map(() => 1 + Math.floor(uniform() * 400));
      const answers = count.reduce((sum, n) => sum + n);
      const timeout = Math.floor(uniform() * 30);
      const one = repetition(1, direct ? {} : { opened: 9, timeWait: Math.floor(uniform() * 5_000) });
      return {
        ...one,
        requests: answers + timeout,
        requestsPerSec: Math.round(Number(rate) * Math.exp(0.04 * normal())),
        durationSec: (answers + timeout) / (Number(rate) * Math.exp(0.04 * normal())),
        latencyHistogram: { us, count },
        errors: { ...one.errors, timeout, status: Math.floor(uniform() * 20) },
      };
    });
    return run(name as string, repetitions, direct ? null : pool(100));
  });
  return results(runs);
}

// deno-lint-ignore no-explicit-any
type Json = any;

const sorted = (values: number[]) => values.toSorted((a, b) => a - b);
const middle = (values: number[]) => {
  const all = sorted(values);
  return (all[Math.floor((all.length - 1) / 2)]! + all[Math.ceil((all.length - 1) / 2)]!) / 2;
};
const good = (one: Json) => (one.requests - one.errors.timeout - one.errors.status) / one.durationSec;
const whole = (value: number) => Math.round(value).toString().replace(/\B(?=(\d{3})+$)/g, ",");
const percent = (share: number) => `${(share * 100).toFixed(1)}%`;

/** The cells of a row of the report's table with this header, by run. */
function cellsOf(report: string, run: string, header: string): string[] {
  const table = report.split("\n\n").find((part) =>
    part.includes(`| ${header}`) || part.includes(` ${header} |`)
  )!;
  const row = table.split("\n").find((line) => line.startsWith(`| \`${run}\``))!;
  return row.split("|").slice(2, -1).map((cell) => cell.trim());
}

/** Two-sided p of the sum of the positive ranks, by trying every way to give the ranks their signs. */
function pOfAllSigns(differences: number[]): number {
  const sizes = sorted(differences.map(Math.abs));
  const rankSum = (isPositive: (difference: number, i: number) => boolean) =>
    differences.reduce((sum, one, i) => sum + (isPositive(one, i) ? sizes.indexOf(Math.abs(one)) + 1 : 0), 0);
  const sums = Array.from(
    { length: 2 ** differences.length },
    (_, bits) => rankSum((_, i) => bits >> i & 1 ? true : false),
  );
  const seen = rankSum((difference) => difference > 0);
  const share = (of: (sum: number) => boolean) => sums.filter(of).length / sums.length;
  return Math.min(1, 2 * Math.min(share((sum) => sum <= seen), share((sum) => sum >= seen)));
}

/**
 * The ratios that the test does not reject at a level: the first and the last of those at which it changes.
 */
function ratiosNotRejected(logRatios: number[], level: number): [number, number] {
  const means = sorted(logRatios.flatMap((a, i) => logRatios.slice(i).map((b) => (a + b) / 2)));
  const kept = means.filter((mean) =>
    [mean - 1e-9, mean + 1e-9].some((at) => pOfAllSigns(logRatios.map((one) => one - at)) > level)
  );
  return [Math.exp(kept[0]!), Math.exp(kept.at(-1)!)];
}

for (const seed of [1, 2, 3]) {
  Deno.test(`the report's figures are what a second program makes of the document (${seed})`, () => {
    const document = chanceResults(seed);
    const report = renderReport(document);
    const json: Json = JSON.parse(JSON.stringify(document));
    const of = (name: string) => json.runs.find((run: Json) => run.name === name).repetitions;
    for (const { name, options } of json.runs) {
      const [requestsPerSec, , , , , , timeWait] = cellsOf(report, name, "requests/s");
      const rates = sorted(of(name).map(good));
      // With seven values the lowest and the highest hold the median in all but 2 of 128 cases.
      assertEquals(requestsPerSec, `${whole(middle(rates))} (${whole(rates[0]!)}…${whole(rates.at(-1)!)})`);
      if (options.gateway !== null) {
        const peaks = sorted(of(name).map((one: Json) => one.hosts.gateway.timeWaitPeak));
        assertEquals(timeWait, `${whole(middle(peaks))} (${whole(peaks[0]!)}…${whole(peaks.at(-1)!)})`);
      }
      const answers = sorted(
        of(name).flatMap(({ latencyHistogram: { us, count }, errors }: Json) => [
          ...us.flatMap((value: number, i: number) => new Array(count[i]).fill(value)),
          ...new Array(errors.timeout).fill(options.load.timeoutMs * 1000),
        ]),
      );
      const at = (share: number) =>
        (answers[Math.ceil(answers.length * share) - 1]! / 1000).toLocaleString("en-US", {
          minimumFractionDigits: 1,
          maximumFractionDigits: 1,
        });
      assertEquals(
        cellsOf(report, name, "answers"),
        [whole(answers.length), ...[0.5, 0.75, 0.9, 0.99, 0.999, 1].map(at)],
      );
    }
    const names = ["pool-100", "pool-1000"];
    const logs = names.map((name) =>
      of(name).map((one: Json, round: number) => Math.log(good(one) / good(of("direct")[round])))
    );
    const ps = logs.map(pOfAllSigns);
    for (const [i, name] of names.entries()) {
      const [, cell] = cellsOf(report, name, "requests/s");
      // Holm: the smaller is tested at half of 5%, the larger at 5% where the smaller has shown something.
      const level = Math.min(...ps) <= 0.025 && ps[i]! > Math.min(...ps) ? 0.05 : 0.025;
      const [low, high] = ratiosNotRejected(logs[i]!, level);
      const means: number[] = logs[i]!.flatMap((a: number, k: number) =>
        logs[i]!.slice(k).map((b: number) => (a + b) / 2)
      );
      const shown = ps[i]! <= level;
      assertEquals(cell!.startsWith("no difference shown"), !shown);
      const estimate = Math.exp(middle(means));
      assertStringIncludes(
        cell!,
        estimate > 1
          ? `${percent(estimate - 1)} (${percent(low - 1)}…${percent(high - 1)})`
          : `${percent(1 - estimate)} (${percent(1 - high)}…${percent(1 - low)})`,
      );
    }
  });
}
