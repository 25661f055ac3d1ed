import { resolveBackend } from "../../tools/scenario/resolve.ts";
import { assertEquals, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { openLab } from "../../tools/lab/open_lab.ts";
import { startBackendIn, startGatewayIn } from "../../tools/parties/lab_parties.ts";
import { privateLab } from "../support/requirements.ts";

Deno.test("a gateway command that ends is reported with what it said", async () => {
  await using lab = await openLab("host");
  await using backend = await startBackendIn(lab, resolveBackend());
  const command = "echo cannot bind {listen} >&2; exit 3";
  const error = await assertRejects(() => startGatewayIn(lab, { command }, backend), Error);
  assertStringIncludes(error.message, "the gateway ended before it listened: cannot bind 127.0.0.1:");
  assertStringIncludes(error.message, "(exit code 3)");
});

Deno.test("a gateway command that never listens is stopped and reported, with what it was to listen on", async () => {
  await using lab = await openLab("host");
  await using backend = await startBackendIn(lab, resolveBackend());
  const startMs = performance.now();
  const start = () => startGatewayIn(lab, { command: "sleep 1000" }, backend, { listenTimeoutMs: 300 });
  const error = await assertRejects(start, Error);
  assertStringIncludes(error.message, "the gateway does not listen on 127.0.0.1:");
  assertStringIncludes(error.message, "{listen}");
  assertLess(performance.now() - startMs, 5_000);
});

Deno.test("a gateway command learns the addresses in whole and in parts", async () => {
  await using lab = await openLab("host");
  await using backend = await startBackendIn(lab, resolveBackend());
  const command =
    "echo {listen_host} {listen_port} {upstream} {upstream_host} {upstream_port} {other} >&2; exit 1";
  const { message } = await assertRejects(() => startGatewayIn(lab, { command }, backend), Error);
  const { port } = backend;
  assertStringIncludes(message, ` http://127.0.0.1:${port} 127.0.0.1 ${port} {other} `);
});

Deno.test("two labs of the machine at once have ports of their own", async () => {
  await using one = await openLab("host");
  await using other = await openLab("host");
  await using first = await startBackendIn(one, resolveBackend());
  await using second = await startBackendIn(other, resolveBackend());
  assertEquals(first.port === second.port, false);
});

Deno.test("a signal ends the wait for a gateway that does not listen yet, and the gateway", async () => {
  await using lab = await openLab("host");
  await using backend = await startBackendIn(lab, resolveBackend());
  const startMs = performance.now();
  const reason = new Error("enough");
  const controller = new AbortController();
  setTimeout(() => controller.abort(reason), 50);
  const start = () => startGatewayIn(lab, { command: "sleep 1000" }, backend, { signal: controller.signal });
  assertEquals(await assertRejects(start), reason);
  assertLess(performance.now() - startMs, 2_000);
});

const LISTENS = `
  const [hostname, port] = Deno.args;
  Deno.addSignalListener("SIGTERM", () => { console.error("ended in order"); Deno.exit(); });
  for await (const _ of Deno.listen({ hostname: hostname!, port: Number(port) }));`;

for (const kind of ["private", "host"] as const) {
  Deno.test({
    name: `a gateway that a shell has started among others is told to end, in a ${kind} lab`,
    ...(kind === "private" ? privateLab : {}),
    async fn() {
      const script = await Deno.makeTempFile({ suffix: ".ts" });
      try {
        await Deno.writeTextFile(script, LISTENS);
        await using lab = await openLab(kind);
        await using backend = await startBackendIn(lab, resolveBackend());
        const lines: string[] = [];
        const onStderr = (line: string) => lines.push(line);
        const command =
          `cd / && ${Deno.execPath()} run --no-prompt --allow-net ${script} {listen_host} {listen_port}; true`;
        const gateway = await startGatewayIn(lab, { command }, backend, { onStderr });
        const startMs = performance.now();
        await gateway[Symbol.asyncDispose]();
        assertEquals(lines, ["ended in order"]);
        assertLess(performance.now() - startMs, 1_500, "it was waited for in vain");
      } finally {
        await Deno.remove(script);
      }
    },
  });
}
