import { TimewaitError } from "../../tools/errors.ts";
import { assertEquals, assertGreaterOrEqual, assertMatch, assertThrows } from "@std/assert";
import {
  type BackendOptions,
  resolveBackendServer,
  startBackend,
} from "../../tools/parties/backend_server.ts";
import { fieldOf, RawConnection, statusOf } from "../support/raw_http.ts";
import { runScript, startScript } from "../support/script.ts";

const GET = "GET / HTTP/1.1\r\nHost: h\r\n\r\n";
const ANY_PORT = { hostname: "127.0.0.1", port: 0 };

function start(options: BackendOptions = {}) {
  return startBackend({ listen: ANY_PORT, ...options });
}

Deno.test("options that are left out or undefined get their defaults", () => {
  const resolved = {
    listen: { hostname: "127.0.0.1", port: 8081 },
    latencyMs: 0,
    bodyBytes: 12,
    status: 200,
    graceMs: 10_000,
  };
  assertEquals(resolveBackendServer(), resolved);
  assertEquals(resolveBackendServer({ latency: undefined, status: undefined }), resolved);
});

Deno.test("a status or a size that cannot be is refused", () => {
  for (const options of [{ status: 199 }, { status: 600 }, { bodyBytes: -1 }, { bodyBytes: 2 ** 40 }]) {
    assertThrows(() => resolveBackendServer(options), TimewaitError);
  }
});

Deno.test("every method is answered alike, on one connection, and counted", async () => {
  await using backend = start({ bodyBytes: 5, status: 418 });
  using client = await RawConnection.open(backend.address);
  for (const method of ["GET", "POST", "PUT", "PATCH", "DELETE", "OPTIONS", "PURGE", "TRACE"]) {
    await client.write(`${method} /any?thing HTTP/1.1\r\nHost: h\r\nContent-Length: 2\r\n\r\nhi`);
    const message = await client.readMessage();
    assertEquals([statusOf(message), message.body], [418, "xxxxx"], method);
    assertEquals(fieldOf(message, "connection"), undefined);
  }
  await client.write(GET.replace("GET", "HEAD"));
  const head = await client.readMessage({ toHead: true });
  assertEquals([statusOf(head), fieldOf(head, "content-length")], [418, "5"]);
  assertEquals(backend.requests, 9);
});

Deno.test("a body of any length is read before the answer, and the connection kept", async () => {
  await using backend = start();
  using client = await RawConnection.open(backend.address);
  for (const size of [0, 1_000, 65_536, 65_537, 3_000_000]) {
    await client.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${size}\r\n\r\n${"a".repeat(size)}`);
    assertEquals(statusOf(await client.readMessage()), 200, `${size}`);
    await client.write("POST / HTTP/1.1\r\nHost: h\r\nTransfer-Encoding: chunked\r\n\r\n");
    if (size > 0) await client.write(`${size.toString(16)}\r\n${"a".repeat(size)}\r\n`);
    await client.write("0\r\n\r\n");
    assertEquals(statusOf(await client.readMessage()), 200, `${size} chunked`);
  }
});

Deno.test("a client that goes away in the middle of its body is no trouble", async () => {
  await using backend = start();
  for (const length of [10, 1_000_000]) {
    using client = await RawConnection.open(backend.address);
    await client.write(`POST / HTTP/1.1\r\nHost: h\r\nContent-Length: ${length}\r\n\r\nabc`);
  }
  using client = await RawConnection.open(backend.address);
  await client.write(GET);
  assertEquals(statusOf(await client.readMessage()), 200);
});

Deno.test("statuses without content have none", async () => {
  for (const status of [204, 205, 304]) {
    await using backend = start({ status, bodyBytes: 100 });
    using client = await RawConnection.open(backend.address);
    for (let i = 0; i < 2; i++) {
      await client.write(GET);
      const message = await client.readMessage();
      assertEquals([statusOf(message), message.body], [status, ""]);
    }
  }
});

Deno.test("a body can be empty or large", async () => {
  for (const bodyBytes of [0, 1_000_000]) {
    await using backend = start({ bodyBytes });
    using client = await RawConnection.open(backend.address);
    await client.write(GET);
    assertEquals((await client.readMessage()).body.length, bodyBytes);
  }
});

Deno.test("the latency is added to each answer, also of requests that wait together", async () => {
  await using backend = start({ latency: 80 });
  const from = performance.now();
  await Promise.all(Array.from({ length: 20 }, async () => {
    using client = await RawConnection.open(backend.address);
    await client.write(GET);
    await client.readMessage();
    assertGreaterOrEqual(performance.now() - from, 79);
  }));
  assertEquals(backend.requests, 20);
});

Deno.test("a stop answers what still waits after its grace", async () => {
  const backend = start({ latency: 3_600_000, grace: 50 });
  using client = await RawConnection.open(backend.address);
  await client.write("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 2\r\n\r\n");
  await client.readUntil("100 Continue\r\n\r\n");
  const stopped = backend[Symbol.asyncDispose]();
  await client.write("hi");
  assertEquals(statusOf(await client.readMessage()), 200);
  await stopped;
});

Deno.test("a stop lets content that is on its way arrive", async () => {
  const backend = start({ grace: 5_000 });
  using client = await RawConnection.open(backend.address);
  await client.write("POST / HTTP/1.1\r\nHost: h\r\nExpect: 100-continue\r\nContent-Length: 100000\r\n\r\n");
  await client.readUntil("100 Continue\r\n\r\n");
  await client.write("a".repeat(50_000));
  const stopped = backend[Symbol.asyncDispose]();
  await client.write("a".repeat(50_000));
  assertEquals(statusOf(await client.readMessage()), 200);
  await stopped;
});

Deno.test("as a script it needs the network only, says where it listens, and how many it answered", async () => {
  await using script = await startScript("backend", ["--listen", "127.0.0.1:0", "--count-every", "20ms"]);
  using client = await RawConnection.open(script.address);
  for (let i = 0; i < 3; i++) {
    await client.write(GET);
    await client.readMessage();
  }
  let line: string | undefined;
  do line = await script.nextLine(); while (line !== "requests 3");
  assertEquals(await script.stop(), { code: 0, stderr: "" });
});

Deno.test("as a script it finishes what is in flight when it is told to stop", async () => {
  await using script = await startScript("backend", ["--listen", "127.0.0.1:0", "--latency", "300ms"]);
  using client = await RawConnection.open(script.address);
  await client.write(GET + GET);
  const first = client.readMessage();
  await first;
  const stopped = script.stop();
  assertEquals(statusOf(await first), 200);
  assertEquals(await stopped, { code: 0, stderr: "" });
});

Deno.test("a port in use is one line that says what to do, and exit code 1", async () => {
  await using backend = start();
  const taken = `127.0.0.1:${backend.address.port}`;
  const { code, stdout, stderr } = await runScript("backend", ["--listen", taken]);
  assertEquals([code, stdout], [1, ""]);
  assertMatch(
    stderr,
    new RegExp(`^error: cannot listen on ${taken}: the port is in use; .*choose another.*\n$`),
  );
});

Deno.test("an address of another machine is one line, and exit code 1", async () => {
  const { code, stderr } = await runScript("backend", ["--listen", "192.0.2.1:0"]);
  assertEquals(code, 1);
  assertMatch(stderr, /^error: cannot listen on 192\.0\.2\.1:0: this machine has no such address; .*\n$/);
});

Deno.test("flags that cannot be are refused with exit code 2", async () => {
  for (
    const args of [
      ["--status", "199"],
      ["--status", "600"],
      ["--body-bytes", "1GiB"],
      ["--latency", "fast"],
      ["--lattency", "1s"],
    ]
  ) {
    const { code, stdout, stderr } = await runScript("backend", args);
    assertEquals([code, stdout], [2, ""], args.join(" "));
    assertMatch(stderr, /^error: [^\n]+\n$/);
  }
});
