/**
 * The table of TCP sockets of a capture, read line by line from bytes into columns: with 200,000 sockets an
 * object and a few strings for each would take seconds and hundreds of megabytes.
 *
 * @module
 */

/** States of the kernel's table (include/net/tcp_states.h). */
export const STATE = {
  established: 1,
  synSent: 2,
  synReceived: 3,
  finWait1: 4,
  finWait2: 5,
  timeWait: 6,
  close: 7,
  closeWait: 8,
  lastAck: 9,
  listen: 10,
  closing: 11,
  newSynReceived: 12,
} as const;

/** The sockets, in columns: the n-th of each belong to one socket. */
export interface SocketTable {
  /** How many sockets there are; the columns are longer. */
  readonly count: number;
  /** One of {@linkcode STATE}. */
  readonly state: Uint8Array;
  /** Index in `addresses`. */
  readonly localAddress: Uint32Array;
  /** The port on this host. */
  readonly localPort: Uint16Array;
  /** Index in `addresses`. */
  readonly remoteAddress: Uint32Array;
  /** The port at the other end; 0 for a socket that listens. */
  readonly remotePort: Uint16Array;
  /**
   * Hundredths of a second until the timer of the socket runs out: of one in TIME_WAIT, until it is gone
   * (`tm->when`).
   */
  readonly timerTicks: Uint32Array;
  /**
   * `rx_queue`: of a socket that listens, connections that wait to be accepted; else bytes that the program
   * has not read.
   */
  readonly receiveQueue: Uint32Array;
  /** The socket's number, by which /proc/PID/fd names it; 0 where no process has it, as in TIME_WAIT. */
  readonly inode: Float64Array;
  /**
   * Addresses as people write them. An IPv4 address within an IPv6 one is plain IPv4, so that a dual-stack
   * socket and another one to the same place count as the same.
   */
  readonly addresses: readonly string[];
  /** Lines that were no sockets; the header of each file is not counted. */
  readonly strangeLines: number;
}

/** Reads a table, line by line. */
export interface SocketTableReader {
  /** Takes one line of `/proc/net/tcp` or `tcp6`, which is `bytes` from `start` to before `end`. */
  line(bytes: Uint8Array, start: number, end: number): void;
  /** What was read. */
  table(): SocketTable;
}

const SPACE = 32;
const COLON = 58;

/** Hexadecimal digits of an address of each family. */
const IPV4_DIGITS = 8;
const IPV6_DIGITS = 32;

/** The value of each hexadecimal digit; 255 for every other byte. */
const HEX = new Uint8Array(256).fill(255);
for (let i = 0; i < 16; i++) {
  HEX["0123456789abcdef".charCodeAt(i)] = i;
  HEX["0123456789ABCDEF".charCodeAt(i)] = i;
}

/** Makes a reader of one table; the lines of both files go into it. */
export function createSocketTableReader(): SocketTableReader {
  let columns = emptyColumns(1024);
  let count = 0;
  let strangeLines = 0;
  const addresses: string[] = [];
  const ipv4 = new Map<number, number>();
  const ipv6 = new Map<string, number>();

  const add = (text: string) => addresses.push(text) - 1;

  /** The index of the address that begins at `at`. */
  const addressAt = (bytes: Uint8Array, at: number, digits: number): number => {
    if (digits === IPV4_DIGITS || isMapped(bytes, at)) {
      const word = hexAt(bytes, at + digits - IPV4_DIGITS, IPV4_DIGITS);
      let index = ipv4.get(word);
      if (index === undefined) ipv4.set(word, index = add(ipv4Text(word)));
      return index;
    }
    const key = String.fromCharCode(...bytes.subarray(at, at + digits));
    let index = ipv6.get(key);
    if (index === undefined) ipv6.set(key, index = add(ipv6Text(key)));
    return index;
  };

  return {
    line(bytes, start, end) {
      const local = bytes.indexOf(COLON, start) + 2;
      const digits = local < 2 || local >= end ? 0 : bytes.indexOf(COLON, local) - local;
      // "0100007F:1F90 0100007F:D431 06 00000000:00000000 03:00001766 …"
      const remote = local + digits + 6;
      const state = remote + digits + 6;
      if ((digits !== IPV4_DIGITS && digits !== IPV6_DIGITS) || state + 32 > end) {
        if (!isHeader(bytes, start, end)) strangeLines++;
        return;
      }
      if (count === columns.state.length) columns = grownColumns(columns);
      columns.state[count] = hexAt(bytes, state, 2);
      columns.localAddress[count] = addressAt(bytes, local, digits);
      columns.localPort[count] = hexAt(bytes, local + digits + 1, 4);
      columns.remoteAddress[count] = addressAt(bytes, remote, digits);
      columns.remotePort[count] = hexAt(bytes, remote + digits + 1, 4);
      columns.receiveQueue[count] = hexAt(bytes, state + 12, 8);
      columns.timerTicks[count] = hexAt(bytes, state + 24, 8);
      columns.inode[count] = columns.state[count] === STATE.timeWait ? 0 : inodeIn(bytes, state + 32, end);
      count++;
    },
    table: () => ({ ...columns, count, addresses, strangeLines }),
  };
}

type Columns = Omit<SocketTable, "count" | "addresses" | "strangeLines">;

function emptyColumns(length: number): Columns {
  return {
    state: new Uint8Array(length),
    localAddress: new Uint32Array(length),
    localPort: new Uint16Array(length),
    remoteAddress: new Uint32Array(length),
    remotePort: new Uint16Array(length),
    timerTicks: new Uint32Array(length),
    receiveQueue: new Uint32Array(length),
    inode: new Float64Array(length),
  };
}

function grownColumns(columns: Columns): Columns {
  const grown = emptyColumns(columns.state.length * 2);
  for (const key of Object.keys(columns) as (keyof Columns)[]) grown[key].set(columns[key]);
  return grown;
}

function hexAt(bytes: Uint8Array, at: number, digits: number): number {
  let value = 0;
  for (let i = at; i < at + digits; i++) value = value * 16 + HEX[bytes[i]!]!;
  return value;
}

/** The inode, which is the fourth word from the timer on: retransmits, uid, timeout, inode. */
function inodeIn(bytes: Uint8Array, from: number, end: number): number {
  let at = from;
  for (let word = 0; word < 4; word++) {
    while (at < end && bytes[at] === SPACE) at++;
    if (word === 3) break;
    while (at < end && bytes[at] !== SPACE) at++;
  }
  let inode = 0;
  for (; at < end && bytes[at] !== SPACE; at++) inode = inode * 10 + bytes[at]! - 48;
  return inode;
}

/** The header of either file begins with the words `sl local_address`. */
function isHeader(bytes: Uint8Array, start: number, end: number): boolean {
  let at = start;
  while (at < end && bytes[at] === SPACE) at++;
  return at === end || (bytes[at] === 115 && bytes[at + 1] === 108);
}

/** Whether an IPv6 address holds an IPv4 one (RFC 4291, 2.5.5.2), as the table writes it. */
function isMapped(bytes: Uint8Array, at: number): boolean {
  for (let i = 0; i < MAPPED.length; i++) if (bytes[at + i] !== MAPPED.charCodeAt(i)) return false;
  return true;
}

const MAPPED = "0000000000000000FFFF0000";

/** The table holds each 32-bit word in the byte order of the machine: little-endian wherever Deno runs. */
function ipv4Text(word: number): string {
  return [word & 255, (word >>> 8) & 255, (word >>> 16) & 255, (word >>> 24) & 255].join(".");
}

function ipv6Text(hex: string): string {
  const bytes = hex.match(/.{8}/g)!.flatMap((word) => word.match(/../g)!.reverse());
  const groups = Array.from({ length: 8 }, (_, i) => parseInt(bytes[2 * i]! + bytes[2 * i + 1]!, 16));
  return `[${shortened(groups)}]`;
}

/** The longest row of zeros, of at least two, becomes `::` (RFC 5952). */
function shortened(groups: readonly number[]): string {
  let [from, length] = [0, 1];
  for (let i = 0; i < groups.length; i++) {
    let k = i;
    while (groups[k] === 0) k++;
    if (k - i > length) [from, length] = [i, k - i];
  }
  const text = (some: readonly number[]) => some.map((group) => group.toString(16)).join(":");
  return length < 2 ? text(groups) : `${text(groups.slice(0, from))}::${text(groups.slice(from + length))}`;
}
