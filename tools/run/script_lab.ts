/**
 * A lab for scripts: three hosts, and what a bench does in them, one step at a time.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import type { LocalHost } from "../lab/host.ts";
import { setKnobs } from "../lab/knobs.ts";
import type { Lab, LocalLabKind } from "../lab/lab.ts";
import { chooseLab, openLab } from "../lab/open_lab.ts";
import { connectRemoteLab, type RemoteLab } from "../lab/remote/remote_lab.ts";
import type { LoadGenerator, LoadResult } from "../load/load.ts";
import { checkLoadOptions, chooseGenerator, startLoad } from "../load/start_load.ts";
import { hostResults } from "../observe/attribution.ts";
import { readCounters } from "../observe/sampler.ts";
import { readSockets } from "../observe/sockets.ts";
import { type Party, startBackendIn, startGatewayIn } from "../parties/lab_parties.ts";
import { resolveBackend, resolveGateway, resolveLoad } from "../scenario/resolve.ts";
import type { Backend, Gateway, Load } from "../scenario/scenario.ts";
import { parseKnobs, type Sysctls } from "../scenario/sysctls.ts";
import { untilOver } from "./load_end.ts";
import { runWarmUp } from "./warm_up.ts";

/** How a lab is started. */
export interface StartLabOptions {
  /** Default `auto`: a private lab where one can be had, else the machine's own loopback. */
  readonly kind?: LocalLabKind | "auto" | undefined;
  /** Sysctls of its hosts, as in a scenario. In a host lab they are refused. */
  readonly sysctls?: Sysctls | undefined;
  /** For hosts of your own, see {@linkcode StartRemoteLabOptions}. */
  readonly hosts?: undefined;
}

/**
 * Hosts of your own, each as what starts a command there, as typed in a shell: `ssh gw1`,
 * `kubectl exec -i POD --`, `podman exec -i NAME`; empty for this machine. Nothing is fresh there, and no
 * sysctl is set.
 */
export interface StartRemoteLabOptions {
  /** The hosts. */
  readonly hosts: {
    /** Where a load comes from, one or several. Default: this machine. */
    readonly client?: string | readonly string[] | undefined;
    /** Where the gateway runs. Left out: the lab has none. */
    readonly gateway?: string | undefined;
    /** Where the backend runs. Left out: the lab has none. */
    readonly backend?: string | undefined;
  };
  /** Refused: set them on the hosts themselves. */
  readonly sysctls?: undefined;
}

/** A gateway in a lab, and where it forwards to. */
export type StartGatewayOptions = Gateway & {
  /**
   * Where its requests go: a backend of this lab, or whatever else answers at an `http` URL on one of its
   * hosts.
   */
  readonly upstream: { readonly url: string };
};

/** A backend or a gateway that runs on its host of a lab. Disposing it stops it. */
export interface LabParty extends AsyncDisposable {
  /** `http://HOST:PORT`, as the other hosts reach it. */
  readonly url: string;
}

/** A load, and where it goes. */
export type RunLoadOptions = Load & {
  /** Where every request goes, unless a script for wrk says otherwise. */
  readonly url: string;
  /**
   * What makes the load. Default `auto`: wrk where it is installed, else autocannon; the open loop for a load
   * with a rate.
   */
  readonly generator?: LoadGenerator | "auto" | undefined;
  /** Ends the load early. */
  readonly signal?: AbortSignal | undefined;
};

/** What a load has come to. `requestsPerSec` is rounded to whole requests. */
export interface LoadSummary extends LoadResult {
  /** Connections that the gateway opened to its backend while the load ran; without a gateway 0. */
  readonly connectionsOpened: number;
}

/** A lab for a script. Disposing it ends every process in it. */
export interface ScriptLab extends AsyncDisposable {
  /** Whether each host has TCP tables of its own (`private`), or all share those of the machine (`host`). */
  readonly kind: LocalLabKind;
  /** Why it is not a private lab, where `auto` had to take another. */
  readonly reason: string | undefined;
  /** Where the load comes from. */
  readonly client: LocalHost;
  /** Where the gateway runs. */
  readonly gateway: LocalHost;
  /** Where the backend runs. */
  readonly backend: LocalHost;
  /**
   * Starts a backend on its host, and returns when it listens.
   *
   * @throws {TimewaitError} for an option that does not fit.
   */
  startBackend(options?: Backend): Promise<LabParty>;
  /**
   * Starts a gateway on its host, ours or any command, and returns when it listens. In a private lab it finds
   * a host without sockets of gateways that have ended.
   *
   * @throws {TimewaitError} for an option that does not fit.
   * @throws {Error} where it ends before it listens, or does not listen within 10 s.
   */
  startGateway(options: StartGatewayOptions): Promise<LabParty>;
  /**
   * Runs a load on the client, its warm-up first, and returns what it has come to.
   *
   * @throws {TimewaitError} for an option that does not fit.
   * @throws {Error} where the load or a party of this lab ends early.
   */
  runLoad(options: RunLoadOptions): Promise<LoadSummary>;
}

interface StartedGateway {
  readonly party: Party;
  readonly upstreamPort: number;
}

/**
 * Starts a lab.
 *
 * @throws {TimewaitError} where a private lab was asked for and cannot be had; the message says what would
 * permit it.
 * @example
 * ```ts ignore
 * import { startLab } from "timewait";
 *
 * await using lab = await startLab();
 * await using backend = await lab.startBackend({ latency: "70ms" });
 * await using gateway = await lab.startGateway({ upstream: backend, poolMaxIdlePerHost: 100 });
 * const { requestsPerSec, connectionsOpened } = await lab.runLoad({ url: gateway.url, connections: 1000 });
 * const timeWait = await lab.gateway.$`ss -Htan state time-wait | wc -l`.text();
 * ```
 */
export function startLab(options?: StartLabOptions): Promise<ScriptLab>;
/**
 * Connects to hosts of your own, with a `$` on each. All that is started there ends with the lab, and within
 * 10 s when this process is killed or the connection is gone.
 *
 * @throws {TimewaitError} where a host cannot be reached, or lacks `sh`, `cat`, `kill`, `sleep` or /proc.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { startLab } from "timewait";
 *
 * // In place of "", which is this machine: "ssh gw1", "kubectl exec -i POD --".
 * await using lab = await startLab({ hosts: { gateway: "" } });
 * assertEquals(await lab.gateway!.$`cat /proc/sys/kernel/ostype`.text(), "Linux");
 * ```
 */
export function startLab(options: StartRemoteLabOptions): Promise<RemoteLab>;
export async function startLab(
  options: StartLabOptions | StartRemoteLabOptions = {},
): Promise<ScriptLab | RemoteLab> {
  return options.hosts === undefined ? await startOwnLab(options) : await connectLab(options);
}

async function connectLab({ hosts, sysctls }: StartRemoteLabOptions): Promise<RemoteLab> {
  if (sysctls !== undefined) {
    throw new TimewaitError("cannot be set on hosts of your own, where no knob is written: set them there", {
      field: "sysctls",
    });
  }
  const given = (prefix: string) => ({ prefix, address: "" });
  const { client = "", gateway, backend } = hosts;
  return await connectRemoteLab({
    client: [client].flat().map(given),
    ...(gateway === undefined ? {} : { gateway: given(gateway) }),
    ...(backend === undefined ? {} : { backend: given(backend) }),
  });
}

async function startOwnLab({ kind: asked = "auto", sysctls }: StartLabOptions): Promise<ScriptLab> {
  const { kind, reason } = await chooseLab(asked);
  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await openLab(kind));
  if (sysctls !== undefined) {
    const { knobs } = await setKnobs(lab, parseKnobs(sysctls));
    const refused = knobs.find(({ status }) => status === "denied" || status === "unknown");
    if (refused !== undefined) {
      throw new TimewaitError(`${refused.key} is not in force: ${refused.reason}`, { field: "sysctls" });
    }
  }
  const parties = new Map<LabParty, Party>();
  const gateways: StartedGateway[] = [];
  const started = (party: Party): LabParty => {
    const handle = { url: party.url, [Symbol.asyncDispose]: () => stop(handle) };
    parties.set(handle, party);
    return handle;
  };
  const stop = async (handle: LabParty) => {
    const party = parties.get(handle);
    parties.delete(handle);
    await party?.[Symbol.asyncDispose]();
  };
  const owned = stack.move();
  return {
    kind,
    reason,
    client: lab.client,
    gateway: lab.gateway,
    backend: lab.backend,
    async startBackend(options) {
      return started(await startBackendIn(lab, resolveBackend(options, "")));
    },
    async startGateway({ upstream, ...gateway }) {
      const plan = resolveGateway(gateway, "");
      if ("running" in plan) {
        throw new TimewaitError("runs already, and this starts one: give its url to the load", {
          field: "running",
        });
      }
      const address = addressOf(upstream);
      if (gateways.every(({ party }) => ![...parties.values()].includes(party))) {
        if (gateways.length > 0) await lab.renew?.("gateway");
        gateways.length = 0;
      }
      const party = await startGatewayIn(lab, plan, address);
      gateways.push({ party, upstreamPort: address.port });
      return started(party);
    },
    async runLoad(options) {
      return await runLoadIn(lab, options, [...parties.values()], gateways);
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

/** The address of what a gateway forwards to. */
function addressOf(upstream: { readonly url: string } | undefined): Pick<Party, "hostname" | "port" | "url"> {
  const url = URL.parse(upstream?.url ?? "");
  if (url?.protocol !== "http:" || url.pathname !== "/") {
    const problem = `must be a backend of this lab, or { url } with an http origin, not ${upstream?.url}`;
    throw new TimewaitError(problem, { field: "upstream" });
  }
  return { hostname: url.hostname, port: portOf(url), url: url.origin };
}

function portOf({ port }: URL): number {
  return port === "" ? 80 : Number(port);
}

async function runLoadIn(
  lab: Lab,
  { url, generator = "auto", signal = new AbortController().signal, ...options }: RunLoadOptions,
  parties: readonly Party[],
  gateways: readonly StartedGateway[],
): Promise<LoadSummary> {
  const plan = resolveLoad(options, "");
  const { name } = await chooseGenerator(generator, { rate: plan.ratePerSec !== undefined });
  checkLoadOptions(name, plan);
  const target = gateways.find(({ party }) => url.startsWith(party.url));
  const running = parties.map(({ process }) => process);
  if (plan.warmUpMs > 0) {
    const warmUp = { ...plan, durationMs: plan.warmUpMs, url };
    await runWarmUp(
      lab,
      () => startLoad(name, lab.client, warmUp),
      { ...warmUp, latencyMs: 0 },
      running,
      signal,
    );
  }
  const socketsBefore = await readSockets(lab);
  const before = await readCounters(lab);
  await using load = await startLoad(name, lab.client, { ...plan, url });
  await untilOver(load, plan, running, signal);
  const after = await readCounters(lab);
  const sockets = await readSockets(lab);
  const result = await load.finish();
  const { gateway } = hostResults({
    lab: lab.kind,
    samples: [{ timeMs: 0, hosts: before }, { timeMs: plan.durationMs, hosts: after }],
    before,
    after,
    sockets,
    socketsBefore,
    backendPort: target?.upstreamPort ?? portOf(new URL(url)),
    gatewayPort: target?.party.port,
  });
  const requestsPerSec = Math.round(result.requestsPerSec);
  return { ...result, requestsPerSec, connectionsOpened: gateway.connectionsOpened };
}
