/**
 * The words in which programs log that a connection failed: the names of errnos, the kernel's words for them
 * (strerror(3)), and the products' own.
 *
 * @module
 */

/** What a line says of a failure. */
export interface LoggedFailure {
  /**
   * The errno's name, such as `EADDRNOTAVAIL`. `EOF`: the other end closed before its answer was whole.
   * `CONNECTION_LIMIT`: the program's own limit on connections, which no errno stands for.
   */
  readonly code: string;
  /** What was being done, as far as the line tells. */
  readonly step: FailedStep;
}

/**
 * - `connect`: a connection to the backend was being opened.
 * - `response`: an answer was awaited or read, or a request was being sent.
 * - `accept`: a client's connection was being accepted.
 * - `client`: a client's connection failed later than that.
 * - `unknown`: the line does not say.
 */
export type FailedStep = "connect" | "response" | "accept" | "client" | "unknown";

/**
 * What every line that says a failure has in it, in any case: one search that nearly all lines of a log fail.
 * A million lines of 200 characters take 0.3 s.
 */
const HINT = new RegExp(
  [
    "EADDR|E[MN]FILE|ECONNRE|ETIMEDOUT|EOF",
    "assign requested|address not available|in use|open files|FD limit|file table",
    "reset by peer|hang up|refused|timed? ?out|prematurely|closed idle",
    "worker_connections|connection limit|free ports",
    "os error|errno|connect error",
    " (?:- - )?s[CHD]",
  ].join("|"),
  "i",
);

/**
 * The names of errnos by their number on Linux, which Rust, Python and Envoy write beside or for the name.
 */
const ERRNOS: Readonly<Record<string, string>> = {
  "23": "ENFILE",
  "24": "EMFILE",
  "98": "EADDRINUSE",
  "99": "EADDRNOTAVAIL",
  "104": "ECONNRESET",
  "110": "ETIMEDOUT",
  "111": "ECONNREFUSED",
};

/** The code of a line that has these words. The first that fits holds. */
const WORDS: readonly (readonly [code: string, words: RegExp])[] = [
  // HAProxy writes "no free ports" for EADDRNOTAVAIL (proto_tcp.c).
  [
    "EADDRNOTAVAIL",
    /\bEADDRNOTAVAIL\b|can(?:not|'t) assign requested address|address not available|no free ports/i,
  ],
  ["EADDRINUSE", /\bEADDRINUSE\b|\baddress already in use/i],
  // "Too many open files in system" is ENFILE.
  ["ENFILE", /\bENFILE\b|too many open files in system|file table overflow|reached system FD limit/i],
  ["EMFILE", /\bEMFILE\b|too many open files|reached process FD limit|no file descriptors available/i],
  [
    "CONNECTION_LIMIT",
    /\bworker_connections are not enough|reached the configured maximum connection limit/i,
  ],
  ["ECONNREFUSED", /\bECONNREFUSED\b|connection refused/i],
  ["ECONNRESET", /\bECONNRESET\b|connection reset by peer|socket hang up/i],
  [
    "ETIMEDOUT",
    /\bE(?:CONN)?TIMEDOUT\b|connection timed out|upstream timed out|\bi\/o timeout\b|operation timed out/i,
  ],
  // The last two are Go's whole error, at the end of a line or of a field, or a field by itself, as of Caddy.
  [
    "EOF",
    /prematurely closed connection|server closed idle connection|unexpected EOF|: EOF(?=["'\s]*$|["\\])|"EOF"/,
  ],
];

const ERRNO = /(?:\[Errno|os error|\berrno[:=]?|connect error:) *-?(\d+)\b/i;

/**
 * HAProxy's state at the end of a connection, in its log of HTTP or of TCP: who ended it (`S` the server, `s`
 * the server by its silence), and in which phase (`C` connect, `H` head, `D` data); section 8.5 of its
 * manual.
 */
const HAPROXY = / (?:- - (SC|sC|SH|sH|SD|sD)[-A-Z][-A-Z]|(SC|sC|SH|sH|SD|sD)) \d+\/\d+\/\d+\/\d+\/\+?\d+ /;

const HAPROXY_STATES: Readonly<Record<string, LoggedFailure>> = {
  SC: { code: "ECONNREFUSED", step: "connect" },
  sC: { code: "ETIMEDOUT", step: "connect" },
  SH: { code: "EOF", step: "response" },
  sH: { code: "ETIMEDOUT", step: "response" },
  SD: { code: "EOF", step: "response" },
  sD: { code: "ETIMEDOUT", step: "response" },
};

/** The step of a line that has these words. The first that fits holds. */
const STEPS: readonly (readonly [step: FailedStep, words: RegExp])[] = [
  ["accept", /\baccept(?:4|ing)?\b/i],
  ["connect", /\bconnecting to upstream|\bconnect\b|\bconnection to\b|\bdial(?:ing)?\b|\bno free ports/i],
  [
    "client",
    /\bwhile (?:waiting for request|reading client|sending (?:response )?to client|keepalive)|\bclient (?:prematurely )?closed/i,
  ],
  [
    "response",
    /\bupstream\b|\bread(?:ing)?\b|\bwrit(?:e|ing)\b|\brecv|\bsend|\bresponse\b|\bhang up|\bidle\b/i,
  ],
];

/** The step at which a code comes up where the line says nothing of it. */
const USUAL_STEP: Readonly<Record<string, FailedStep>> = {
  EADDRNOTAVAIL: "connect",
  ECONNREFUSED: "connect",
  EOF: "response",
};

/**
 * What a line of any program's log says of a failure; `undefined` where it says nothing of one.
 *
 * @example
 * ```ts
 * import { assertEquals } from "@std/assert";
 * import { parseLoggedFailure } from "./failure_words.ts";
 *
 * assertEquals(
 *   parseLoggedFailure("http: proxy error: dial tcp 10.0.0.2:80: connect: cannot assign requested address"),
 *   { code: "EADDRNOTAVAIL", step: "connect" },
 * );
 * assertEquals(parseLoggedFailure("GET / 200"), undefined);
 * ```
 */
export function parseLoggedFailure(line: string): LoggedFailure | undefined {
  if (!HINT.test(line) || IS_PROPERTY.test(line)) return undefined;
  const code = WORDS.find(([, words]) => words.test(line))?.[0] ?? ERRNOS[ERRNO.exec(line)?.[1] ?? ""];
  if (code === undefined) {
    const state = HAPROXY.exec(line);
    return state === null ? undefined : HAPROXY_STATES[state[1] ?? state[2]!];
  }
  const step = STEPS.find(([, words]) => words.test(line))?.[0] ?? USUAL_STEP[code] ?? "unknown";
  return { code, step };
}

/** A property of an error that Node or Deno prints below its message, which has said the same. */
const IS_PROPERTY = /^\s*\[?["']?(?:code|errno|syscall)\]?["']?: ["']?-?\w+["']?,?\s*\}?\]?,?$/;
