/**
 * The flags of a gateway, by the names of its options, and the gateway that they describe.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { checkPlaceholders } from "../scenario/placeholders.ts";
import type { NamedGateway } from "../scenario/replace_gateways.ts";
import type { Gateway } from "../scenario/scenario.ts";
import { type Flags, listFlag, type Options, switchFlag, valueFlag } from "./command.ts";
import { flagOf } from "./command_line.ts";
import { orNone, parseChoice, parseDurationMs, parseText, parseWhole } from "./values.ts";

/** Options of `http-client` alone. */
const HTTP_CLIENT_FLAGS = {
  poolMaxIdlePerHost: valueFlag(
    "N",
    "http-client: most idle connections kept; none is no limit (default none)",
    orNone(parseWhole(0)),
    undefined,
  ),
  poolIdleTimeout: valueFlag(
    "DURATION",
    "http-client: time an idle connection is kept; none is no limit (default 90s)",
    orNone(parseDurationMs),
    undefined,
  ),
} as const;

/** Options of `net-http` alone. */
const NET_HTTP_FLAGS = {
  maxIdleConns: valueFlag(
    "N",
    "net-http: most idle connections kept in all; 0 is no limit (default 100)",
    parseWhole(0),
    undefined,
  ),
  maxIdleConnsPerHost: valueFlag(
    "N",
    "net-http: most idle connections kept for each backend; 0 keeps none (default 2)",
    parseWhole(0),
    undefined,
  ),
  maxConnsPerHost: valueFlag(
    "N",
    "net-http: most connections to each backend; 0 is no limit (default 0)",
    parseWhole(0),
    undefined,
  ),
  idleConnTimeout: valueFlag(
    "DURATION",
    "net-http: time an idle connection is kept; 0 is for ever (default 90s)",
    parseDurationMs,
    undefined,
  ),
  disableKeepAlives: switchFlag("net-http: one request for each connection"),
  dialTimeout: valueFlag(
    "DURATION",
    "net-http: longest wait for a connection, time in line included; then 504 (default 5s)",
    parseDurationMs,
    undefined,
  ),
  responseHeaderTimeout: valueFlag(
    "DURATION",
    "net-http: longest wait for the head of a response; then 504 (default 60s)",
    parseDurationMs,
    undefined,
  ),
  requestHeaderTimeout: valueFlag(
    "DURATION",
    "net-http: longest wait for the head of a request; then 408 (default 5s)",
    parseDurationMs,
    undefined,
  ),
  sockets: valueFlag(
    "NAME",
    "net-http: deno, or epoll: less CPU, on Linux; its --allow-ffi voids Deno's sandbox (default deno)",
    parseChoice(["deno", "epoll"]),
    undefined,
  ),
} as const;

/** The flags of a gateway of ours. */
export const OUR_GATEWAY_FLAGS = {
  transport: valueFlag(
    "NAME",
    "transport of a gateway of ours: http-client, or net-http, our own proxy and pool (default http-client)",
    parseChoice(["http-client", "net-http"]),
    undefined,
  ),
  ...HTTP_CLIENT_FLAGS,
  ...NET_HTTP_FLAGS,
  workers: valueFlag(
    "N",
    "threads, which share the limits of the pool (default: http-client 1, net-http one for each CPU)",
    parseWhole(1),
    undefined,
  ),
} as const;

/** The flags of any gateway. */
export const GATEWAY_FLAGS = {
  gateway: listFlag(
    "[NAME=]COMMAND",
    "command line of a gateway to measure in place of the scenario's; {listen} and {upstream} are filled in",
    parseNamedCommand,
  ),
  ...OUR_GATEWAY_FLAGS,
} as const;

/**
 * A command line, with the name of its run before it if wanted: `nginx-1.27=./start.sh {listen}`. A name has
 * small letters, digits, dots and dashes, so that `HOME=/tmp ./start.sh {listen}` is a command.
 */
function parseNamedCommand(text: string, field: string): NamedGateway {
  const [, name, command] = /^(?:([a-z0-9][a-z0-9.-]*)=)?(.*)$/s.exec(parseText(text, field))!;
  checkPlaceholders(command, field);
  return { name, gateway: { command } };
}

/**
 * The gateways that the flags describe: every command, and one of ours where its transport or an option of it
 * is given.
 *
 * @throws {TimewaitError} for an option of the transport that is not measured.
 */
export function gatewaysOf(flags: Options<typeof GATEWAY_FLAGS>): NamedGateway[] {
  const ours = ourGatewayOf(flags);
  return ours === undefined ? [...flags.gateway] : [{ gateway: ours }, ...flags.gateway];
}

/**
 * The gateway of ours that the flags describe; `undefined` where none of them is given. Without a transport
 * the options are those of `http-client`.
 *
 * @throws {TimewaitError} for an option of the other transport.
 */
export function ourGatewayOf(flags: Options<typeof OUR_GATEWAY_FLAGS>): Gateway | undefined {
  const { transport, workers } = flags;
  const [own, others, another]: [Flags, Flags, string] = transport === "net-http"
    ? [NET_HTTP_FLAGS, HTTP_CLIENT_FLAGS, "http-client"]
    : [HTTP_CLIENT_FLAGS, NET_HTTP_FLAGS, "net-http"];
  const given = (known: Flags) =>
    Object.entries(flags).filter(([name, value]) =>
      Object.hasOwn(known, name) && value !== undefined && value !== known[name]!.byDefault
    );
  const [strange] = given(others);
  if (strange !== undefined) {
    const flag = flagOf(strange[0], others)!;
    throw new TimewaitError(
      `${flag} is for the transport ${another}: add --transport ${another}, or leave ${flag} out`,
    );
  }
  const options = Object.fromEntries(given(own));
  if (transport === undefined && workers === undefined && Object.keys(options).length === 0) return undefined;
  return { transport: transport ?? "http-client", ...options, workers } as Gateway;
}
