import { assert, assertEquals, assertGreater, assertLess, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { predict, predictRuns } from "../../tools/predict/mod.ts";
import { predictCapture } from "../../tools/predict/predict_capture.ts";
import { renderPredictedRuns, renderPrediction } from "../../tools/report/prediction.ts";
import { readResults } from "../../tools/results/read.ts";
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
  assertThrows(() => predictRuns({ ...results, runs }), TimewaitError, "calibrates nothing");
});

Deno.test("a capture's destinations are foretold by their ports, and with the load by another pool", () => {
  const destinations = [
    { name: "10.0.0.1:80", established: 60, openedPerSec: 800, timeWait: 9_000 },
    { name: "10.0.0.2:80", established: 5, openedPerSec: 0, timeWait: 0 },
  ];
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
});
