/**
 * The flags about the verdict: which product a gateway is, and where the verdict goes as data.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import type { GivenProduct, Results } from "../results/results.ts";
import { parseProduct } from "../verdict/products.ts";
import { listFlag, valueFlag } from "./command.ts";
import { parseText } from "./values.ts";

/** The flag that says which product a gateway is: advice is in its words. */
export const PRODUCT_FLAGS = {
  product: listFlag(
    "[RUN=]NAME[@VERSION]",
    "product of the gateways that are command lines, or of one run: nginx@1.22; default: guessed",
    parseGivenProduct,
  ),
} as const;

/** The flag that says where the verdict goes. */
export const FINDINGS_FLAGS = {
  findings: valueFlag(
    "FILE",
    "file for the causes and remedies as JSON; - is standard output, in place of the report",
    parseText,
    undefined,
  ),
} as const;

/** A product, with the run that it is said of before it if wanted: `mine=nginx@1.22`. */
function parseGivenProduct(text: string, field: string): GivenProduct {
  const [, run, name] = /^(?:(.+)=)?([^=]*)$/s.exec(parseText(text, field))!;
  const product = parseProduct(name!, field);
  return run === undefined ? product : { run, ...product };
}

/**
 * The results with the products that somebody has said. Those of an earlier command stay where nothing else
 * is said.
 *
 * @throws {TimewaitError} for a run that the results do not have.
 */
export function withProducts(results: Results, products: readonly GivenProduct[]): Results {
  requireRuns(products, results.runs.map(({ name }) => name));
  return products.length === 0 ? results : { ...results, products: [...products, ...results.products ?? []] };
}

/** @throws {TimewaitError} for a product of a run that is none of these. */
export function requireRuns(products: readonly GivenProduct[], names: readonly string[]): void {
  const strange = products.find(({ run }) => run !== undefined && !names.includes(run));
  if (strange !== undefined) {
    throw new TimewaitError(`is of no run: ${strange.run}; the runs are ${names.join(", ")}`, {
      field: "product",
    });
  }
}
