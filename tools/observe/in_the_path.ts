/**
 * What stands between the parties on a host without being one of them: the proxy of a service mesh. It opens
 * connections of its own, so the gateway's are not what the client and the backend see.
 *
 * @module
 */

import type { Host } from "../lab/host.ts";
import { listens, parseTcpTable, TCP_TABLE_FILES } from "./tcp_table.ts";

/** A proxy in the path, and by what it was seen. */
export interface ProxySeen {
  /** Whose it is, as far as that can be told. */
  readonly mesh: string;
  /** What shows it: ports that something listens on, and processes. */
  readonly evidence: readonly string[];
}

/**
 * What each mesh can be told by. The containers of a pod share its network and so its ports, and their
 * processes only where the pod says so (`shareProcessNamespace`).
 *
 * Ports: istio.io, "Ports used by Istio"; linkerd.io, "Proxy configuration"; developer.hashicorp.com,
 * "Transparent proxy".
 */
const MESHES: readonly {
  readonly mesh: string;
  readonly ports: readonly number[];
  readonly names: RegExp;
}[] = [
  { mesh: "Istio, Kuma or Consul (Envoy)", ports: [15001, 15006, 15008], names: /^(envoy|pilot-agent)$/ },
  { mesh: "Linkerd", ports: [4140, 4143], names: /^linkerd2?-proxy$/ },
];

/**
 * Looks for a mesh's proxy on a host. What is not seen from inside: NetworkPolicies, rules of the node's own
 * packet filter, and a load balancer ahead of the host.
 */
export async function readProxiesInPath(host: Host): Promise<ProxySeen[]> {
  const [names, ...tables] = await host.readProc("/proc/[0-9]*/comm", ...TCP_TABLE_FILES);
  const running = new Set((names ?? "").split("\n"));
  const sockets = tables.flatMap((text) => parseTcpTable(text ?? ""));
  return MESHES.flatMap(({ mesh, ports, names }) => {
    const evidence = [
      ...ports.filter((port) => listens(sockets, port)).map((port) => `port ${port}`),
      ...[...running].filter((name) => names.test(name)).map((name) => `process ${name}`),
    ];
    return evidence.length === 0 ? [] : [{ mesh, evidence }];
  });
}
