/** The witness against an independent count: the packets that open and end connections, in a lab. */

import { assertEquals } from "@std/assert";
import { findCommand } from "../../tools/lab/find_command.ts";
import type { Host } from "../../tools/lab/host.ts";
import { openLab } from "../../tools/lab/open_lab.ts";
import type { Witness } from "../../tools/observe/witness.ts";
import { collectWitness } from "../../tools/observe/witnessed.ts";
import { startBackendIn } from "../../tools/parties/lab_parties.ts";
import { resolveBackend } from "../../tools/scenario/resolve.ts";
import type { OwnBackend } from "../../tools/scenario/scenario.ts";
import { needs, privateLab, reasonFor } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";
import { until } from "../support/until.ts";

const python = needs("Python", reasonFor(() => findCommand("python3")));
const { signal } = new AbortController();

/** Starts one of the programs in Python on a host, and hears its lines. */
async function startPython(host: Host, program: "capture" | "client", ...args: string[]) {
  const lines: string[] = [];
  const process = await host.start({
    name: program,
    argv: [findCommand("python3"), "-u", `${ROOT}tests/support/packets/${program}.py`, ...args],
    onStdout: (line) => void lines.push(line),
  });
  return {
    /** Waits for its line of this number, and returns it. */
    line: async (i: number) => {
      await until(() => lines.length > i, 20_000);
      return lines[i]!;
    },
    ask: () => process.writeLine("now"),
    [Symbol.asyncDispose]: () => process[Symbol.asyncDispose](),
  };
}

/** How often each word is there. */
const countsOf = (words: readonly (string | null)[]) =>
  Object.fromEntries(
    [...Map.groupBy(words, (word) => word ?? "open")].map(([word, all]) => [word, all.length]),
  );

/** What packets and witness say of connections that a client ends in these ways. */
async function bothCounts(
  backend: OwnBackend,
  ...ways: string[]
): Promise<{ packets: object; witness: object }> {
  await using lab = await openLab("private");
  const collector = collectWitness({ asks: true });
  await using party = await startBackendIn(lab, resolveBackend(backend), { collectors: [collector], signal });
  await using capture = await startPython(lab.backend, "capture", String(party.port));
  await capture.line(0);
  await collector.settled?.(party.process, signal);
  collector.begin(0);
  await using client = await startPython(lab.client, "client", `${party.hostname}:${party.port}`, ...ways);
  await client.line(0);
  await collector.atEnd?.(party.process, signal);
  await capture.ask();
  const seen: (string | null)[] = JSON.parse(await capture.line(1));
  const { accepted, ended, open } = collector.result() as Witness;
  const words = ended.flatMap(({ by, how, connections }) => Array<string>(connections).fill(`${by} ${how}`));
  return {
    packets: { accepted: seen.length, ...countsOf(seen) },
    witness: { accepted, ...countsOf([...words, ...Array<null>(open.connections).fill(null)]) },
  };
}

const CASES: readonly [what: string, backend: OwnBackend, ways: readonly string[], counts: object][] = [
  [
    "FINs and resets of the peer, FINs of the backend, and connections that stay",
    { closeAfterRequests: 3 },
    ["fin=5", "rst=4", "last=6", "half=2", "stay=3", "fin=1"],
    { accepted: 21, "peer fin": 8, "peer rst": 4, "backend fin": 6, open: 3 },
  ],
  ["resets of the backend", { closeAfterRequests: 2, closeBy: "rst" }, ["last=7", "fin=2"], {
    accepted: 9,
    "backend rst": 7,
    "peer fin": 2,
  }],
  ["ends that the backend does not announce", { closeAfterRequests: 1, announceClose: false }, ["last=5"], {
    accepted: 5,
    "backend fin": 5,
  }],
  ["ends after an idle time", { idleTimeout: "100ms" }, ["stay=4"], { accepted: 4, "backend fin": 4 }],
];

for (const [what, backend, ways, counts] of CASES) {
  Deno.test({
    name: `the witness agrees with the packets: ${what}`,
    ignore: privateLab.ignore || python.ignore,
    async fn() {
      const { packets, witness } = await bothCounts(backend, ...ways);
      assertEquals(packets, counts);
      assertEquals(witness, counts);
    },
  });
}
