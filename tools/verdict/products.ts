/**
 * The pools of products that people run as gateways or clients: what limits them, by the words of each
 * product; and which product a gateway is.
 *
 * Read in the products' sources or documentation in the summer of 2026; the version that was read stands with
 * each. What could not be verified is left out.
 *
 * @module
 */

import { didYouMean, TimewaitError } from "../errors.ts";
import { CLIENTS, OURS } from "./products/clients.ts";
import type { Product } from "./products/product.ts";
import { PROXIES } from "./products/proxies.ts";

export type { Note, PoolSetting, Product, SettingKind, Step } from "./products/product.ts";

/** The products, those of ours last. */
export const PRODUCTS: readonly Product[] = [...PROXIES, ...CLIENTS, ...OURS];

/** A product as somebody names it, and its version where they say it. */
export interface NamedProduct {
  /** Its id. */
  readonly id: string;
  /** Its version, such as `1.22`. Left out where nobody said it. */
  readonly version?: string;
}

/**
 * Other names: of the same product, of products that share its pool, and of languages, whose programs use the
 * first of several clients most often.
 */
const ALIASES: Readonly<Record<string, readonly string[]>> = {
  openresty: ["nginx"],
  httpd: ["apache"],
  apache2: ["apache"],
  httputil: ["go"],
  nodejs: ["node"],
  vite: ["node-http-proxy"],
  "http-proxy-middleware": ["node-http-proxy"],
  python: ["requests", "httpx", "aiohttp"],
  urllib3: ["requests"],
  java: ["httpclient5", "jdk", "okhttp"],
  hyper: ["reqwest"],
  rust: ["reqwest"],
  webflux: ["spring-cloud-gateway"],
};

/** The product of an id; `undefined` where there is none. */
export function productOf(id: string): Product | undefined {
  return PRODUCTS.find((product) => product.id === id);
}

/** The products that a name stands for, the likeliest first; empty for an unknown name. */
export function productsNamed(name: string): Product[] {
  const ids = ALIASES[name] ?? [name];
  return ids.flatMap((id) => productOf(id) ?? []);
}

/**
 * Parses the name of a product, with its version behind an @ if wanted: `nginx@1.22`.
 *
 * @param field what to call it in an error.
 * @throws {TimewaitError} for an unknown name, with the nearest known one.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseProduct } from "./products.ts";
 *
 * assertEquals(parseProduct("nginx@1.22", "product"), { id: "nginx", version: "1.22" });
 * ```
 */
export function parseProduct(text: string, field: string): NamedProduct {
  const [, name, version] = /^([^@]*)(?:@(.*))?$/s.exec(text)!;
  const id = name!.toLowerCase();
  const known = [...PRODUCTS.map(({ id }) => id), ...Object.keys(ALIASES)];
  if (!known.includes(id)) {
    const hint = didYouMean(id, known) || `; known are ${known.join(", ")}`;
    throw new TimewaitError(`is no product that Timewait knows: ${name}${hint}`, { field });
  }
  if (version !== undefined && !/^\d+(\.\d+)*/.test(version)) {
    throw new TimewaitError(`takes a version such as 1.22 behind the @, not "${version}"`, { field });
  }
  return version === undefined ? { id } : { id, version };
}

/** Whether a version comes before another one: `1.22` before `1.29.7`. */
export function isBefore(version: string, other: string): boolean {
  const [a, b] = [version, other].map((text) =>
    text.split(/[^\d]+/).filter((part) => part !== "").map(Number)
  );
  for (let i = 0; i < Math.max(a!.length, b!.length); i++) {
    const difference = (a![i] ?? 0) - (b![i] ?? 0);
    if (difference !== 0) return difference < 0;
  }
  return false;
}

/** Names of programs, without their folder, and the product that each gives away. */
const PROGRAMS: readonly [RegExp, string][] = [
  [/^(nginx|openresty)(-debug)?$/, "nginx"],
  [/^haproxy$/, "haproxy"],
  [/^envoy$/, "envoy"],
  [/^traefik$/, "traefik"],
  [/^caddy$/, "caddy"],
  [/^kong$/, "kong"],
  [/^apisix$/, "apisix"],
  [/^(httpd|apache2|apache2ctl|apachectl)$/, "apache"],
  [/^deno$/, "deno"],
  [/^(node|nodejs|tsx)(\d+)?$|\.[cm]?js$/, "node"],
  [/^dotnet$|\.dll$/, "dotnet"],
  [/^java$|\.jar$/, "java"],
  [/^(python|pypy)[\d.]*$|^(uvicorn|gunicorn|hypercorn)$|\.py$/, "python"],
];

/** Programs that start another one, which follows them. */
const STARTERS = /^(exec|env|sudo|nice|nohup|setsid|taskset|time|numactl|chrt|ionice|strace|doas|unshare)$/;

const SHELLS = /^(sh|bash|dash|zsh)$/;

/**
 * Guesses the product from the command line that starts it: from the name of the program, and never from a
 * path or an argument that merely has a product's name in it. `undefined` where nothing gives it away, as
 * with a program in Go or Rust.
 *
 * @returns a name for {@linkcode productsNamed}.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { guessProduct } from "./products.ts";
 *
 * assertEquals(guessProduct("/usr/sbin/haproxy -db -f {folder}/haproxy.cfg"), "haproxy");
 * assertEquals(guessProduct("/home/nginx/gw --listen {listen}"), undefined);
 * ```
 */
export function guessProduct(command: string): string | undefined {
  for (const part of command.split(/&&|\|\||[;|\n]/)) {
    const found = ofWords(wordsOf(part));
    if (found !== undefined) return found;
  }
  return undefined;
}

/** The words of a command line, without their quotes. */
function wordsOf(text: string): string[] {
  return (text.match(/(?:[^\s"']|"[^"]*"|'[^']*')+/g) ?? []).map((word) => word.replaceAll(/["']/g, ""));
}

function ofWords(words: readonly string[]): string | undefined {
  const start = words.findIndex((word) => !/^[A-Za-z_]\w*=/.test(word));
  const [program, ...args] = start < 0 ? [] : words.slice(start);
  if (program === undefined) return undefined;
  const name = baseName(program);
  if (STARTERS.test(name)) {
    // Flags of the starter, and the numbers that belong to them, stand between.
    const next = args.findIndex((word) => !/^(-|\d+$)/.test(word));
    return next < 0 ? undefined : ofWords(args.slice(next));
  }
  if (SHELLS.test(name)) {
    const script = args.findIndex((word) => !word.startsWith("-"));
    if (script < 0) return undefined;
    return /^-\w*c/.test(args[script - 1] ?? "") ? guessProduct(args[script]!) : ofWords(args.slice(script));
  }
  // scenarios/peers/start.sh takes the product as its first word.
  if (name.endsWith(".sh")) {
    return args[0] !== undefined && productsNamed(args[0]).length > 0 ? args[0] : undefined;
  }
  if (name === "go") return args[0] === "run" ? "go" : undefined;
  return PROGRAMS.find(([pattern]) => pattern.test(name))?.[1];
}

function baseName(path: string): string {
  return path.slice(path.lastIndexOf("/") + 1);
}
