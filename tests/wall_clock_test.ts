import { assertEquals } from "@std/assert";

/** A pool's idle connections and its deadlines go by the wall clock still; a jump ends them early or late, once. */
const JUMPS_ARE_HARMLESS = ["deadlines.ts", "pool.ts"];

// The wall clock jumps: by ntpd, by a person, when a laptop wakes. What is measured or waited for goes by a clock that does
// not. The clock of a machine is not ours to set in a test, so this looks at the tools themselves.
Deno.test("no tool measures by the wall clock", async () => {
  const uses: string[] = [];
  const look = async (directory: URL) => {
    for await (const entry of Deno.readDir(directory)) {
      const url = new URL(entry.name, directory);
      if (entry.isDirectory) await look(new URL(`${entry.name}/`, directory));
      else if (JUMPS_ARE_HARMLESS.includes(entry.name)) continue;
      else if (/Date\.now\(|new Date\(\)\.get|\$\{?SECONDS|\$\(date/.test(await Deno.readTextFile(url))) {
        uses.push(entry.name);
      }
    }
  };
  await look(new URL("../tools/", import.meta.url));
  assertEquals(uses, []);
});
