import { assertEquals } from "@std/assert";
import { createSocketTableReader, STATE } from "../../tools/doctor/socket_table.ts";

function read(...lines: string[]) {
  const reader = createSocketTableReader();
  for (const line of lines) {
    const bytes = new TextEncoder().encode(`xx${line}`);
    reader.line(bytes, 2, bytes.length);
  }
  return reader.table();
}

const LISTEN =
  "   0: 00000000:1F90 00000000:0000 0A 00000000:00000007 00:00000000 00000000     0        0 186 1 0000000058fca644 100 0 0 10 0";
const WAITING =
  "12345: 0100007F:1F90 0200007F:D431 06 00000000:00000000 03:0000162F 00000000     0        0 0 3 0000000000000000";
const MAPPED =
  "   1: 0000000000000000FFFF00000100007F:1F90 0000000000000000FFFF00000200007F:D431 01 00000000:00000000 00:00000000 00000000  1000        0 4294967295123 1 0 20 4 30 10 -1";
const IPV6 =
  "   2: B80D0120000000000000000001000000:1F90 000080FE00000000FFADDE02010000FE:D431 08 00000000:00000000 00:00000000 00000000  1000        0 7 1 0";

Deno.test("each socket of both files is read with its state, queue, remaining time and number", () => {
  const table = read(LISTEN, WAITING, MAPPED, IPV6);
  assertEquals(table.count, 4);
  const column = <T extends ArrayLike<number>>(of: T) => Array.from(of).slice(0, 4);
  assertEquals(column(table.state), [STATE.listen, STATE.timeWait, STATE.established, STATE.closeWait]);
  assertEquals(column(table.localPort), [8080, 8080, 8080, 8080]);
  assertEquals(column(table.remotePort), [0, 54321, 54321, 54321]);
  assertEquals(table.receiveQueue[0], 7);
  assertEquals(table.timerTicks[1], 5679);
  assertEquals(column(table.inode), [186, 0, 4294967295123, 7]);
  const text = (column: Uint32Array, i: number) => table.addresses[column[i]!];
  assertEquals(text(table.localAddress, 0), "0.0.0.0");
  assertEquals(text(table.localAddress, 3), "[2001:db8::1]");
  assertEquals(text(table.remoteAddress, 3), "[fe80::2de:adff:fe00:1]");
});

Deno.test("an IPv4 address within IPv6 is the IPv4 address, so both go to one destination", () => {
  const table = read(WAITING, MAPPED);
  assertEquals(table.localAddress[0], table.localAddress[1]);
  assertEquals(table.remoteAddress[0], table.remoteAddress[1]);
  assertEquals(table.addresses, ["127.0.0.1", "127.0.0.2"]);
});

Deno.test("headers are passed over, lines that are no sockets are counted", () => {
  const table = read(
    "  sl  local_address rem_address   st tx_queue",
    "",
    "   0: 0100007F:1F9",
    "cat: /proc/net/tcp: No such file or directory",
    LISTEN,
  );
  assertEquals([table.count, table.strangeLines], [1, 2]);
});

Deno.test("the columns grow with the table", () => {
  const table = read(...Array.from({ length: 5000 }, () => WAITING));
  assertEquals(table.count, 5000);
  assertEquals(table.timerTicks[4999], 5679);
  assertEquals(table.addresses.length, 2);
});
