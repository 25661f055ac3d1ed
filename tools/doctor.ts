/**
 * The **doctor**: why does *this* machine pile up TIME_WAIT, here, now? It reads /proc, on this machine, in a
 * container or elsewhere, and touches nothing.
 *
 * @module
 */

import { delay } from "@std/async/delay";
import {
  type Call,
  CANNOT_TELL,
  type Main,
  mainOf,
  type Options,
  printError,
  printOutput,
  runAsScript,
  switchFlag,
  valueFlag,
} from "./cli/command_line.ts";
import { parseDurationMs, parseText, parseWhole } from "./cli/values.ts";
import { createAnonymiser } from "./doctor/anonymise.ts";
import { type Capture, createCaptureReader } from "./doctor/capture.ts";
import { diagnose, type Diagnosis, findingsOfDiagnosis } from "./doctor/diagnosis.ts";
import { captureProgram, type CaptureRequest } from "./doctor/program.ts";
import { createShellFile, writeByShell } from "./doctor/shell_file.ts";
import { takeCapture } from "./doctor/take_capture.ts";
import { parseStatusUrl, type StatusSeen, takeStatus } from "./doctor/take_status.ts";
import { messageOf, terminalSafeJson, TimewaitError, UnavailableError } from "./errors.ts";
import { parseProduct } from "./verdict/products.ts";
import { renderMetrics } from "./report/doctor/metrics.ts";
import { renderDoctorReport } from "./report/doctor/report.ts";
import { renderScreen } from "./report/doctor/screen.ts";

const FLAGS = {
  port: valueFlag(
    "PORT",
    "look where something listens on this port, in whichever container",
    parseWhole(1, 65_535),
    undefined,
  ),
  host: valueFlag(
    "'PREFIX'",
    "look elsewhere: what starts a command there, such as 'ssh web1', 'kubectl exec -i POD --', 'podman exec -i NAME'",
    parseText,
    undefined,
  ),
  for: valueFlag(
    "DURATION",
    "time to watch, in whole seconds; 0 for one reading, which shows the last 60 s all the same (default 10s, with --watch 2s)",
    parseSeconds,
    undefined,
  ),
  requestsPerSec: valueFlag(
    "N",
    "requests that the gateway serves per second, from its log or statistics: gives new connections per request",
    parseRate,
    undefined,
  ),
  statusUrl: valueFlag(
    "URL",
    "a page from which to read the same: nginx stub_status, HAProxy's ;csv, Envoy's /stats, or Prometheus metrics. " +
      "It is asked twice, with --host from there by curl or wget: the one connection that the doctor ever makes",
    parseStatusUrl,
    undefined,
  ),
  product: valueFlag(
    "PRODUCT",
    "what the gateway is, such as nginx@1.22 or go: advice is in its words; default: guessed",
    parseProduct,
    undefined,
  ),
  json: valueFlag("FILE", "the findings as JSON; - prints them in place of the report", parseText, undefined),
  prometheus: valueFlag("FILE", "figures for node_exporter's text-file collector", parseText, undefined),
  watch: switchFlag("look again and again, until Ctrl-C"),
  capture: valueFlag("FILE", "keep what was read; - prints it in place of the report", parseText, undefined),
  anonymise: switchFlag("replace the addresses in that capture, each by the same one wherever it stands"),
  script: switchFlag("print the program that takes a capture, for a machine where nothing may be installed"),
};

type DoctorOptions = Options<typeof FLAGS>;

/**
 * The command's entry point. Exit code 0 nothing is wrong, 1 something is wrong and named, 2 bad usage, 3
 * nothing could be read: there is no such process or port, or the other machine cannot be reached.
 */
export const main: Main = mainOf({
  name: "doctor",
  summary:
    "Says why a machine piles up TIME_WAIT, from what /proc shows: reads, needs no root, makes no load, and no connection unasked.",
  positionals: "[PID | FILE.capture]",
  flags: FLAGS,
  examples: [
    "deno task doctor",
    "deno task doctor --port 8080",
    "deno task doctor --host 'ssh web1'",
    "deno task doctor --host 'kubectl exec -i POD -c C --'",
    "deno task doctor --port 8080 --status-url http://127.0.0.1:8081/status",
    "deno task doctor --script | ssh web1 sh > web1.capture; deno task doctor web1.capture",
    "deno task doctor web1.capture --anonymise --capture - > to_share.capture",
  ],
  run: doctor,
});

/** Where to look: a process, a file, or neither. */
interface Subject extends CaptureRequest {
  readonly file?: string;
  /** What the report calls it. */
  readonly name: string;
}

async function doctor(options: DoctorOptions, { positionals, signal }: Call): Promise<number> {
  const subject = subjectOf(options, positionals);
  refuseContradictions(options, subject);
  if (options.script) {
    await printOutput(captureProgram(subject));
    return 0;
  }
  let code = CANNOT_TELL;
  using screen = options.watch && Deno.stdout.isTerminal() ? createScreen(subject.name) : undefined;
  for (;;) {
    try {
      code = await lookOnce(options, subject, signal, screen);
      if (!options.watch) return code;
      // One reading takes no time, and nobody reads a screen faster.
      if (subject.seconds === 0) await delay(PAUSE_MS, { signal });
    } catch (error) {
      if (options.watch && signal.aborted) return code;
      if (!(error instanceof UnavailableError)) throw error;
      printError(error);
      if (!options.watch) return CANNOT_TELL;
      // What cannot be reached now may be back in a moment.
      await delay(PAUSE_MS, { signal }).catch(() => {});
      if (signal.aborted) return CANNOT_TELL;
    }
  }
}

/** Time between two single readings of a watch, in milliseconds. */
const PAUSE_MS = 1_000;

function subjectOf(options: DoctorOptions, [what, ...more]: readonly string[]): Subject {
  if (more.length > 0) throw new TimewaitError("doctor takes one PID or one file");
  const seconds = options.for ?? (options.watch ? 2 : 10);
  const { port, host } = options;
  const where = host === undefined ? "" : ` of ${host}`;
  if (what === undefined) {
    const name = port !== undefined ? `port ${port}${where}` : host ?? "this machine";
    return { seconds, name, ...(port === undefined ? {} : { port }) };
  }
  if (!/^\d+$/.test(what)) return { seconds, name: what === "-" ? "this capture" : what, file: what };
  if (port !== undefined) {
    throw new TimewaitError("and a PID name two network namespaces: give one of them", { field: "--port" });
  }
  return { seconds, name: `process ${what}${where}`, pid: Number(what) };
}

function refuseContradictions(options: DoctorOptions, { file }: Subject): void {
  const { port, host, watch, script, capture, anonymise, json, statusUrl } = options;
  const live = {
    "--port": port,
    "--host": host,
    "--for": options.for,
    "--watch": watch || undefined,
    "--status-url": statusUrl,
  };
  const given = Object.entries(live).find(([, value]) => value !== undefined)?.[0];
  if (file !== undefined && given !== undefined) {
    throw new TimewaitError(`is for a live machine, not for the capture ${file}`, { field: given });
  }
  if (script && (host !== undefined || file !== undefined)) {
    throw new TimewaitError("prints the program: pipe it to sh wherever it is to run", { field: "--script" });
  }
  if (statusUrl !== undefined && options.requestsPerSec !== undefined) {
    throw new TimewaitError("and --requests-per-sec say the same: give one of them", {
      field: "--status-url",
    });
  }
  if (anonymise && capture === undefined) {
    throw new TimewaitError("is for a capture that is kept: --capture FILE", { field: "--anonymise" });
  }
  if (capture === "-" && json === "-") {
    throw new TimewaitError("and --json both take standard output", { field: "--capture" });
  }
}

/** A terminal that shows the last diagnosis, in the size that the terminal has. */
interface Screen extends Disposable {
  show(diagnosis: Diagnosis): void;
}

function createScreen(name: string): Screen {
  const encoder = new TextEncoder();
  let last: Diagnosis | undefined;
  const paint = () => {
    if (last === undefined) return;
    const text = renderScreen(last, name, Deno.consoleSize());
    Deno.stdout.writeSync(encoder.encode(CLEAR_SCREEN + text));
  };
  Deno.addSignalListener("SIGWINCH", paint);
  return {
    show(diagnosis) {
      last = diagnosis;
      paint();
    },
    [Symbol.dispose]() {
      Deno.removeSignalListener("SIGWINCH", paint);
      Deno.stdout.writeSync(encoder.encode("\n"));
    },
  };
}

/** Looks once, says what there is to say, and returns the exit code. */
async function lookOnce(
  options: DoctorOptions,
  subject: Subject,
  signal: AbortSignal,
  screen?: Screen,
): Promise<number> {
  const { capture: keep, json, prometheus, product } = options;
  const kept = keep === undefined ? undefined : startKeeping(keep, options.anonymise);
  const [capture, status] = await readWithStatus(options, subject, signal, kept?.write);
  await kept?.finish();
  const startMs = performance.now();
  const requestsPerSec = options.requestsPerSec ?? status?.requestsPerSec;
  const diagnosis = diagnose(capture, {
    ...(requestsPerSec === undefined ? {} : { requestsPerSec }),
    ...(status === undefined ? {} : { status }),
    ...(product === undefined ? {} : { product }),
  });
  const judgedSec = (performance.now() - startMs) / 1000;
  if (json !== undefined && json !== "-") await writeByShell(json, renderJson(diagnosis, subject.name));
  if (prometheus !== undefined) await writeByShell(prometheus, renderMetrics(diagnosis));
  if (json === "-") await printOutput(renderJson(diagnosis, subject.name));
  else if (keep !== "-") {
    if (screen !== undefined) screen.show(diagnosis);
    else await printOutput(renderDoctorReport(diagnosis, { name: subject.name, judgedSec }));
  }
  return { "nothing wrong": 0, "wrong": 1, "cannot tell": CANNOT_TELL }[diagnosis.verdict];
}

/** Moves to the upper left corner and clears what is there (ECMA-48, CUP and ED), with what scrolled away. */
const CLEAR_SCREEN = "\x1b[H\x1b[2J\x1b[3J";

function renderJson(diagnosis: Diagnosis, name: string): string {
  return terminalSafeJson(findingsOfDiagnosis(diagnosis, name), 2) + "\n";
}

/** Reads, and asks the status page meanwhile, where there is one. */
async function readWithStatus(
  options: DoctorOptions,
  subject: Subject,
  signal: AbortSignal,
  onChunk?: OnChunk,
): Promise<[Capture, StatusSeen | undefined]> {
  const { statusUrl: url, host } = options;
  if (url === undefined) return [await read(options, subject, signal, onChunk), undefined];
  const ended = new AbortController();
  const both = AbortSignal.any([signal, ended.signal]);
  const status = takeStatus({
    url,
    seconds: subject.seconds,
    signal: both,
    ...(host === undefined ? {} : { host }),
  });
  status.catch(() => {});
  try {
    return [await read(options, subject, signal, onChunk), await status];
  } finally {
    ended.abort();
    await status.catch(() => {});
  }
}

type OnChunk = (chunk: Uint8Array) => Promise<void>;

async function read(
  { host }: DoctorOptions,
  { file, name: _, ...request }: Subject,
  signal: AbortSignal,
  onChunk?: OnChunk,
): Promise<Capture> {
  if (file === undefined) {
    return await takeCapture({
      ...request,
      ...(host === undefined ? {} : { host }),
      ...(onChunk === undefined ? {} : { onChunk }),
      signal,
    });
  }
  const reader = createCaptureReader(file === "-" ? "standard input" : file);
  using opened = file === "-" ? undefined : await openCapture(file);
  const input = opened ?? Deno.stdin;
  const buffer = new Uint8Array(64 * 1024);
  for (let length; (length = await input.read(buffer)) !== null;) {
    signal.throwIfAborted();
    const chunk = buffer.subarray(0, length);
    await onChunk?.(chunk);
    reader.push(chunk);
  }
  return reader.finish();
}

async function openCapture(file: string): Promise<Deno.FsFile> {
  try {
    return await Deno.open(file);
  } catch (error) {
    const why = error instanceof Deno.errors.NotFound
      ? "is not there"
      : `cannot be read: ${messageOf(error)}`;
    throw new TimewaitError(`${file} ${why}; doctor takes a PID, or a capture`);
  }
}

/** Keeps a capture as it comes, with other addresses where asked. */
function startKeeping(path: string, anonymise: boolean): { write: OnChunk; finish(): Promise<void> } {
  const anonymiser = anonymise ? createAnonymiser() : undefined;
  const encoder = new TextEncoder();
  const file = path === "-" ? undefined : createShellFile(path);
  const put = async (bytes: Uint8Array) => {
    if (file !== undefined) return await file.write(bytes);
    for (let at = 0; at < bytes.length;) at += await Deno.stdout.write(bytes.subarray(at));
  };
  return {
    write: (chunk) => put(anonymiser === undefined ? chunk : encoder.encode(anonymiser.push(chunk))),
    async finish() {
      if (anonymiser !== undefined) await put(encoder.encode(anonymiser.finish()));
      await file?.finish();
    },
  };
}

function parseSeconds(text: string, field: string): number {
  const ms = parseDurationMs(text, field);
  if (ms % 1000 !== 0) throw new TimewaitError(`takes whole seconds, not ${text}`, { field });
  return ms / 1000;
}

function parseRate(text: string, field: string): number {
  const rate = /^\d+(\.\d+)?$/.test(text) ? Number(text) : NaN;
  if (!(rate > 0)) throw new TimewaitError(`takes a number above 0, not "${text}"`, { field });
  return rate;
}

if (import.meta.main) await runAsScript(main);
