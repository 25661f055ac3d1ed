/**
 * Sysctls as a scenario asks for them.
 *
 * @module
 */

import { didYouMean, TimewaitError } from "../errors.ts";
import { optionsOf, shown } from "./check.ts";
import { HOST_NAMES, type HostName } from "./host_names.ts";

/**
 * Sysctls to ask for, by name: `net.ipv4.tcp_tw_reuse` for the gateway, `client:net.ipv4.tcp_tw_reuse` for
 * another host. In a lab whose hosts share one network, whichever is named, it is set for all.
 */
export type Sysctls = Readonly<Record<string, string | number>>;

/** One sysctl that is asked for. */
export interface KnobRequest {
  /** Where. */
  readonly host: HostName;
  /** Its name with dots, such as `net.ipv4.tcp_tw_reuse`. */
  readonly key: string;
  /** Its value, with single spaces between the parts. */
  readonly value: string;
}

const KEY = /^net(\.[\w-]+)+$/;

/**
 * Parses one sysctl. A slash may stand where the name has a dot.
 *
 * @param name `KEY`, or `HOST:KEY`.
 * @throws {TimewaitError} for a key that is not below `net.`: others belong to the machine, also in a private
 * lab.
 */
export function parseKnob(name: string, value: string | number, field = "sysctls"): KnobRequest {
  if (typeof value !== "string" && !Number.isFinite(value)) {
    throw new TimewaitError(`takes text or a number for ${name}, not ${shown(value)}`, { field });
  }
  const text = String(value).trim();
  const [, before, given] = /^(?:([^:]*):)?(.*)$/s.exec(name.trim())!;
  if (given === "" || text === "" || /[\n\r\t\0]/.test(text)) {
    const pair = shown(`${name}=${value}`);
    throw new TimewaitError(`takes KEY=VALUE such as net.ipv4.tcp_tw_reuse=0, not ${pair}`, { field });
  }
  const host = HOST_NAMES.find((known) => known === (before ?? "gateway"));
  if (host === undefined) {
    const hint = didYouMean(before!, HOST_NAMES);
    throw new TimewaitError(`takes the hosts ${HOST_NAMES.join(", ")}, not ${shown(before)}${hint}`, {
      field,
    });
  }
  const key = given!.replaceAll("/", ".");
  if (!KEY.test(key)) {
    throw new TimewaitError(
      `takes keys below net. such as net.ipv4.tcp_tw_reuse, not ${
        shown(given)
      }: others are not per network namespace`,
      { field },
    );
  }
  return { host, key, value: text.replaceAll(/\s+/g, " ") };
}

/**
 * The sysctls of a scenario, one by one.
 *
 * @throws {TimewaitError} as {@linkcode parseKnob}.
 */
export function parseKnobs(sysctls: Sysctls | undefined, field = "sysctls"): KnobRequest[] {
  return Object.entries(optionsOf(sysctls, field)).map(([name, value]) => parseKnob(name, value, field));
}

/** The requests by name, as results keep them: the gateway's without its host. */
export function namedKnobs(requests: readonly KnobRequest[]): Record<string, string> {
  return Object.fromEntries(
    requests.map(({ host, key, value }) => [host === "gateway" ? key : `${host}:${key}`, value]),
  );
}
