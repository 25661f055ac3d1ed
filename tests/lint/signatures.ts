/**
 * Holds the shape of public functions: `deno task lint:signatures` fails on a boolean among the positional
 * parameters of what deno.json exports. A reader of `start(true, false)` cannot tell what it says; an option
 * has a name.
 *
 * @module
 */

import config from "../../deno.json" with { type: "json" };
import { ROOT } from "../support/root.ts";
import { report } from "./sources.ts";

/** What `deno doc --json` says of a parameter. */
interface Param {
  readonly kind: string;
  readonly name?: string;
  readonly tsType?: { readonly value?: unknown };
  readonly left?: Param;
}

/** What it says of a function, or of a class or an interface with its methods. */
interface Definition {
  readonly params?: readonly Param[];
  readonly constructors?: readonly Definition[];
  readonly methods?: readonly (Definition & { readonly name: string; readonly functionDef?: Definition })[];
}

/** The functions and methods of these modules that take a boolean by its position. */
export async function findBooleans(...modules: readonly string[]): Promise<string[]> {
  const { success, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["doc", "--json", ...modules],
    cwd: ROOT,
  }).output();
  if (!success) throw new Error(new TextDecoder().decode(stderr));
  const { nodes } = JSON.parse(new TextDecoder().decode(stdout)) as {
    nodes: Record<string, { symbols: { name: string; declarations: { def?: Definition }[] }[] }>;
  };
  const found = Object.values(nodes).flatMap(({ symbols }) => symbols).flatMap(({ name, declarations }) =>
    declarations.flatMap(({ def = {} }) => [
      ...booleansOf(name, def),
      ...(def.constructors ?? []).flatMap((one) => booleansOf(`new ${name}`, one)),
      ...(def.methods ?? []).flatMap((method) =>
        booleansOf(`${name}.${method.name}`, method.functionDef ?? method)
      ),
    ])
  );
  return [...new Set(found)];
}

function booleansOf(name: string, { params = [] }: Definition): string[] {
  return params.map((param) => param.left ?? param).filter(({ tsType }) => {
    const types = Array.isArray(tsType?.value) ? tsType.value as { value?: unknown }[] : [tsType];
    return types.some((type) => type?.value === "boolean");
  }).map((param) => `${name} takes the boolean ${param.name} by its position: make it an option`);
}

if (import.meta.main) Deno.exitCode = report(await findBooleans(...Object.values(config.exports)));
