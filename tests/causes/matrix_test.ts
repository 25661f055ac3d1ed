/**
 * The matrix: causes planted in real gateways, each of which a bench must name. Its short form plants each
 * cause once or twice. All of plants.ts at both loads, and the files beside this one: `deno task
 * test:causes:whole`. Some of plants.ts, by the beginnings of their names: `MATRIX=cap,none-go deno task
 * test:causes`.
 */

import { assertEquals } from "@std/assert";
import type { Load, OwnBackend } from "../../tools/scenario/scenario.ts";
import { CAUSES } from "../../tools/verdict/causes/cause.ts";
import type { FindingsDocument } from "../../tools/verdict/findings_document.ts";
import { bench } from "../support/bench.ts";
import "../support/one_at_a_time.ts";
import { chosenPlants, type Plant, plants } from "../support/plants.ts";
import { peers, wrkInPrivateLab } from "../support/requirements.ts";

const ignore = peers.ignore || wrkInPrivateLab.ignore;
const matrix = Deno.env.get("MATRIX");

/**
 * The two loads, and what the short form plants under each: every cause at least once in a foreign gateway.
 */
const LOADS: readonly {
  readonly load: Load;
  readonly backend: OwnBackend;
  readonly short: readonly string[];
}[] = [
  {
    load: { connections: 50, threads: 1, duration: "1s", warmUp: 0 },
    backend: { latency: "5ms" },
    short: [
      "leak-go-kept",
      "once-go-unread",
      "asks-nginx-1.0",
      "asks-caddy",
      "small-caddy",
      "limit-nginx",
      "cap-go",
      "late-go",
      "age-nginx",
      "queue-nginx",
      "ports-nginx",
      "descriptors-go",
      "none-go",
      "idle-backend-go",
      "idle-gateway-nginx",
    ],
  },
  {
    load: { connections: 300, threads: 1, duration: "1s", warmUp: 0 },
    backend: { latency: "20ms" },
    short: [
      "leak-go",
      "once-node-closed",
      "asks-go",
      "small-nginx",
      "small-haproxy",
      "pools-nginx",
      "limit-backend-go",
      "closes-http10-nginx",
      "cap-haproxy",
      "clients-nginx",
      "bound-go",
      "none-nginx",
      "none-caddy",
    ],
  },
];

/** Measures plants in one bench, and returns the causes that it names for each. */
async function causesOf(planted: readonly Plant[], load: Load, backend: OwnBackend, folder: string) {
  const scenario = {
    question: "What is planted?",
    load,
    backend,
    runs: planted.map(({ causes: _, ...run }) => run),
  };
  const file = `${folder}/planted.ts`;
  await Deno.writeTextFile(file, `export default ${JSON.stringify(scenario)};\n`);
  const { stdout, stderr } = await bench(file, "--lab", "private", "--repeat", "1", "--findings", "-");
  if (stdout === "") throw new Error(stderr);
  const { runs }: FindingsDocument = JSON.parse(stdout);
  return Object.fromEntries(runs.map(({ name, causes }) => [name, causes.map(({ cause }) => cause)]));
}

Deno.test("the short form plants every cause in a gateway that is not ours", () => {
  const short = LOADS.flatMap(({ short }) => short);
  const foreign = plants("").filter(({ name, gateway }) => short.includes(name) && "command" in gateway!);
  assertEquals(foreign.map(({ name }) => name).sort(), short.toSorted());
  assertEquals(new Set(foreign.flatMap(({ causes }) => causes)), new Set(CAUSES));
});

for (const { load, backend, short } of LOADS) {
  Deno.test({
    name: `each planted cause is named: ${load.connections} connections, ${backend.latency}`,
    ignore,
    async fn() {
      const folder = await Deno.makeTempDir({ prefix: "timewait-causes-" });
      try {
        const planted = await chosenPlants(folder, short);
        // Figures of an open loop are not compared with those of a closed one.
        const benches = Map.groupBy(planted, ({ load }) => load?.rate !== undefined).values();
        for (const some of benches) {
          assertEquals(
            await causesOf(some, matrix !== undefined ? { ...load, warmUp: "1s" } : load, backend, folder),
            Object.fromEntries(some.map(({ name, causes }) => [name, causes])),
          );
        }
      } finally {
        await Deno.remove(folder, { recursive: true });
      }
    },
  });
}
