/**
 * The words for what to set.
 *
 * @module
 */

import type { RunProduct } from "../../verdict/findings.ts";
import type { Remedy } from "../../verdict/remedies.ts";

/** Settings of each product where nobody knows which product it is: the first to look at. */
const MOST_OF_UNKNOWN = 2;

/** What the names of servers end in that may be the backend, by their default. */
const AS_BACKEND = " as the backend";

/**
 * What to set, as one sentence and the product's notes; empty where there is nothing to set. The sentence
 * says so where the product is not known.
 */
export function sayRemedies(remedies: readonly Remedy[], product: RunProduct | undefined): string {
  if (remedies.length === 0) return "";
  const [servers, others] = [true, false].map((are) =>
    remedies.filter(({ product }) => product.endsWith(AS_BACKEND) === are)
  ) as [Remedy[], Remedy[]];
  const byProduct = Map.groupBy(others.length === 0 ? servers : others, ({ product }) => product);
  const isUnknown = product === undefined && byProduct.size > 1;
  const parts = [...byProduct].map(([name, group]) => {
    const settings = isUnknown ? group.slice(0, MOST_OF_UNKNOWN) : group;
    return `${name}: ${settings.map((remedy) => saySetting(remedy, !isUnknown)).join(", ")}`;
  });
  const notes = product === undefined ? [] : new Set(remedies.flatMap(({ notes = [] }) => notes));
  const which = isUnknown ? " (`--product NAME` says for which product):" : "";
  return [`**Set**${which} ${parts.join("; ")}.`, ...(others.length === 0 ? [] : saySame(servers)), ...notes]
    .join(" ");
}

/** Which servers have the time that was seen by default. */
function saySame(servers: readonly Remedy[]): string[] {
  if (servers.length === 0) return [];
  const names = servers.map(({ product, setting }) =>
    `${product.slice(0, -AS_BACKEND.length)} (\`${setting}\`)`
  );
  return [`That time is the default of ${names.join(", ")}.`];
}

/** Values that say how large, and values that say what to do; all others are what the setting is to be. */
const [SIZE, DEED] = [
  /^(at least|longer|below|above|wider|of the gateway above|and the)\b|or more$/,
  /^(left out|one|read|not|with|set|the|only|on,|HTTP)\b/,
];

/** Whose settings have no name of their own. */
const UNNAMED = ["the backend", "any gateway", "the clients"];

/** Settings that are several, or none but a deed. */
const IN_WORDS = /^the |\b(and|or)\b/;

function saySetting({ product, setting, value, byDefault, scope }: Remedy, inFull: boolean): string {
  const aside = byDefault === undefined || !inFull ? "" : ` (default: ${byDefault}; for ${scope})`;
  const joint = SIZE.test(value) ? " " : DEED.test(value) ? ": " : " = ";
  return `${
    UNNAMED.includes(product) || IN_WORDS.test(setting) ? setting : `\`${setting}\``
  }${joint}${value}${aside}`;
}
