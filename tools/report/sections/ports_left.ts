/**
 * How many ephemeral ports a load comes to hold, and when they would be used up.
 *
 * @module
 */

import type { Results } from "../../results/results.ts";
import type { Churn } from "../../verdict/churn.ts";
import type { RunFindings } from "../../verdict/findings.ts";
import { TIME_WAIT_SEC } from "../../verdict/port_forecast.ts";
import { formatCount, formatSeconds, formatShare } from "../format.ts";

/** How many ephemeral ports there are, how many this load holds, and when they would be used up. */
export function sayPortsLeft(
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
    } new connections a second, the backend ${held}; they cost memory ` +
      "there, and no port on the gateway.";
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
