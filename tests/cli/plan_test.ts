import { assertEquals } from "@std/assert";
import { answersOf, runScript } from "../support/script.ts";

for (const tool of ["backend", "gateway"]) {
  Deno.test(`a plan that ${tool} cannot read is one line on standard error and exit code 2`, async () => {
    const [first, ...others] = ["{", "42", "[]", "null", "{}"];
    const one = await runScript(tool, ["--plan", first!]);
    const answers = await answersOf(tool, others.map((plan) => ["--plan", plan]), ["--allow-read"]);
    for (const [i, plan] of [first, ...others].entries()) {
      const { code, stdout, stderr } = [one, ...answers][i]!;
      assertEquals([code, stdout], [2, ""], plan);
      assertEquals(stderr, `error: --plan takes a plan as JSON, not ${JSON.stringify(plan)}\n`);
    }
  });
}
