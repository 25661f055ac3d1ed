import { assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import { TimewaitError, UnavailableError } from "../../../tools/errors.ts";
import { checkWorkers, type RunningWorkers, startWorkers } from "../../../tools/transport/workers/workers.ts";
import type { IdleStart } from "../../support/idle_worker.ts";
import { within } from "../../support/waiting.ts";

const LISTEN = { hostname: "127.0.0.1", port: 0 };
const SCRIPT = new URL("../../support/idle_worker.ts", import.meta.url);

function startTwo(
  script: URL,
  fails: IdleStart["fails"] = "never",
): Promise<RunningWorkers<string>> {
  return startWorkers<IdleStart, string>({
    script,
    count: 2,
    listen: LISTEN,
    log: () => {},
    startOf: () => ({ fails }),
  });
}

Deno.test("workers tell their counters while they stop, and after it", async () => {
  const workers = await startTwo(SCRIPT);
  const stopping = workers[Symbol.asyncDispose]();
  assertEquals(await within(workers.counters(), "counters while they stop"), ["counted", "counted"]);
  await stopping;
  assertEquals(await workers.counters(), ["counted", "counted"]);
  await within(Promise.resolve(workers[Symbol.asyncDispose]()), "a second stop");
});

Deno.test("workers that cannot be loaded are an error of the start", async () => {
  // In a process of its own: Deno itself says on standard error what it could not load.
  const module = new URL("../../../tools/transport/workers/workers.ts", import.meta.url);
  const start = `
    import { startWorkers } from ${JSON.stringify(module.href)};
    const script = new URL(${JSON.stringify(new URL("../nowhere.ts", import.meta.url).href)});
    const listen = { hostname: "127.0.0.1", port: 0 };
    const options = { script, count: 2, listen, log() {}, startOf: () => ({}) };
    await startWorkers(options).catch((error) => console.log("refused", error instanceof Error));
    Deno.exit();`;
  const child = new Deno.Command(Deno.execPath(), {
    args: ["eval", "--no-check", "--cached-only", "--unstable-net", start],
    cwd: new URL("../../..", import.meta.url),
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const { stdout, stderr } = await child.output();
  clearTimeout(timer);
  assertEquals(new TextDecoder().decode(stdout), "refused true\n", new TextDecoder().decode(stderr));
});

Deno.test("workers that cannot listen are an UnavailableError, as without workers", async () => {
  await assertRejects(() => startTwo(SCRIPT, "at start"), UnavailableError, "the port is in use");
});

Deno.test("a port in use is an UnavailableError before any worker is started", async () => {
  using taken = Deno.listen(LISTEN);
  const { port } = taken.addr;
  const start = () =>
    startWorkers({ script: SCRIPT, count: 2, listen: { ...LISTEN, port }, log() {}, startOf: () => ({}) });
  await assertRejects(start, UnavailableError, `cannot listen on 127.0.0.1:${port}: the port is in use`);
});

Deno.test("less than one worker is refused by the name of the option", () => {
  const error = assertThrows(
    () => checkWorkers(0),
    TimewaitError,
    "workers must be a whole number of at least 1, not 0",
  );
  assertEquals(error.field, "workers");
});

Deno.test("a fault in one of several threads ends the process, as it does in the only one", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-prompt", "--cached-only", "--allow-read", SCRIPT.href],
    env: { NO_COLOR: "1" },
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const timer = setTimeout(() => child.kill("SIGKILL"), 20_000);
  const { code, stderr } = await child.output();
  clearTimeout(timer);
  assertEquals(code, 1);
  assertStringIncludes(new TextDecoder().decode(stderr), "a fault of the worker");
});
