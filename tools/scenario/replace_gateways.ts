/**
 * Asks the question of a scenario of other gateways.
 *
 * @module
 */

import { maskSecrets } from "./mask.ts";
import { type Gateway, type Run, type Scenario } from "./scenario.ts";

/** A gateway and what to call its run. */
export interface NamedGateway {
  /** Left out: the run is named for the transport or the program that it starts. */
  readonly name?: string | undefined;
  /** The gateway. */
  readonly gateway: Gateway;
}

/**
 * The scenario with other gateways in place of its own. Whatever else its runs differ in stays: knobs, side
 * of the lab, load, backend. Runs that differ in the gateway alone become one, because they would measure the
 * same; those straight at the backend stay as they are.
 *
 * A run has the name of the gateway, with that of the run that it stands for where there are several.
 */
export function replaceGateways(scenario: Scenario, gateways: readonly NamedGateway[]): Scenario {
  if (gateways.length === 0) return scenario;
  const taken = new Set<string>();
  const unique = (base: string) => {
    let name = base;
    for (let n = 2; taken.has(name); n++) name = `${base}-${n}`;
    taken.add(name);
    return name;
  };
  const direct = scenario.runs.filter((run) => run.gateway === undefined);
  for (const { name } of direct) taken.add(name);
  const named = gateways.map(({ name, gateway }) => ({ name: unique(name ?? nameOf(gateway)), gateway }));
  const kinds = distinctBesideGateway(scenario.runs.filter((run) => run.gateway !== undefined));
  const stands = kinds.length === 0 ? [{ name: "", gateway: undefined }] : kinds;
  const runs = named.flatMap(({ name, gateway }) =>
    stands.map((kind): Run => ({ ...kind, name: kinds.length > 1 ? `${name}-${kind.name}` : name, gateway }))
  );
  const wanted = scenario.baseline ?? scenario.runs[0]?.name;
  const before = scenario.runs.find((run) => run.name === wanted);
  const kind = stands.findIndex((one) =>
    before !== undefined && besideGateway(one) === besideGateway(before)
  );
  const baseline = direct.some((run) => run.name === wanted) ? wanted : runs[Math.max(0, kind)]!.name;
  return { ...scenario, baseline, runs: [...direct, ...runs] };
}

/** The first of the runs that are alike in everything but their gateways. */
function distinctBesideGateway(runs: readonly Run[]): Run[] {
  const first = new Map<string, Run>();
  for (const run of runs) {
    const rest = besideGateway(run);
    if (!first.has(rest)) first.set(rest, run);
  }
  return [...first.values()];
}

/** All that a run says beside its name and its gateway, as text that is equal where that is. */
function besideGateway({ name: _name, gateway: _gateway, ...rest }: Run): string {
  return JSON.stringify(sorted(rest));
}

function sorted(value: unknown): unknown {
  if (typeof value !== "object" || value === null || Array.isArray(value)) return value;
  const entries = Object.entries(value).filter(([, inner]) => inner !== undefined);
  return Object.fromEntries(
    entries.toSorted(([a], [b]) => a < b ? -1 : 1).map(([key, inner]) => [key, sorted(inner)]),
  );
}

/** The name of the transport, or of the program that a command line starts, without its folder. */
function nameOf(gateway: Gateway): string {
  if ("running" in gateway) return "gateway";
  if (!("command" in gateway)) return gateway.transport ?? "http-client";
  const word = maskSecrets(gateway.command).trim().split(/\s+/).find((word) => !/^\w+=/.test(word)) ?? "";
  return word.replaceAll(/^.*\/|[^\w.-]/g, "") || "gateway";
}
