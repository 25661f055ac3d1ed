/**
 * Generates the schemas of documents from their types. `deno task schema` writes it; a test fails
 * where one is stale. It stands with the tests because its generator must not come with what is published.
 *
 * @module
 */

import { createGenerator } from "ts-json-schema-generator";
import { ROOT } from "../support/root.ts";

/** A document whose types a schema is made of. */
export interface Documented {
  /** Where the schema is. */
  readonly file: string;
  /** The file that has the type, and the type. */
  readonly path: string;
  readonly type: string;
  readonly title: string;
}

/** The results document, which tools/results/read.ts checks against its schema. */
export const RESULTS: Documented = {
  file: `${ROOT}tools/results/results.schema.json`,
  path: `${ROOT}tools/results/results.ts`,
  type: "Results",
  title: "results document of Timewait",
};

/** The verdict as data, which other programs read. */
export const FINDINGS: Documented = {
  file: `${ROOT}tools/verdict/findings.schema.json`,
  path: `${ROOT}tools/verdict/findings_document.ts`,
  type: "FindingsDocument",
  title: "findings document of Timewait",
};

/** A schema, or a part of one. */
interface Node {
  readonly [key: string]: unknown;
}

/** The text of the schema, from the types as they are now. */
export function generateSchema({ path, type, title }: Documented): string {
  const generator = createGenerator({
    path,
    tsconfig: `${ROOT}tests/results/tsconfig.json`,
    type,
    // `deno check` checks the types: it knows where the packages are.
    skipTypeCheck: true,
    topRef: false,
    // A reader must put up with the properties that a newer Timewait adds.
    additionalProperties: true,
    sortProps: false,
    jsDoc: "extended",
  });
  const { $schema: _, definitions, ...document } = generator.createSchema(type) as unknown as Node;
  const named = definitions as Record<string, Node>;
  const schema = {
    $schema: "https://json-schema.org/draft/2020-12/schema",
    title,
    ...withChoices(document, named),
    $defs: withChoices(named, named),
  };
  return `${JSON.stringify(schema, null, 2).replaceAll("#/definitions/", "#/$defs/")}\n`;
}

/**
 * Puts `if`, `then` and `else` where a value is one of several objects. With `anyOf` each of them would
 * complain of a damaged document, those too that were never meant.
 */
function withChoices<T extends Node>(node: T, named: Record<string, Node>): T {
  const entries = Object.entries(node).map(([key, value]) => [
    key,
    Array.isArray(value)
      ? value.map((one) => isNode(one) ? withChoices(one, named) : one)
      : isNode(value)
      ? withChoices(value, named)
      : key === "description"
      ? withoutLinks(value as string)
      : value,
  ]);
  const { anyOf, ...rest } = Object.fromEntries(entries);
  if (!Array.isArray(anyOf)) return rest;
  const variants: Node[] = anyOf.toSorted((a, b) => Number(b.type === "null") - Number(a.type === "null"));
  const others = variants.filter(({ type }) => type !== "null");
  // A number or `false`: the message is short, and nothing tells more of either.
  if (others.length > 1 && others.some((variant) => objectOf(variant, named) === undefined)) {
    return { ...rest, anyOf };
  }
  return { ...rest, ...choose(variants, others, named) } as unknown as T;
}

/** The choice among variants, of which the last is meant where no other one is. */
function choose(
  [first, ...others]: readonly Node[],
  objects: readonly Node[],
  named: Record<string, Node>,
): Node {
  if (others.length === 0) return first!;
  return {
    if: first!.type === "null" ? first : markOf(first!, objects, named),
    then: first,
    else: choose(others, objects, named),
  };
}

/** What tells an object from the others: a property with a value of its own, or one that no other has. */
function markOf(variant: Node, objects: readonly Node[], named: Record<string, Node>): Node {
  const { required, properties } = objectOf(variant, named)!;
  for (const key of required) {
    const { const: value } = properties[key]!;
    if (value !== undefined) {
      return { type: "object", required: [key], properties: { [key]: { const: value } } };
    }
  }
  const others = objects.filter((other) => other !== variant).map((other) => objectOf(other, named)!);
  const own = required.find((key) => others.every(({ properties }) => properties[key] === undefined));
  if (own === undefined) throw new Error(`nothing tells ${JSON.stringify(variant)} from the others`);
  return { type: "object", required: [own] };
}

/** The object that a variant is or refers to; `undefined` for other types. */
function objectOf(variant: Node, named: Record<string, Node>) {
  const name = /^#\/definitions\/(.*)$/.exec(String(variant.$ref))?.[1];
  const node = name === undefined ? variant : named[decodeURIComponent(name)]!;
  if (node.properties === undefined) return undefined;
  return node as {
    readonly required: readonly string[];
    readonly properties: Readonly<Record<string, Node>>;
  };
}

/** A description as it reads elsewhere: the generator spreads out the links in it. */
function withoutLinks(text: string): string {
  return text.replace(/ *\{@link\w* +(\S+) *\}( *)/g, (_, name, space) => ` \`${name}\`${space && " "}`)
    .trim();
}

function isNode(value: unknown): value is Node {
  return typeof value === "object" && value !== null && !Array.isArray(value);
}

if (import.meta.main) {
  for (const one of [RESULTS, FINDINGS]) await Deno.writeTextFile(one.file, generateSchema(one));
}
