/**
 * The plants in front of a backend that is not ours, where the verdict rests on the kernel's tables: what is
 * planted is among the causes that are named, and no other one is more than possible, so that nobody is told
 * a wrong remedy for sure. A short form; all plants with `MATRIX=whole`, some by the beginnings of their
 * names.
 */

import { assertEquals } from "@std/assert";
import type { FindingsDocument } from "../../tools/verdict/findings_document.ts";
import { bench } from "../support/bench.ts";
import { beforeForeignBackend, foreignBackend } from "../support/foreign_backend.ts";
import "../support/one_at_a_time.ts";
import { chosenPlants, type Plant } from "../support/plants.ts";
import { peers, wrkInPrivateLab } from "../support/requirements.ts";

/** Each cause that a foreign backend leaves open, once or twice. */
const SHORT = [
  "once-go-closed",
  "asks-nginx-1.0",
  "small-go",
  "small-nginx",
  "limit-nginx",
  "limit-backend-nginx",
  "limit-backend-go",
  "closes-http10-go",
  "late-go",
  "leave-nginx",
  "idle-backend-go",
  "idle-gateway-nginx",
  "none-go",
];

const LATENCY_MS = 10;

/** With a warm-up, as a bench has one: what a gateway keeps after it is seen. */
const LOAD = { connections: 100, threads: 1, duration: "1s", warmUp: "1s" } as const;

/**
 * What a report says that is wrong: nothing where the planted cause is named, be it as one that would look
 * the same, and no other for sure.
 */
function wrongOf({ causes: planted }: Plant, { causes }: FindingsDocument["runs"][number]): string[] {
  const said = causes.map(({ cause, sure }) => `${cause} ${sure}`);
  const others = causes.filter(({ cause, sure }) => sure !== "possible" && !planted.includes(cause));
  const named = causes.flatMap(({ cause, cannotTell = [] }) => [cause, ...cannotTell.map((it) => it.cause)]);
  return others.length === 0 && named.includes(planted[0]!) ? [] : said;
}

Deno.test({
  name:
    "before a backend that is not ours no report names a wrong cause for sure, and each names the planted one",
  ignore: peers.ignore || wrkInPrivateLab.ignore,
  async fn() {
    const folder = await Deno.makeTempDir({ prefix: "timewait-foreign-" });
    try {
      const planted = await chosenPlants(folder, SHORT);
      const wrong: Record<string, string[]> = {};
      // Figures of an open loop are not compared with those of a closed one.
      for (const some of Map.groupBy(planted, ({ load }) => load?.rate !== undefined).values()) {
        const scenario = {
          question: "What is planted?",
          load: LOAD,
          backend: foreignBackend(LATENCY_MS),
          runs: some.map((plant) => beforeForeignBackend(plant, LATENCY_MS)).map(({ causes: _, ...run }) =>
            run
          ),
        };
        const file = `${folder}/planted.ts`;
        await Deno.writeTextFile(file, `export default ${JSON.stringify(scenario)};\n`);
        const { stdout, stderr } = await bench(file, "--lab", "private", "--repeat", "1", "--findings", "-");
        if (stdout === "") throw new Error(stderr);
        const { runs }: FindingsDocument = JSON.parse(stdout);
        for (const plant of some) {
          const found = wrongOf(plant, runs.find(({ name }) => name === plant.name)!);
          if (found.length > 0) wrong[plant.name] = found;
        }
      }
      assertEquals(wrong, {});
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});
