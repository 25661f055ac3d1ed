/**
 * Secrets in what a bench is told: values of headers such as Authorization, passwords in command lines and
 * URLs. They are found by the names that they stand under, and masked in everything that is kept or shown.
 *
 * @module
 */

/** What stands in the place of a secret. */
export const MASK = "***";

/** Names whose values are secrets: of headers, flags, variables, and fields of a query or of JSON. */
const SECRET_NAME =
  /auth(?!ority|ors?\b)|cookie|token|secret|passw|passphrase|key|session|credential|signature|bearer|(?:^|[-_.])(?:pass|pwd|pw|sid|jwt)(?:$|[-_.])/i;

/** A shell's word or the rest of it, quoted in any way. What is masked already is left as it is. */
const WORD = String.raw`(?!['"]?\*\*\*)(?:'[^']*'|"(?:\\[^]|[^"\\])*"|\\[^]|[^\s'"\\;|&<>()])+`;
// Begins where no part of a scheme is before it: else each letter of a long word would be tried.
const USER_INFO = /(?<![a-z0-9+.-])([a-z0-9+.-]+:\/\/)([^\s/?#'"]*)@/gi;
const JSON_FIELD = /"([\w.-]+)"(\s*:\s*)"((?:\\.|[^"\\])*)"/g;
const HEADER = /(?<![\w-])([A-Za-z][\w-]*)(:\s+)(?!\*\*\*)([^'"\r\n]+)/g;
const ASSIGNED = new RegExp(`(?<![\\w.-])(-{0,2}[A-Za-z][\\w.-]*)(=)(${WORD})`, "g");
const FLAG = new RegExp(`(?<![\\w.-])(--?[A-Za-z][\\w.-]*)(\\s+)(?!-)(${WORD})`, "g");
const SCHEME = new RegExp(`\\b(Bearer|Basic)(\\s+)(${WORD})`, "gi");
const USER = /(?<!\S)(-u|--(?:[\w-]+-)?user)([\s=]+['"]?[^\s:'"]*:)(?!\*\*\*)([^\s'"]+)/g;

/** A word that is one header line, after its flag or alone. */
const HEADER_LINE = /^(--?[\w-]+=)?([A-Za-z][\w-]*)(:\s*)([^]*)$/;

/**
 * A text without the secrets in it: a header line, a word of a command line, or a whole command line.
 *
 * @param onSecret is told each value that was masked.
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { maskSecrets } from "./mask.ts";
 *
 * assertEquals(maskSecrets("Authorization: Bearer abc"), "Authorization: ***");
 * assertEquals(maskSecrets("TOKEN=abc ./gw"), "TOKEN=*** ./gw");
 * assertEquals(maskSecrets("./gw --to http://me:pw@host/"), "./gw --to http://me:***@host/");
 * ```
 */
export function maskSecrets(text: string, onSecret: (secret: string) => void = () => {}): string {
  const mask = (value: string) => {
    // A placeholder is filled in later, by an address.
    if (/^["']?\{\w+\}["']?$/.test(value)) return value;
    onSecret(value.replaceAll(/^(['"])([^]*)\1$/g, "$2"));
    return MASK;
  };
  const byName = (whole: string, name: string, between: string, value: string) =>
    SECRET_NAME.test(name) ? `${name}${between}${mask(value)}` : whole;
  const line = HEADER_LINE.exec(text);
  if (line !== null && SECRET_NAME.test(line[2]!) && !line[4]!.startsWith("//") && line[4] !== MASK) {
    return `${line[1] ?? ""}${line[2]}${line[3]}${mask(line[4]!)}`;
  }
  return text
    .replaceAll(USER_INFO, (whole, scheme: string, info: string) => {
      const [user, ...password] = info.split(":");
      if (info === MASK || password[0] === MASK) return whole;
      return password.length === 0
        ? `${scheme}${mask(info)}@`
        : `${scheme}${user}:${mask(password.join(":"))}@`;
    })
    .replaceAll(
      JSON_FIELD,
      (whole, name: string, between: string, value: string) =>
        SECRET_NAME.test(name) && value !== MASK ? `"${name}"${between}"${mask(value)}"` : whole,
    )
    .replaceAll(HEADER, byName)
    .replaceAll(ASSIGNED, byName)
    .replaceAll(FLAG, byName)
    .replaceAll(USER, (_, flag: string, user: string, password: string) => `${flag}${user}${mask(password)}`)
    .replaceAll(
      SCHEME,
      (_, scheme: string, space: string, value: string) => `${scheme}${space}${mask(value)}`,
    );
}

/** A shorter secret is masked where its name stands and nowhere else: it would be found in any text. */
const SHORTEST_ANYWHERE = 6;

/**
 * What masks, in any text, the secrets that stand in these texts: an error may repeat a secret without its
 * name.
 */
export function hiderOf(texts: Iterable<string>): (text: string) => string {
  const secrets = new Set<string>();
  for (const text of texts) {
    maskSecrets(text, (secret) => {
      // "Bearer abc" is shown as "abc" by some programs, a cookie by its parts.
      for (const part of [secret, ...secret.split(/[\s;]+/), ...secret.split(/[\s;]+[^\s;=]+=|^[^\s;=]+=/)]) {
        if (part.length < SHORTEST_ANYWHERE) continue;
        secrets.add(part);
        secrets.add(part.replaceAll("'", "'\\''"));
      }
    });
  }
  const longestFirst = [...secrets].toSorted((a, b) => b.length - a.length);
  return (text) => longestFirst.reduce((masked, secret) => masked.replaceAll(secret, MASK), text);
}
