/**
 * Starts the parties of a run on the hosts of a lab: the backend and the gateway, each in a process of its
 * own. Those that are ours may use the network and nothing else.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import {
  BACKEND_SCRIPT,
  denoArgv,
  type DenoScript,
  GATEWAY_SCRIPT,
  GATEWAY_THREADS_SCRIPT,
  withFfi,
} from "../lab/deno_script.ts";
import { fillPlaceholders, type PlaceholderValues } from "../scenario/placeholders.ts";
import type { BackendPlan, GatewayPlan, HttpClientPlan, NetHttpPlan } from "../scenario/plan.ts";
import type { ListenAddress } from "../server/address.ts";
import type { BackendServerPlan } from "./backend_server.ts";
import { isSimple } from "./gateway_program.ts";
import type { GatewayServerPlan } from "./gateway_server.ts";
import { type AnyLab, hostsOf } from "../lab/any_lab.ts";
import { type Host } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { type ProcessOptions, reasonOfEnd, type RunningProcess } from "../lab/process.ts";
import type { Collector } from "../observe/collector.ts";
import { listens, parseTcpTable, TCP_TABLE_FILES } from "../observe/tcp_table.ts";

/** A party that listens. Disposing it stops it. */
export interface Party extends AsyncDisposable {
  /** Where it runs. */
  readonly host: Host;
  /** Its process on its host. The process group includes whatever a command has started. */
  readonly process: RunningProcess;
  /** The IPv4 address of its host, on which it listens. */
  readonly hostname: string;
  /**
   * Where it listens. In a lab of its own namespaces the first gateway has 8080, the first backend 8081, and
   * each further one the next even or odd port; in a host lab it is a free port from 20000 to 31999.
   */
  readonly port: number;
  /** `http://HOST:PORT`, as the other hosts reach it. */
  readonly url: string;
  /** What listens to its lines, as given in {@linkcode StartOptions}. */
  readonly collectors: readonly Collector<unknown>[];
}

/** How a party is started. */
export interface StartOptions {
  /** Each is handed every line that the party prints, on standard output and on standard error. */
  readonly collectors?: readonly Collector<unknown>[];
  /** Where it listens; needed on given hosts. Default: a port that nobody else in the lab has. */
  readonly listen?: ListenAddress | undefined;
  /** Ends the wait until the party listens, and stops the party. */
  readonly signal?: AbortSignal;
  /** How long the party may take until it listens, in milliseconds. Default {@linkcode LISTEN_TIMEOUT_MS}. */
  readonly listenTimeoutMs?: number;
}

/** How long a party may take until it listens, in milliseconds. */
export const LISTEN_TIMEOUT_MS = 10_000;

const LISTEN_POLL_MS = 10;

/**
 * How many sockets there are, which the kernel counts. For a table it goes through all chains of its hash,
 * even where no socket is: with 24 GiB of memory these are 262,144, and both tables took 12 ms of CPU time,
 * these two files 0.07 ms.
 */
const SOCKET_COUNT_FILES = ["/proc/net/sockstat", "/proc/net/sockstat6"] as const;

/**
 * After so many milliseconds a table is read even where the counts are as before: one socket may have come
 * as another went.
 */
const TABLE_POLL_MS = 100;

/** How long a party waits for requests in flight once it is told to end, in milliseconds. */
const GRACE_MS = 10_000;

/** How often a backend says how many requests it has answered, in milliseconds. */
const ANSWERED_INTERVAL_MS = 500;

/**
 * Starts a backend. One of ours prints every 500 ms how many requests it has answered.
 *
 * @throws {Error} where it ends or does not listen in time, and the reason of the signal when that aborts
 * before.
 */
export async function startBackendIn(
  lab: AnyLab,
  plan: BackendPlan,
  options: StartOptions = {},
): Promise<Party> {
  using place = await placeOf(lab, "backend", options);
  const { host, listen } = place;
  const { command } = plan;
  const started = command === undefined
    ? { argv: backendArgv({ ...plan, listen, graceMs: GRACE_MS }) }
    : commandProcess(command, { listen });
  return await startParty(host, { name: "the backend", ...started }, listen, options);
}

function backendArgv(server: BackendServerPlan): string[] {
  const every = `${ANSWERED_INTERVAL_MS}ms`;
  return denoArgv(BACKEND_SCRIPT, ["--plan", JSON.stringify(server), "--count-every", every]);
}

/** Where a gateway forwards to. */
export type Upstream = Pick<Party, "hostname" | "port" | "url">;

/**
 * Starts a gateway in front of a backend, or of several.
 *
 * @throws {Error} where it ends or does not listen in time, and the reason of the signal when that aborts
 * before.
 */
export async function startGatewayIn(
  lab: AnyLab,
  plan: GatewayPlan,
  backend: Upstream | readonly [Upstream, ...Upstream[]],
  options: StartOptions = {},
): Promise<Party> {
  if ("running" in plan) throw new Error("the gateway runs already, and is not started");
  using place = await placeOf(lab, "gateway", options);
  const { host, listen } = place;
  const [upstream, ...further] = "url" in backend ? [backend] : backend;
  const command = "command" in plan ? commandProcess(plan.command, { listen, upstream, further }) : {
    argv: denoArgv(scriptOf(plan), [
      "--plan",
      JSON.stringify(serverPlan(plan, listen, [upstream, ...further])),
    ]),
  };
  return await startParty(host, { name: "the gateway", ...command }, listen, options);
}

function serverPlan(
  gateway: HttpClientPlan | NetHttpPlan,
  listen: ListenAddress,
  backends: readonly Pick<Party, "url">[],
): GatewayServerPlan {
  return { gateway, upstreams: backends.map(({ url }) => url), listen, graceMs: GRACE_MS };
}

/**
 * A shell that runs a command line. Every user of the machine can read a process's arguments, and nobody but
 * its own user its environment: the command line may hold secrets, so it stands there.
 */
function commandProcess(
  command: string,
  values: PlaceholderValues,
): Pick<ProcessOptions, "argv" | "env" | "stopsGroup"> {
  const filled = fillPlaceholders(command, values);
  const simple = isSimple(command);
  return {
    argv: ["/bin/sh", "-c", `eval "unset ${COMMAND_VARIABLE}; $${COMMAND_VARIABLE}"`],
    // Many a command line says exec itself.
    env: { [COMMAND_VARIABLE]: simple && !/^\s*exec\s/.test(command) ? `exec ${filled}` : filled },
    stopsGroup: !simple,
  };
}

const COMMAND_VARIABLE = "TIMEWAIT_COMMAND";

/** Several threads share a port, and each reads its own source: they need more permissions than one does. */
function scriptOf(plan: HttpClientPlan | NetHttpPlan): DenoScript {
  const script = plan.workers === 1 ? GATEWAY_SCRIPT : GATEWAY_THREADS_SCRIPT;
  return "sockets" in plan ? withFfi(script) : script;
}

/**
 * The first port of each party where the hosts are namespaces of the lab. Gateways take the even ports from
 * there on, backends the odd ones.
 */
const FIRST_PORT = { gateway: 8080, backend: 8081 } as const;
const PORT_STEP = 2;

/**
 * Ports given to parties that do not listen yet, so that two which start at the same time do not get the same
 * one.
 */
const claimed = new WeakMap<Lab, Set<number>>();

/** Where a party is started. */
interface Place extends Disposable {
  readonly host: Host;
  readonly listen: ListenAddress;
}

async function placeOf(lab: AnyLab, party: "gateway" | "backend", { listen }: StartOptions): Promise<Place> {
  const [host] = hostsOf(lab, party);
  if (host === undefined) throw new Error(`the ${party} has no host to be started on`);
  if (lab.kind === "remote") {
    if (listen === undefined) throw new Error(`the ${party} is not told where to listen`);
    const tables = await host.readProc(...TCP_TABLE_FILES);
    if (tables.some((text) => listens(parseTcpTable(text ?? ""), listen.port))) {
      throw new Error(`the ${party} cannot listen on port ${listen.port}: something listens there already`);
    }
    return { host, listen, [Symbol.dispose]() {} };
  }
  const port = await claimPort(lab, party);
  return {
    host,
    listen: { hostname: lab[party].address, port: port.number },
    [Symbol.dispose]: () => port[Symbol.dispose](),
  };
}

/**
 * A port that nobody else in the lab is given until this is disposed: by then its party listens, or has
 * failed.
 */
interface ClaimedPort extends Disposable {
  readonly number: number;
}

/**
 * Chooses a port to listen on. In a lab of its own namespaces it is the first of the party's ports on which
 * nobody listens: TIME_WAITs of a gateway that has ended do not matter. On the machine itself it is one that
 * no socket uses at all, below the ephemeral range.
 */
async function claimPort(lab: Lab, party: keyof typeof FIRST_PORT): Promise<ClaimedPort> {
  const tables = await lab[party].readProc(...TCP_TABLE_FILES);
  const sockets = tables.flatMap((text) => parseTcpTable(text ?? ""));
  // From here to the claim nothing waits, so that no other start comes in between.
  const taken = claimed.get(lab) ?? new Set();
  claimed.set(lab, taken);
  const used = new Set(sockets.flatMap(({ localPort, remotePort }) => [localPort, remotePort]));
  const isFree = (port: number) =>
    !taken.has(port) && !(lab.kind === "host" ? used.has(port) : listens(sockets, port));
  const drawn = () => 20_000 + Math.floor(Math.random() * 12_000);
  let number = lab.kind === "host" ? drawn() : FIRST_PORT[party];
  while (!isFree(number)) number = lab.kind === "host" ? drawn() : number + PORT_STEP;
  taken.add(number);
  return { number, [Symbol.dispose]: () => void taken.delete(number) };
}

/** Starts a party and waits until it listens. */
async function startParty(
  host: Host,
  command: Pick<ProcessOptions, "name" | "argv" | "env" | "stopsGroup">,
  { hostname, port }: ListenAddress,
  { collectors = [], signal, listenTimeoutMs = LISTEN_TIMEOUT_MS }: StartOptions,
): Promise<Party> {
  const onLine = (line: string) => collectors.forEach((collector) => collector.add(line));
  await using stack = new AsyncDisposableStack();
  const process = stack.use(await host.start({ ...command, onStdout: onLine, onStderr: onLine }));
  const over = new AbortController();
  try {
    await deadline(untilListening(host, port, process, over.signal), listenTimeoutMs, { signal });
  } catch (error) {
    signal?.throwIfAborted();
    if ((error as Error).name !== "TimeoutError") throw error;
    throw new Error(
      `${process.name} does not listen on ${hostname}:${port} after ${listenTimeoutMs / 1000} s: ` +
        "give its address with {listen}",
    );
  } finally {
    over.abort();
  }
  const owned = stack.move();
  return {
    host,
    process,
    hostname,
    port,
    url: `http://${hostname.includes(":") ? `[${hostname}]` : hostname}:${port}`,
    collectors,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/**
 * Resolves when somebody listens on the port, in two looks one after the other: a gateway of ours listens for
 * a moment to see whether the port is free, before its threads do. Rejects when the process ends before, or
 * the signal aborts.
 */
async function untilListening(
  host: Host,
  port: number,
  process: RunningProcess,
  signal: AbortSignal,
): Promise<void> {
  let ended: string | undefined;
  process.exited.then((status) => ended = reasonOfEnd(status));
  let [counts, untilMs, seen] = ["", 0, false];
  for (;;) {
    if (ended !== undefined) throw new Error(`${process.name} ended before it listened: ${ended}`);
    const now = (await host.readProc(...SOCKET_COUNT_FILES)).join("\n");
    if (seen || now !== counts || performance.now() > untilMs) {
      [counts, untilMs] = [now, performance.now() + TABLE_POLL_MS];
      const tables = await host.readProc(...TCP_TABLE_FILES);
      const before = seen;
      seen = tables.some((text) => listens(parseTcpTable(text ?? ""), port));
      if (before && seen) return;
    }
    await delay(LISTEN_POLL_MS, { signal });
  }
}
