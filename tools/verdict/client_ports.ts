/**
 * Whether the load generator ran out of ephemeral ports, which must not be mistaken for a failure of the
 * gateway.
 *
 * @module
 */

import { hasOwnTables } from "../lab/any_lab.ts";
import { connectionsIn } from "../observe/tcp_table.ts";
import { type Environment, type Machine, type Measured, measuredOf, type Run } from "../results/results.ts";
import { sysctlsOf } from "./knobs.ts";
import { portRange } from "./ports.ts";
import type { WarningFigures } from "./warning.ts";

/**
 * From this share of the ports in use on, a connect that failed is put down to them. Not all of them: the
 * samples are 100 ms apart, and a machine may reserve some ports.
 */
const EXHAUSTED_FROM = 0.95;

/** `undefined` where the generator had ports left or no connect failed, and where that is not known. */
export function clientOutOfPorts(
  run: Run,
  environment: Environment,
): WarningFigures["client out of ports"] | undefined {
  const ports = portsOfClients(run, environment);
  const given = clientsOf(environment).length;
  const measured = measuredOf(run);
  if (ports === undefined) return undefined;
  const out = measured.filter((repetition) =>
    repetition.errors.connect > 0 && portsUsedBy(repetition) >= EXHAUSTED_FROM * ports
  );
  if (out.length === 0) return undefined;
  const [most] = out.toSorted((a, b) => portsUsedBy(b) - portsUsedBy(a));
  return {
    repetitions: out.length,
    of: measured.length,
    ports,
    portsUsed: Math.min(ports, portsUsedBy(most!)),
    timeWait: openedBy(most!).reduce((sum, { timeWait }) => sum + timeWait, 0),
    failedConnects: out.reduce((sum, { errors }) => sum + errors.connect, 0),
    ...(given === 0 ? {} : { clients: given }),
  };
}

/** The given hosts from which the load comes; none in a lab of our own. */
function clientsOf({ machines = [] }: Environment): Machine[] {
  return machines.filter(({ party }) => party === "client");
}

/** The ports from which the load can come; `undefined` where they are not known. */
function portsOfClients(run: Run, environment: Environment): number | undefined {
  const clients = clientsOf(environment);
  if (clients.length > 0) {
    const known = clients.flatMap(({ ports }) => ports ?? []);
    // Each has the same part of the load, so that the one with the fewest runs out first.
    return known.length < clients.length ? undefined : Math.min(...known) * clients.length;
  }
  // Hosts that share one network take their sysctls from the gateway.
  const ownNetwork = hasOwnTables(environment.lab.kind) && run.options.loopback !== true;
  const sysctls = sysctlsOf(run, environment, ownNetwork ? "client" : "gateway");
  return portRange(sysctls["net.ipv4.ip_local_port_range"])?.count;
}

/** The most ports of the client that were in use at a time. */
function portsUsedBy(repetition: Measured): number {
  const atEnd = openedBy(repetition).reduce((sum, group) => sum + connectionsIn(group), 0);
  return Math.max(repetition.hosts.client.portsUsedPeak, atEnd);
}

function openedBy({ hosts: { client } }: Measured) {
  return (client.connectionGroups ?? []).filter(({ side }) => side === "opened");
}
