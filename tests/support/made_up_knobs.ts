/** Runs with knobs on few ports, made up. */

import { type Knob } from "../../tools/lab/knobs.ts";
import { type HostResult } from "../../tools/observe/series.ts";
import { type HostName } from "../../tools/scenario/host_names.ts";
import { type Measured, type Run, type Watching } from "../../tools/results/results.ts";
import { pool, repetition, run } from "./made_up_results.ts";

/** The sysctl of the range of ports. */
export const RANGE = "net.ipv4.ip_local_port_range";
/** The sysctl of taking ports again. */
export const REUSE = "net.ipv4.tcp_tw_reuse";

const NO_ERRORS = { connect: 0, read: 0, write: 0, timeout: 0 };

/** A knob that was asked of the gateway and came into force. */
export function knob(key: string, asked: string, more: Partial<Knob> = {}): Knob {
  return { host: "gateway", key, before: "2", asked, inForce: asked, status: "applied", ...more };
}

/** A gateway that opens 500 connections a second, of which `failed` requests in all fail. */
export function churning(
  failed: number,
  more: Partial<Watching<HostName>> = {},
  gateway: Partial<HostResult> = {},
): Watching<HostName> {
  const errors = { ...NO_ERRORS, status: failed };
  const made = repetition(1000, { opened: 4000, timeWait: 4000, errors, ...more });
  return {
    ...made,
    hosts: { ...made.hosts, gateway: { ...made.hosts.gateway, portsUsedPeak: 4000, ...gateway } },
  };
}

/** A run on 4,000 ports with a knob. */
export function runOf(
  name: string,
  measured: Measured,
  key: string,
  value: string,
  more: Partial<Run> = {},
): Run {
  const made = run(name, [{ ...measured, knobs: [knob(RANGE, "20000 23999"), knob(key, value)] }], pool(10));
  const options = { ...made.options, sysctls: { [RANGE]: "20000 23999", [key]: value } };
  return { ...made, options, ...more };
}

/** A run on 4,000 ports of which a fourth of the requests fail. */
export const BASELINE = runOf("direct", churning(2000), REUSE, "0");
