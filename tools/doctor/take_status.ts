/**
 * Asks a gateway's status page how many requests a second it serves, while a capture is taken. It is the one
 * connection that the doctor makes, and only where somebody names the page.
 *
 * @module
 */

import { deadline } from "@std/async/deadline";
import { messageOf, TimewaitError } from "../errors.ts";
import { stopPrefixShell } from "../lab/prefix_shell.ts";
import { pathOf } from "../paths.ts";
import { maskSecrets } from "../scenario/mask.ts";
import { parseStatusPage } from "./status_page.ts";

/** Which page to ask, where. */
export interface StatusRequest {
  /** The page. */
  readonly url: string;
  /** What starts a command on the machine from which to ask. Default: this machine. */
  readonly host?: string;
  /** Whole seconds between the two questions. */
  readonly seconds: number;
  /** Ends it. */
  readonly signal: AbortSignal;
}

/** What a status page has said. */
export interface StatusSeen {
  /** The page, without a password. */
  readonly url: string;
  /** Requests per second between the two questions. Left out where the page did not tell. */
  readonly requestsPerSec?: number;
  /**
   * Requests that waited for a connection to a backend, both times: the lower number. Left out where the page
   * did not tell.
   */
  readonly waiting?: number;
  /** Which figure was read. Left out where the page did not tell. */
  readonly source?: string;
  /** Why it did not tell. */
  readonly problem?: string;
}

/** Longest time for both answers, in milliseconds, beside the time between them. */
const ANSWERS_MS = 20_000;

/**
 * Checks the URL of a status page.
 *
 * @throws {TimewaitError} for what is no URL of HTTP.
 */
export function parseStatusUrl(text: string, field: string): string {
  const url = URL.parse(text);
  if (url === null || !["http:", "https:"].includes(url.protocol)) {
    throw new TimewaitError(`takes a URL such as http://127.0.0.1/status, not "${text}"`, { field });
  }
  return url.href;
}

/**
 * Asks a page twice and works out the requests per second between. The page's own two answers are taken off.
 *
 * On another machine curl or wget has to be there: POSIX `sh` cannot connect.
 *
 * @throws the reason of the signal. Whatever else goes wrong is in {@linkcode StatusSeen.problem}.
 */
export async function takeStatus(request: StatusRequest): Promise<StatusSeen> {
  const url = maskSecrets(request.url);
  const seconds = Math.max(1, request.seconds);
  try {
    const answers = answersIn(await deadline(asked({ ...request, seconds }), ANSWERS_MS + seconds * 1000));
    const [first, last] = answers.map(({ text }) => parseStatusPage(text));
    const passed = answers[1]!.atSec - answers[0]!.atSec;
    // The second question is among those that it counts; the first was counted in its own answer.
    const served = last!.requests - first!.requests - 1;
    if (served < -1) throw new Error("counts backwards: the gateway was started anew meanwhile");
    const waiting = Math.min(first!.waiting ?? NaN, last!.waiting ?? NaN);
    return {
      url,
      source: last!.source,
      requestsPerSec: Math.max(0, served) / passed,
      ...(Number.isFinite(waiting) ? { waiting } : {}),
    };
  } catch (error) {
    request.signal.throwIfAborted();
    const problem = error instanceof DOMException ? "does not answer" : messageOf(error);
    return { url, problem: problem.replaceAll(request.url, url) };
  }
}

/** What the one who asks prints. */
async function asked({ url, host, seconds, signal }: StatusRequest): Promise<string> {
  signal.throwIfAborted();
  const child = new Deno.Command("sh", {
    args: host === undefined
      ? ["-c", ASK_FROM_HERE, "sh", ...fromHere(url, seconds)]
      : ["-c", `exec ${host} sh`],
    stdin: "piped",
    stdout: "piped",
    stderr: "null",
  }).spawn();
  const reader = child.stdout.getReader();
  const stop = () => stopPrefixShell(child, reader);
  signal.addEventListener("abort", stop, { once: true });
  const timer = setTimeout(stop, ANSWERS_MS + seconds * 1000);
  const program = host === undefined ? "" : fromThere(url, seconds);
  const written = new Blob([program]).stream().pipeTo(child.stdin).catch(() => {});
  const decoder = new TextDecoder();
  let text = "";
  try {
    for (let next; !(next = await reader.read()).done;) text += decoder.decode(next.value, { stream: true });
    await written;
    return text;
  } finally {
    clearTimeout(timer);
    signal.removeEventListener("abort", stop);
    await reader.cancel().catch(() => {});
    await child.status;
  }
}

/** A proxy would be asked in the place of the gateway. */
const NO_PROXY = "unset http_proxy https_proxy all_proxy HTTP_PROXY HTTPS_PROXY ALL_PROXY";

const ASK_FROM_HERE =
  `${NO_PROXY}; exec "$1" run --quiet --no-prompt --no-config --no-lock --no-remote "--allow-net=$2" "$3" "$4" "$5"`;

const ASKER = new URL("./ask_status.ts", import.meta.url);

/** The program that asks from here, with the permission for that one host. */
function fromHere(url: string, seconds: number): string[] {
  const { protocol, hostname, port } = new URL(url);
  const host = `${hostname}:${port || (protocol === "https:" ? 443 : 80)}`;
  return [Deno.execPath(), host, pathOf(ASKER) ?? ASKER.href, url, String(seconds)];
}

/** The program that asks from another machine, for any POSIX `sh`. */
function fromThere(url: string, seconds: number): string {
  return `url='${url.replaceAll("'", "%27")}'
${NO_PROXY}
if command -v curl >/dev/null 2>&1; then
  get() { curl -sSf -m 5 "$url"; }
elif command -v wget >/dev/null 2>&1; then
  # Not by -T: of a Busybox that was tried (1.35, static), wget -T ends by a segmentation fault.
  limit=
  if timeout 1 true 2>/dev/null; then limit='timeout 5'; fi
  # shellcheck disable=SC2086 # two words or none
  get() { $limit wget -q -O - "$url"; }
else
  printf -- '--- failed\\nneither curl nor wget is there, and sh cannot connect\\n'
  exit
fi
ask() {
  read -r now _ </proc/uptime
  printf -- '--- asked %s\\n' "$now"
  get 2>&1 </dev/null || { printf '\\n--- failed\\nno answer that is one\\n'; exit; }
  echo
}
ask
sleep ${seconds}
ask
printf -- '--- end\\n'
`;
}

/** The two answers. */
function answersIn(text: string): { readonly atSec: number; readonly text: string }[] {
  const [before, failure] = text.split(/^--- failed\n/m);
  if (failure !== undefined) {
    // curl and wget say why ahead of that.
    const said = before!.trim().split("\n").findLast((line) => /^(?:curl|wget): /.test(line));
    throw new Error(said ?? failure.trim());
  }
  const answers = [...text.matchAll(/^--- asked ([\d.]+)\n([^]*?)(?=^--- (?:asked|end))/gm)]
    .map(([, at, answer]) => ({ atSec: Number(at), text: answer! }));
  if (answers.length !== 2) throw new Error("was not asked: nothing can be started there");
  return answers;
}
