/**
 * The flags of bench that say which gateways to measure in place of the scenario's own.
 *
 * @module
 */

import { listFlag, type Options, parseChoice, parseText, valueFlag } from "./command_line.ts";
import type { GatewayPlan } from "../scenario/scenario.ts";
import { HTTP_CLIENT_FLAGS } from "./http_client_flags.ts";
import { WORKERS_FLAG } from "../transport/workers/workers.ts";
import { POOL_FLAGS, refuseFlagsOf } from "./net_http_flags.ts";

/** The flags. Those of a transport have the names that they have on the command line of the gateway. */
export const GATEWAY_FLAGS = {
  gateway: listFlag("COMMAND", "measure this gateway; {listen} and {upstream} are filled in", parseText),
  transport: valueFlag(
    "NAME",
    "measure a gateway of ours, http-client or net-http, with the limits that follow",
    parseChoice(["http-client", "net-http"]),
    undefined,
  ),
  ...HTTP_CLIENT_FLAGS,
  ...POOL_FLAGS,
  workers: WORKERS_FLAG,
} as const;

/** The flags, parsed. */
export type GatewayFlagValues = Options<typeof GATEWAY_FLAGS>;

/**
 * The gateways that the flags describe: every command, and one of ours where its transport or a limit of it is given.
 * Without a transport the limits are those of `http-client`, as for the gateway.
 *
 * @throws {UsageError} for a limit of the transport that is not measured.
 */
export function gatewaysOf(flags: GatewayFlagValues): GatewayPlan[] {
  const commands = flags.gateway.map((command) => ({ command }));
  const ours = ourGatewayOf(flags);
  return ours === undefined ? commands : [ours, ...commands];
}

function ourGatewayOf(flags: GatewayFlagValues): GatewayPlan | undefined {
  const { transport, poolMaxIdlePerHost, poolIdleTimeout, idleConnTimeout, disableKeepAlives, workers } =
    flags;
  const { maxIdleConns, maxIdleConnsPerHost, maxConnsPerHost } = flags;
  const counts = { maxIdleConns, maxIdleConnsPerHost, maxConnsPerHost };
  if (transport === "net-http") {
    refuseFlagsOf("http-client", { poolMaxIdlePerHost, poolIdleTimeout });
    const limits = given({ ...counts, idleConnTimeoutMs: idleConnTimeout, workers });
    return { transport, ...limits, ...(disableKeepAlives ? { disableKeepAlives } : {}) };
  }
  refuseFlagsOf("net-http", { ...counts, idleConnTimeout, disableKeepAlives });
  const limits = given({ poolMaxIdlePerHost, poolIdleTimeoutMs: poolIdleTimeout, workers });
  return transport === undefined && Object.keys(limits).length === 0
    ? undefined
    : { transport: "http-client", ...limits };
}

/** What was given, so that defaults are not erased by `undefined`. */
function given<T extends Record<string, number | undefined>>(values: T): { [K in keyof T]?: number } {
  return Object.fromEntries(Object.entries(values).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: number;
  };
}

/** The words of a command line that give these options again. */
export function gatewayWords(flags: GatewayFlagValues): string[] {
  const words = (flag: string, value: string | number | undefined) =>
    value === undefined ? [] : [flag, String(value)];
  const inMs = (ms: number | undefined) => ms === undefined ? undefined : `${ms}ms`;
  return [
    ...flags.gateway.flatMap((command) => words("--gateway", command)),
    ...words("--transport", flags.transport),
    ...words("--pool-max-idle-per-host", flags.poolMaxIdlePerHost),
    ...words("--pool-idle-timeout", inMs(flags.poolIdleTimeout)),
    ...words("--max-idle-conns", flags.maxIdleConns),
    ...words("--max-idle-conns-per-host", flags.maxIdleConnsPerHost),
    ...words("--max-conns-per-host", flags.maxConnsPerHost),
    ...words("--idle-conn-timeout", inMs(flags.idleConnTimeout)),
    ...(flags.disableKeepAlives ? ["--disable-keep-alives"] : []),
    ...words("--workers", flags.workers),
  ];
}
