/**
 * A **capture**: what the doctor has read of one network namespace, as a text that can be kept, sent and read
 * elsewhere. `capture.sh` prints it.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import { maskSecrets } from "../scenario/mask.ts";
import { createSocketTableReader, type SocketTable, type SocketTableReader } from "./socket_table.ts";

/** The first line of a capture. A change that an older reader would misread raises the number. */
export const CAPTURE_HEADER = "timewait capture 1";

/** A capture, read. */
export interface Capture {
  /** Seconds that were to be watched; 0 for one reading. */
  readonly seconds: number;
  /** The process that was asked for. Left out where none was. */
  readonly pid?: number;
  /** The port that was asked for. Left out where none was. */
  readonly port?: number;
  /** `uname -r`. Left out where it could not be read. */
  readonly kernel?: string;
  /** The process whose network namespace was looked at; left out for that of the shell itself. */
  readonly namespaceOf?: number;
  /** Sysctls of the namespace by name, single spaces between the parts. Empty where they cannot be read. */
  readonly sysctls: Readonly<Record<string, string>>;
  /** The readings, in order. */
  readonly readings: readonly Reading[];
  /** The processes of the namespace. */
  readonly processes: readonly CapturedProcess[];
  /** Other network namespaces of the machine. */
  readonly others: readonly OtherNamespace[];
  /** What could not be read, by a word of its kind. */
  readonly notes: readonly Note[];
  /** CPU seconds that taking the capture cost. Left out where it did not come to its end. */
  readonly costCpuSec?: number;
  /** Whether the last line was there. */
  readonly complete: boolean;
  /** Bytes of the capture. */
  readonly bytes: number;
}

/** One reading. */
export interface Reading {
  /** Seconds since the machine was booted. */
  readonly uptimeSec: number;
  /**
   * `snmp`, `netstat` and `sockstat` by group and name: `Tcp.ActiveOpens`, `TcpExt.TW`, `sockstat.TCP.tw`.
   */
  readonly counters: ReadonlyMap<string, number>;
  /** The sockets. Left out where there are so many that only the first and the last reading have them. */
  readonly sockets?: SocketTable;
}

/** A process of the namespace. */
export interface CapturedProcess {
  /** Its id. */
  readonly pid: number;
  /** `comm`. */
  readonly name: string;
  /** Words of its command line that name programs and files; others are `*`. Secrets are masked. */
  readonly command: string;
  /** How many descriptors it has open. Left out where that may not be seen. */
  readonly descriptors?: number;
  /** Its limit of open files, the soft one. Left out where that may not be seen. */
  readonly descriptorLimit?: number;
  /** The numbers of its sockets. */
  readonly inodes: readonly number[];
}

/** Another network namespace. */
export interface OtherNamespace {
  /** One of its processes. Left out for the namespace of the shell that took the capture. */
  readonly pid?: number;
  /** `comm` of that process. */
  readonly name: string;
  /** Sockets in TIME_WAIT there. */
  readonly timeWait: number;
}

/** What could not be read. */
export interface Note {
  /** `gone`, `hidepid`, `knobs`, `owners`, `no IPv6` and so on. */
  readonly kind: string;
  /** What happened. */
  readonly text: string;
}

/** Reads a capture, chunk by chunk. */
export interface CaptureReader {
  /** Takes what comes next. */
  push(chunk: Uint8Array): void;
  /**
   * What was read.
   *
   * @throws {TimewaitError} for what is no capture, and where it ends before its first reading does.
   */
  finish(): Capture;
}

/** Reads a whole capture. */
export async function readCapture(chunks: AsyncIterable<Uint8Array>, name: string): Promise<Capture> {
  const reader = createCaptureReader(name);
  for await (const chunk of chunks) reader.push(chunk);
  return reader.finish();
}

const LINE_END = 10;
const DASH = 45;

/** Longest first line that is looked at: what is no capture may have no line ends. */
const LONGEST_HEADER = 200;

/** A section of text: its title's words and its lines. */
interface Section {
  readonly title: string;
  readonly lines: string[];
}

/** A reading while it is read. */
interface OpenReading {
  readonly sections: Section[];
  table?: SocketTableReader;
  /** Whether something came after its last table, so that the table is whole. */
  closed: boolean;
}

/** Makes a reader. `name` is what messages call the capture. */
export function createCaptureReader(name: string): CaptureReader {
  const decoder = new TextDecoder();
  const sections: Section[] = [];
  const readings: OpenReading[] = [];
  let header: string | undefined;
  let section: Section | undefined;
  let table: SocketTableReader | undefined;
  // One buffer for all chunks: a capture of many sockets would leave hundreds of megabytes of garbage.
  let buffer = new Uint8Array(128 * 1024);
  let filled = 0;
  let bytes = 0;
  let complete = false;

  const begin = (title: string) => {
    const reading = readings.at(-1);
    table = undefined;
    section = { title, lines: [] };
    if (title === "end") complete = true;
    if (title.startsWith("reading ")) {
      if (reading !== undefined) reading.closed = true;
      readings.push({ sections: [], closed: false });
    } else if (reading !== undefined && !reading.closed && OF_READING.has(title)) {
      if (title === "tcp" || title === "tcp6") table = reading.table ??= createSocketTableReader();
      else reading.sections.push(section);
    } else {
      if (reading !== undefined) reading.closed = true;
      sections.push(section);
    }
  };

  const line = (buffer: Uint8Array, start: number, end: number) => {
    if (header === undefined) {
      header = decoder.decode(buffer.subarray(start, Math.min(end, start + LONGEST_HEADER))).trim();
      requireHeader(header, name);
    } else if (buffer[start] === DASH && buffer[start + 1] === DASH && buffer[start + 2] === DASH) {
      begin(decoder.decode(buffer.subarray(start + 4, end)).trim());
    } else if (table !== undefined) table.line(buffer, start, end);
    else section?.lines.push(decoder.decode(buffer.subarray(start, end)).replace(/\r$/, ""));
  };

  return {
    push(chunk) {
      bytes += chunk.length;
      const end = filled + chunk.length;
      if (end > buffer.length) {
        const larger = new Uint8Array(Math.max(end, 2 * buffer.length));
        larger.set(buffer.subarray(0, filled));
        buffer = larger;
      }
      buffer.set(chunk, filled);
      const lines = buffer.subarray(0, end);
      let start = 0;
      for (let at; (at = lines.indexOf(LINE_END, start)) >= 0; start = at + 1) line(lines, start, at);
      buffer.copyWithin(0, start, end);
      filled = end - start;
      if (header === undefined && filled > LONGEST_HEADER) line(buffer, 0, filled);
    },
    finish() {
      if (header === undefined) requireHeader(decoder.decode(buffer.subarray(0, filled)).trim(), name);
      else if (filled >= 4 && buffer[0] === DASH) line(buffer, 0, filled);
      return captureOf({ sections, readings, bytes, complete }, name);
    },
  };
}

const OF_READING = new Set(["uptime", "sockstat", "snmp", "netstat", "tcp", "tcp6"]);

function requireHeader(line: string, name: string): void {
  if (line === CAPTURE_HEADER) return;
  const version = /^timewait capture (\d+)$/.exec(line)?.[1];
  throw new TimewaitError(
    version === undefined
      ? `${name} is no capture: deno task doctor --script prints the program that makes one`
      : `${name} is a capture of version ${version}: this doctor reads version 1`,
  );
}

interface Parts {
  readonly sections: readonly Section[];
  readonly readings: readonly OpenReading[];
  readonly bytes: number;
  readonly complete: boolean;
}

function captureOf({ sections, readings, bytes, complete }: Parts, name: string): Capture {
  const notes = sections.filter(({ title }) => title === "note").map(({ lines }) => noteOf(lines.join(" ")));
  const whole = readings.filter(({ closed }) => closed || complete).map(readingOf).filter((reading) =>
    reading !== undefined
  );
  if (readings.length > 0 && !whole.some(({ sockets }) => sockets !== undefined)) {
    throw new TimewaitError(`${name} is cut off: it ends before its first reading does`);
  }
  if (readings.length === 0 && !complete) {
    throw new TimewaitError(`${name} is cut off: it ends ahead of its first reading`);
  }
  const textOf = (title: string) => sections.find((section) => section.title === title)?.lines ?? [];
  const asked = new Map(textOf("asked").map((line) => line.trim().split(" ") as [string, string]));
  const number = (text: string | undefined) => /^\d+$/.test(text ?? "") ? Number(text) : undefined;
  return {
    seconds: number(asked.get("seconds")) ?? 0,
    ...defined({
      pid: number(asked.get("pid")),
      port: number(asked.get("port")),
      kernel: textOf("kernel")[0]?.trim(),
      namespaceOf: number(textOf("looked at")[0]?.trim()),
      costCpuSec: complete ? cpuSecOf(textOf("cost")) : undefined,
    }),
    sysctls: Object.fromEntries(
      sections.filter(({ title }) => title.startsWith("knob ")).map(({ title, lines }) => [
        title.slice("knob ".length).replaceAll("/", "."),
        lines.join(" ").trim().replaceAll(/\s+/g, " "),
      ]),
    ),
    readings: whole,
    processes: processesOf(sections),
    others: sections.filter(({ title }) => title.startsWith("namespace ")).map(({ title, lines }) => {
      const [, pid, ...name] = title.split(" ");
      const waiting = /^TCP:.* tw (\d+)/.exec(lines.find((line) => line.startsWith("TCP:")) ?? "")?.[1];
      return { ...defined({ pid: number(pid) }), name: name.join(" "), timeWait: Number(waiting ?? 0) };
    }),
    notes,
    complete,
    bytes,
  };
}

function noteOf(text: string): Note {
  const at = text.indexOf(":");
  return at < 0 ? { kind: text, text } : { kind: text.slice(0, at), text: text.slice(at + 1).trim() };
}

function readingOf({ sections, table }: OpenReading): Reading | undefined {
  const textOf = (title: string) => sections.find((section) => section.title === title)?.lines ?? [];
  const uptimeSec = Number.parseFloat(textOf("uptime")[0] ?? "");
  if (Number.isNaN(uptimeSec)) return undefined;
  const counters = new Map([
    ...pairsOf(textOf("snmp")),
    ...pairsOf(textOf("netstat")),
    ...textOf("sockstat").flatMap((line) => {
      const [group, ...words] = line.trim().split(/\s+/);
      return words.flatMap((word, i): [string, number][] =>
        i % 2 === 0 ? [[`sockstat.${group!.replace(":", "")}.${word}`, Number(words[i + 1])]] : []
      );
    }),
  ]);
  return { uptimeSec, counters, ...(table === undefined ? {} : { sockets: table.table() }) };
}

/** snmp and netstat consist of pairs of lines: `Group: name name…` and below it `Group: value value…`. */
function pairsOf(lines: readonly string[]): [string, number][] {
  const rows = lines.map((line) => line.trim().split(/\s+/));
  return rows.flatMap((names, i) => {
    const values = rows[i + 1];
    if (i % 2 === 1 || values?.[0] !== names[0]) return [];
    const group = names[0]!.replace(":", "");
    return names.slice(1).map((name, k): [string, number] => [`${group}.${name}`, Number(values![k + 1])]);
  });
}

function processesOf(sections: readonly Section[]): CapturedProcess[] {
  const about = new Map<string, Section>();
  for (const section of sections) {
    const [kind, pid] = section.title.split(" ");
    if (kind === "descriptors" || kind === "limits") about.set(`${kind} ${pid}`, section);
  }
  return sections.filter(({ title }) => /^process \d+ /.test(title)).map(({ title, lines }) => {
    const [, pid, ...name] = title.split(" ");
    const descriptors = about.get(`descriptors ${pid}`);
    const open = /^descriptors \d+ (\d+)$/.exec(descriptors?.title ?? "")?.[1];
    const limit = about.get(`limits ${pid}`)?.lines.map((line) => /^Max open files +(\d+) /.exec(line)?.[1])
      .find((limit) => limit !== undefined);
    return {
      pid: Number(pid),
      name: name.join(" "),
      command: maskSecrets(
        lines.filter((line) => line.startsWith("= ")).map((line) => line.slice(2)).join(" "),
      ),
      inodes: [...descriptors?.lines.join("\n").matchAll(/ -> '?socket:\[(\d+)\]/g) ?? []]
        .map((match) => Number(match[1])),
      ...defined({
        descriptors: open === undefined ? undefined : Number(open),
        descriptorLimit: limit === undefined ? undefined : Number(limit),
      }),
    };
  });
}

/** What `times` has printed: user and system time of the shell, then of its children. */
function cpuSecOf(lines: readonly string[]): number | undefined {
  const times = [...lines.join(" ").matchAll(/(\d+)m([\d.]+)s/g)];
  return times.some(([, , seconds]) => Number.isNaN(Number(seconds))) || times.length === 0
    ? undefined
    : times.reduce((sum, [, minutes, seconds]) => sum + Number(minutes) * 60 + Number(seconds), 0);
}

/** An object without the properties that are `undefined`. */
function defined<T extends object>(all: T): { [K in keyof T]?: Exclude<T[K], undefined> } {
  return Object.fromEntries(Object.entries(all).filter(([, value]) => value !== undefined)) as {
    [K in keyof T]?: Exclude<T[K], undefined>;
  };
}
