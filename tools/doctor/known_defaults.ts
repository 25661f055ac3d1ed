/**
 * Which product's default a number of connections is: a pool that stays at such a number gives its limit
 * away.
 *
 * @module
 */

import { type PoolSetting, type Product, PRODUCTS, productsNamed } from "../verdict/products.ts";
import type { PoolSeen } from "./watch.ts";

/** A setting whose default is the number that was seen. */
export interface KnownDefault {
  /** The product's name. */
  readonly product: string;
  /** The setting, in the product's own words. */
  readonly setting: string;
  /** What it limits. */
  readonly kind: PoolSetting["kind"];
}

/** A smaller number is met by chance; it is looked up for a product that is known. */
const FEWEST_TELLING = 10;

/** A number of connections at the begin of a default; not the `10` of `10 hosts` or the `25` of `25%`. */
const NUMBER = /^(\d+)(?=$|[,;]| in )/;

/**
 * The settings whose default a pool seems to be at: caps of both kinds where the number of connections stays
 * the same, caps of idle connections where it falls to it. Of a single reading, caps of both kinds: the
 * number may be there by chance. Empty where nothing fits.
 *
 * @param product the id of the product, where it is known: only its own settings are looked at then.
 */
export function defaultsSeen(
  { readings, floor, ceiling, flat, kept }: PoolSeen,
  product?: string,
): KnownDefault[] {
  // One reading shows neither that a number stays nor that it is a floor: every kind of cap may be at it.
  const once = readings < 2;
  const known = product === undefined ? PRODUCTS : productsNamed(product);
  const seen = flat ? [ceiling] : [floor, kept];
  const numbers = new Set(seen.filter((count) => count >= (product === undefined ? FEWEST_TELLING : 1)));
  return known.flatMap(({ name, settings }: Product) =>
    settings.filter((one) => ((flat || once) && one.kind === "hard cap") || one.kind === "idle cap")
      .filter(({ byDefault }) => numbers.has(Number(NUMBER.exec(byDefault)?.[1])))
      .map((one) => ({ product: name, setting: one.name, kind: one.kind }))
  );
}
