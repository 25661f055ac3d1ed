/**
 * Predicts what a gateway does with its connections: `deno task predict --connections 1000 --pool 100`.
 *
 * @module
 */

import {
  type Call,
  type Main,
  mainOf,
  type Options,
  printOutput,
  runAsScript,
  valueFlag,
} from "./cli/command_line.ts";
import { parseChoice, parseDurationMs, parseText, parseWhole } from "./cli/values.ts";
import { TimewaitError } from "./errors.ts";
import { predict as predictLoad, predictRuns } from "./predict/mod.ts";
import { renderPredictedRuns, renderPrediction } from "./report/prediction.ts";
import { readResults } from "./results/read.ts";

const number = (help: string, least = 1) => valueFlag("N", help, parseWhole(least), undefined);

const LOAD = {
  connections: number("connections of the clients; in a closed loop the concurrency (default 1000)"),
  rate: number("requests a second of an open loop (default: a closed loop)"),
  arrivals: valueFlag(
    "KIND",
    "arrivals of the open loop: poisson or even (default poisson)",
    parseChoice(["poisson", "even"]),
    undefined,
  ),
  burst: valueFlag("ON/OFF", "load in bursts, such as 1s/500ms (default: no pauses)", parseBurst, undefined),
  latency: valueFlag("DURATION", "time until the backend answers (default 70ms)", parseDurationMs, 70),
  latencySpread: valueFlag(
    "SHARE",
    "share by which the latency is off either way, such as 20%, or exponential (default 0%)",
    parseSpread,
    undefined,
  ),
} as const;

const POOL = {
  pool: number("idle connections kept for each backend (default: no limit)", 0),
  poolTotal: number("idle connections kept for all backends (default: no limit)", 0),
  poolScope: valueFlag(
    "SCOPE",
    "what the limits are of: gateway or worker (default gateway)",
    parseChoice(["gateway", "worker"]),
    undefined,
  ),
  maxConns: number("connections to each backend, a hard cap (default: no limit)"),
  maxPending: number("requests that may wait at the hard cap (default: no limit)", 0),
  gatewayIdleTimeout: valueFlag(
    "DURATION",
    "time an idle connection is kept (default: for ever)",
    parseDurationMs,
    undefined,
  ),
  requestLimit: number("requests after which the gateway closes a connection (default: no limit)"),
} as const;

const PLACE = {
  gateway: valueFlag(
    "KIND",
    "gateway whose work is taken: http-client, net-http or go (default http-client)",
    parseChoice(["http-client", "net-http", "go"]),
    undefined,
  ),
  gatewayUs: number("CPU time of the gateway for a request, in microseconds (default: that of its kind)", 0),
  workers: number("event loops of the gateway (default 1)"),
  cpus: number("CPUs that gateway, backend and clients share (default: each has its own)"),
  destinations: number("addresses of backends (default 1)"),
  ports: number("ephemeral ports towards each address (default 28232)"),
  natPorts: number("ports of a NAT towards each address (default: no NAT)"),
} as const;

const SOURCE = {
  from: valueFlag(
    "RESULTS.json",
    "kept results: calibrates on the baseline, predicts the other runs",
    parseText,
    undefined,
  ),
  seed: number("what the simulations are drawn with (default 1)", 0),
} as const;

const FLAGS = { ...LOAD, ...POOL, ...PLACE, ...SOURCE };

/** The command's entry point: see {@linkcode Main}. */
export const main: Main = mainOf({
  name: "predict",
  summary: "Predicts new connections, TIME_WAIT and the second when ports run out, by simulation.",
  flags: FLAGS,
  groups: { Load: LOAD, Pool: POOL, "Gateway and network": PLACE, Source: SOURCE },
  examples: [
    "deno task predict --connections 1000 --pool 100 --latency 70ms",
    "deno task predict --rate 12000 --pool 100 --latency 70ms --destinations 3 --nat-ports 1024",
    "deno task predict --from out/results.json",
  ],
  run: predict,
});

async function predict({ from, ...flags }: Options<typeof FLAGS>, call: Call): Promise<number> {
  if (from !== undefined) {
    const other = call.words.find(({ flag }) => flag !== "from");
    if (other !== undefined) {
      throw new TimewaitError(
        `--from takes all from the results: leave ${other.texts[0]!.split("=")[0]} out`,
      );
    }
    await printOutput(renderPredictedRuns(predictRuns(await readResults(from))).join("\n"));
    return 0;
  }
  const { latency, rate, poolScope, gatewayIdleTimeout, connections = 1000, ...others } = flags;
  await printOutput(renderPrediction(predictLoad({
    ...others,
    connections,
    latencyMs: latency,
    ratePerSec: rate,
    poolPerWorker: poolScope === "worker",
    idleTimeoutMs: gatewayIdleTimeout,
  })));
  return 0;
}

/** `1s/500ms`: load for a second, then a pause of half of one. */
function parseBurst(text: string, field: string): { onMs: number; offMs: number } {
  const [on, off, ...more] = text.split("/");
  if (on === undefined || off === undefined || more.length > 0) {
    throw new TimewaitError(`takes load and pause such as 1s/500ms, not "${text}"`, { field });
  }
  return { onMs: parseDurationMs(on, field), offMs: parseDurationMs(off, field) };
}

function parseSpread(text: string, field: string): number | "exponential" {
  if (text === "exponential") return text;
  const share = /^\d+(\.\d+)?%$/.test(text) ? Number(text.slice(0, -1)) / 100 : NaN;
  if (!(share <= 1)) {
    throw new TimewaitError(`takes 0% to 100%, or exponential, not "${text}"`, { field });
  }
  return share;
}

if (import.meta.main) await runAsScript(main);
