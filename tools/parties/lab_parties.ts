/**
 * Starts the parties of a run on the hosts of a lab: the backend and the gateway, each a process of its own with
 * the network and nothing else.
 *
 * @module
 */

import {
  BACKEND_SCRIPT,
  denoArgv,
  type DenoScript,
  GATEWAY_SCRIPT,
  GATEWAY_THREADS_SCRIPT,
} from "../lab/deno_script.ts";
import { fillPlaceholders, type PlaceholderValues } from "../scenario/placeholders.ts";
import type { BackendPlan, GatewayPlan, HttpClientPlan, NetHttpPlan } from "../scenario/plan.ts";
import type { ListenAddress } from "../server/address.ts";
import type { BackendServerPlan } from "./backend_server.ts";
import type { GatewayServerPlan } from "./gateway_server.ts";
import { type Host } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { reasonOfExit, type RunningProcess } from "../lab/process.ts";
import { listens, parseTcpTable, TCP_TABLE_FILES } from "../observe/tcp_table.ts";

/** A party that listens. Disposing it stops it. */
export interface Party extends AsyncDisposable {
  /** Its process on its host; the process group holds whatever a gateway's command starts beside it. */
  readonly process: RunningProcess;
  /** The IPv4 address of its host, on which it listens. */
  readonly hostname: string;
  /** Where it listens: a fixed port in a private lab, a free one from 20000 to 31999 in a host lab. */
  readonly port: number;
  /** `http://HOST:PORT`, as the other hosts reach it. */
  readonly url: string;
}

/** How long a party may take until it listens, in milliseconds. */
export const LISTEN_TIMEOUT_MS = 10_000;

const PORTS = { gateway: 8080, backend: 8081 } as const;
const LISTEN_POLL_MS = 10;
/** How long a party that is told to end waits for requests in flight, in milliseconds. */
const GRACE_MS = 10_000;

/** How often a backend says how many requests it has answered, in milliseconds. */
export const ANSWERED_INTERVAL_MS = 500;

/**
 * Starts a backend. `onRequests` is told every {@linkcode ANSWERED_INTERVAL_MS} how many requests it has answered.
 *
 * @throws the reason of the signal when that aborts before it listens.
 */
export async function startBackendIn(
  lab: Lab,
  plan: BackendPlan,
  onRequests: (requests: number) => void = () => {},
  signal?: AbortSignal,
): Promise<Party> {
  const host = lab.backend;
  const port = await choosePort(lab, PORTS.backend);
  const server: BackendServerPlan = { ...plan, listen: { hostname: host.address, port }, graceMs: GRACE_MS };
  const process = await host.start({
    name: "the backend",
    argv: denoArgv(BACKEND_SCRIPT, [
      "--plan",
      JSON.stringify(server),
      "--count-every",
      `${ANSWERED_INTERVAL_MS}ms`,
    ]),
    onStdout: (line) => line.startsWith("requests ") && onRequests(Number(line.slice("requests ".length))),
  });
  return await whenListening(host, port, process, { signal });
}

/** How a gateway is started. */
export interface GatewayStart {
  /** How long it may take until it listens, in milliseconds. Default {@linkcode LISTEN_TIMEOUT_MS}. */
  readonly listenTimeoutMs?: number;
  /** Ends the wait until it listens, and stops it. */
  readonly signal?: AbortSignal;
  /** Called with each line of its standard output. */
  readonly onStdout?: (line: string) => void;
  /** Called with each line of its standard error. */
  readonly onStderr?: (line: string) => void;
}

/**
 * Starts a gateway in front of a backend.
 *
 * @throws {Error} where it ends or does not listen in time, and the reason of the signal when that aborts before.
 */
export async function startGatewayIn(
  lab: Lab,
  plan: GatewayPlan,
  backend: Party,
  { listenTimeoutMs, signal, ...output }: GatewayStart = {},
): Promise<Party> {
  const host = lab.gateway;
  const port = await choosePort(lab, PORTS.gateway);
  const listen = { hostname: host.address, port };
  const argv = "command" in plan
    ? commandArgv(plan.command, { listen, upstream: backend })
    : denoArgv(scriptOf(plan), ["--plan", JSON.stringify(serverPlan(plan, listen, backend))]);
  const stopsGroup = "command" in plan && !isSimple(plan.command);
  const process = await host.start({ name: "the gateway", argv, stopsGroup, ...output });
  return await whenListening(host, port, process, { timeoutMs: listenTimeoutMs, signal });
}

function serverPlan(
  gateway: HttpClientPlan | NetHttpPlan,
  listen: ListenAddress,
  backend: Party,
): GatewayServerPlan {
  return { gateway, upstreams: [backend.url], listen, graceMs: GRACE_MS };
}

function commandArgv(command: string, values: PlaceholderValues): string[] {
  const filled = fillPlaceholders(command, values);
  return ["/bin/sh", "-c", isSimple(command) ? `exec ${filled}` : filled];
}

/** Several threads share a port and read their own source: they need more than one does. */
function scriptOf({ workers }: HttpClientPlan | NetHttpPlan): DenoScript {
  return workers === 1 ? GATEWAY_SCRIPT : GATEWAY_THREADS_SCRIPT;
}

/**
 * Whether a command line is one command, which takes the shell's place, so that SIGTERM reaches it and not the shell. Of
 * any other SIGTERM goes to all processes that it has started.
 */
function isSimple(command: string): boolean {
  return /^[\w\s@%+=:,./{}'"-]+$/.test(command) && !/^\s*\w+=/.test(command);
}

/**
 * A port to listen on: in a private lab always the same, in a host lab one that no socket uses, below the
 * ephemeral range.
 */
async function choosePort(lab: Lab, fixed: number): Promise<number> {
  if (lab.kind !== "host") return fixed;
  const tables = await lab.gateway.readProc(...TCP_TABLE_FILES);
  const used = new Set(
    tables.flatMap((text) => parseTcpTable(text ?? "")).flatMap((s) => [s.localPort, s.remotePort]),
  );
  for (;;) {
    const port = 20_000 + Math.floor(Math.random() * 12_000);
    if (!used.has(port)) return port;
  }
}

async function whenListening(
  host: Host,
  port: number,
  process: RunningProcess,
  { timeoutMs = LISTEN_TIMEOUT_MS, signal }: {
    readonly timeoutMs?: number | undefined;
    readonly signal?: AbortSignal | undefined;
  },
): Promise<Party> {
  let ended: string | undefined;
  process.exited.then((status) => ended = reasonOfExit(status));
  for (const deadline = performance.now() + timeoutMs; performance.now() < deadline;) {
    if (signal?.aborted) {
      await process.stop();
      throw signal.reason;
    }
    if (ended !== undefined) throw new Error(`${process.name} ended before it listened: ${ended}`);
    const tables = await host.readProc(...TCP_TABLE_FILES);
    if (tables.some((text) => listens(parseTcpTable(text ?? ""), port))) {
      return {
        process,
        hostname: host.address,
        port,
        url: `http://${host.address}:${port}`,
        [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
      };
    }
    await new Promise((resolve) => setTimeout(resolve, LISTEN_POLL_MS));
  }
  await process.stop();
  throw new Error(
    `${process.name} does not listen on ${host.address}:${port} after ${timeoutMs / 1000} s: ` +
      "give its address with {listen}",
  );
}
