/**
 * Where it was measured, and with what options.
 *
 * @module
 */

import { format as formatBytes } from "@std/fmt/bytes";
import { measuredOf, type OnMachines, type Results, type Run } from "../../results/results.ts";
import type { BackendPlan, GatewayPlan } from "../../scenario/plan.ts";
import type { Findings, RunFindings } from "../../verdict/findings.ts";
import { estimateMedian } from "../../verdict/intervals.ts";
import { describeByRun } from "../by_run.ts";
import { code, prose } from "../markdown.ts";
import { formatCount, formatSeconds, formatShare } from "../format.ts";

/** The section. */
export function renderEnvironment(findings: Findings, { environment, runs }: Results): string[] {
  const { load, lab, sysctls } = environment;
  const cost = runs.flatMap(measuredOf).map(({ processes, durationSec }) =>
    processes.sampler.cpuSec / durationSec
  );
  const memory = formatBytes(environment.memoryBytes, { binary: true });
  const backends = describeByRun(runs, ({ backend }) => describeBackend(backend));
  return [
    "## Environment",
    "",
    `- Timewait ${prose(environment.timewait)}, Deno ${prose(environment.deno)}, ${load.name} ` +
    `${prose(load.version)}, Linux ${prose(environment.kernel)}`,
    `- ${lab.kind === "remote" ? "the bench ran on " : ""}${environment.cpus} CPUs (${
      prose(environment.cpuModel)
    }), ${memory} of memory`,
    `- lab: ${lab.kind}; backend: ${backends.join("; ")}`,
    ...machines(environment, runs),
    ...gateways(findings, runs),
    ...(Object.keys(sysctls).length === 0 ? [] : [
      `- on the gateway: ${
        Object.entries(sysctls).map(([key, value]) => prose(`${key} = ${value}`)).join(", ")
      }`,
    ]),
    ...machineDiffers(environment),
    ...(cost.length === 0 ? [] : [
      `- the observation cost ${formatShare(estimateMedian(cost)!.estimate)} of one CPU, at most ` +
      `${formatShare(Math.max(...cost))} in a repetition`,
    ]),
  ];
}

/** The given hosts, and what is known of their clocks and of what stood there before. */
function machines(
  { machines = [], notWatched = [] }: Results["environment"],
  runs: readonly Run[],
): string[] {
  if (machines.length === 0) return [];
  const seen = runs.flatMap(measuredOf).flatMap(({ onMachines }) => onMachines ?? []);
  const clients = machines.filter(({ party }) => party === "client").length;
  const most = (of: (one: OnMachines) => number) => Math.max(0, ...seen.map(of));
  const apart = most(({ clients }) => Math.max(...clients.map(({ beganAfterMs }) => beganAfterMs)));
  const port = seen.find(({ backendPortSeen }) => backendPortSeen !== undefined)?.backendPortSeen;
  return [
    ...machines.map(({ party, prefix, kernel, cpus, proxies = [] }, i) => {
      const name = party === "client" && clients > 1 ? `client ${i + 1}` : party;
      const where = prefix === "" ? "the machine of the bench" : code(prefix);
      const mesh = proxies.length === 0
        ? ""
        : `; **a proxy is in the path** (${
          prose(proxies.join("; "))
        }), whose connections are counted as well`;
      return `- ${name}: ${where}, ${formatCpus(cpus)}, Linux ${prose(kernel)}${mesh}`;
    }),
    ...notWatched.map((party) => `- ${party}: not watched`),
    ...(port === undefined ? [] : [
      `- the backend's port was not given: it is taken to be ${port}, to which the gateway held most connections`,
    ]),
    ...Object.entries(seen.find(({ portsThere }) => portsThere !== undefined)?.portsThere ?? {}).map(
      ([party, port]) =>
        `- the ${party} listens on another port than it is reached by: that is taken to be ${port}, which has most connections there`,
    ),
    ...(seen.length === 0 ? [] : [
      "- nothing was fresh there: before a repetition it was waited for TIME_WAITs of the one before to go, at most " +
      `${formatSeconds(most(({ waitedMs }) => waitedMs) / 1000)} s`,
      `- the series of the hosts are laid over each other by their clocks, to within ${
        most(({ clockErrorMs }) => clockErrorMs)
      } ms${clients === 1 ? "" : `; the clients began at most ${apart} ms apart`}`,
    ]),
  ];
}

function formatCpus(cpus: number): string {
  return `${Number.isInteger(cpus) ? formatCount(cpus) : cpus} ${cpus === 1 ? "CPU" : "CPUs"}`;
}

/** A line for each gateway, with the names of the runs that had it. */
function gateways(findings: Findings, runs: readonly Run[]): string[] {
  const names = new Map<string, string[]>();
  for (const [i, { name, options: { gateway, url } }] of runs.entries()) {
    if (gateway === null) continue;
    const place = url === undefined ? "" : `, at ${code(url)}`;
    const description = describeGateway(gateway, findings.runs[i]!) + place;
    names.set(description, [...names.get(description) ?? [], `\`${name}\``]);
  }
  return [...names].map(([description, names]) => `- ${names.join(", ")}: ${description}`);
}

function describeBackend({ latencyMs, latencyMostMs, bodyBytes, status, ...plan }: BackendPlan): string {
  if (plan.command !== undefined) return `the command ${code(plan.command)}`;
  if (plan.running) return "runs already";
  const spread = latencyMostMs === undefined ? `${latencyMs}` : `${latencyMs} to ${latencyMostMs}`;
  const slow = plan.slow === undefined
    ? []
    : [`${formatShare(plan.slow.share)} of the answers take ${plan.slow.latencyMs} ms`];
  const statuses = plan.statuses === undefined
    ? `status ${status}`
    : `statuses ${plan.statuses.map(({ status, share }) => `${status} (${formatShare(share)})`).join(", ")}`;
  return [`${spread} ms latency`, ...slow, `${formatCount(bodyBytes)} bytes`, statuses, ...describeEnds(plan)]
    .join(
      ", ",
    );
}

/** When the backend ends connections; nothing where it leaves that to the peer. */
function describeEnds(
  plan: Omit<BackendPlan, "latencyMs" | "bodyBytes" | "status">,
): string[] {
  const { closeAfterRequests, idleTimeoutMs, closeOnStatus, closeBeforeAnswer, announceClose, closeBy } =
    plan;
  return [
    ...(plan.http10 ? ["answers in HTTP/1.0"] : []),
    ...(closeAfterRequests === undefined ? [] : [`ends a connection after ${closeAfterRequests} requests`]),
    ...(idleTimeoutMs === undefined ? [] : [`ends a connection that was idle for ${idleTimeoutMs} ms`]),
    ...(closeOnStatus === undefined ? [] : [`ends a connection with status ${closeOnStatus.join(" or ")}`]),
    ...(closeBeforeAnswer === undefined
      ? []
      : [`ends the connection in place of ${formatShare(closeBeforeAnswer)} of the answers`]),
    ...(announceClose === false ? ["does not announce the end"] : []),
    ...(closeBy === undefined ? [] : ["ends by a reset"]),
  ];
}

/**
 * The machine's own sysctls where they are not those of the lab: what is measured here is not what happens
 * outside.
 */
function machineDiffers({ sysctls, machineSysctls = {} }: Results["environment"]): string[] {
  const others = Object.entries(machineSysctls).filter(([key, value]) => value !== (sysctls[key] ?? ""));
  if (others.length === 0) return [];
  const list = others.map(([key, value]) =>
    prose(`${key} = ${value === "" ? "(empty)" : value} (the lab's: ${sysctls[key] ?? "(empty)"})`)
  );
  return [
    "- **this machine's own sysctls differ** from the lab's, which are those of a fresh network namespace: " +
    `${list.join(", ")}; \`--sysctl KEY=VALUE\` measures with them`,
  ];
}

/** A gateway's options by their own names, and what its pool makes of them. */
function describeGateway(gateway: GatewayPlan, { idlePool }: RunFindings): string {
  if ("command" in gateway) return code(gateway.command);
  if ("running" in gateway) return "runs there already";
  const { transport, ...options } = gateway;
  const list = Object.entries(options).map(([name, value]) =>
    `${name} ${typeof value === "number" ? formatCount(value) : value}`
  );
  const { divided, contradiction } = idlePool ?? {};
  if (divided !== undefined) {
    const { option, workersWithout } = divided;
    const none = workersWithout === 0 ? "" : `, so that ${workersWithout} of them keep no connection`;
    list.push(`${option} divided among the workers${none}`);
  }
  if (contradiction !== undefined) list.push(`**warning**: ${contradiction}`);
  return [transport, ...list].join(", ");
}
