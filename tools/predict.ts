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
import { CAPTURE_HEADER, readCapture } from "./doctor/capture.ts";
import { factsOf } from "./doctor/facts.ts";
import { TimewaitError } from "./errors.ts";
import { predict as predictLoad, predictCapture, predictRuns } from "./predict/mod.ts";
import { renderPredictedCapture } from "./report/predicted_capture.ts";
import { renderPredictedRuns } from "./report/predicted_runs.ts";
import { renderPrediction } from "./report/prediction.ts";
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
    "FILE",
    "kept results: calibrates on the baseline, predicts the other runs; or a doctor's capture of a machine",
    parseText,
    undefined,
  ),
  requestsPerSec: number("requests a second that the machine of a capture serves, from its log"),
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
    "deno task predict --from web1.capture --requests-per-sec 2000 --pool 500",
  ],
  run: predict,
});

async function predict({ from, ...flags }: Options<typeof FLAGS>, call: Call): Promise<number> {
  if (from !== undefined) {
    await printOutput(
      await isCapture(from) ? await fromCapture(from, flags, call) : await fromResults(from, call),
    );
    return 0;
  }
  const { latency, rate, poolScope, gatewayIdleTimeout, connections = 1000, requestsPerSec, ...others } =
    flags;
  if (requestsPerSec !== undefined) {
    throw new TimewaitError("is of a capture, which --from names: the rate of a load is --rate", {
      field: "requestsPerSec",
    });
  }
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

async function fromResults(file: string, call: Call): Promise<string> {
  refuseOthers(call, ["from"], "--from takes all from the results");
  const results = await readResults(file);
  if (results.environment.lab.kind === "remote") {
    throw new TimewaitError(
      `takes what was measured in a lab of our own, whose machine it knows; ${file} was measured on given hosts`,
      { field: "from" },
    );
  }
  return renderPredictedRuns(predictRuns(results)).join("\n");
}

/** Flags of what a capture does not show. */
const OF_CAPTURE = [
  "from",
  "requestsPerSec",
  "latency",
  "latencySpread",
  "pool",
  "gateway",
  "gatewayUs",
  "cpus",
  "seed",
];

/** Destinations of a capture that are predicted: those that most ports are held for. */
const MOST_DESTINATIONS = 5;

async function fromCapture(
  file: string,
  { requestsPerSec, latency, pool, ...question }: Omit<Options<typeof FLAGS>, "from">,
  call: Call,
): Promise<string> {
  refuseOthers(call, OF_CAPTURE, "--from takes the connections from the capture");
  using opened = await Deno.open(file);
  const facts = factsOf(await readCapture(opened.readable, file));
  if (facts === undefined) throw new TimewaitError(`${file} holds no reading, so nothing is predicted`);
  const isLatencyGiven = call.words.some(({ flag }) => flag === "latency");
  const { latencySpread, gateway, gatewayUs, cpus, seed } = question;
  const known = {
    requestsPerSec,
    latencyMs: isLatencyGiven ? latency : undefined,
    pool,
    ports: facts.usable.count,
    question: { latencySpread, gateway, gatewayUs, cpus, seed },
  };
  const destinations = facts.destinations.slice(0, MOST_DESTINATIONS).map((
    { service, states, madePerSec },
  ) => ({
    name: service,
    established: states.established,
    openedPerSec: madePerSec,
    timeWait: states.timeWait,
  }));
  return renderPredictedCapture(predictCapture({ destinations }, known), known);
}

function refuseOthers({ words }: Call, taken: readonly string[], why: string): void {
  const other = words.find(({ flag }) => flag !== undefined && !taken.includes(flag));
  if (other !== undefined) throw new TimewaitError(`${why}: leave ${other.texts[0]!.split("=")[0]} out`);
}

/** Whether a file begins like a capture. What cannot be read is told by who reads it. */
async function isCapture(file: string): Promise<boolean> {
  try {
    using opened = await Deno.open(file);
    const begin = new Uint8Array(CAPTURE_HEADER.length);
    await opened.read(begin);
    return new TextDecoder().decode(begin).startsWith("timewait capture");
  } catch {
    return false;
  }
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
