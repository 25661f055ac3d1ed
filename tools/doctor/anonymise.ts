/**
 * Replaces the addresses in a capture, each by the same one wherever it stands, so that the capture can be
 * given away and still shows the same.
 *
 * @module
 */

/** Takes the text of a capture in pieces and returns it with other addresses. */
export interface Anonymiser {
  /** Replaces in what is whole of the lines so far. */
  push(chunk: Uint8Array): string;
  /** The rest. */
  finish(): string;
}

/**
 * Makes an anonymiser. IPv4 addresses become 10.0.0.1, 10.0.0.2 and so on, IPv6 addresses fd00::1 and so on,
 * in the order in which they come. Addresses of the loopback and those that stand for every address stay.
 * Ports, names of processes and paths stay as well.
 */
export function createAnonymiser(): Anonymiser {
  const decoder = new TextDecoder();
  const ipv4 = numbering();
  const ipv6 = numbering();
  let rest = "";
  const ofBytes = (address: readonly number[]): readonly number[] =>
    address[0] === 127 || address.every((byte) => byte === 0)
      ? address
      : bytesOf(ipv4(address.join(".")), 10);
  const ofWord = (hex: string) => hexOf(ofBytes(reversedBytes(hex)));
  const ofIpv6 = (hex: string) => {
    if (hex.startsWith(MAPPED)) return MAPPED + ofWord(hex.slice(MAPPED.length));
    return hex === ANY || hex === LOOPBACK ? hex : `000000FD${"0".repeat(16)}${hexOf(bytesOf(ipv6(hex), 0))}`;
  };
  const ofIpv6Word = (text: string) => {
    const hex = tableFormOf(text);
    if (hex === undefined || ofIpv6(hex) === hex) return text;
    return hex.startsWith(MAPPED)
      ? `::ffff:${reversedBytes(ofWord(hex.slice(MAPPED.length))).join(".")}`
      : `fd00::${reversedBytes(ofIpv6(hex).slice(-8)).reduce((sum, byte) => sum * 256 + byte).toString(16)}`;
  };
  const ofLine = (line: string) => {
    if (line.startsWith("= ")) {
      return line.replaceAll(
        /\b\d{1,3}(?:\.\d{1,3}){3}\b/g,
        (text) => ofBytes(text.split(".").map(Number)).join("."),
      ).replaceAll(IPV6_WORD, ofIpv6Word);
    }
    return line.replaceAll(
      SOCKET_ADDRESS,
      (_, hex: string, port: string) => `${hex.length === 8 ? ofWord(hex) : ofIpv6(hex)}:${port}`,
    );
  };
  return {
    push(chunk) {
      const lines = (rest + decoder.decode(chunk, { stream: true })).split("\n");
      rest = lines.pop()!;
      return lines.map((line) => `${ofLine(line)}\n`).join("");
    },
    finish: () => ofLine(rest + decoder.decode()),
  };
}

/** `ADDRESS:PORT` in a row of the table of sockets; nothing else has four digits behind the colon. */
const SOCKET_ADDRESS = /(?<= )([0-9A-F]{32}|[0-9A-F]{8}):([0-9A-F]{4})(?= )/g;

/** What may be an IPv6 address in a command line: the titles of some servers have that of their client. */
const IPV6_WORD = /(?<![\w:.])(?=[0-9A-Fa-f:]*:[0-9A-Fa-f:]*:)[0-9A-Fa-f:]{2,39}(?![\w:.])/g;

/** An IPv6 address as the table writes it; `undefined` for what is none. */
function tableFormOf(text: string): string | undefined {
  const host = URL.parse(`http://[${text}]/`)?.hostname.slice(1, -1);
  if (host === undefined) return undefined;
  const [before, after] = host.split("::").map((part) => part.split(":").filter((group) => group !== ""));
  const zeros = new Array(8 - before!.length - (after?.length ?? 0)).fill("0");
  const hex = [...before!, ...zeros, ...after ?? []].map((group) => group.padStart(4, "0")).join("")
    .toUpperCase();
  return hex.match(/.{8}/g)!.map((word) => hexOf(word.match(/../g)!.map((byte) => parseInt(byte, 16)))).join(
    "",
  );
}

const MAPPED = "0000000000000000FFFF0000";
const ANY = "0".repeat(32);
const LOOPBACK = "00000000000000000000000001000000";

/** Gives each text its number, in the order in which they come, from 1 on. */
function numbering(): (text: string) => number {
  const numbers = new Map<string, number>();
  return (text) => {
    if (!numbers.has(text)) numbers.set(text, numbers.size + 1);
    return numbers.get(text)!;
  };
}

function bytesOf(number: number, first: number): number[] {
  return [first, (number >>> 16) & 255, (number >>> 8) & 255, number & 255];
}

/** The bytes of a word of the table, which is little-endian. */
function reversedBytes(hex: string): number[] {
  return hex.match(/../g)!.map((byte) => parseInt(byte, 16)).reverse();
}

function hexOf(bytes: readonly number[]): string {
  return bytes.toReversed().map((byte) => byte.toString(16).toUpperCase().padStart(2, "0")).join("");
}
