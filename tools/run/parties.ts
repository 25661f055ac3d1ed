/**
 * Starts the parties of a run on the hosts of a lab: the backend and the gateway, each a process of its own with
 * the network and nothing else.
 *
 * @module
 */

import type { Host } from "../lab/host.ts";
import type { Lab } from "../lab/lab.ts";
import { lastWords, type RunningProcess } from "../lab/process.ts";
import { listens, parseTcpTable, TCP_TABLE_FILES } from "../observe/tcp_table.ts";
import type { BackendPlan, CommandPlan, GatewayPlan, HttpClientPlan, NetHttpPlan } from "../scenario/scenario.ts";

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
const CONFIG = decodeURIComponent(new URL("../../deno.json", import.meta.url).pathname);

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
  const host = lab.hosts.backend;
  const port = await choosePort(lab, PORTS.backend);
  const flags = [
    "--latency",
    `${plan.latencyMs}ms`,
    "--body-bytes",
    `${plan.bodyBytes}`,
    "--status",
    `${plan.status}`,
  ];
  const process = await host.start({
    name: "the backend",
    argv: denoScript("backend.ts", [
      "--listen",
      `${host.address}:${port}`,
      ...flags,
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
  const host = lab.hosts.gateway;
  const port = await choosePort(lab, PORTS.gateway);
  const argv = "command" in plan ? commandArgv(plan, host, port, backend) : denoScript("gateway.ts", [
    "--listen",
    `${host.address}:${port}`,
    "--upstream",
    backend.url,
    ...(plan.transport === "net-http" ? netHttpFlags(plan) : httpClientFlags(plan)),
  ], ownsOneThread(plan) ? NEEDED_BY_GATEWAY : NEEDED_BY_WORKERS);
  const stopsGroup = "command" in plan && !isSimple(plan.command);
  const process = await host.start({ name: "the gateway", argv, stopsGroup, ...output });
  return await whenListening(host, port, process, { timeoutMs: listenTimeoutMs, signal });
}

/** `net-http` chooses the number of its threads itself, unless it is told. */
function ownsOneThread(plan: GatewayPlan): boolean {
  return "transport" in plan && plan.transport === "http-client" && (plan.workers ?? 1) === 1;
}

function httpClientFlags(plan: HttpClientPlan): string[] {
  const { transport, poolMaxIdlePerHost, poolIdleTimeoutMs, workers = 1 } = plan;
  return [
    "--transport",
    transport,
    ...(poolMaxIdlePerHost === undefined || poolMaxIdlePerHost === false
      ? []
      : ["--pool-max-idle-per-host", String(poolMaxIdlePerHost)]),
    ...(poolIdleTimeoutMs === undefined || poolIdleTimeoutMs === false
      ? []
      : ["--pool-idle-timeout", `${poolIdleTimeoutMs}ms`]),
    ...(workers === 1 ? [] : ["--workers", String(workers)]),
  ];
}

function netHttpFlags(plan: NetHttpPlan): string[] {
  const flags: Record<string, number | string | undefined> = {
    "--max-idle-conns": plan.maxIdleConns,
    "--max-idle-conns-per-host": plan.maxIdleConnsPerHost,
    "--max-conns-per-host": plan.maxConnsPerHost,
    "--idle-conn-timeout": plan.idleConnTimeoutMs === undefined ? undefined : `${plan.idleConnTimeoutMs}ms`,
    "--workers": plan.workers,
  };
  const given = Object.entries(flags).filter(([, value]) => value !== undefined);
  return [
    ...["--transport", plan.transport, ...given.flatMap(([name, value]) => [name, String(value)])],
    ...(plan.disableKeepAlives ? ["--disable-keep-alives"] : []),
  ];
}

/** What a script of ours gets beyond the network. */
interface Needs {
  /** Flags of `deno run`. */
  readonly flags: readonly string[];
  /** Variables of its environment. */
  readonly env: Readonly<Record<string, string>>;
}

const NOTHING_MORE: Needs = { flags: [], env: {} };

/**
 * Room for what a thousand requests in flight keep alive: V8's young generation is 16 MiB otherwise, is collected the more often,
 * and each time what is still in flight is copied.
 */
const ROOM_FOR_REQUESTS = "--v8-flags=--min-semi-space-size=32,--max-semi-space-size=64";

const NEEDED_BY_GATEWAY: Needs = { flags: [ROOM_FOR_REQUESTS], env: {} };

/**
 * Threads that share a port, each of which reads its own source. And few sockets reported ready at a time: Deno's event loop carries out
 * 128 operations in one go, and beyond that some of a thousand connections wait for seconds while others are served again and
 * again. A socket that is ready comes to three or four of them: it is read, what was read is written, and the next read begins.
 */
const NEEDED_BY_WORKERS: Needs = {
  flags: [
    ROOM_FOR_REQUESTS,
    "--unstable-net",
    `--allow-read=${decodeURIComponent(new URL("../", import.meta.url).pathname)}`,
  ],
  env: { DENO_TOKIO_MAX_IO_EVENTS_PER_TICK: "32" },
};

function commandArgv(plan: CommandPlan, host: Host, port: number, backend: Party): string[] {
  const values: Record<string, string | number> = {
    listen: `${host.address}:${port}`,
    listen_host: host.address,
    listen_port: port,
    upstream: backend.url,
    upstream_host: backend.hostname,
    upstream_port: backend.port,
  };
  const command = plan.command.replaceAll(/\{(\w+)\}/g, (text, name) => String(values[name] ?? text));
  return ["/bin/sh", "-c", isSimple(plan.command) ? `exec ${command}` : command];
}

/**
 * Whether a command line is one command, which takes the shell's place, so that SIGTERM reaches it and not the shell. Of
 * any other SIGTERM goes to all processes that it has started.
 */
function isSimple(command: string): boolean {
  return /^[\w\s@%+=:,./{}'"-]+$/.test(command) && !/^\s*\w+=/.test(command);
}

/** A script of ours with the network and nothing else, unless it needs more. Nothing is downloaded: a lab has no way out. */
function denoScript(file: string, args: readonly string[], needs = NOTHING_MORE): string[] {
  const script = new URL(`../${file}`, import.meta.url).href;
  const flags = ["--quiet", "--no-prompt", "--cached-only", "--config", CONFIG, "--allow-net"];
  const env = Object.entries(needs.env).map(([name, value]) => `${name}=${value}`);
  const start = env.length === 0 ? [] : ["/usr/bin/env", ...env];
  return [...start, Deno.execPath(), "run", ...flags, ...needs.flags, script, ...args];
}

/**
 * A port to listen on: in a private lab always the same, in a host lab one that no socket uses, below the
 * ephemeral range.
 */
async function choosePort(lab: Lab, fixed: number): Promise<number> {
  if (lab.kind !== "host") return fixed;
  const tables = await lab.hosts.gateway.readProc(...TCP_TABLE_FILES);
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
  process.exited.then((status) => ended = lastWords(status));
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
