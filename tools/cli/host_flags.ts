/**
 * The flags of a bench on machines of the reader's own, each given as a command prefix.
 *
 * @module
 */

import { didYouMean, TimewaitError } from "../errors.ts";
import { shown } from "../scenario/check.ts";
import { HOST_NAMES, type HostName } from "../scenario/host_names.ts";
import type { LoadedScenario } from "../scenario/load_scenario.ts";
import { httpUrl, type Places } from "../scenario/resolve_hosts.ts";
import type { Hosts } from "../scenario/scenario.ts";
import { listFlag, type Options, switchFlag, valueFlag } from "./command.ts";

/** The flags. */
export const HOST_FLAGS = {
  host: listFlag(
    "PARTY=PREFIX",
    "machine of client, gateway or backend, as what stands before a command there: client='ssh load1'; clients share the load (default client: this machine)",
    parseHost,
  ),
  url: valueFlag(
    "URL",
    "where the load goes on those machines: the gateway, which listens there where a --gateway starts it",
    httpUrl,
    undefined,
  ),
  backendUrl: valueFlag(
    "URL",
    "where the gateway reaches the backend, which listens there where a --backend starts it",
    httpUrl,
    undefined,
  ),
  push: switchFlag("copy of this machine's wrk to each client that has none, for the time of the bench"),
} as const;

/** One machine. */
export interface GivenHost {
  /** Whose it is. */
  readonly party: HostName;
  /** What stands before a command to run it there; empty for this machine. */
  readonly prefix: string;
}

/** Takes `PARTY=PREFIX`. */
export function parseHost(text: string, field: string): GivenHost {
  const at = text.indexOf("=");
  const name = at < 0 ? text : text.slice(0, at);
  const party = HOST_NAMES.find((known) => known === name);
  if (party === undefined || at < 0) {
    const hint = didYouMean(name, HOST_NAMES);
    throw new TimewaitError(`takes PARTY=PREFIX such as client='ssh load1', not ${shown(text)}${hint}`, {
      field,
    });
  }
  return { party, prefix: text.slice(at + 1).trim() };
}

/**
 * The machines that the flags give, and where the parties are reached there.
 *
 * @throws {TimewaitError} for a second gateway or backend, and for a party without a machine.
 */
export function placesOf({ host, url, backendUrl }: Options<typeof HOST_FLAGS>): Places {
  if (host.length === 0) return { url, backendUrl };
  const of = (party: HostName) => host.filter((one) => one.party === party).map(({ prefix }) => prefix);
  for (const party of ["gateway", "backend"] as const) {
    if (of(party).length < 2) continue;
    throw new TimewaitError(`takes one ${party}, and several clients`, { field: "host" });
  }
  const [gateway] = of("gateway");
  const [backend] = of("backend");
  const hosts: Hosts = {
    ...(of("client").length === 0 ? {} : { client: of("client") }),
    ...(gateway === undefined ? {} : { gateway }),
    ...(backend === undefined ? {} : { backend }),
  };
  return { hosts, url, backendUrl };
}

/** What is measured on given machines where no scenario is named: the gateway that runs there. */
export function scenarioOfHosts(places: Places): LoadedScenario {
  return {
    name: "running_gateway",
    scenario: {
      question: "What does the gateway that runs there do with its connections?",
      runs: [{ name: "gateway", gateway: { running: true } }],
      ...places,
    },
  };
}
