/**
 * What to do about what the doctor found.
 *
 * @module
 */

import type { Diagnosis } from "../../doctor/diagnosis.ts";
import type { Problem } from "../../doctor/problems.ts";
import { sayCause } from "../sections/cause_words.ts";
import { sayRemedies } from "../sections/remedy_words.ts";

/** The section on what to do, the cure of the cause first; empty where there is nothing to do. */
export function renderRemedies({ problems, causes, product, verdict }: Diagnosis): string[] {
  // Ports that ran out have no cure of their own: that of what used them up is there, or what buys time.
  const curable = causes.filter(({ cause, remedy }) => remedy.length > 0 && cause !== "ports-exhausted");
  const cures = curable.map((cause) => {
    const said = sayRemedies(cause.remedy, product);
    // Of several that are possible, the reader has to find out which one it is.
    return cause.sure === "possible" && curable.length > 1 ? `If ${sayCause(cause)}: ${said}` : said;
  });
  const remedies = new Set([...cures, ...problems.flatMap(({ kind }) => REMEDIES[kind] ?? [])]);
  if (remedies.size === 0) return [];
  const title = verdict === "wrong" ? "## What to do" : "## What would make them fewer";
  return [title, "", ...[...remedies].map((remedy) => `- ${remedy}`), ""];
}

/** What helps against a problem, whatever has caused it. */
const REMEDIES: Partial<Record<Problem["kind"], string>> = {
  "ports gone":
    "Until the cause is mended: a wider ip_local_port_range, a second source or destination address, or " +
    "tcp_tw_reuse = 1 buy time. None of them makes connections fewer.",
  "ports going":
    "Until the cause is mended: a wider ip_local_port_range, a second source or destination address, or " +
    "tcp_tw_reuse = 1 buy time. None of them makes connections fewer.",
  "piling up":
    "Find out why the program opens another connection where it has one: a client made anew for each request, or " +
    "answers that are not read to their end and closed. A new start of the program frees the ports for now.",
  "bound source":
    "Take the source address out of the program's configuration, or have it set IP_BIND_ADDRESS_NO_PORT (Linux 4.2), " +
    "so that a port is taken for one destination only. tcp_tw_reuse does not help here.",
  "leak":
    "Have the program read each answer to its end and close it, or set a limit on how long it may keep a connection. " +
    "No sysctl ends a CLOSE_WAIT.",
  "accept queue":
    "Raise the backlog that the program asks for, and net.core.somaxconn, which limits it; or find out why the " +
    "program accepts too slowly.",
  "time waits thrown away":
    "Leave tcp_max_tw_buckets at its default or raise it: TIME_WAITs below it cost little memory and no port of an " +
    "accepted connection.",
  "descriptors":
    "Raise the limit of open files, and find out whether the connections are needed (leak, pool).",
  "conntrack":
    "Raise nf_conntrack_max, or take connections between trusted hosts out of tracking (NOTRACK): each closed one is " +
    "tracked for nf_conntrack_tcp_timeout_time_wait.",
};
