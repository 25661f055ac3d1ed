/**
 * What to do about what the doctor found.
 *
 * @module
 */

import type { Diagnosis } from "../../doctor/diagnosis.ts";
import type { Facts } from "../../doctor/facts.ts";
import type { Problem } from "../../doctor/problems.ts";

/** The section on what to do; empty where nothing is wrong. */
export function renderRemedies({ problems }: Diagnosis, _facts: Facts): string[] {
  const remedies = [...new Set(problems.flatMap(({ kind }) => REMEDIES[kind] ?? []))];
  if (remedies.length === 0) return [];
  return ["## What to do", "", ...remedies.map((remedy) => `- ${remedy}`), ""];
}

/** What helps against a problem, whatever has caused it. */
const REMEDIES: Partial<Record<Problem["kind"], string>> = {
  "ports gone":
    "Until the cause is mended: a wider ip_local_port_range, a second source or destination address, or " +
    "tcp_tw_reuse = 1 buy time. None of them makes connections fewer.",
  "ports going":
    "Until the cause is mended: a wider ip_local_port_range, a second source or destination address, or " +
    "tcp_tw_reuse = 1 buy time. None of them makes connections fewer.",
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
