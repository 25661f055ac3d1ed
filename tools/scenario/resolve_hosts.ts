/**
 * Resolves the hosts of a scenario, and where on them its parties are reached.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { at, lineOf, optionsOf, refuseOthers, shown } from "./check.ts";
import { HOST_NAMES, type HostName } from "./host_names.ts";
import type { HostsPlan, RunOptions } from "./plan.ts";
import type { Hosts, Run, Scenario } from "./scenario.ts";

/** What a scenario says of its machines. */
export type Places = Pick<Scenario, "hosts" | "url" | "backendUrl">;

/**
 * Resolves the hosts.
 *
 * @throws {TimewaitError} for a host that there is not, and where no client is among them.
 */
export function resolveHosts(hosts: Hosts | undefined, field = "hosts"): HostsPlan | undefined {
  if (hosts === undefined) return undefined;
  const { client = "", gateway, backend, ...others } = optionsOf(hosts, field);
  refuseOthers(others, { client, gateway, backend }, field);
  const clients = [client].flat().map((prefix, i) => prefixOf(prefix, at(field, `client[${i}]`)));
  if (clients.length === 0) {
    throw new TimewaitError("needs a client, where the load comes from: client: 'ssh load1'", { field });
  }
  const one = (prefix: string | undefined, name: HostName) =>
    prefix === undefined ? {} : { [name]: prefixOf(prefix, at(field, name)) };
  return { client: clients, ...one(gateway, "gateway"), ...one(backend, "backend") };
}

/** Takes a command prefix in one line; an empty one is this machine. */
function prefixOf(value: unknown, field: string): string {
  return value === "" ? "" : lineOf(value, field);
}

/** The hosts that are not watched. */
export function notWatched(hosts: HostsPlan): HostName[] {
  return HOST_NAMES.filter((name) => hosts[name] === undefined);
}

/**
 * Takes the URL of a party, for which the path may say where the load goes.
 *
 * @throws {TimewaitError} for anything but an http URL.
 */
export function httpUrl(value: unknown, field: string): string {
  const url = typeof value === "string" ? URL.parse(value) : null;
  if (url === null || url.protocol !== "http:" || url.username !== "" || url.hash !== "") {
    throw new TimewaitError(`takes a URL such as http://gw1:8080/, not ${shown(value)}`, { field });
  }
  return url.href;
}

/** The address of a URL. */
export function addressOfUrl(url: string): { readonly hostname: string; readonly port: number } {
  const { hostname, port } = new URL(url);
  return { hostname: hostname.replaceAll(/[[\]]/g, ""), port: port === "" ? 80 : Number(port) };
}

/**
 * Where the load of a run goes, and where its backend is reached.
 *
 * @throws {TimewaitError} where one of them is needed and not said, and for what hosts that are given cannot
 * have.
 */
export function resolvePlaces(
  { url: ofRun }: Pick<Run, "url">,
  { hosts, url, backendUrl }: Places,
  options: Omit<RunOptions, "load">,
  field: string,
): Pick<RunOptions, "url" | "backendUrl"> {
  const { gateway, backend } = options;
  const runsThere = gateway !== null && "running" in gateway;
  const plan = resolveHosts(hosts);
  const at = (name: string) => `${field}.${name}`;
  const refuse = (problem: string, field: string) => new TimewaitError(problem, { field });
  if (plan === undefined) {
    if (runsThere) throw refuse("runs already, on a host that is given: give hosts as well", at("gateway"));
    if (backend.running) throw refuse("runs already, on a host that is given: give hosts as well", "backend");
    const [given] = Object.entries({ url: ofRun ?? url, backendUrl }).filter(([, value]) =>
      value !== undefined
    );
    if (given === undefined) return {};
    throw refuse("is for hosts that are given, which a lab of our own has not: give hosts as well", given[0]);
  }
  refuseOnHosts(options, field);
  const there = backendUrl === undefined ? undefined : httpUrl(backendUrl, "backendUrl");
  const target = ofRun ?? (gateway === null ? there : url);
  if (target === undefined) {
    throw gateway === null
      ? refuse("is needed: where does the load go that has no gateway before it?", "backendUrl")
      : refuse("is needed: where is the gateway reached, as in http://gw1:8080/?", "url");
  }
  if (gateway !== null && !runsThere) {
    if (plan.gateway === undefined) {
      throw refuse("is to be started, and no host is given for it: give hosts.gateway", at("gateway"));
    }
    const asks = !("command" in gateway) || /(?<!\$)\{upstream/.test(gateway.command);
    if (asks && there === undefined) {
      throw refuse("is needed: where is the backend that the gateway forwards to?", "backendUrl");
    }
  }
  if (!backend.running) {
    if (plan.backend === undefined) {
      throw refuse(
        "is to be started, and no host is given for it: give hosts.backend, or leave it out",
        "backend",
      );
    }
    if (there === undefined) throw refuse("is needed: where is the backend to listen?", "backendUrl");
  }
  return {
    url: httpUrl(target, ofRun === undefined ? "url" : at("url")),
    ...(there === undefined ? {} : { backendUrl: there }),
  };
}

/** Refuses what is for labs that are the bench's own. */
function refuseOnHosts(
  { sysctls, loopback, probeConnects, backends }: Omit<RunOptions, "load">,
  field: string,
): void {
  const refuse = (problem: string, name: string) => {
    throw new TimewaitError(problem, { field: name });
  };
  if (sysctls !== undefined) {
    refuse(
      "cannot be set on hosts that are given, where no knob is written: set them there, or leave them out",
      "sysctls",
    );
  }
  if (loopback !== undefined) {
    refuse("is for a lab of our own: leave it out beside hosts", `${field}.loopback`);
  }
  if (probeConnects) refuse("is for a lab of our own: leave it out beside hosts", "probeConnects");
  if (backends !== undefined) refuse("is one beside hosts: measure several in a lab of our own", "backends");
}
