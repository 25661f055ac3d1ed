/**
 * The warnings in words: what was seen, what it does to the figures, what to do about it.
 *
 * @module
 */

import { ERROR_KINDS, type LoadErrors, type LoadGenerator } from "../../load/load.ts";
import type { UpstreamFailure } from "../../observe/upstream_failures.ts";
import type { HostName } from "../../scenario/host_names.ts";
import type { Findings } from "../../verdict/findings.ts";
import type { Seen, Warning, WarningFigures, WarningKind } from "../../verdict/warning.ts";
import { code, prose } from "../markdown.ts";
import { formatCount, formatMs, formatRatio, formatSeconds, formatShare } from "../format.ts";

/** The section; empty where there is nothing to warn of. */
export function renderWarnings({ warnings }: Findings): string[] {
  if (warnings.length === 0) return [];
  return ["## Warnings", "", ...warnings.map((warning) => `- ${sayWarning(warning)}`)];
}

/** A warning as a line of Markdown without a bullet. */
export function sayWarning({ kind, run, figures }: Warning): string {
  const say = SENTENCES[kind] as (figures: Warning["figures"], run: string) => string;
  return say(figures, `\`${run}\``);
}

const FAILURES: Readonly<Record<keyof LoadErrors, string>> = {
  connect: "could not connect",
  read: "failed while reading",
  write: "failed while writing",
  timeout: "were not answered in time",
  status: "got a status other than 2xx and 3xx",
};

/** What had run out, where it is easily mistaken. */
const MEANINGS: Readonly<Record<string, string>> = {
  EADDRNOTAVAIL: "no ephemeral port was left",
  EADDRINUSE: "the source address and port were taken, as by a `bind` before each connect",
  EMFILE:
    "no file descriptor was left to the gateway, which has nothing to do with ports: raise its `ulimit -n`",
  ENFILE: "no file descriptor was left on the machine, which has nothing to do with ports: raise fs.file-max",
  CONNECTION_LIMIT: "the gateway's own limit on connections, not one of ports",
  EOF: "closed before the answer was whole",
};

const STEPS: Readonly<Record<UpstreamFailure["step"], string>> = {
  connect: " at connects to the backend",
  response: " while waiting for an answer",
  accept: " at accepting a client",
  client: " on a client's connection",
  unknown: "",
};

/** What is not known of a party that nobody watched. */
const UNKNOWN: Readonly<Record<HostName, string>> = {
  client: "The clients were not watched.",
  gateway:
    "**The gateway was not watched**: its connections and TIME_WAITs, and so the cause, are not known.",
  backend:
    "The backend was not watched: TIME_WAITs there are not known, so whether it closes first is concluded from the gateway's.",
};

const MORE_LOAD: Readonly<Record<LoadGenerator, string>> = {
  "wrk": "Give it more `--threads`, if there are CPUs for them.",
  "autocannon": "wrk can do more.",
  "open-loop": "Ask for a lower `--rate`.",
};

const SENTENCES: { readonly [K in WarningKind]: (figures: WarningFigures[K], run: string) => string } = {
  "interrupted": () => "The bench was stopped before all was measured.",
  "host lab": ({ reason }) =>
    `Measured in a host lab${
      reason === undefined ? "" : ` instead of a private one: ${prose(reason)}`
    }. All parties share the ` +
    "machine's loopback and its TCP tables. TIME_WAIT is attributed by port, as it stands at the end; the connections opened " +
    "include those of other programs on this machine; and `tcp_tw_reuse` = 2 takes ports again on loopback, which hides port " +
    "exhaustion.",
  "given hosts": ({ notWatched }) =>
    "Measured on hosts that were given. Nothing was fresh there: connections that other programs on them open meanwhile " +
    `are counted as well, and no knob was written.${
      notWatched.length === 0 ? "" : ` ${notWatched.map((party) => UNKNOWN[party]).join(" ")}`
    }`,
  "client busy": ({ client, clients, prefix, idleShare, ...seen }, run) =>
    `${run}: **a busy client, not a slow gateway**: ${
      clients === 1 ? "the client" : `client ${client} of ${clients}`
    } (${
      prefix === "" ? "the machine of the bench" : code(prefix)
    }) or its load generator had no CPU time to spare ${often(seen)}, ${
      formatShare(idleShare)
    } of that machine's being left over. ` +
    "Its latencies are too high and its requests/s too low: give the load more clients, or a larger one.",
  "machine busy": ({ party, idleShare, ...seen }, run) =>
    `${run}: the ${party}'s machine had no CPU time to spare ${often(seen)}, ${
      formatShare(idleShare)
    } of it being left over: ` +
    (party === "gateway"
      ? "its CPUs are a limit of this gateway, whatever its pool keeps."
      : "a gateway is compared with what that machine can do."),
  "autocannon": ({ reason }) =>
    `The load came from autocannon${
      reason === undefined ? "" : `, because ${prose(reason)}`
    }. It reaches about half of wrk's ` +
    "rate, and its figures must not be compared with wrk's.",
  "knob": ({ host, key, asked, inForce, isInForce, reason }, run) =>
    isInForce
      ? `${run}: ${prose(key)} is ${prose(inForce ?? "unknown")}, not ${prose(asked)}, on the ${host}: ${
        prose(reason)
      }.`
      : `${run}: ${prose(key)} is **not in force** on the ${host}: ${
        prose(reason)
      }. The figures of this run are those without it.`,
  "failed repetitions": ({ reason, repetitions, of }, run) =>
    `${run} failed in ${repetitions} of ${of} repetitions: ${prose(reason)}.`,
  "failed requests": (errors, run) => {
    const parts = ERROR_KINDS.filter((kind) => errors[kind] > 0)
      .map((kind) => `${formatCount(errors[kind])} ${FAILURES[kind]}`);
    const both = Math.min(errors.timeout, errors.status);
    const twice = both === 0
      ? ""
      : ` An answer that was both late and of such a status can be among both: up to ${
        formatCount(both)
      } are taken off ` +
        "requests/s twice.";
    return `${run}: requests failed, in all repetitions together: ${parts.join(", ")}.${twice}`;
  },
  "forwarding": ({ kind, requests, backendRequests, share }, run) =>
    kind === "by itself"
      ? `${run}: the gateway answered ${
        formatCount(requests)
      } requests with 2xx or 3xx, and the backend saw only ` +
        `${formatCount(backendRequests)}: the gateway answered ${
          formatShare(share)
        } by itself, as a cache does. ` +
        "Its figures are not those of a gateway that asks the backend each time."
      : `${run}: the backend answered ${formatCount(backendRequests)} requests, ${
        formatShare(share)
      } more than the ` +
        `${
          formatCount(requests)
        } that the load can have sent: the gateway asks it more than once for a request, by ` +
        "retries or because it fans out.",
  "unanswered": ({ unanswered, connections, silentShare, meanLatencyUs, expectedLatencyUs, ...seen }, run) =>
    `${run}: ${formatCount(unanswered)} requests were **unanswered when the time was over**, and the ${
      formatCount(connections)
    } connections spent ` +
    `${formatShare(silentShare)} of their time on no request that was answered, ${
      often(seen)
    }. Connections ÷ requests/s, ` +
    `which is the mean latency of a closed loop, comes to ${
      formatMs(expectedLatencyUs)
    } ms where the answers took ${formatMs(meanLatencyUs)} ms: ` +
    "the latencies hold the answered requests only. Either a party stood still, or connections did not come about, or a " +
    "script waits between its requests, or the load is too short for so slow answers.",
  "connections too few": ({ connections, underWay, meanLatencyUs, ...seen }, run) =>
    `${run}: **requests waited for a free connection** ${often(seen)}: at a mean latency of ${
      formatMs(meanLatencyUs)
    } ms, ` +
    `${formatCount(underWay)} requests were under way at a time, and there were ${
      formatCount(connections)
    } connections. ` +
    "The latencies hold that wait. Either `--connections` is too low, or the rate is more than the run can serve.",
  "opened by others": ({ count, opened, requests }, run) =>
    `${run}: of ${formatCount(opened)} new connections that are counted here, **${
      formatCount(Math.min(count, opened))
    } ` +
    "are not seen to be the bench's own**: no socket of them was left, so that another program on this machine opened " +
    `them, or they were reset. Without them it is ${
      formatRatio(Math.max(0, opened - count) / Math.max(1, requests))
    } per request. Stop what else runs here.`,
  "logged failures": ({ failures }, run) => {
    const parts = failures.map(({ code: name, step, count, firstMs, example }) =>
      `${formatCount(count)} ${prose(name)}${STEPS[step]} (${
        !Object.hasOwn(MEANINGS, name) ? "" : `${MEANINGS[name]}; `
      }first after ${formatSeconds(Math.max(0, firstMs) / 1000)} s)${
        example === undefined ? "" : `, as in ${code(example)}`
      }`
    );
    return `${run}: failures of connections in the gateway's log, in all repetitions together: ${
      parts.join("; ")
    }.`;
  },
  "client out of ports": ({ ports, portsUsed, timeWait, failedConnects, clients, ...seen }, run) =>
    `${run}: **the load generator ran out of ephemeral ports** ${often(seen)}: ${
      formatCount(portsUsed)
    } of the ` +
    `${formatCount(ports)} ports of the ${
      clients === undefined || clients === 1 ? "client's host" : "clients' hosts"
    } were in use, ${formatCount(timeWait)} of them by TIME_WAITs, and ` +
    `${
      formatCount(failedConnects)
    } connects of the load generator failed. These failures are the load generator's own. ` +
    "Either let the connections of clients be kept, or " +
    (clients === undefined
      ? "give the client's host more ports (`--sysctl client:net.ipv4.ip_local_port_range=…`)."
      : "give the load more clients, or more ports to those that it has (`net.ipv4.ip_local_port_range`)."),
  "opened at start": ({ count }, run) =>
    `${run}: the gateway had opened ${
      formatCount(count)
    } connections to the backend before any load came. They ` +
    "do not count as opened by the load.",
  "stood before": ({ count }, run) =>
    `${run}: up to ${
      formatCount(count)
    } connections of other programs stood before the gateway started. They are ` +
    "taken off the established connections.",
  "listen drops": ({ count }, run) =>
    `${run}: the gateway's backlog was full ${formatCount(count)} times (ListenDrops).`,
  "time wait overflow": ({ count }, run) =>
    `${run}: ${
      formatCount(count)
    } TIME_WAITs were thrown away on the gateway because net.ipv4.tcp_max_tw_buckets was ` +
    "reached, so its count of TIME_WAIT is too low.",
  "compared across options": ({ baseline, differs }, run) =>
    `${run} had another ${
      differs.join(" and another ")
    } than \`${baseline}\`: the difference between the two is not the ` +
    "gateway's alone.",
  "others": ({ mostShare, limitShare, ...seen }) =>
    `Other programs used up to ${formatShare(mostShare)} of the machine's CPU time, ${
      formatShare(limitShare)
    } or more ` +
    `${often(seen)}: stop what else runs here, or repeat more often (\`--until 3%\`).`,
  "steal": ({ mostShare, limitShare, ...seen }) =>
    `The hypervisor gave up to ${formatShare(mostShare)} of the CPU time to other virtual machines, ` +
    `${formatShare(limitShare)} or more ${often(seen)}: measure on a machine with CPUs of its own.`,
  "governor": ({ governors }) =>
    `The CPU frequency governor is ${
      prose(governors.join(", "))
    }: the clock changes with the load. As root, ` +
    "`cpupower frequency-set -g performance` holds it.",
  "load at its limit": ({ generator, threads, ...seen }, run) =>
    `${run}: ${generator} was at its own limit ${often(seen)}, its ${
      threads === 1 ? "thread" : `${threads} threads`
    } ` +
    `nearly always busy: the figures are those of ${generator}. ${MORE_LOAD[generator]}`,
  "backend at its limit": (seen, run) =>
    `${run}: the backend was at its limit ${
      often(seen)
    }, one CPU nearly always busy: a gateway is compared with what the ` +
    "backend can do, not with what the network can. A `--latency` takes load off the backend.",
  "cpus full": (seen, run) =>
    `${run}: all CPUs were busy ${
      often(seen)
    }: client, gateway and backend took time from each other, so the loss can be ` +
    "larger than on machines of their own.",
  "saturated": ({ idleShare, width }, run) =>
    `${run}: a load that leaves ${
      formatShare(idleShare)
    } of the CPU time idle hides small differences, here those ` +
    `within an interval that is ${
      formatShare(width)
    } wide. For a few percent use a load that leaves the CPUs mostly ` +
    "idle, as the scenario `small_differences` does.",
  "requests late": ({ late, due }, run) =>
    `${run}: the open loop took up ${formatCount(late)} of ${
      formatCount(due)
    } requests more than 10 ms after they were ` +
    "due: it was at its own limit, and part of the latency is its own. Ask for a lower `--rate`.",
  "requests unsent": ({ unsent, due }, run) =>
    `${run}: ${formatCount(unsent)} of ${
      formatCount(due)
    } requests that were due were never sent, because no connection ` +
    "was free before they had timed out; they count as failed. Either the rate is more than the run can serve, or " +
    "`--connections` is too low.",
  "outlier": ({ repetition, requestsPerSec, medianRequestsPerSec, othersShare }, run) =>
    `${run}: repetition ${repetition} lies apart, ${
      formatCount(requestsPerSec)
    } requests/s where the median is ` +
    `${formatCount(medianRequestsPerSec)}${
      othersShare === undefined
        ? ""
        : `; other programs used ${formatShare(othersShare)} of the CPU time then`
    }. It is kept in all figures.`,
};

function often({ repetitions, of }: Seen): string {
  return `in ${repetitions} of ${of} repetitions`;
}
