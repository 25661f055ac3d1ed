import { assertEquals } from "@std/assert";
import { FINDINGS, generateSchema, RESULTS } from "./schema.ts";

for (const one of [RESULTS, FINDINGS]) {
  Deno.test(`the schema of the ${one.title} is what the types make of it; deno task schema writes it anew`, async () => {
    assertEquals(await Deno.readTextFile(one.file), generateSchema(one));
  });
}
