/** Captures that are made up: the text that the program of the doctor would print. */

import { type Capture, createCaptureReader } from "../../tools/doctor/capture.ts";

/** Rows of the table, all alike but for their local port. */
export interface Rows {
  /** `ADDRESS:PORT` in IPv4; without a port, each row has the next one from 32768 on. */
  readonly local: string;
  readonly remote: string;
  /** Two hexadecimal digits. */
  readonly state: string;
  /** How many. Default 1. */
  readonly count?: number;
  /**
   * Seconds that the timer has left, of the first row and of the last one; those between are spread evenly.
   */
  readonly left?: readonly [number, number];
  /** The number of the first socket. Default 0, which means that no process has it. */
  readonly inode?: number;
  readonly queue?: number;
}

export interface MadeUpReading {
  readonly uptimeSec?: number;
  readonly tcp?: readonly Rows[];
  readonly counters?: Readonly<Record<string, number>>;
}

export interface MadeUpCapture {
  readonly readings?: readonly MadeUpReading[];
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Sections ahead of the readings, and behind them. */
  readonly before?: string;
  readonly after?: string;
}

const HEADER =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";

const SYSCTLS = {
  "net/ipv4/ip_local_port_range": "32768\t60999",
  "net/ipv4/tcp_tw_reuse": "2",
  "net/ipv4/tcp_timestamps": "1",
  "net/ipv4/tcp_max_tw_buckets": "131072",
};

const ZERO = {
  "Tcp.ActiveOpens": 0,
  "Tcp.PassiveOpens": 0,
  "TcpExt.TW": 0,
  "TcpExt.ListenOverflows": 0,
  "TcpExt.TCPTimeWaitOverflow": 0,
};

/** The text of a capture. */
export function captureText(
  { readings = [{}], sysctls = {}, before = "", after = "" }: MadeUpCapture = {},
): string {
  return [
    "timewait capture 1\n--- asked\nseconds 10\ninterval 1\npid \nport \n--- kernel\n6.1.0\n--- looked at\nself\n",
    before,
    ...Object.entries({ ...SYSCTLS, ...sysctls }).map(([name, value]) => `--- knob ${name}\n${value}\n`),
    ...readings.map((reading, i) => readingText(reading, i)),
    after,
    "--- cost\n0m0.01s 0m0.02s\n0m0.03s 0m0.04s\n--- end\n",
  ].join("");
}

function readingText({ uptimeSec, tcp = [], counters = {} }: MadeUpReading, index: number): string {
  const all = Object.entries({ ...ZERO, ...counters });
  const group = (name: string) => {
    const some = all.filter(([key]) => key.startsWith(`${name}.`));
    const words = some.map(([key]) => key.slice(name.length + 1));
    return `${name}: ${words.join(" ")}\n${name}: ${some.map(([, value]) => value).join(" ")}\n`;
  };
  const rows = tcp.flatMap(rowsOf);
  const waiting = rows.filter((row) => row.includes(" 06 ")).length;
  return `--- reading ${index}\n--- uptime\n${uptimeSec ?? 1000 + index * 10}.00 1.00\n` +
    `--- sockstat\nTCP: inuse 1 orphan 0 tw ${waiting} alloc 1 mem 1\n` +
    `--- snmp\n${group("Tcp")}--- netstat\n${group("TcpExt")}--- tcp\n${HEADER}${rows.join("")}`;
}

function rowsOf({ local, remote, state, count = 1, left, inode = 0, queue = 0 }: Rows): string[] {
  const [ip, port] = local.split(":") as [string, string?];
  const from = address(`${ip}:0`).slice(0, 9);
  const to = address(remote);
  return Array.from({ length: count }, (_, i) => {
    const sec = left === undefined ? 0 : left[0] + (left[1] - left[0]) * i / Math.max(1, count - 1);
    const timer = left === undefined ? "00:00000000" : `03:${hex(Math.round(sec * 100), 8)}`;
    return `${String(i).padStart(4)}: ${from}${hex(Number(port ?? 32_768 + i), 4)} ${to} ${state} ` +
      `00000000:${hex(queue, 8)} ${timer} 00000000  1000        0 ${inode === 0 ? 0 : inode + i} 1 ` +
      "0000000000000000 20 4 30 10 -1\n";
  });
}

function address(text: string): string {
  const [ip, port] = text.split(":") as [string, string];
  return `${ip.split(".").reverse().map((byte) => hex(Number(byte), 2)).join("")}:${hex(Number(port), 4)}`;
}

function hex(value: number, digits: number): string {
  return value.toString(16).toUpperCase().padStart(digits, "0");
}

/** Reads the text of a capture, in pieces of `chunk` bytes. */
export function parseCapture(text: string, chunk = 1000): Capture {
  const reader = createCaptureReader("made up");
  const bytes = new TextEncoder().encode(text);
  for (let i = 0; i < bytes.length; i += chunk) reader.push(bytes.subarray(i, i + chunk));
  return reader.finish();
}
