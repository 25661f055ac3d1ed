import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { startLab } from "../tools/lab/start_lab.ts";
import { startBackendIn, startGatewayIn } from "../tools/parties.ts";
import { DEFAULT_BACKEND } from "../tools/scenario.ts";

Deno.test("a gateway command that ends is reported with what it said", async () => {
  await using lab = await startLab("host");
  await using backend = await startBackendIn(lab, DEFAULT_BACKEND);
  const command = "echo cannot bind {listen} >&2; exit 3";
  const error = await assertRejects(() => startGatewayIn(lab, { command }, backend), Error);
  assertStringIncludes(error.message, "the gateway ended before it listened: cannot bind 127.0.0.1:");
  assertStringIncludes(error.message, "(exit code 3)");
});

Deno.test("a gateway command that never listens is stopped and reported, with what it was to listen on", async () => {
  await using lab = await startLab("host");
  await using backend = await startBackendIn(lab, DEFAULT_BACKEND);
  const startMs = performance.now();
  const start = () => startGatewayIn(lab, { command: "sleep 1000" }, backend, { listenTimeoutMs: 300 });
  const error = await assertRejects(start, Error);
  assertStringIncludes(error.message, "the gateway does not listen on 127.0.0.1:");
  assertStringIncludes(error.message, "{listen}");
  assertLess(performance.now() - startMs, 5_000);
});

Deno.test("a gateway command learns the addresses in whole and in parts", async () => {
  await using lab = await startLab("host");
  await using backend = await startBackendIn(lab, DEFAULT_BACKEND);
  const command =
    "echo {listen_host} {listen_port} {upstream} {upstream_host} {upstream_port} {other} >&2; exit 1";
  const { message } = await assertRejects(() => startGatewayIn(lab, { command }, backend), Error);
  const { port } = backend;
  assertStringIncludes(message, ` http://127.0.0.1:${port} 127.0.0.1 ${port} {other} `);
});

Deno.test("two labs of the machine at once have ports of their own", async () => {
  await using one = await startLab("host");
  await using other = await startLab("host");
  await using first = await startBackendIn(one, DEFAULT_BACKEND);
  await using second = await startBackendIn(other, DEFAULT_BACKEND);
  assertEquals(first.port === second.port, false);
});
