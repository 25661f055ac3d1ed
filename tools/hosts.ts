/**
 * The **hosts** of a bench on machines of one's own: whether each can be reached and what it has, and a
 * manifest of pods where there are none yet.
 *
 * As a script: `deno task hosts --host client='ssh load1' --host gateway='ssh gw1'`.
 *
 * @module
 */

import {
  listFlag,
  type Main,
  mainOf,
  type Options,
  printError,
  printOutput,
  runAsScript,
  valueFlag,
} from "./cli/command_line.ts";
import { parseHost } from "./cli/host_flags.ts";
import { parseChoice, parseText, parseWhole } from "./cli/values.ts";
import { messageOf, TimewaitError } from "./errors.ts";
import { sharesTables } from "./lab/remote/far_facts.ts";
import { MANIFEST_DEFAULTS, renderManifest } from "./lab/remote/manifest.ts";
import { connectHost, type RemoteHost } from "./lab/remote/remote_host.ts";
import { type ProxySeen, readProxiesInPath } from "./observe/in_the_path.ts";
import { renderRows } from "./report/table.ts";
import { maskSecrets } from "./scenario/mask.ts";

const FLAGS = {
  host: listFlag(
    "[NAME=]PREFIX",
    "host to look at, as what stands before a command there: 'ssh gw1', client='kubectl exec -i POD --'",
    parseGiven,
  ),
  manifest: valueFlag(
    "kubernetes",
    "print a manifest of pods to make load from, with the role that kubectl exec needs",
    parseChoice(["kubernetes"]),
    undefined,
  ),
  pods: valueFlag("N", "pods in the manifest", parseWhole(1, 1000), MANIFEST_DEFAULTS.pods),
  cpus: valueFlag("QUANTITY", "CPUs of each pod", parseQuantity, MANIFEST_DEFAULTS.cpus),
  memory: valueFlag("QUANTITY", "memory of each pod", parseQuantity, MANIFEST_DEFAULTS.memory),
  namespace: valueFlag("NAME", "namespace of the pods", parseName, MANIFEST_DEFAULTS.namespace),
  image: valueFlag(
    "IMAGE",
    "image of the pods: any with sh, head -c and sha256sum",
    parseImage,
    MANIFEST_DEFAULTS.image,
  ),
};

/** A host as given. */
interface Given {
  readonly name: string;
  readonly prefix: string;
}

/** The command's entry point. Exit code 0 all can be used, 1 one cannot, 2 bad usage. */
export const main: Main = mainOf({
  name: "hosts",
  summary: "Says whether hosts can be reached and what a bench would find there; starts no load.",
  flags: FLAGS,
  examples: [
    "deno task hosts --host client='ssh load1' --host gateway='ssh gw1' --host backend='kubectl exec -i be-0 --'",
    "deno task hosts --manifest kubernetes --pods 4 --namespace load | kubectl apply -f -",
  ],
  run: (options, { signal }) => hosts(options, signal),
});

async function hosts(options: Options<typeof FLAGS>, signal: AbortSignal): Promise<number> {
  if (options.manifest !== undefined) {
    if (options.host.length > 0) {
      throw new TimewaitError("prints a manifest and looks at no host: leave --host out", {
        field: "manifest",
      });
    }
    await printOutput(renderManifest(options));
    return 0;
  }
  if (options.host.length === 0) {
    throw new TimewaitError("hosts takes --host PREFIX once or more, or --manifest kubernetes");
  }
  const looks = await Promise.allSettled(numbered(options.host).map((given) => lookAt(given, signal)));
  signal.throwIfAborted();
  const seen = looks.flatMap((look) => look.status === "fulfilled" ? [look.value] : []);
  if (seen.length > 0) await printOutput(renderSeen(seen).join("\n"));
  for (const look of looks) if (look.status === "rejected") printError(look.reason);
  return seen.length === looks.length ? 0 : 1;
}

/** What was seen of a host. */
interface HostSeen extends Given, Pick<RemoteHost, "far"> {
  /** How well its clock is known, in milliseconds; why it is not. */
  readonly clock: string;
  readonly proxies: readonly ProxySeen[];
}

async function lookAt({ name, prefix }: Given, signal: AbortSignal): Promise<HostSeen> {
  await using host = await connectHost({ name, prefix, address: "", signal });
  const clock = await host.clock().then(({ errorMs }) => `±${Math.ceil(errorMs)}`, () => "unknown");
  return { name, prefix, far: host.far, clock, proxies: await readProxiesInPath(host) };
}

function renderSeen(seen: readonly HostSeen[]): string[] {
  const rows = seen.map(({ name, far, clock }) => [
    name,
    far.kernel,
    far.architecture,
    far.programs.wrk === undefined ? "no" : "yes",
    far.programs.deno === undefined ? "no" : "yes",
    far.programs.bash === undefined ? "no" : "yes",
    String(Math.round(far.cpus * 100) / 100),
    far.fileLimit === Infinity ? "no limit" : String(far.fileLimit),
    clock,
  ]);
  const header = [
    "host",
    "kernel",
    "architecture",
    "wrk",
    "deno",
    "bash",
    "CPUs",
    "open files",
    "clock (ms)",
  ];
  const notes = [...seen.flatMap(notesOn), ...sharedTables(seen)];
  return [
    ...renderRows(header, rows, 6),
    ...(notes.length === 0 ? [] : ["", ...notes.map((note) => `- ${note}`)]),
  ];
}

function notesOn({ name, prefix, clock, proxies }: HostSeen): string[] {
  return [
    ...(clock === "unknown"
      ? [`${name}: the way there is too slow for its clock to be known within 500 ms`]
      : []),
    ...proxies.map(({ mesh, evidence }) =>
      `${name}: a proxy of ${mesh} is in the path (${evidence.join(", ")}): it has connections of its own`
    ),
    ...(/\bkubectl\b/.test(prefix)
      ? [
        `${name}: NetworkPolicies cannot be seen from inside a pod: kubectl get networkpolicies --all-namespaces`,
      ]
      : []),
  ];
}

/** Hosts that are one machine with one TCP table. */
function sharedTables(seen: readonly HostSeen[]): string[] {
  return seen.flatMap(({ name, far }, i) => {
    const same = seen.slice(0, i).find((other) => sharesTables(far, other.far));
    return same === undefined
      ? []
      : [`${same.name} and ${name} share one TCP table: their connections cannot be told apart`];
  });
}

function parseGiven(text: string, field: string): Given {
  // No command begins so: it is the name of a party, or was meant to be one.
  if (/^\w+=/.test(text)) {
    const { party, prefix } = parseHost(text, field);
    return { name: party, prefix };
  }
  const prefix = parseText(text.trim(), field);
  return { name: maskSecrets(prefix), prefix };
}

/** Numbers the hosts of a party that has several, as a bench does. */
function numbered(hosts: readonly Given[]): Given[] {
  return hosts.map(({ name, prefix }, i) => {
    const same = (host: Given) => host.name === name;
    const number = hosts.slice(0, i + 1).filter(same).length;
    return { name: hosts.filter(same).length === 1 ? name : `${name} ${number}`, prefix };
  });
}

/** A quantity of Kubernetes: `2`, `500m`, `1Gi`. */
function parseQuantity(text: string, field: string): string {
  if (/^\d+(\.\d+)?(m|[KMGT]i?)?$/.test(text)) return text;
  throw new TimewaitError(`takes a quantity such as 2, 500m or 1Gi, not ${messageOf(text)}`, { field });
}

/** The name of a namespace: an RFC 1123 label. */
function parseName(text: string, field: string): string {
  if (/^[a-z0-9]([a-z0-9-]{0,61}[a-z0-9])?$/.test(text)) return text;
  throw new TimewaitError(`takes small letters, digits and dashes, not ${messageOf(text)}`, { field });
}

function parseImage(text: string, field: string): string {
  if (/^[\w.:\/@-]+$/.test(text)) return text;
  throw new TimewaitError(`takes an image such as debian:12-slim, not ${messageOf(text)}`, { field });
}

if (import.meta.main) await runAsScript(main);
