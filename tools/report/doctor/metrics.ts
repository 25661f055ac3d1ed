/**
 * The doctor's figures for Prometheus: a file for the text-file collector of node_exporter.
 *
 * @module
 */

import type { Diagnosis } from "../../doctor/diagnosis.ts";
import type { Destination, Facts, Listener } from "../../doctor/facts.ts";

/** Destinations and ports in the file, those with most sockets: each is a series to keep. */
const MOST_SERIES = 20;

interface Metric {
  readonly name: string;
  readonly help: string;
  readonly samples: readonly (readonly [labels: Readonly<Record<string, string | number>>, value: number])[];
}

/** Renders the figures in Prometheus' text format. Every figure is a gauge. */
export function renderMetrics({ facts, problems, causes, verdict }: Diagnosis): string {
  const wrong = new Map<string, number>();
  for (const { kind } of problems) wrong.set(kind, (wrong.get(kind) ?? 0) + 1);
  const metrics: Metric[] = [
    {
      name: "timewait_verdict",
      help: "What the doctor says: 0 nothing wrong, 1 something wrong, 3 cannot tell.",
      samples: [[{}, { "nothing wrong": 0, "wrong": 1, "cannot tell": 3 }[verdict]]],
    },
    {
      name: "timewait_problems",
      help: "What is wrong, by kind.",
      samples: [...wrong].map(([kind, count]) => [{ kind }, count]),
    },
    {
      name: "timewait_causes",
      help: "Why connections are opened that need not be.",
      samples: causes.map(({ cause, sure }) => [{ cause, sure }, 1]),
    },
    ...(facts === undefined ? [] : metricsOf(facts)),
  ];
  return metrics.filter(({ samples }) => samples.length > 0).flatMap(renderMetric).join("\n") + "\n";
}

function metricsOf(facts: Facts): Metric[] {
  const destinations = facts.destinations.slice(0, MOST_SERIES);
  const listeners = facts.listeners.slice(0, MOST_SERIES);
  const both = (of: (one: Destination | Listener) => number): Metric["samples"] => [
    ...destinations.map((one) => [{ side: "opened", service: one.service }, of(one)] as const),
    ...listeners.map((one) => [{ side: "accepted", service: `:${one.port}` }, of(one)] as const),
  ];
  return [
    {
      name: "timewait_ports_used",
      help: "Ephemeral ports in use towards a destination, from the source address that holds most.",
      samples: destinations.map((
        { service, source, portsUsed },
      ) => [{ destination: service, source }, portsUsed]),
    },
    {
      name: "timewait_ports_usable",
      help: "Ephemeral ports for each source address, destination address and port.",
      samples: [[{}, facts.usable.count]],
    },
    {
      name: "timewait_made_per_second",
      help: "Connections closed here first, per second over the last 10 s or the watch.",
      samples: both(({ madePerSec }) => madePerSec),
    },
    {
      name: "timewait_sockets",
      help: "Sockets in TIME_WAIT.",
      samples: both(({ states }) => states.timeWait),
    },
    {
      name: "timewait_established_sockets",
      help: "Sockets that are established.",
      samples: both(({ states }) => states.established),
    },
    {
      name: "timewait_close_wait_sockets",
      help: "Sockets that the other end has closed and the program here has not.",
      samples: both(({ states }) => states.closeWait),
    },
    {
      name: "timewait_accept_queue",
      help: "Connections that wait to be accepted.",
      samples: listeners.map(({ port, queue }) => [{ port }, queue]),
    },
  ];
}

function renderMetric({ name, help, samples }: Metric): string[] {
  return [
    `# HELP ${name} ${help}`,
    `# TYPE ${name} gauge`,
    ...samples.map(([labels, value]) => {
      const pairs = Object.entries(labels).map(([key, text]) => `${key}="${escaped(String(text))}"`);
      return `${name}${pairs.length === 0 ? "" : `{${pairs.join(",")}}`} ${value}`;
    }),
  ];
}

function escaped(label: string): string {
  return label.replaceAll("\\", "\\\\").replaceAll('"', '\\"').replaceAll("\n", "\\n");
}
