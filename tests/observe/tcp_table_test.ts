import { assertEquals } from "@std/assert";
import { groupConnections, groupTimeWait, listens, parseTcpTable } from "../../tools/observe/tcp_table.ts";

const HEADER =
  "  sl  local_address rem_address   st tx_queue rx_queue tr tm->when retrnsmt   uid  timeout inode\n";
const row = (local: string, remote: string, state: string) =>
  `   0: ${local} ${remote} ${state} 00000000:00000000 03:00000F9C 00000000     0        0 0 3 0000000000000000\n`;

Deno.test("IPv4 rows are read with their addresses and ports", () => {
  const [socket] = parseTcpTable(HEADER + row("020012C6:9C40", "030012C6:1F91", "06"));
  assertEquals(socket, {
    localAddress: "198.18.0.2",
    localPort: 40000,
    remoteAddress: "198.18.0.3",
    remotePort: 8081,
    state: "06",
  });
});

Deno.test("IPv6 rows are read, an IPv4 address within one as IPv4", () => {
  const mapped = "0000000000000000FFFF00000100007F";
  const loopback = "00000000000000000000000001000000";
  const sockets = parseTcpTable(HEADER + row(`${mapped}:1F90`, `${loopback}:0050`, "0A"));
  assertEquals(sockets[0]?.localAddress, "127.0.0.1");
  assertEquals(sockets[0]?.remoteAddress, "[::1]");
  assertEquals(listens(sockets, 8080), true);
  assertEquals(listens(sockets, 80), false);
});

Deno.test("lines that are not sockets are passed over", () => {
  for (const text of ["", HEADER, "garbage\n", "   0: XYZ", `${HEADER}   1: 0100007F:1F9`]) {
    assertEquals(parseTcpTable(text), []);
  }
});

Deno.test("TIME_WAITs are grouped by service and by the side that holds them", () => {
  const table = HEADER +
    row("020012C6:9C40", "030012C6:1F91", "06") + // opened to the backend
    row("020012C6:9C41", "030012C6:1F91", "06") +
    row("020012C6:1F90", "010012C6:8000", "06") + // accepted from the client
    row("020012C6:9C42", "030012C6:1F91", "01") + // established
    row("020012C6:9C43", "030012C6:0050", "06"); // of somebody else
  assertEquals(groupTimeWait(parseTcpTable(table), new Set([8080, 8081])), [
    { side: "opened", service: "198.18.0.3:8081", timeWait: 2 },
    { side: "accepted", service: "198.18.0.2:8080", timeWait: 1 },
  ]);
});

Deno.test("connections are grouped by service and side with all their states, and listeners are none", () => {
  const toBackend = (state: string, i: number) =>
    row(`020012C6:9C4${i.toString(16).toUpperCase()}`, "030012C6:1F91", state);
  const ofClient = (state: string, i: number) => row("020012C6:1F90", `010012C6:800${i}`, state);
  const states = ["01", "02", "03", "04", "05", "06", "07", "08", "09", "0B", "0C"];
  const table = HEADER + states.map(toBackend).join("") + ["01", "08"].map(ofClient).join("") +
    row("020012C6:1F90", "00000000:0000", "0A") + row("020012C6:9C42", "030012C6:0050", "01");
  assertEquals(groupConnections(parseTcpTable(table), new Set([8080, 8081])), [
    {
      side: "opened",
      service: "198.18.0.3:8081",
      opening: 3,
      established: 1,
      closeWait: 1,
      closing: 3,
      finWait2: 1,
      timeWait: 1,
    },
    {
      side: "accepted",
      service: "198.18.0.2:8080",
      opening: 0,
      established: 1,
      closeWait: 1,
      closing: 0,
      finWait2: 0,
      timeWait: 0,
    },
  ]);
});
