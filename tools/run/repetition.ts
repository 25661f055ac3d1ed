/**
 * One repetition: a fresh lab, the parties in it, a load, and what was observed of it.
 *
 * @module
 */

import { setKnobs } from "../lab/knobs.ts";
import { type AnyLab, hostsOf } from "../lab/any_lab.ts";
import type { LabKind, LocalLabKind } from "../lab/lab.ts";
import type { HostSysctls } from "../lab/machine_knobs.ts";
import { openLab } from "../lab/open_lab.ts";
import type { LoadGenerator, LoadResult } from "../load/load.ts";
import { startLoad } from "../load/start_load.ts";
import { collectAnswered } from "../observe/answered_requests.ts";
import {
  asReached,
  connectionsOfClient,
  type GatewayStart,
  hostResults,
  hostSeries,
  openedByOthers,
  portsThere,
  withoutOthers,
} from "../observe/attribution.ts";
import { gatewaySides } from "../observe/gateway_sides.ts";
import { collectPoolCounters } from "../observe/pool_counters.ts";
import { readCounters } from "../observe/sampler.ts";
import type { OfHosts } from "../observe/series.ts";
import { readSockets } from "../observe/sockets.ts";
import type { TcpCounters } from "../observe/tcp_counters.ts";
import type { TcpSocket } from "../observe/tcp_table.ts";
import type { QuietSeen } from "../observe/until_quiet.ts";
import { collectUpstreamFailures } from "../observe/upstream_failures.ts";
import { collectWitness } from "../observe/witnessed.ts";
import { type Party, startBackendIn, startGatewayIn, type Upstream } from "../parties/lab_parties.ts";
import { type Measured, openerOf } from "../results/results.ts";
import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";
import { type GatewayPlan, isOurBackend, type RunOptions } from "../scenario/plan.ts";
import { hiderOf } from "../scenario/mask.ts";
import { parseKnobs } from "../scenario/sysctls.ts";
import { whileAllRun } from "./load_end.ts";
import type { Machines } from "./machines.ts";
import { NOWHERE, onMachines, placesOf, portsOf, untilPortsAreFree } from "./on_machines.ts";
import { runWarmUp } from "./warm_up.ts";
import { partiesOf, processesOf, type Stage, watchLoad } from "./watched_load.ts";

/** What a bench may show while a load runs. */
export interface Progress {
  /** Milliseconds since the load began. */
  readonly elapsedMs: number;
  /** Requests per second that the backend has answered lately. */
  readonly requestsPerSec: number;
  /**
   * Sockets in TIME_WAIT now, on the host that opens the connections to the backend. Left out where that is
   * not watched.
   */
  readonly timeWait?: number;
}

/** What a repetition needs to know besides its run. */
export interface RepetitionContext {
  /** The kind of lab that is started for this repetition, and disposed with it, unless hosts are given. */
  readonly lab: LabKind;
  /** Given hosts, which take the place of a lab and stay. */
  readonly machines?: Machines | undefined;
  /** What makes the load. It must be installed, as {@linkcode chooseGenerator} finds out. */
  readonly generator: LoadGenerator;
  /** Ends the repetition early: all that it started is stopped, and nothing is measured. */
  readonly signal: AbortSignal;
  /** What changes the machine's own sysctls in a host lab. Without it they stay as they are. */
  readonly hostSysctls?: HostSysctls | undefined;
  /** When the first repetition began, by `performance.now()`. Left out where this repetition is the first. */
  readonly firstStartedMs?: number;
  /** Called twice a second. */
  readonly onProgress?: (progress: Progress) => void;
  /** Called before, on given hosts where TIME_WAITs of an earlier load have to go first. */
  readonly onWait?: (seen: QuietSeen) => void;
}

/**
 * Measures a run once.
 *
 * @throws {Error} when a part could not be started, ended early or hung, and the reason of the signal when
 * that aborts. Nothing is left running then.
 */
export async function measureRepetition(options: RunOptions, context: RepetitionContext): Promise<Measured> {
  const { generator, signal, firstStartedMs, onProgress } = context;
  signal.throwIfAborted();
  await using stack = new AsyncDisposableStack();
  const { machines } = context;
  const { sysctls, load, probeConnects = false } = options;
  const local = machines === undefined ? stack.use(await openLab(labOf(options, context.lab))) : undefined;
  const lab: AnyLab = local ?? machines!.lab;
  const places = placesOf(options);
  const waitedMs = machines === undefined ? 0 : await untilPortsAreFree(machines, places, context);
  signal.throwIfAborted();
  const set = sysctls === undefined || local === undefined
    ? undefined
    : stack.use(await setKnobs(local, parseKnobs(sysctls), context.hostSysctls));

  const opener = openerOf(options);
  let timeWait = 0;
  const answered = collectAnswered((elapsedMs, requestsPerSec) =>
    onProgress?.({ elapsedMs, requestsPerSec, ...(isWatched(lab, opener) ? { timeWait } : {}) })
  );
  const ours = options.gateway !== null && "transport" in options.gateway;
  const failures = collectUpstreamFailures({ ours, hide: hiderOf(load.headers) });
  const pool = collectPoolCounters({ asks: isNetHttp(options.gateway) });
  const own = isOurBackend(options.backend);
  const witnesses = Array.from({ length: options.backends ?? 1 }, () => collectWitness({ asks: own }));
  const backends: Party[] = [];
  for (const [i, witness] of options.backend.running ? [] : witnesses.entries()) {
    const collectors = own ? [i === 0 ? answered : answered.further(), witness] : [];
    const listen = places.backend;
    backends.push(stack.use(await startBackendIn(lab, options.backend, { collectors, listen, signal })));
  }
  // The place of one that runs already, or of none that a command asks for.
  const upstreams: Upstream[] = backends.length > 0 ? backends : [places.backend ?? NOWHERE];
  const through = options.gateway !== null;
  const countersBefore = through || local === undefined ? await readCounters(lab) : undefined;
  const gateway = options.gateway === null || "running" in options.gateway ? undefined : stack.use(
    await startGatewayIn(lab, options.gateway, upstreams as [Upstream, ...Upstream[]], {
      collectors: [failures, pool],
      listen: places.target,
      signal,
    }),
  );
  const url = options.url ?? (gateway ?? backends[0]!).url;
  const start = countersBefore === undefined ? undefined : await gatewayStart(lab, countersBefore);
  const stage: Stage = {
    lab,
    clients: machines?.clients ?? local!.client,
    backends,
    gateway,
    ports: portsOf(options, { backends, gateway, ...places }),
    generator,
    load: { ...load, url },
    signal,
  };
  const socketsBefore = load.warmUpMs > 0 ? await warmUp(stage, options) : undefined;

  const watched = await watchLoad(stage, {
    probeConnects,
    onSample: (hosts) => timeWait = hosts[opener].timeWait,
  });
  const { startMs, result, connects, processes, machine, ...seen } = watched;
  if (result.requests === 0) throw new Error(`no request was answered in ${load.durationMs / 1000} s`);
  // A series of nothing says that nobody has counted.
  const answeredSeries = own ? answered.result() : { timeMs: [], requests: [] };
  // The backend and a gateway of ours report what they have not yet reported when they end.
  await gateway?.process.stop();
  await Promise.all(backends.map(({ process }) => process.stop()));
  const backendRequests = answered.result().requests.at(-1)!;
  if (through && own) throwUnlessForwarded(result, backendRequests);
  // A backend that is not ours does not count its requests, but a host of its own counts its connections.
  if (through && !own && local?.kind === "private") {
    const { gateway: before } = countersBefore!;
    const connects = seen.observation.after.gateway.connectionsOpened - before.connectionsOpened;
    throwUnlessForwarded(result, connects);
  }
  const logged = failures.result();
  const counters = pool.result();
  const witnessed = witnesses.flatMap((witness) => witness.result() ?? []);
  const observed = { ...seen.observation, socketsBefore, start };
  const there = portsThere(observed);
  const observation = withoutOthers(asReached(observed, there));
  const hosts = hostResults(observation);
  const seesGateway = isWatched(lab, "gateway");
  const sides = seesGateway ? gatewaySides(observation, { hosts, ...result }) : undefined;
  const ofOthers = openedByOthers(observation);
  return {
    startedMs: Math.round(startMs - (firstStartedMs ?? startMs)),
    ...result,
    ...(own ? { backendRequests } : {}),
    ...(load.ratePerSec === undefined && load.beatMs === undefined && load.burst === undefined
      ? { inFlight: connectionsOfClient(observation) }
      : {}),
    ...(ofOthers === undefined ? {} : { openedByOthers: ofOthers }),
    reuseRatio: through && seesGateway
      ? reuseRatioOf(hosts.gateway.connectionsOpened, result.requests)
      : null,
    hosts: ofWatched(lab, hosts),
    ...(sides === undefined ? {} : { sides }),
    processes,
    machine,
    ...(machines === undefined ? {} : { onMachines: onMachines(stage, watched, { waitedMs, there }) }),
    samples: {
      timeMs: observation.samples.map((sample) => sample.timeMs),
      hosts: ofWatched(lab, hostSeries(observation)),
      answered: answeredSeries,
    },
    ...(set === undefined ? {} : { knobs: set.knobs }),
    // Nothing in the log of another gateway may mean that it does not log.
    ...(ours || logged.length > 0 ? { upstreamFailures: logged } : {}),
    ...(counters === undefined ? {} : { pool: counters }),
    ...(witnessed.length === 0 ? {} : { witnesses: witnessed }),
    ...(connects === undefined ? {} : { connects }),
  };
}

/** Whether the host of a party is watched. */
function isWatched(lab: AnyLab, party: HostName): boolean {
  return hostsOf(lab, party).length > 0;
}

/** What was observed of each host, and `null` for one that is not watched. */
function ofWatched<T>(lab: AnyLab, { client, gateway, backend }: Record<HostName, T>): OfHosts<T> {
  return {
    client,
    gateway: isWatched(lab, "gateway") ? gateway : null,
    backend: isWatched(lab, "backend") ? backend : null,
  };
}

/** How the hosts stand once the gateway listens; `before` are the counters from just before it started. */
async function gatewayStart(
  lab: AnyLab,
  before: Readonly<Record<HostName, TcpCounters>>,
): Promise<GatewayStart> {
  const established = { client: 0, gateway: 0, backend: 0 };
  for (const name of HOST_NAMES) established[name] = before[name].established;
  return { established, sockets: await readSockets(lab) };
}

/**
 * A gateway that never asks the backend is no gateway: its figures would be those of a server. `asked` is how
 * often it has: requests, or connections that it has opened.
 *
 * @throws {Error} where the backend saw none of the requests that were answered.
 */
function throwUnlessForwarded({ requests, errors }: LoadResult, asked: number): void {
  if (asked > 0) return;
  const statuses = errors.status === 0
    ? ""
    : `, ${errors.status === requests ? "all" : errors.status} of them with a status other than 2xx and 3xx`;
  throw new Error(
    `it does not forward: ${requests} requests were answered${statuses}, and the backend saw none of them; ` +
      "a gateway must send each request on to its upstream",
  );
}

/** Runs the warm-up, waits for every late report of it, and returns the sockets that it leaves. */
async function warmUp(
  stage: Stage,
  { backend: { latencyMs: leastMs, latencyMostMs: latencyMs = leastMs }, load: { warmUpMs } }: RunOptions,
): Promise<Record<HostName, TcpSocket[]>> {
  const { lab, clients, generator, signal } = stage;
  const processes = processesOf(stage);
  const load = { ...stage.load, durationMs: warmUpMs };
  const start = () => startLoad(generator, clients, load);
  await runWarmUp(lab, start, { ...load, latencyMs }, processes, signal);
  const settled = partiesOf(stage).flatMap(({ process, collectors }) =>
    collectors.map((collector) => collector.settled(process, signal))
  );
  await whileAllRun(Promise.all(settled), processes, signal);
  return await readSockets(lab);
}

function isNetHttp(gateway: GatewayPlan | null): boolean {
  return gateway !== null && "transport" in gateway && gateway.transport === "net-http";
}

/**
 * A run on loopback gets a namespace of its own, so that the other runs can be measured across the links of a
 * private lab.
 */
function labOf({ loopback }: RunOptions, lab: LabKind): LocalLabKind {
  if (lab === "remote") throw new Error("no hosts are given");
  if (loopback === false && lab === "host") {
    throw new Error("this run needs a network that is not loopback, and a host lab has none");
  }
  return loopback === true && lab === "private" ? "loopback" : lab;
}

/** 1 − connections ÷ requests; 0 where more connections were opened than requests answered. */
function reuseRatioOf(connectionsOpened: number, requests: number): number | null {
  return requests === 0 ? null : Math.max(0, 1 - connectionsOpened / requests);
}
