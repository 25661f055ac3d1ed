/**
 * Resolves a gateway: checks its options, and fills in their defaults.
 *
 * @module
 */

import { availableParallelism } from "node:os";
import { TimewaitError } from "../errors.ts";
import { resolvePoolLimits } from "../transport/pool/limits.ts";
import { at, onlyRunning, optionNames, optionsOf, refuseOthers, shown, truth, whole } from "./check.ts";
import { checkPlaceholders } from "./placeholders.ts";
import type { CommandPlan, ExistingPlan, GatewayPlan, HttpClientPlan, NetHttpPlan } from "./plan.ts";
import type {
  CommandGateway,
  ExistingGateway,
  Gateway,
  HttpClientGateway,
  NetHttpGateway,
} from "./scenario.ts";
import { type Duration, parseDurationMs } from "./units.ts";

/**
 * Resolves a gateway.
 *
 * @throws {TimewaitError} for an option that it does not have, or a value that does not fit.
 */
export function resolveGateway(gateway: Gateway, field = "gateway"): GatewayPlan {
  if (typeof gateway === "string") {
    throw new TimewaitError(`must be an object such as { command: … }, not ${shown(gateway)}`, { field });
  }
  const options = optionsOf(gateway, field);
  if ("command" in options) return resolveCommand(options, field);
  if ("running" in options) return resolveExisting(options, field);
  const { transport = "http-client" } = options;
  if (transport === "http-client") return resolveHttpClient(options as HttpClientGateway, field);
  if (transport === "net-http") return resolveNetHttp(options as NetHttpGateway, field);
  throw new TimewaitError(`takes http-client or net-http, not ${shown(transport)}`, {
    field: at(field, "transport"),
  });
}

function resolveCommand({ command, ...others }: CommandGateway, field: string): CommandPlan {
  const [option] = Object.keys(others);
  if (option !== undefined) {
    throw new TimewaitError("is no option of a command: the command line says all", {
      field: at(field, option),
    });
  }
  checkPlaceholders(command, at(field, "command"));
  return { command };
}

function resolveExisting(options: ExistingGateway, field: string): ExistingPlan {
  onlyRunning(options, field);
  return { running: true };
}

function resolveHttpClient(
  { transport: _, poolMaxIdlePerHost = false, poolIdleTimeout = "90s", workers = 1, ...others }:
    HttpClientGateway,
  field: string,
): HttpClientPlan {
  const plan: HttpClientPlan = {
    transport: "http-client",
    poolMaxIdlePerHost: poolMaxIdlePerHost === false
      ? false
      : whole(poolMaxIdlePerHost, at(field, "poolMaxIdlePerHost")),
    poolIdleTimeoutMs: poolIdleTimeout === false
      ? false
      : parseDurationMs(poolIdleTimeout, at(field, "poolIdleTimeout")),
    workers: whole(workers, at(field, "workers"), 1),
  };
  refuseOfOther(others, "net-http", field);
  refuseOthers(others, { command: undefined, ...plan }, field);
  return plan;
}

function resolveNetHttp(
  {
    transport: _,
    maxIdleConns,
    maxIdleConnsPerHost,
    maxConnsPerHost,
    idleConnTimeout,
    disableKeepAlives,
    workers = availableParallelism(),
    dialTimeout = "5s",
    responseHeaderTimeout = "60s",
    requestHeaderTimeout = "5s",
    sockets = "deno",
    ...others
  }: NetHttpGateway,
  field: string,
): NetHttpPlan {
  const ms = (value: Duration, name: string) => parseDurationMs(value, at(field, name));
  // What the pool is told is checked here, by the names that a scenario has; its defaults are its own.
  const asked = <T, R>(value: T | undefined, check: (value: T, field: string) => R, name: string) =>
    value === undefined ? undefined : check(value, at(field, name));
  const pool = resolvePoolLimits({
    maxIdleConns: asked(maxIdleConns, whole, "maxIdleConns"),
    maxIdleConnsPerHost: asked(maxIdleConnsPerHost, whole, "maxIdleConnsPerHost"),
    maxConnsPerHost: asked(maxConnsPerHost, whole, "maxConnsPerHost"),
    idleConnTimeoutMs: asked(idleConnTimeout, parseDurationMs, "idleConnTimeout"),
    disableKeepAlives: asked(disableKeepAlives, truth, "disableKeepAlives"),
  });
  if (sockets !== "deno" && sockets !== "epoll") {
    throw new TimewaitError(`takes deno or epoll, not ${shown(sockets)}`, { field: at(field, "sockets") });
  }
  const plan: NetHttpPlan = {
    transport: "net-http",
    ...pool,
    dialTimeoutMs: ms(dialTimeout, "dialTimeout"),
    responseHeaderTimeoutMs: ms(responseHeaderTimeout, "responseHeaderTimeout"),
    requestHeaderTimeoutMs: ms(requestHeaderTimeout, "requestHeaderTimeout"),
    ...(sockets === "epoll" ? { sockets } : {}),
    // A worker without a connection could serve nobody.
    workers: Math.min(whole(workers, at(field, "workers"), 1), pool.maxConnsPerHost || Infinity),
  };
  refuseOfOther(others, "http-client", field);
  refuseOthers(others, { command: undefined, ...plan, sockets: undefined }, field);
  return plan;
}

/** Refuses an option that only the other transport has, and says so. */
function refuseOfOther(others: object, other: "http-client" | "net-http", field: string): void {
  const given = Object.keys(others);
  if (given.length === 0) return;
  const fresh: Gateway = other === "net-http" ? { transport: other, sockets: "epoll" } : { transport: other };
  const names = optionNames(resolveGateway(fresh));
  const name = given.find((name) => names.includes(name));
  if (name === undefined) return;
  const remedy = other === "net-http"
    ? 'add transport: "net-http", or leave this option out'
    : "leave out the transport, or this option";
  throw new TimewaitError(`is an option of the transport ${other}: ${remedy}`, {
    field: at(field, name),
  });
}
