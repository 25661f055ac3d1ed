import { assertEquals, assertGreater, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import { RawConnection, startRawUpstream, statusOf } from "../../support/raw_http.ts";
import { FOR_WORKERS, runScript, startScript } from "../../support/script.ts";
import { eventually } from "../../support/waiting.ts";

const CLIENTS = 40;
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

Deno.test("threads share a port and divide the idle connections among them", async () => {
  const allHaveCome = Promise.withResolvers<void>();
  await using upstream = startRawUpstream(async (connection) => {
    await connection.readMessage();
    await allHaveCome.promise;
    await connection.write(OK);
    await connection.closedByPeer();
  });
  const open = () => upstream.conns.filter((connection) => !connection.ended).length;
  await using gateway = await startScript("gateway", [
    ...["--listen", "127.0.0.1:0", "--upstream", upstream.url],
    ...["--workers", "2", "--pool-max-idle-per-host", "5"],
  ], FOR_WORKERS);
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => RawConnection.open(gateway.address)),
  );
  for (const client of clients) await client.write("GET / HTTP/1.1\r\nHost: a\r\n\r\n");
  await eventually(() => upstream.received.length === CLIENTS, "all requests arrive", 10_000);
  assertEquals(open(), CLIENTS);
  allHaveCome.resolve();
  for (const client of clients) {
    assertEquals(statusOf(await client.readMessage()), 200);
    client[Symbol.dispose]();
  }
  await eventually(() => open() <= 5, "the connections beyond the limit are closed");
  assertGreater(open(), 0);
  assertLessOrEqual(open(), 5);
  const { code } = await gateway.stop();
  assertEquals(code, 0);
});

Deno.test("workers that Deno does not permit are refused with the flags that do", async () => {
  const args = ["--listen", "127.0.0.1:0", "--upstream", "http://127.0.0.1:1", "--workers", "2"];
  const { code, stderr } = await runScript("gateway", args);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "2 workers need --allow-read");
  assertStringIncludes(stderr, "--unstable-net: give these to deno run, or ask for 1 worker");
});
