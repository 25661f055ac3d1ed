/**
 * What opened and closed the connections, how long the ports last, what to set.
 *
 * @module
 */

import type { Results, Run } from "../../results/results.ts";
import { describeClosed, type PoolCounters } from "../../transport/pool/counters.ts";
import type { Churn } from "../../verdict/churn.ts";
import type { Findings, RunFindings } from "../../verdict/findings.ts";
import type { IdlePool } from "../../verdict/idle_pool.ts";
import { TIME_WAIT_SEC } from "../../verdict/port_forecast.ts";
import { type PoolSetting, type Product, productOf } from "../../verdict/products.ts";
import { formatCount, formatRatio, formatSeconds, formatShare } from "../format.ts";

/** The section; empty where no run had a gateway. What is the same for several runs is said once. */
export function renderWhy({ runs }: Findings, results: Results): string[] {
  const sentences = runs.flatMap((run, i) => explainRun(run, results.runs[i]!, results));
  if (sentences.length === 0) return [];
  return ["## Why", "", ...[...new Set(sentences)].map((sentence) => `- ${sentence}`)];
}

function explainRun(run: RunFindings, { options }: Run, results: Results): string[] {
  const { name, churn } = run;
  if (churn === undefined) return [];
  const opened = `\`${name}\` opened ${sayOpened(churn)}`;
  switch (churn.outcome) {
    case "none opened": {
      const by = churn.forwards
        ? "the connections that it had served them all"
        : `the backend answered ${
          churn.backendRequests === 0 ? "none" : `only ${formatCount(churn.backendRequests)}`
        } of them`;
      return [`${opened}: ${by}, and ${sayAtEnd(churn)}.`];
    }
    case "kept": {
      const { timeWaitOnGateway, timeWaitOnBackend, connectionsOpened } = churn;
      // A pool may lose some while it settles, or in the warm-up.
      const kept = timeWaitOnGateway + timeWaitOnBackend < connectionsOpened / 10;
      return [`${opened}, and ${kept ? "kept them" : "hardly any once it was warm"}: ${sayAtEnd(churn)}.`];
    }
    case "not closed":
      return [`${opened}. ${notClosed(churn, options.load.connections)}`];
    case "churning":
      return [
        `${opened}. ${whoClosed(churn)}${sayOfClients(churn)}${sayWhyClosed(churn, run.pool)}`,
        ...(churn.portsFailed > 0
          ? [portsGone(churn)]
          : churn.closedWithoutTimeWait
          ? []
          : [portsLeft(churn, run, results)]),
        whatToSet(run, options),
      ];
  }
}

function sayOpened(
  { outcome, connectionsOpened, requests, openedPerRequest, openedByOthers }: Churn,
): string {
  if (outcome === "none opened") return `no connection to the backend for ${formatCount(requests)} requests`;
  return `${formatCount(connectionsOpened)} connection${
    connectionsOpened === 1 ? "" : "s"
  } to the backend for ` +
    `${formatCount(requests)} requests, ${formatRatio(openedPerRequest)} per request` +
    (openedByOthers === undefined
      ? ""
      : ` (${formatCount(openedByOthers)} of them are not seen to be its own: see the warnings)`);
}

function sayAtEnd({ timeWaitOnGateway, timeWaitOfClients, connectionsOpened, warmedUp }: Churn): string {
  const clients = `${formatCount(timeWaitOfClients)} connections of its clients`;
  if (timeWaitOnGateway === 0) {
    return "none of its connections to the backend was in TIME_WAIT on the gateway at the end" +
      (timeWaitOfClients === 0 ? "" : `, but ${clients} were`);
  }
  const fromWarmUp = warmedUp && timeWaitOnGateway > connectionsOpened ? " (the warm-up's among them)" : "";
  return `${
    formatCount(timeWaitOnGateway)
  } of its connections to the backend${fromWarmUp} were in TIME_WAIT on the gateway ` +
    `at the end${timeWaitOfClients === 0 ? "" : `, and so were ${clients}`}`;
}

function notClosed({ openAtEnd = 0 }: Churn, connections: number): string {
  return `**They were not closed**: ${
    formatCount(openAtEnd)
  } connections to the backend stood at the end, more than the ` +
    `${
      formatCount(connections)
    } connections of the load can use at a time. A longer load shows whether their number goes on ` +
    "growing.";
}

function whoClosed(churn: Churn): string {
  const { timeWaitOnGateway, timeWaitOnBackend } = churn;
  if (churn.closedWithoutTimeWait) {
    return `${
      sayFewInTimeWait(churn)
    } they were closed by a reset, or a sysctl threw their TIME_WAIT away or took its port ` +
      "again. Each still cost its request a new connection.";
  }
  const more = churn.warmedUp && timeWaitOnGateway + timeWaitOnBackend > churn.connectionsOpened
    ? " Those of the warm-up are among them."
    : "";
  const gateway = formatCount(timeWaitOnGateway);
  const backend = formatCount(timeWaitOnBackend);
  return timeWaitOnGateway >= timeWaitOnBackend
    ? "**The gateway closed them**: the side that closes first holds the TIME_WAIT, and at the end that was the gateway " +
      `${gateway} times, the backend ${backend} times.${more}`
    : "**The backend closed them, because the gateway asked it to**: the backend of a bench closes only where a request " +
      `says \`Connection: close\` or is HTTP/1.0. It holds the TIME_WAIT, ${backend} times at the end, the gateway ` +
      `${gateway} times.${more}`;
}

/** The TIME_WAITs on the gateway that no connection to the backend has left. */
function sayOfClients({ timeWaitOfClients }: Churn): string {
  return timeWaitOfClients === 0
    ? ""
    : ` On the gateway, ${
      formatCount(timeWaitOfClients)
    } connections of its clients were in TIME_WAIT besides.`;
}

function sayFewInTimeWait({ openAtEnd }: Churn): string {
  if (openAtEnd === undefined) {
    return "**Few of them are in TIME_WAIT**: they still stand, which cannot be told where all hosts share a TCP table; or";
  }
  const [standing, they] = openAtEnd === 0
    ? ["", "They"]
    : [`${formatCount(openAtEnd)} connections to the backend still stood at the end. `, "The others"];
  return `${standing}**${they} are gone, and few of them are in TIME_WAIT**:`;
}

/**
 * What a gateway of ours with a pool of its own says of why it closed connections, in its last repetition.
 */
function sayWhyClosed({ warmedUp }: Churn, pool: PoolCounters | undefined): string {
  if (pool === undefined) return "";
  const closed = describeClosed(pool.closed, formatCount);
  return ` Its pool counted, in the last repetition${warmedUp ? " and its warm-up" : ""}: ${
    formatCount(pool.dialed)
  } connections opened, at ` +
    `most ${formatCount(pool.idlePeak)} idle at a time${
      closed.length === 0 ? "" : `; ${closed.join(", ")}`
    }.`;
}

/** That the ports ran out: an average over the whole run would tell nothing then. */
function portsGone({ portsFailed }: Churn): string {
  return `**The ephemeral ports ran out**, and ${
    formatCount(portsFailed)
  } connects failed with EADDRNOTAVAIL, ` +
    '"cannot assign requested address".';
}

/** How many ephemeral ports there are, how many this load holds, and when they would be used up. */
function portsLeft(
  churn: Churn,
  { ports, portForecast: forecast, sysctls, knobs }: RunFindings,
  { environment }: Results,
): string {
  const { openedPerSec, timeWaitOnGateway, timeWaitOnBackend, timeWaitReused, timeWaitOverflowed } = churn;
  if (timeWaitOnBackend > timeWaitOnGateway) {
    const buckets = "net.ipv4.tcp_max_tw_buckets";
    const asked = knobs.find(({ host, key }) => host === "backend" && key === buckets);
    const most = Number(asked?.inForce ?? environment.sysctls[buckets] ?? Infinity);
    const foretold = openedPerSec * TIME_WAIT_SEC;
    const held = foretold <= most
      ? `holds ${formatCount(foretold)} TIME_WAITs once ${TIME_WAIT_SEC} s have passed`
      : `comes to hold ${
        formatCount(most)
      } TIME_WAITs, which is all that its tcp_max_tw_buckets lets it hold`;
    return `At ${
      formatCount(openedPerSec)
    } new connections a second, the backend ${held}; they cost memory there, ` +
      "and no port on the gateway.";
  }
  if (ports === undefined || forecast === undefined) {
    return `At ${
      formatCount(openedPerSec)
    } new connections a second, each holds an ephemeral port for ${TIME_WAIT_SEC} s.`;
  }
  const { range } = ports;
  const all = `${
    formatCount(range.count)
  } ephemeral ports (${range.first}–${range.last}) towards the backend`;
  const value = sysctls["net.ipv4.tcp_tw_reuse"];
  const onLoopback = environment.lab.kind === "host" && value === "2";
  const reuses = value === "1" || onLoopback || timeWaitReused > 0;
  if (openedPerSec * TIME_WAIT_SEC > range.count && (reuses || timeWaitOverflowed > 0)) {
    const out =
      `At ${formatCount(openedPerSec)} new connections a second, the ${all} **would run out after ` +
      `${formatSeconds(range.count / openedPerSec)} s at the earliest**`;
    return reuses
      ? `${out} if none were taken again after a second: tcp_tw_reuse is ${value} here, which hides the cause and does not ` +
        "cure it."
      : `${out} if no TIME_WAIT were thrown away: tcp_max_tw_buckets is reached here, which takes away what TIME_WAIT ` +
        "protects from, and does not cure the cause.";
  }
  const halfAfter = `after ${formatSeconds(forecast.halfAfterSec)} s`;
  if (forecast.held <= range.count) {
    const slows = forecast.held <= range.count / 2
      ? ""
      : `; half of them are in use ${halfAfter}, and from then on connects get slow`;
    return `At ${formatCount(openedPerSec)} new connections a second, this load comes to hold ${
      formatCount(forecast.held)
    } ` +
      `of the ${all}, ${formatShare(forecast.held / range.count)}${slows}.`;
  }
  const inUse = forecast.halfWasReached ? "were in use" : "are in use";
  return `At ${
    formatCount(forecast.fastestPerSec)
  } new connections a second, **half of the ${all} ${inUse} ${halfAfter}**. ` +
    "From then on connects get slow, because the kernel has to search, which slows the load; the ports **run out after " +
    `${
      formatSeconds(forecast.exhaustedAfterSec)
    } s at the earliest**. Then connects fail with EADDRNOTAVAIL, "cannot assign ` +
    'requested address".';
}

/**
 * The settings to look for where the product is not known: those of the products that people ask about most.
 */
const ANY_PRODUCT =
  "Go: MaxIdleConns and MaxIdleConnsPerHost; nginx: keepalive in upstream; Node.js: keepAlive and " +
  "maxFreeSockets of the Agent";

function whatToSet({ churn, idlePool, product: id }: RunFindings, { load }: Run["options"]): string {
  const product = id === undefined ? undefined : productOf(id);
  if (churn!.timeWaitOnBackend > churn!.timeWaitOnGateway) return howToKeep(product);
  const connections = formatCount(load.connections);
  if (idlePool === undefined && product === undefined) {
    return `**Set** the gateway's pool of idle connections to at least the concurrency, ${connections} (${ANY_PRODUCT}).`;
  }
  if (idlePool === undefined) {
    return `**Set** the pool of ${product!.name} to at least the concurrency, ${connections}: ${
      sayCaps(product!)
    }`;
  }
  // An open loop uses no more of them than it needs, and how many it needed was not seen.
  const busy = `${
    load.ratePerSec === undefined ? "" : "up to "
  }${connections} connections were busy at a time`;
  const { keeps } = idlePool;
  if (keeps === "no limit" || keeps >= load.connections) {
    const limit = keeps === "no limit" ? "any number of them" : `up to ${formatCount(keeps)}`;
    return `**Its pool is large enough**: ${busy}, and it keeps ${limit} when they fall idle. Look for what else opens or ` +
      "closes connections: answers that end theirs, threads that share the pool unevenly, or, in a host lab, other programs " +
      "on this machine.";
  }
  return `**Set** the pool to at least the concurrency: ${busy}, and it keeps ${
    formatCount(keeps)
  } when they fall idle` +
    `${sayLimits(idlePool)}. \`${flagsFor(idlePool, load.connections)}\` (elsewhere ${ANY_PRODUCT}).`;
}

/** What makes a gateway keep connections that its backend closes, because the gateway asks for it. */
function howToKeep(product: Product | undefined): string {
  if (product === undefined) {
    return "**Set** the gateway to keep its connections to the backend: nginx `keepalive` in the upstream, " +
      '`proxy_http_version 1.1` and `proxy_set_header Connection ""`; HAProxy `http-reuse always` and no ' +
      "`option http-server-close`; Go no `DisableKeepAlives`; Node.js an Agent with `keepAlive: true`.";
  }
  const settings = product.settings.filter(({ kind }) => kind === "reuse").map(saySetting);
  const list = settings.length === 0 ? "" : ` ${settings.join("; ")}.`;
  return [`**Set** ${product.name} to keep its connections to the backend.${list}`, ...product.notes].join(
    " ",
  );
}

/** The settings that close idle connections, and what is easily missed. */
function sayCaps({ settings, notes }: Product): string {
  const caps = settings.filter(({ kind }) => kind === "idle cap").map(saySetting);
  const list = caps.length === 0 ? "it has no limit of idle connections." : `${caps.join("; ")}.`;
  return [list, ...notes].join(" ");
}

function saySetting({ name, byDefault, scope }: PoolSetting): string {
  return `\`${name}\` (by default ${byDefault}; for ${scope})`;
}

/** Where several options limit the pool: that the lowest of them counts. */
function sayLimits({ limits }: IdlePool): string {
  const all = Object.entries(limits);
  if (all.length < 2) return "";
  const list = all.map(([name, limit]) => `${name} (${limit === false ? "no limit" : formatCount(limit)})`);
  return `, the lower of ${list.join(" and ")}`;
}

/** The flags of bench that set every limit of the pool to a number. */
function flagsFor({ limits }: IdlePool, connections: number): string {
  const flag = (name: string) => `--${name.replaceAll(/[A-Z]/g, (letter) => `-${letter.toLowerCase()}`)}`;
  return Object.keys(limits).map((name) => `${flag(name)} ${connections}`).join(" ");
}
