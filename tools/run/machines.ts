/**
 * Given hosts, ready for a bench: connected, checked, and told what each has to have.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { messageOf, TimewaitError, UnavailableError } from "../errors.ts";
import { pathOf, TOOLS } from "../paths.ts";
import { BACKEND_SCRIPT, denoArgv } from "../lab/deno_script.ts";
import { filesNeeded } from "../lab/file_limit.ts";
import { placeOf } from "../lab/prefix_shell.ts";
import { inTime } from "../lab/in_time.ts";
import { sharesTables } from "../lab/remote/far_facts.ts";
import type { RemoteHost } from "../lab/remote/remote_host.ts";
import { connectRemoteLab, type RemoteLab } from "../lab/remote/remote_lab.ts";
import type { GeneratorChoice, LoadGenerator } from "../load/load.ts";
import { divideLoad } from "../load/divide_load.ts";
import { readProxiesInPath } from "../observe/in_the_path.ts";
import { countPorts, PORT_RANGE_FILE } from "../observe/ports_used.ts";
import type { LoadClient } from "../load/start_load.ts";
import { parseWrkVersion, UNKNOWN_VERSION } from "../load/wrk.ts";
import type { Machine } from "../results/results.ts";
import { maskSecrets } from "../scenario/mask.ts";
import { type HostsPlan, isOurBackend, type RunOptions } from "../scenario/plan.ts";
import { notWatched } from "../scenario/resolve_hosts.ts";
import type { Environment } from "../results/results.ts";

/** Given hosts that are connected. Disposing them ends all that was started there. */
export interface Machines extends AsyncDisposable {
  /** The hosts. */
  readonly lab: RemoteLab;
  /** Where the load comes from, each with its wrk. */
  readonly clients: readonly LoadClient[];
  /** What makes the load, in the version that all clients have. */
  readonly generator: GeneratorChoice;
  /** What the results say of them. */
  readonly facts: Pick<Environment, "machines" | "notWatched">;
}

/** What a bench needs of given hosts. */
export interface MachinesNeeded {
  /** The hosts. */
  readonly hosts: HostsPlan;
  /** All that is measured on them. */
  readonly runs: readonly RunOptions[];
  /** What makes the load. */
  readonly generator: LoadGenerator;
  /** Whether wrk is copied to clients that have none. */
  readonly push: boolean;
  /** Ends the wait for hosts that do not answer. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * Connects to given hosts, and checks whether they have what the bench needs.
 *
 * @throws {UnavailableError} where one cannot be reached or lacks something; one line that says what to do.
 * @throws {TimewaitError} where two of them are one, or the load cannot be divided among the clients.
 */
export async function openMachines(
  { hosts, runs, generator, push, signal }: MachinesNeeded,
): Promise<Machines> {
  for (const { load } of runs) divideLoad(load, hosts.client.length);
  await using stack = new AsyncDisposableStack();
  const given = (prefix: string) => ({ prefix, address: "" });
  const lab = stack.use(
    await connectRemoteLab({
      client: hosts.client.map(given),
      ...(hosts.gateway === undefined ? {} : { gateway: given(hosts.gateway) }),
      ...(hosts.backend === undefined ? {} : { backend: given(hosts.backend) }),
      signal,
    }),
  );
  refuseSharedTables(lab);
  for (const run of runs) checkFiles(lab, run);
  await checkOwnPrograms(lab, runs, generator);
  const clients = await Promise.all(lab.clients.map(async (host): Promise<LoadClient> => {
    return generator === "wrk" ? { host, wrk: await wrkOn(host, { push }) } : { host };
  }));
  const version = generator === "wrk" ? await commonVersion(clients) : undefined;
  const owned = stack.move();
  return {
    lab,
    clients,
    generator: { name: generator, version: version ?? config.version },
    facts: { machines: await machinesOf(lab), ...unwatchedOf(hosts) },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function unwatchedOf(hosts: HostsPlan): Pick<Environment, "notWatched"> {
  const names = notWatched(hosts);
  return names.length === 0 ? {} : { notWatched: names };
}

async function machinesOf({ all, gateway, backend }: RemoteLab): Promise<Machine[]> {
  return await Promise.all(all.map(async (host) => {
    const { kernel, cpus } = host.far;
    const party = host === gateway ? "gateway" : host === backend ? "backend" : "client";
    const proxies = (await readProxiesInPath(host)).map(({ mesh, evidence }) =>
      `${mesh}: ${evidence.join(", ")}`
    );
    const prefix = maskSecrets(host.prefix);
    const ports = countPorts((await host.readProc(PORT_RANGE_FILE))[0]);
    return { party, prefix, kernel, cpus, ports, ...(proxies.length === 0 ? {} : { proxies }) };
  }));
}

/** How messages call a host: `client 2 (ssh load2)`. */
function nameOf({ name, prefix }: RemoteHost): string {
  return `the ${name} (${placeOf(prefix)})`;
}

/** Two hosts with one table would both count all that either of them does. */
function refuseSharedTables({ all }: RemoteLab): void {
  for (const [i, host] of all.entries()) {
    const same = all.slice(0, i).find(({ far }) => sharesTables(far, host.far));
    if (same === undefined) continue;
    throw new TimewaitError(
      `${nameOf(same)} and ${
        nameOf(host)
      } are one machine with one TCP table, in which their connections cannot be ` +
        `told apart: give ${
          host.name.startsWith("client")
            ? "another client"
            : `the ${host.name} another machine, or leave it out`
        }`,
      { field: "host" },
    );
  }
}

/** Each process raises its soft limit of open files to the hard one. */
function checkFiles(lab: RemoteLab, { load, gateway, backend }: RunOptions): void {
  const parts = divideLoad(load, lab.clients.length);
  const needs: [RemoteHost | undefined, number][] = [
    ...lab.clients.map((host, i): [RemoteHost, number] => [host, filesNeeded(parts[i]!.connections, DIRECT)]),
    ...(gateway === null || "running" in gateway
      ? []
      : [[lab.gateway, filesNeeded(load.connections, { throughGateway: true })] as [RemoteHost, number]]),
    ...(backend.running
      ? []
      : [[lab.backend, filesNeeded(load.connections, DIRECT)] as [RemoteHost, number]]),
  ];
  for (const [host, needed] of needs) {
    if (host === undefined || needed <= host.far.fileLimit) continue;
    throw new TimewaitError(
      `of ${load.connections} takes ${needed} open files on ${nameOf(host)}, and the limit there is ` +
        `${host.far.fileLimit}: raise it there, or use fewer`,
      { field: "connections" },
    );
  }
}

const DIRECT = { throughGateway: false };

/** Our own parties and the open loop run from these sources, which must be there at the same place. */
async function checkOwnPrograms(
  lab: RemoteLab,
  runs: readonly RunOptions[],
  generator: LoadGenerator,
): Promise<void> {
  const ours = runs.some(({ gateway }) => gateway !== null && "transport" in gateway);
  const needs = [
    ...(ours ? [{ hosts: [lab.gateway], what: "a gateway of ours", instead: "give --gateway COMMAND" }] : []),
    ...(runs.some(({ backend }) => isOurBackend(backend))
      ? [{ hosts: [lab.backend], what: "our backend", instead: "give --backend COMMAND" }]
      : []),
    ...(generator === "open-loop"
      ? [{ hosts: lab.clients, what: "the open loop", instead: "leave the rate out" }]
      : []),
  ];
  const asked = needs.flatMap(({ hosts, ...need }) =>
    hosts.flatMap((host) => host === undefined ? [] : [{ host, ...need }])
  );
  const deno = Deno.execPath();
  const argv = ["sh", "-c", '"$@" && "$0" --version', deno, ...denoArgv(BACKEND_SCRIPT, ["--version"])];
  await Promise.all(asked.map(async ({ host, what, instead }) => {
    const said = await ask(host, argv);
    if (said.startsWith(`timewait ${config.version}\ndeno ${Deno.version.deno} `)) return;
    throw new UnavailableError(
      `${what} needs Deno ${Deno.version.deno} as ${deno} and these sources as ${
        pathOf(TOOLS) ?? TOOLS.href
      } ` +
        `on ${nameOf(host)}, with all that they import: put them there, or ${instead}`,
    );
  }));
}

/** Where wrk is on a client. */
async function wrkOn(host: RemoteHost, { push }: { readonly push: boolean }): Promise<string> {
  const there = host.far.programs.wrk;
  if (there !== undefined) return there;
  if (push) return await host.push("wrk");
  throw new UnavailableError(
    `wrk is not on PATH on ${
      nameOf(host)
    }: install it there (apt-get install wrk), or add --push, which copies this ` +
      "machine's for the time of the bench",
  );
}

/** The version of wrk that all clients have. */
async function commonVersion(clients: readonly LoadClient[]): Promise<string> {
  const seen = await Promise.all(clients.map(async ({ host, wrk }) => {
    const name = nameOf(host as RemoteHost);
    const said = await ask(host as RemoteHost, ["sh", "-c", '"$1" -v 2>&1; exit 0', "sh", wrk!]);
    if (!said.startsWith("wrk ")) {
      throw new UnavailableError(`wrk does not run on ${name}: ${messageOf(said) || "it says nothing"}`);
    }
    const version = parseWrkVersion(said);
    // One that was built without its version is told from others by all that it says.
    return { name, version, same: version === UNKNOWN_VERSION ? said : version };
  }));
  const [first] = seen;
  const other = seen.find(({ same }) => same !== first!.same);
  if (other === undefined) return first!.version;
  throw new UnavailableError(
    `wrk is ${first!.version} on ${first!.name} and ${other.version} on ${other.name}, and figures of two ` +
      "versions are not added up: install the same",
  );
}

/** What a program prints on a host. */
async function ask(host: RemoteHost, argv: readonly string[]): Promise<string> {
  const lines: string[] = [];
  const process = await host.start({
    name: argv[0]!,
    argv,
    onStdout: (line) => lines.push(line),
  });
  await inTime(process.exited, `a program on ${nameOf(host)} did not end`);
  return lines.join("\n");
}
