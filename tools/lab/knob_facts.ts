/**
 * What is known of the sysctls that bear on TIME_WAIT and ephemeral ports.
 *
 * Sources: Documentation/networking/ip-sysctl.rst and Documentation/admin-guide/sysctl/net.rst of the kernel,
 * and "Using sysctls in a Kubernetes Cluster" of Kubernetes' documentation.
 *
 * @module
 */

/** One sysctl: what it does, what it is wrongly believed to do, and who may set it where. */
export interface SysctlFact {
  /** Its name, such as `net.ipv4.tcp_tw_reuse`. */
  readonly key: string;
  /** What it does, as the end of a sentence. */
  readonly does: string;
  /** What it does not do, though people say that it does. */
  readonly doesNot: string;
  /** Whether each network namespace has one of its own. */
  readonly perNamespace: boolean;
  /**
   * Kubernetes' view: `safe` may be set for any pod; `unsafe` wants `--allowed-unsafe-sysctls` of the
   * kubelet.
   */
  readonly kubernetes: string;
  /** Where that is documented. */
  readonly source: string;
}

const IP_SYSCTL = "https://docs.kernel.org/networking/ip-sysctl.html";
const NET_SYSCTL = "https://docs.kernel.org/admin-guide/sysctl/net.html";
const NODE_ONLY = "a node's, not a pod's";
const UNSAFE = "unsafe";

/** The sysctls, the most asked about first. */
export const SYSCTL_FACTS: readonly SysctlFact[] = [
  {
    key: "net.ipv4.tcp_tw_reuse",
    does:
      "lets a new outgoing connection take the port of a TIME_WAIT to the same destination once that is a second " +
      "old: 0 never, 1 always, 2 (the default) on loopback only",
    doesNot:
      "lower the number of TIME_WAITs or of connections opened; help the side that accepts; work without " +
      "tcp_timestamps on both sides",
    perNamespace: true,
    kubernetes: UNSAFE,
    source: IP_SYSCTL,
  },
  {
    key: "net.ipv4.tcp_tw_reuse_delay",
    does: "is the age, in milliseconds, from which tcp_tw_reuse takes a TIME_WAIT (default 1000)",
    doesNot: "do anything where tcp_tw_reuse is 0; exist on kernels before 6.14",
    perNamespace: true,
    kubernetes: UNSAFE,
    source: IP_SYSCTL,
  },
  {
    key: "net.ipv4.ip_local_port_range",
    does: "is the range of ephemeral ports, for each destination address and port (default 32768 60999)",
    doesNot:
      "make connections fewer: it only takes longer until the ports run out, and connects slow down from half " +
      "of the range on",
    perNamespace: true,
    kubernetes: "safe",
    source: IP_SYSCTL,
  },
  {
    key: "net.ipv4.ip_local_reserved_ports",
    does:
      "takes ports out of ip_local_port_range, so that no outgoing connection sits where a service wants to listen",
    doesNot: "keep anybody from binding them by number",
    perNamespace: true,
    kubernetes: "safe (1.27 and later)",
    source: IP_SYSCTL,
  },
  {
    key: "net.ipv4.tcp_fin_timeout",
    does:
      "is how many seconds an orphaned connection waits in FIN_WAIT_2 for the other side's FIN (default 60)",
    doesNot:
      "shorten TIME_WAIT, whatever is written on the web: that is 60 s (TCP_TIMEWAIT_LEN) and no sysctl",
    perNamespace: true,
    kubernetes: "safe (1.29 and later)",
    source: IP_SYSCTL,
  },
  {
    key: "net.ipv4.tcp_max_tw_buckets",
    does:
      "is the most TIME_WAITs there may be; those beyond are destroyed at once and counted as TCPTimeWaitOverflow",
    doesNot:
      "cure anything: late packets of an old connection may then reach a new one, which is what TIME_WAIT " +
      "is there to prevent (RFC 9293, 3.6.1; RFC 1337)",
    perNamespace: true,
    kubernetes: UNSAFE,
    source: IP_SYSCTL,
  },
  {
    key: "net.ipv4.tcp_timestamps",
    does:
      "sends timestamps (RFC 7323), which tcp_tw_reuse needs to tell an old packet from a new one (default 1)",
    doesNot: "help against TIME_WAIT when turned off: it turns tcp_tw_reuse off with it",
    perNamespace: true,
    kubernetes: UNSAFE,
    source: IP_SYSCTL,
  },
  {
    key: "net.core.somaxconn",
    does: "is the upper limit of every listen() backlog (default 4096)",
    doesNot: "touch TIME_WAIT or ephemeral ports; raise the backlog of a program that asks for less",
    perNamespace: true,
    kubernetes: UNSAFE,
    source: NET_SYSCTL,
  },
  {
    key: "net.ipv4.tcp_max_syn_backlog",
    does: "is how many connections of a listener may be half open",
    doesNot: "touch TIME_WAIT or ephemeral ports",
    perNamespace: true,
    kubernetes: UNSAFE,
    source: IP_SYSCTL,
  },
  {
    key: "net.ipv4.tcp_max_orphans",
    does: "is the most connections that no process holds any more; those beyond are reset",
    doesNot: "count TIME_WAITs: they are no orphans",
    perNamespace: false,
    kubernetes: NODE_ONLY,
    source: IP_SYSCTL,
  },
  {
    key: "net.core.rmem_max",
    does: "is the largest receive buffer, in bytes, that a program may ask for",
    doesNot: "touch TIME_WAIT or ephemeral ports",
    perNamespace: false,
    kubernetes: NODE_ONLY,
    source: NET_SYSCTL,
  },
];

/** Sysctls that are gone from the kernel, with the release that removed them and why. */
export const REMOVED_SYSCTLS: Readonly<Record<string, string>> = {
  "net.ipv4.tcp_tw_recycle":
    "removed in Linux 4.12 (commit 4396e46187ca): it dropped connections from clients behind one NAT address, and since " +
    "4.10, when timestamps got an offset of their own for each connection, could not work at all",
};
