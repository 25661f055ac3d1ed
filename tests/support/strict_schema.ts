/** The schema of results documents, without the leave to have properties that it does not name. */

import { Validator } from "@cfworker/json-schema";
import { assertEquals } from "@std/assert";
import schema from "../../tools/results/results.schema.json" with { type: "json" };

const strict = new Validator(
  forbidOthers(schema) as ConstructorParameters<typeof Validator>[0],
  "2020-12",
  false,
);

/**
 * Asserts that a document fits its schema and has no property that the schema does not name. Readers must put
 * up with those, since a newer Timewait may have added them; what this one writes is all described.
 */
export function assertDescribed(results: unknown): void {
  assertEquals(undescribed(results), []);
}

/** Where a document has what its schema does not describe. */
export function undescribed(results: unknown): string[] {
  // As it is kept: what is undefined is left out.
  const { errors } = strict.validate(JSON.parse(JSON.stringify(results)));
  const depth = (location: string) => location.split("/").length;
  const deepest = Math.max(0, ...errors.map(({ instanceLocation }) => depth(instanceLocation)));
  return errors.filter(({ instanceLocation }) => depth(instanceLocation) === deepest)
    .map(({ instanceLocation, error }) => `${instanceLocation}: ${error}`);
}

function forbidOthers(node: unknown, key = ""): unknown {
  if (Array.isArray(node)) return node.map((one) => forbidOthers(one));
  if (typeof node !== "object" || node === null) return node;
  const copy = Object.fromEntries(
    Object.entries(node).map(([key, value]) => [key, forbidOthers(value, key)]),
  );
  // What stands under `if` only tells objects apart.
  const closes = "properties" in copy && !("additionalProperties" in copy) && key !== "if" &&
    key !== "properties";
  return closes ? { ...copy, additionalProperties: false } : copy;
}
