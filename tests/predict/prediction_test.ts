import {
  assert,
  assertAlmostEquals,
  assertEquals,
  assertGreater,
  assertLess,
  assertStringIncludes,
  assertThrows,
} from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { openedPerRequest, predict, predictRuns } from "../../tools/predict/mod.ts";
import { predictCapture } from "../../tools/predict/predict_capture.ts";
import { renderPredictedCapture } from "../../tools/report/predicted_capture.ts";
import { renderPredictedRuns } from "../../tools/report/predicted_runs.ts";
import { renderPrediction } from "../../tools/report/prediction.ts";
import { renderReport } from "../../tools/report/report.ts";
import { readResults } from "../../tools/results/read.ts";
import { measuredOf, type Run } from "../../tools/results/results.ts";
import { ROOT } from "../support/root.ts";

Deno.test("a small pool is told with its ports, a pool that would be enough, and the formulas", () => {
  const prediction = predict({ connections: 200, pool: 10, latencyMs: 20 });
  const { openedPerRequest, enough, ports, formulas } = prediction;
  assertGreater(openedPerRequest.low, 0.05);
  assertLess(openedPerRequest.low, openedPerRequest.high);
  assertGreater(enough!.least!, 10);
  assert(enough!.least! <= enough!.most && enough!.most <= 200);
  assert(ports.worst.exhaustedSec! <= ports.median.exhaustedSec!);
  assertEquals(formulas[0]!.assumes, "nothing (Little's law)");
  const text = renderPrediction(prediction);
  assert(text.startsWith("**The pool is too small**"), text);
  // What is enough is enough.
  const again = predict({ connections: 200, pool: enough!.most, latencyMs: 20 });
  assertLess(again.openedPerRequest.median, 0.01);
  assert(renderPrediction(again).startsWith("**The pool keeps its connections**"));
});

Deno.test("a hard cap that is too low is told by its ceiling and the growth of its queue", () => {
  const prediction = predict({
    connections: 100,
    ratePerSec: 1_000,
    latencyMs: 20,
    maxConns: 10,
    gatewayUs: 0,
  });
  const { hardCap, enough } = prediction;
  assertEquals(Math.round(hardCap!.ceilingPerSec), 500);
  assertEquals(Math.round(hardCap!.growsPerSec), 500);
  assertEquals(enough, undefined);
  assert(renderPrediction(prediction).startsWith("**The hard cap is too low**"));
});

Deno.test("a question that cannot be simulated is refused by the name of its option", () => {
  const field = (question: Parameters<typeof predict>[0]) =>
    assertThrows(() => predict(question), TimewaitError).field;
  assertEquals(field({ connections: 0, latencyMs: 1 }), "connections");
  assertEquals(field({ connections: 1, latencyMs: 1, workers: 0 }), "workers");
  assertEquals(field({ connections: 9, latencyMs: 1, workers: 4, maxConns: 2 }), "maxConns");
  assertEquals(field({ connections: 9, latencyMs: 1, burst: { onMs: 0, offMs: 5 } }), "burst");
});

Deno.test("a document's runs are predicted from its baseline, and what cannot be is named", async () => {
  const results = await readResults(`${ROOT}tests/results/kept/results_1.json`);
  const predicted = predictRuns(results);
  const names = [predicted.baseline, ...predicted.runs.map(({ name }) => name)];
  assertEquals(
    [...names, ...predicted.left.map(({ name }) => name)].toSorted(),
    results.runs.map(({ name }) => name).toSorted(),
  );
  for (const { openedPerRequest: { predicted: { low, median, high } } } of predicted.runs) {
    assert(0 <= low && low <= median && median <= high);
  }
  const lines = renderPredictedRuns(predicted);
  assertEquals(lines.filter((line) => line.startsWith("| `")).length, predicted.runs.length);
  const runs = results.runs.map((run) => run.baseline ? { ...run, repetitions: [] } : run);
  const uncalibrated = predictRuns({ ...results, runs });
  assertEquals(uncalibrated.calibration.by, "profile");
  assertStringIncludes(renderPredictedRuns(uncalibrated).join("\n"), "the machine is taken to be the one of");
});

Deno.test("a capture's destinations are foretold by their ports, and with the load by another pool", () => {
  const destinations = [
    { name: "10.0.0.1:80", established: 60, openedPerSec: 800, timeWait: 9_000 },
    { name: "10.0.0.2:80", established: 5, openedPerSec: 0, timeWait: 0 },
  ];
  const quietly = renderPredictedCapture(predictCapture({ destinations }), {});
  assertStringIncludes(quietly, "`--requests-per-sec N`");
  const [busy, quiet] = predictCapture({ destinations });
  assertEquals(busy!.ports.exhaustedSec!.toFixed(1), "35.2");
  assertEquals([quiet!.ports.exhaustedSec, quiet!.churns, quiet!.withPool], [
    undefined,
    undefined,
    undefined,
  ]);
  const [known] = predictCapture({ destinations }, { requestsPerSec: 2_000, latencyMs: 20, pool: 500 });
  assertEquals(known!.churns, true);
  assertLess(known!.withPool!.openedPerRequest.median, 0.01);
  assertEquals(known!.assumed, { ratePerSec: 2_000 * 860 / 865, latencyMs: 20, isLatencyGuessed: false });
  // Sixty established connections answer 1,988 requests a second, each in 30 ms at most.
  const load = { requestsPerSec: 2_000, pool: 500 };
  const guessed = predictCapture({ destinations }, load);
  assertAlmostEquals(guessed[0]!.assumed!.latencyMs, 60 / 1_988.4 * 1_000, 0.1);
  assertStringIncludes(renderPredictedCapture(guessed, load), "which `--latency` replaces");
});

Deno.test("a report with predictions has a section of them, and none without", async () => {
  const results = await readResults(`${ROOT}tests/results/kept/results_1.json`);
  const heading = "### Predicted beside measured";
  assertEquals(renderReport(results).includes(heading), false);
  assertStringIncludes(renderReport(results, [], [], predictRuns(results)), heading);
});

Deno.test("a baseline that overflows its pool shows how bunched requests come, and its own churn is foretold", async () => {
  const results = await readResults(`${ROOT}tests/results/kept/results_1.json`);
  const churning = results.runs.find((run) => measuredOf(run).some((one) => openedPerRequest(one) > 0.1))!;
  const again = { ...churning, name: "again", baseline: false };
  const { calibration, runs: [told] } = predictRuns({
    ...results,
    runs: [{ ...churning, baseline: true }, again],
  });
  assertEquals(calibration.bunchings!.length, 3);
  assert(told!.openedPerRequest.isWithin, JSON.stringify(told));
  assertEquals(told!.onlyBounds, undefined);
});

Deno.test("net-http with far more clients than it can serve has only bounds, on the side of its pool", async () => {
  const results = await readResults(`${ROOT}tests/results/kept/results_1_net_http.json`);
  const run = results.runs.find(({ options: { gateway } }) => gateway !== null)!;
  const crowd = (name: string, maxIdleConnsPerHost: number): Run => ({
    ...run,
    name,
    baseline: name === "known",
    options: {
      ...run.options,
      gateway: { ...run.options.gateway, maxIdleConnsPerHost } as Run["options"]["gateway"],
      load: { ...run.options.load, connections: 2_000 },
      backend: { ...run.options.backend, latencyMs: 20 },
    },
  });
  const { runs: [smaller, larger] } = predictRuns({
    ...results,
    runs: [crowd("known", 100), crowd("smaller", 50), crowd("larger", 200)],
  });
  assertStringIncludes(larger!.onlyBounds!, "starve");
  assertEquals(larger!.openedPerRequest.predicted.low, 0);
  assertGreater(smaller!.openedPerRequest.predicted.high, 0.99);
});

Deno.test("under an open loop CPU times make the machine as slow as it was, and no gateway is overloaded", async () => {
  const results = await readResults(`${ROOT}tests/results/kept/results_1.json`);
  const churning = results.runs.find((run) => measuredOf(run).some((one) => openedPerRequest(one) > 0.1))!;
  const { options } = churning;
  const ratePerSec = 1_000;
  const requests = ratePerSec * options.load.durationMs / 1000;
  // What our generator takes for a request is more than wrk takes, and says nothing of gateway and backend.
  const repetitions = churning.repetitions.map((one) =>
    !("requests" in one) ? one : {
      ...one,
      requests,
      requestsPerSec: ratePerSec,
      hosts: { ...one.hosts, gateway: { ...one.hosts.gateway!, connectionsOpened: 0.1 * requests } },
      processes: {
        ...one.processes,
        gateway: { ...one.processes.gateway!, cpuSec: 240e-6 * requests },
        backend: { ...one.processes.backend!, cpuSec: 60e-6 * requests },
        load: { ...one.processes.load, cpuSec: 300e-6 * requests },
      },
    }
  );
  const open = { ...churning, repetitions, options: { ...options, load: { ...options.load, ratePerSec } } };
  const { calibration: { slowness, by }, runs: [told] } = predictRuns({
    ...results,
    runs: [{ ...open, baseline: true }, { ...open, name: "again", baseline: false }],
  });
  assertEquals(by, "CPU time");
  assert(1.4 < slowness && slowness < 2, `${slowness}`);
  assert(told!.openedPerRequest.predicted.high < 1, JSON.stringify(told));
});
