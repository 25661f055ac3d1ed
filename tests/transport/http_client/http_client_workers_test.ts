import { assertEquals, assertGreater, assertLessOrEqual, assertStringIncludes } from "@std/assert";
import { FOR_WORKERS, runScript, startScript } from "../../support/script.ts";
import { until } from "../../support/until.ts";

const CLIENTS = 40;

Deno.test("threads share a port and divide the idle connections among them", async () => {
  const open = new Set<Deno.TcpConn>();
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  const serving = (async () => {
    for await (const conn of listener) void answer(conn, open);
  })();
  const upstream = `http://127.0.0.1:${listener.addr.port}`;
  await using gateway = await startScript("gateway", [
    ...["--listen", "127.0.0.1:0", "--upstream", upstream, "--workers", "2", "--pool-max-idle-per-host", "5"],
  ], FOR_WORKERS);
  const clients = await Promise.all(
    Array.from({ length: CLIENTS }, () => Deno.connect(gateway.address)),
  );
  for (const client of clients) {
    await client.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: a\r\n\r\n"));
  }
  await until(() => open.size === CLIENTS, 10_000);
  release.resolve();
  for (const client of clients) {
    const buffer = new Uint8Array(1024);
    const read = await client.read(buffer);
    assertStringIncludes(new TextDecoder().decode(buffer.subarray(0, read!)), "HTTP/1.1 200");
    client.close();
  }
  await until(() => open.size <= 5, 10_000);
  assertGreater(open.size, 0);
  assertLessOrEqual(open.size, 5);
  const { code } = await gateway.stop();
  assertEquals(code, 0);
  listener.close();
  await serving;
});

const release = Promise.withResolvers<void>();

/** Answers one request when all have come, and then waits for the other side to close. */
async function answer(conn: Deno.TcpConn, open: Set<Deno.TcpConn>): Promise<void> {
  open.add(conn);
  try {
    await conn.read(new Uint8Array(4096));
    await release.promise;
    await conn.write(new TextEncoder().encode("HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok"));
    while (await conn.read(new Uint8Array(4096)) !== null);
  } catch {
    // The gateway was ended.
  } finally {
    open.delete(conn);
    conn.close();
  }
}

Deno.test("workers that Deno does not permit are refused with the flags that do", async () => {
  const args = ["--listen", "127.0.0.1:0", "--upstream", "http://127.0.0.1:1", "--workers", "2"];
  const { code, stderr } = await runScript("gateway", args);
  assertEquals(code, 1);
  assertStringIncludes(stderr, "2 workers need --allow-read=");
  assertStringIncludes(stderr, "--unstable-net: give these to deno run, or ask for 1 worker");
});
