/**
 * Resolves a backend: checks its options, and fills in their defaults.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { at, onlyRunning, optionsOf, refuseOthers, shown, truth, whole } from "./check.ts";
import { checkPlaceholders } from "./placeholders.ts";
import type { BackendPlan } from "./plan.ts";
import type { Backend, CommandBackend, OwnBackend } from "./scenario.ts";
import { parseBytes, parseDurationMs } from "./units.ts";

/** The largest response body: the backend sends it piece by piece. */
const MAX_BODY_BYTES = 256 * 1024 ** 2;

/**
 * Resolves a backend.
 *
 * @throws {TimewaitError} for an option that it does not have, or a value that does not fit.
 */
export function resolveBackend(backend?: Backend, field = "backend"): BackendPlan {
  const options = optionsOf(backend, field);
  if ("running" in options) {
    onlyRunning(options, field);
    return { running: true, latencyMs: 0, bodyBytes: 0, status: 200 };
  }
  return "command" in options ? resolveCommand(options, field) : resolveOwn(options, field);
}

/**
 * The layers as one: what a later one gives holds. A command, or one that runs already, takes the place of
 * all layers before it.
 */
export function mergedBackend(layers: readonly (Backend | undefined)[]): Backend {
  const given = layers.map((layer) => optionsOf(layer, ""));
  const from = Math.max(0, given.findLastIndex((layer) => "command" in layer || "running" in layer));
  return Object.assign({}, ...given.slice(from));
}

function resolveCommand({ command, ...others }: CommandBackend, field: string): BackendPlan {
  const [option] = Object.keys(others);
  if (option !== undefined) {
    throw new TimewaitError("is an option of our own backend: leave it out beside a command", {
      field: at(field, option),
    });
  }
  checkPlaceholders(command, at(field, "command"), "backend");
  return { command, latencyMs: 0, bodyBytes: 0, status: 200 };
}

function resolveOwn(options: OwnBackend, field: string): BackendPlan {
  const { latency = 0, slowShare = 0, slowLatency, bodyBytes = 12, status = 200, ...ends } = options;
  const answers = {
    ...resolveLatency(latency, at(field, "latency")),
    ...resolveSlow({ slowShare, slowLatency }, field),
    bodyBytes: parseBytes(bodyBytes, at(field, "bodyBytes")),
    ...resolveStatus(status, at(field, "status")),
  };
  if (answers.bodyBytes > MAX_BODY_BYTES) {
    throw new TimewaitError(`takes up to 256MiB, not ${bodyBytes}`, { field: at(field, "bodyBytes") });
  }
  return { ...answers, ...resolveEnds(ends, field) };
}

function resolveLatency(
  latency: NonNullable<OwnBackend["latency"]>,
  field: string,
): Pick<BackendPlan, "latencyMs" | "latencyMostMs"> {
  const [, least, most] = typeof latency === "string" ? /^(.+?)\.\.(.+)$/.exec(latency) ?? [] : [];
  if (least === undefined || most === undefined) {
    return { latencyMs: parseDurationMs(latency as string | number as `${number}ms`, field) };
  }
  const [latencyMs, latencyMostMs] = [parseDurationMs(least, field), parseDurationMs(most, field)];
  if (latencyMostMs < latencyMs) {
    throw new TimewaitError(`takes the least first, such as 70ms..200ms, not ${shown(latency)}`, { field });
  }
  return latencyMostMs === latencyMs ? { latencyMs } : { latencyMs, latencyMostMs };
}

function resolveSlow(
  { slowShare, slowLatency }: { slowShare: number; slowLatency: OwnBackend["slowLatency"] },
  field: string,
): Pick<BackendPlan, "slow"> {
  const share = shareOf(slowShare, at(field, "slowShare"));
  const latencyMs = parseDurationMs(slowLatency ?? "2s", at(field, "slowLatency"));
  if (share > 0) return { slow: { share, latencyMs } };
  if (slowLatency === undefined) return {};
  throw new TimewaitError("is what the share of slow answers takes: give slowShare besides", {
    field: at(field, "slowLatency"),
  });
}

function resolveStatus(
  status: NonNullable<OwnBackend["status"]>,
  field: string,
): Pick<BackendPlan, "status" | "statuses"> {
  if (typeof status !== "object" || status === null || Array.isArray(status)) {
    return { status: whole(status, field, 200, 599) };
  }
  const statuses = Object.entries(status).map(([key, value]) => ({
    status: whole(Number(key), field, 200, 599),
    share: shareOf(value, field),
  })).filter(({ share }) => share > 0).toSorted((a, b) => b.share - a.share);
  const all = statuses.reduce((sum, { share }) => sum + share, 0);
  if (Math.abs(all - 1) > 1e-6) {
    throw new TimewaitError(
      `takes shares that are 1 in all, such as 200: 0.99, 503: 0.01; not ${shown(status)}`,
      {
        field,
      },
    );
  }
  const [first] = statuses;
  return statuses.length === 1 ? { status: first!.status } : { status: first!.status, statuses };
}

function resolveEnds(
  {
    closeAfterRequests = 0,
    idleTimeout = 0,
    closeOnStatus = [],
    closeBeforeAnswer = 0,
    announceClose = true,
    closeBy = "fin",
    http10 = false,
    ...others
  }: OwnBackend,
  field: string,
): Partial<BackendPlan> {
  if (closeBy !== "fin" && closeBy !== "rst") {
    throw new TimewaitError(`takes fin or rst, not ${shown(closeBy)}`, { field: at(field, "closeBy") });
  }
  const idleTimeoutMs = parseDurationMs(idleTimeout, at(field, "idleTimeout"));
  const after = whole(closeAfterRequests, at(field, "closeAfterRequests"));
  const statuses = [closeOnStatus].flat().map((status) => {
    return whole(status, at(field, "closeOnStatus"), 200, 599);
  });
  const before = shareOf(closeBeforeAnswer, at(field, "closeBeforeAnswer"));
  const announces = truth(announceClose, at(field, "announceClose"));
  const is10 = truth(http10, at(field, "http10"));
  const known = { ...NAMES, closeAfterRequests, idleTimeout, closeOnStatus, closeBeforeAnswer };
  refuseOthers(others, { ...known, announceClose, closeBy, http10 }, field);
  return {
    ...(after === 0 ? {} : { closeAfterRequests: after }),
    ...(idleTimeoutMs === 0 ? {} : { idleTimeoutMs }),
    ...(statuses.length === 0 ? {} : { closeOnStatus: statuses }),
    ...(before === 0 ? {} : { closeBeforeAnswer: before }),
    ...(announces ? {} : { announceClose: false }),
    ...(closeBy === "fin" ? {} : { closeBy }),
    ...(is10 ? { http10: true } : {}),
  };
}

/** The options that are resolved elsewhere, for the hint at a misspelt name. */
const NAMES = { latency: 0, slowShare: 0, slowLatency: 0, bodyBytes: 0, status: 0, command: "" };

/** Takes a share from 0 to 1. */
export function shareOf(value: unknown, field: string): number {
  if (!(typeof value === "number" && value >= 0 && value <= 1)) {
    throw new TimewaitError(`must be a share from 0 to 1, not ${shown(value)}`, { field });
  }
  return value + 0;
}
