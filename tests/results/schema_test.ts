import { assertEquals } from "@std/assert";
import { generateSchema, SCHEMA_FILE } from "./schema.ts";

Deno.test("the schema is what the types make of it; deno task schema writes it anew", async () => {
  assertEquals(await Deno.readTextFile(SCHEMA_FILE), generateSchema());
});
