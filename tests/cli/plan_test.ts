import { assertEquals } from "@std/assert";
import { runScript } from "../support/script.ts";

for (const tool of ["backend", "gateway"]) {
  Deno.test(`a plan that ${tool} cannot read is one line on standard error and exit code 2`, async () => {
    for (const plan of ["{", "42", "[]", "null", "{}"]) {
      const { code, stdout, stderr } = await runScript(tool, ["--plan", plan]);
      assertEquals([code, stdout], [2, ""], plan);
      assertEquals(stderr, `error: --plan takes a plan as JSON, not ${JSON.stringify(plan)}\n`);
    }
  });
}
