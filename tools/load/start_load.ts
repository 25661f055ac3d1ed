/**
 * Decides on a load generator, checks what it is told, and starts it.
 *
 * @module
 */

import { shown } from "../scenario/check.ts";
import { type LoadPlan } from "../scenario/plan.ts";
import { sendingMs } from "../scenario/resolve_requests.ts";
import config from "../../deno.json" with { type: "json" };
import { TimewaitError } from "../errors.ts";
import { type Host } from "../lab/host.ts";
import { CommandNotFoundError, findCommand } from "../lab/find_command.ts";
import { prepareAutocannon, startAutocannon } from "./autocannon.ts";
import { divideLoad } from "./divide_load.ts";
import type {
  GeneratorChoice,
  LoadGenerator,
  LoadOptions,
  LoadReport,
  RunningGenerator,
  RunningLoad,
} from "./load.ts";
import { mergeReports } from "./load_reports.ts";
import { startOpenLoopIn } from "./open_loop_process.ts";
import { checkWrkOptions, readWrkVersion, startWrk } from "./wrk.ts";

/**
 * Refuses options that a generator would take without a word and not do as asked.
 *
 * @throws {TimewaitError} which names the option and says what to give instead.
 */
export function checkLoadOptions(generator: LoadGenerator, options: LoadPlan): void {
  const { connections, threads, warmUpMs, headers, ratePerSec, durationMs } = options;
  if (connections < threads) {
    throw new TimewaitError(
      `must be at least the number of threads, ${threads}, not ${connections}: each thread needs one`,
      { field: "connections" },
    );
  }
  for (const header of headers) {
    if (!/^[!#$%&'*+.^_`|~0-9A-Za-z-]+: (?:\t|\P{Cc})*$/u.test(header)) {
      throw new TimewaitError(`must be lines "Name: value", not ${shown(header)}, which would not be sent`, {
        field: "headers",
      });
    }
  }
  checkOwnHeaders(headers, generator);
  checkRequests(generator, options);
  if (ratePerSec !== undefined && generator !== "open-loop") {
    throw new TimewaitError(
      `is for the open loop, and ${generator} waits for each answer: leave ${generator} out, and the open loop is taken`,
      { field: "rate" },
    );
  }
  if (generator === "wrk") {
    if (warmUpMs % 1000 !== 0) {
      throw new TimewaitError(`must be whole seconds for wrk, or 0, not ${warmUpMs}ms`, {
        field: "warmUp",
      });
    }
    return checkWrkOptions(options);
  }
  if (options.script !== undefined) {
    throw new TimewaitError(
      ratePerSec === undefined
        ? `is for wrk, and ${generator} makes this load: apt-get install wrk, or ask for wrk`
        : "is for wrk, and wrk has no rate: give a script or a rate, not both",
      { field: "script" },
    );
  }
  if (generator === "autocannon") return;
  if (ratePerSec === undefined) {
    throw new TimewaitError("is needed by the open loop: give the requests per second", { field: "rate" });
  }
  if (!(ratePerSec * sendingMs(durationMs, options.burst) >= 1000)) {
    throw new TimewaitError(
      `of ${ratePerSec} makes no request in ${durationMs / 1000} s: give a higher rate or a longer duration`,
      { field: "rate" },
    );
  }
}

/** Refuses pauses, methods, bodies and clients that leave where the generator cannot have them. */
function checkRequests(generator: LoadGenerator, options: LoadPlan): void {
  const { burst, abandon, method, requestBodyBytes, script, durationMs, timeoutMs } = options;
  if (script !== undefined && (method !== undefined || requestBodyBytes !== undefined)) {
    throw new TimewaitError("says its own method and body: give a script, or a method and a body, not both", {
      field: "script",
    });
  }
  if (burst !== undefined && generator === "autocannon") {
    throw new TimewaitError("is kept by wrk and the open loop, not by autocannon: take wrk, or give a rate", {
      field: "burst",
    });
  }
  if (burst !== undefined && burst.onMs >= durationMs) {
    throw new TimewaitError(
      `sends for ${burst.onMs}ms and has no pause in a load of ${durationMs}ms: give a longer duration`,
      { field: "burst" },
    );
  }
  if (abandon === undefined) return;
  if (generator !== "open-loop") {
    throw new TimewaitError(`is for the open loop, and ${generator} waits for each answer: give a rate`, {
      field: "abandon",
    });
  }
  if (abandon.afterMs >= timeoutMs) {
    throw new TimewaitError(`must be shorter than the timeout, ${timeoutMs}ms, not ${abandon.afterMs}ms`, {
      field: "abandonAfter",
    });
  }
}

/** What a header of the user's cannot say, because the load says or does it itself. */
const OWN_HEADERS: Readonly<Record<string, string>> = {
  "content-length":
    "counts its own body: the size of the request's body, or a script for wrk, sends one with its length",
  "transfer-encoding": "sends each body with its length: a script for wrk can send it in chunks",
};

/** Refuses headers that would break or change what is measured, and a second `Host` or `Connection`. */
function checkOwnHeaders(headers: readonly string[], generator: LoadGenerator): void {
  const refuse = (problem: string) => new TimewaitError(problem, { field: "headers" });
  const names = headers.map((header) => header.slice(0, header.indexOf(":")).toLowerCase());
  for (const [i, name] of names.entries()) {
    const why = OWN_HEADERS[name];
    if (why !== undefined) throw refuse(`cannot set ${name}, because the load ${why}`);
    if (name !== "connection") continue;
    const value = headers[i]!.slice(headers[i]!.indexOf(":") + 1).trim().toLowerCase();
    if (value !== "close" && value !== "keep-alive") {
      throw refuse(`must say "Connection: close" or "Connection: keep-alive", not ${shown(headers[i])}`);
    }
    if (value === "close" && generator === "autocannon") {
      throw refuse(
        "cannot have Connection: close, because autocannon keeps its connections: take wrk",
      );
    }
  }
  for (const name of ["Host", "Connection"]) {
    if (names.filter((given) => given === name.toLowerCase()).length > 1) {
      throw refuse(`cannot have two ${name}: a request has one`);
    }
  }
}

/** A host from which a load comes. */
export interface LoadClient {
  /** The host. */
  readonly host: Host;
  /** Where wrk is on it. Default: where it is on this machine. */
  readonly wrk?: string;
}

/** How several clients are started. */
export interface StartTogether {
  /** Called when all of them are ready, just before they are told to begin. */
  readonly onBegin?: () => void;
}

/**
 * Starts a load on a host; or on given clients, among which it is divided, and which begin together.
 *
 * @throws {Error} where a generator cannot be started; none of them is left running then.
 */
export async function startLoad(
  generator: LoadGenerator,
  clients: Host | readonly LoadClient[],
  options: LoadOptions,
  { onBegin }: StartTogether = {},
): Promise<RunningLoad> {
  const waits = !("start" in clients);
  const each: readonly LoadClient[] = waits ? clients : [{ host: clients }];
  await using stack = new AsyncDisposableStack();
  const parts = divideLoad(options, each.length);
  const starts = await Promise.allSettled(each.map(async (client, i) => {
    return stack.use(await startGenerator(generator, client, parts[i]!, { waits }));
  }));
  const generators = starts.map((start) => {
    if (start.status === "rejected") throw start.reason;
    return start.value;
  });
  onBegin?.();
  if (waits) await Promise.all(generators.map((one) => one.begin?.()));
  const over = Promise.all(generators.map((one) => one.over)).then(() => {});
  // A load that is given up has nobody who waits for its end.
  over.catch(() => {});
  let reports: readonly LoadReport[] = [];
  const owned = stack.move();
  return {
    generators,
    over,
    get reports() {
      return reports;
    },
    async finish() {
      reports = await Promise.all(generators.map((one) => one.finish()));
      return mergeReports(reports);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function startGenerator(
  generator: LoadGenerator,
  { host, ...where }: LoadClient,
  options: LoadOptions,
  { waits }: { readonly waits: boolean },
): Promise<RunningGenerator> {
  if (generator === "open-loop") return startOpenLoopIn(host, options, { waits });
  return generator === "wrk" ? startWrk(host, options, { ...where, waits }) : startAutocannon(host, options);
}

/** What the load asks of its generator. */
export interface GeneratorNeeds {
  /** Whether the load has a rate, which only the open loop can keep. Default false. */
  readonly rate?: boolean;
}

/**
 * Decides on a generator. `auto` takes the open loop for a load with a rate, else wrk where it is installed,
 * else autocannon, which comes from npm.
 *
 * @throws {CommandNotFoundError} when wrk was asked for and is not installed.
 */
export async function chooseGenerator(
  asked: LoadGenerator | "auto",
  { rate = false }: GeneratorNeeds = {},
): Promise<GeneratorChoice> {
  if (asked === "open-loop" || (asked === "auto" && rate)) {
    return { name: "open-loop", version: config.version };
  }
  if (asked === "autocannon") return { name: asked, version: await prepareAutocannon() };
  try {
    return { name: "wrk", version: await readWrkVersion(findCommand("wrk")) };
  } catch (error) {
    if (asked === "wrk" || !(error instanceof CommandNotFoundError)) throw error;
    return { name: "autocannon", version: await prepareAutocannon(), reason: error.message };
  }
}
