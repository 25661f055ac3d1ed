/**
 * The placeholders in the command lines of gateways and backends.
 *
 * @module
 */

import { didYouMean, TimewaitError } from "../errors.ts";
import { shown } from "./check.ts";

/** What the placeholders stand for. */
export interface PlaceholderValues {
  /** The address to listen on. */
  readonly listen: { readonly hostname: string; readonly port: number };
  /** The address of the first backend. Left out for the command of a backend. */
  readonly upstream?: { readonly hostname: string; readonly port: number };
  /** The addresses of the other backends. Default none. */
  readonly further?: readonly { readonly hostname: string; readonly port: number }[];
}

const NAMES_OF_BACKEND = ["listen", "listen_host", "listen_port"];
const NAMES_OF_GATEWAY = [...NAMES_OF_BACKEND, "upstream", "upstream_host", "upstream_port", "upstreams"];

/** The backends behind the first. */
const FURTHER_UPSTREAM = /^upstream_([2-9]|1[0-6])$/;

/** The least number of backends that the command of a gateway asks for by its placeholders. */
export function upstreamsAskedFor(command: string): number {
  const numbers = [...command.matchAll(PLACEHOLDER)].map(([, name]) =>
    Number(FURTHER_UPSTREAM.exec(name!)?.[1] ?? 1)
  );
  return Math.max(1, ...numbers);
}

/** A name in braces. `${name}` is the shell's. */
const PLACEHOLDER = /(?<!\$)\{([A-Za-z][\w-]*)\}/g;

/**
 * Refuses a command that would not learn where to listen, or holds a name of no placeholder.
 *
 * @throws {TimewaitError} which names the placeholder that was meant.
 */
export function checkPlaceholders(
  command: unknown,
  field: string,
  of: "gateway" | "backend" = "gateway",
): asserts command is string {
  if (typeof command !== "string" || command.trim() === "") {
    throw new TimewaitError(`must be a command line, not ${shown(command)}`, { field });
  }
  if (command.includes("\0")) throw new TimewaitError("must be without null characters", { field });
  const used = [...command.matchAll(PLACEHOLDER)].map((match) => match[1]!);
  const names = of === "gateway" ? NAMES_OF_GATEWAY : NAMES_OF_BACKEND;
  const unknown = used.find((name) =>
    !names.includes(name) && !(of === "gateway" && FURTHER_UPSTREAM.test(name))
  );
  if (unknown !== undefined) throw new TimewaitError(unknownPlaceholder(unknown, names), { field });
  if (!used.some((name) => name.startsWith("listen"))) {
    throw new TimewaitError(`must be told where to listen: put {listen} into ${shown(command)}`, { field });
  }
}

function unknownPlaceholder(name: string, names: readonly string[]): string {
  if (name === "folder") return "has {folder} in scenario files only: it is the folder of the file";
  const hint = didYouMean(name.toLowerCase().replaceAll("-", "_"), names);
  return `has no placeholder {${name}}${hint || `; known are ${names.join(", ")}`}`;
}

/**
 * Fills the placeholders of a command.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { fillPlaceholders } from "./placeholders.ts";
 *
 * const listen = { hostname: "198.18.0.2", port: 8080 };
 * const upstream = { hostname: "198.18.0.3", port: 8081 };
 * assertEquals(
 *   fillPlaceholders("proxy --listen {listen} --to {upstream}", { listen, upstream }),
 *   "proxy --listen 198.18.0.2:8080 --to http://198.18.0.3:8081",
 * );
 * ```
 */
export function fillPlaceholders(
  command: string,
  { listen, upstream, further = [] }: PlaceholderValues,
): string {
  const values: Record<string, string> = {
    listen: `${listen.hostname}:${listen.port}`,
    listen_host: listen.hostname,
    listen_port: `${listen.port}`,
    ...(upstream === undefined ? {} : {
      upstream: `http://${upstream.hostname}:${upstream.port}`,
      upstream_host: upstream.hostname,
      upstream_port: `${upstream.port}`,
      upstreams: [upstream, ...further].map(({ hostname, port }) => `${hostname}:${port}`).join(","),
    }),
  };
  further.forEach(({ hostname, port }, i) => values[`upstream_${i + 2}`] = `http://${hostname}:${port}`);
  return command.replaceAll(PLACEHOLDER, (text, name: string) => values[name] ?? text);
}

/** A text as one word for `sh`. */
export function quoteForShell(text: string): string {
  return /^[\w@%+=:,./-]+$/.test(text) ? text : `'${text.replaceAll("'", `'\\''`)}'`;
}
