/**
 * The doctor's remarks: who closes first, what the sysctls do here, what cannot be known, and what reading
 * has cost.
 *
 * @module
 */

import { format as formatBytes } from "@std/fmt/bytes";
import type { Closers } from "../../doctor/closers.ts";
import type { Diagnosis } from "../../doctor/diagnosis.ts";
import type { Facts } from "../../doctor/facts.ts";
import { SYSCTL_FACTS } from "../../lab/knob_facts.ts";
import { formatCount, formatSeconds } from "../format.ts";
import { code, prose } from "../markdown.ts";
import { formatPerSec } from "./headline.ts";

/** The section on rates and on who closes first; empty for a single reading without a TIME_WAIT. */
export function renderRates(facts: Facts): string[] {
  const { rates, closers } = facts;
  if (rates === undefined || closers === undefined) return renderLastMinute(facts);
  const resets = rates.lingerResetsPerSec + rates.unreadResetsPerSec;
  return [
    "## Who closes first",
    "",
    `- Of the connections that this host opens, ${sayClosers(closers.opened)}`,
    `- Of the connections that it accepts, ${sayClosers(closers.accepted)}`,
    ...(resets === 0 ? [] : [
      `- This host closes ${formatPerSec(resets)} a second by a reset, which leaves no TIME_WAIT: ` +
      `${
        formatPerSec(rates.lingerResetsPerSec)
      } on purpose (SO_LINGER of 0, as HAProxy does towards servers), ` +
      `${formatPerSec(rates.unreadResetsPerSec)} with bytes that its program had not read.`,
    ]),
    ...(rates.failedPerSec === 0 ? [] : [
      `- ${
        formatPerSec(rates.failedPerSec)
      } connects a second are refused or reset before they are established.`,
    ]),
    ...(rates.reusedPerSec === 0 ? [] : [
      `- ${
        formatPerSec(rates.reusedPerSec)
      } TIME_WAITs a second end early, because a new connection takes their port (tcp_tw_reuse).`,
    ]),
    "",
  ];
}

function renderLastMinute({ lastMinute }: Facts): string[] {
  const { seconds, openedPerSec, acceptedPerSec } = lastMinute;
  if (seconds === 0) return [];
  return [
    "## Who closes first",
    "",
    `- This host closed ${
      formatPerSec(openedPerSec)
    } connections a second first of those that it had opened, and ` +
    `${formatPerSec(acceptedPerSec)} of those that it had accepted, over the last ${formatCount(seconds)} s.`,
    "- How many the other ends closed first, or a reset did, one reading does not show.",
    "",
  ];
}

function sayClosers({ newPerSec, herePerSec, otherwisePerSec }: Closers): string {
  if (newPerSec === 0 && herePerSec === 0) return "none is new and none was closed here.";
  return `${formatPerSec(newPerSec)} a second are new; ${
    formatPerSec(herePerSec)
  } a second are closed here first ` +
    `(TIME_WAIT), about ${formatPerSec(otherwisePerSec)} by the other end or by a reset.`;
}

/** The section on sysctls; it tells the same of them as `deno task sysctl`. */
export function renderKnobs({ capture: { sysctls } }: Diagnosis, facts: Facts): string[] {
  const known = SYSCTL_FACTS.filter(({ key }) => sysctls[key] !== undefined);
  if (known.length === 0) return [];
  return [
    "## Sysctls",
    "",
    `- ${sayReuse(facts, sysctls)}`,
    `- In force: ${
      known.map(({ key }) => `${key} = ${sysctls[key] === "" ? '""' : sysctls[key]}`).join(", ")
    }. ` +
    "`deno task sysctl` says what each does and what it does not do.",
    "",
  ];
}

function sayReuse({ destinations }: Facts, sysctls: Readonly<Record<string, string>>): string {
  const reuse = sysctls["net.ipv4.tcp_tw_reuse"];
  const timestamps = sysctls["net.ipv4.tcp_timestamps"];
  const delay = sysctls["net.ipv4.tcp_tw_reuse_delay"] ?? "1000";
  if (timestamps === "0") {
    return "**tcp_tw_reuse can do nothing here**: it needs tcp_timestamps, which are off.";
  }
  if (reuse === "1") {
    return `tcp_tw_reuse is on: a new connection may take the port of a TIME_WAIT to the same destination once that ` +
      `is ${delay} ms old, if the other end sends timestamps. It does not make connections fewer.`;
  }
  const away = destinations.filter(({ loopback }) => !loopback).length;
  return `tcp_tw_reuse is ${reuse === "2" ? "on for the loopback only" : "off"}: towards ${
    away > 0 && away === destinations.length ? "these destinations" : "destinations beyond this machine"
  } a TIME_WAIT holds its port for 60 s. Set to 1 it would free ports after ${delay} ms, and leave the cause.`;
}

/** The section on what reading cannot show. */
export function renderUnknown({ capture, requestsPerSec, status }: Diagnosis, facts: Facts): string[] {
  const { notes, usable } = facts;
  const note = (kind: string) => notes.find((note) => note.kind === kind);
  const owners = note("owners");
  const sayings = [
    "A TIME_WAIT belongs to no process: that a program made it is concluded from the connections which it holds to " +
    "the same place.",
    facts.rates === undefined
      ? "One reading shows which connections were closed here first, and no others: a reset, a leak and a full queue are " +
        "seen over some seconds only (`--for 10s`), and causes are told apart less well."
      : "TIME_WAITs on the other ends are not seen: who closed there is concluded from the connections that are new, " +
        "and neither stand nor were closed here.",
    "A connect that fails for want of a port (EADDRNOTAVAIL) moves no counter of the kernel. Look for it in the " +
    "program's log.",
    status?.problem === undefined
      ? undefined
      : `${code(status.url)}, the status page, did not tell how many requests there are: ${
        prose(status.problem)
      }.`,
    requestsPerSec === undefined && status === undefined
      ? "How many requests a connection serves is not in /proc. `--requests-per-sec N`, from the gateway's log, or `--status-url URL`, " +
        "its own page, gives new connections per request, and tells a pool that is too small from one that is not used."
      : undefined,
    usable.assumed
      ? "The sysctls of another network namespace are seen from inside only: the range of ports is assumed" +
        `${usable.fromPortsInUse ? ", by those in use, and may be wider" : ""}. Run the ` +
        "doctor inside, with `--host 'PREFIX'`, or as root."
      : undefined,
    owners === undefined
      ? undefined
      : `Which sockets belong to processes of other users (${
        formatCount(parseInt(owners.text))
      } here) is not for this user to see.`,
    note("knobs") !== undefined && !usable.assumed ? note("knobs")!.text : undefined,
    note("hidepid") === undefined
      ? undefined
      : "/proc hides the processes of other users here (hidepid): which programs hold the sockets is not seen, nor are " +
        "other network namespaces. Root sees them.",
    ...notes.filter(({ kind }) => SAID.has(kind)).map(({ kind, text }) =>
      `${prose(kind)}${text === kind ? "" : `: ${prose(text)}`}.`
    ),
    "A NAT on the way has ports of its own, which are not seen here; where they run out, connects time out.",
    "TIME_WAITs that were reused or thrown away are missing from the last 60 seconds.",
    capture.complete
      ? undefined
      : "The capture is cut off: what comes behind its last whole reading is missing.",
    capture.readings.some(({ sockets }) => sockets === undefined)
      ? "There are so many sockets that only the first and the last reading looked at each."
      : undefined,
  ];
  return [
    "## What cannot be known from here",
    "",
    ...sayings.filter((saying) => saying !== undefined).map((saying) => `- ${saying}`),
    "",
  ];
}

/** Notes that are told as they stand. */
const SAID = new Set(["no IPv6", "no ls", "no tr", "several", "ended"]);

/** The section on other namespaces; empty where there are none with TIME_WAITs. */
export function renderOthers({ others }: Facts): string[] {
  const waiting = others.filter(({ timeWait }) => timeWait > 0).toSorted((a, b) => b.timeWait - a.timeWait);
  if (waiting.length === 0) return [];
  const sayings = waiting.slice(0, 10).map(({ pid, name, timeWait }) =>
    `- ${formatCount(timeWait)} in that of ${code(name)}${
      pid === undefined
        ? ", the machine's own: `deno task doctor`"
        : ` (process ${pid}): \`deno task doctor ${pid}\``
    }`
  );
  return ["## TIME_WAITs in other network namespaces of the machine", "", ...sayings, ""];
}

/** What was read, and what reading has cost. */
export function renderCost({ capture, status }: Diagnosis, facts: Facts, judgedSec: number): string[] {
  const { readings, bytes, costCpuSec, kernel } = capture;
  const sockets = readings.at(-1)?.sockets?.count ?? 0;
  return [
    "## What this has read",
    "",
    `${formatCount(readings.length)} reading${readings.length === 1 ? "" : "s"} of ${formatCount(sockets)} ` +
    `socket${sockets === 1 ? "" : "s"}${
      facts.watchedSec === 0 ? "" : ` in ${formatSeconds(facts.watchedSec)} s`
    }${kernel === undefined ? "" : `, Linux ${prose(kernel)}`}. ` +
    `Reading took ${
      costCpuSec === undefined ? "an unknown time" : `${costCpuSec.toFixed(2)} s`
    } of one CPU there ` +
    `and printed ${formatBytes(bytes, { binary: true })}; judging took ${judgedSec.toFixed(2)} s here.`,
    ...(status?.requestsPerSec === undefined ? [] : [
      "",
      `${code(status.url)} was asked twice, because you named it: ${
        formatPerSec(status.requestsPerSec)
      } requests a ` +
      `second, by ${prose(status.source!)}. The doctor has made no other connection.`,
    ]),
    "",
  ];
}
