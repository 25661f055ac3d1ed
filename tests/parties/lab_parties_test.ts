import { resolveBackend, resolveGateway } from "../../tools/scenario/resolve.ts";
import { assertEquals, assertGreater, assertLess, assertRejects, assertStringIncludes } from "@std/assert";
import { openLab } from "../../tools/lab/open_lab.ts";
import type { Collector } from "../../tools/observe/collector.ts";
import { TCP_TABLE_FILES } from "../../tools/observe/tcp_table.ts";
import { readCounters } from "../../tools/observe/sampler.ts";
import { startBackendIn, startGatewayIn } from "../../tools/parties/lab_parties.ts";
import { privateLab } from "../support/requirements.ts";
import { until } from "../support/until.ts";

Deno.test("a gateway command that ends is reported with what it said", async () => {
  await using lab = await openLab("host");
  await using backend = await startBackendIn(lab, resolveBackend());
  const command = "echo cannot bind {listen} >&2; exit 3";
  const error = await assertRejects(() => startGatewayIn(lab, { command }, backend), Error);
  assertStringIncludes(error.message, "the gateway ended before it listened: cannot bind 127.0.0.1:");
  assertStringIncludes(error.message, "(exit code 3)");
});

Deno.test("a gateway that ends and leaves something behind that holds its output is told with its exit code", async () => {
  await using lab = await openLab("host");
  await using backend = await startBackendIn(lab, resolveBackend());
  for (
    const [command, reason] of [
      ["sleep 1000 & echo no config >&2; exit 4", "no config (exit code 4)"],
      ["sleep 1000 &", "exit code 0: it must stay in the foreground"],
    ] as const
  ) {
    const startMs = performance.now();
    const { message } = await assertRejects(() => startGatewayIn(lab, { command }, backend), Error);
    assertEquals(message, `the gateway ended before it listened: ${reason}`);
    assertLess(performance.now() - startMs, 8_000);
  }
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

Deno.test("a gateway that listens for a moment, to see whether the port is free, does not listen yet", async () => {
  await using lab = await openLab("host");
  await using backend = await startBackendIn(lab, resolveBackend());
  const { gateway } = lab;
  const readProc = gateway.readProc.bind(gateway);
  const lines: string[] = [];
  let looks = 0;
  // The moment is made here: it is too short to be met by chance.
  const readOnce = async (...paths: string[]) => {
    const texts = await readProc(...paths);
    if (paths[0] !== TCP_TABLE_FILES[0] || lines.length === 0 || looks++ > 0) return texts;
    const port = Number(lines[0]).toString(16).toUpperCase().padStart(4, "0");
    const address = `0100007F:${port}`;
    return [`${texts[0]}   0: ${address} 00000000:0000 0A 00000000:00000000 00:00000000 00000000 0 0 1\n`];
  };
  const command = "echo {listen_port} >&2; sleep 1; exit 7";
  Object.assign(gateway, { readProc: readOnce });
  const start = () => startGatewayIn(lab, { command }, backend, { collectors: [collectTo(lines)] });
  const error = await assertRejects(start, Error);
  assertStringIncludes(error.message, "the gateway ended before it listened: ");
  assertGreater(looks, 1);
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

for (const kind of ["private", "loopback", "host"] as const) {
  Deno.test({
    name: `several backends and gateways run in one ${kind} lab, also when they start at the same time`,
    ...(kind === "host" ? {} : privateLab),
    async fn() {
      await using lab = await openLab(kind);
      await using stack = new AsyncDisposableStack();
      const backends = await Promise.all([1, 2].map(() => startBackendIn(lab, resolveBackend())));
      for (const backend of backends) stack.use(backend);
      const plan = resolveGateway({});
      const gateways = await Promise.all(backends.map((backend) => startGatewayIn(lab, plan, backend)));
      for (const gateway of gateways) stack.use(gateway);
      const ports = [...backends, ...gateways].map(({ port }) => port);
      assertEquals(new Set(ports).size, 4, ports.join());
      if (kind !== "host") assertEquals(ports.toSorted(), [8080, 8081, 8082, 8083]);
    },
  });
}

Deno.test({
  name:
    "in a private lab the port of a gateway that has ended is used again, whatever TIME_WAITs it has left",
  ...privateLab,
  async fn() {
    await using lab = await openLab("private");
    await using backend = await startBackendIn(lab, resolveBackend());
    for (let i = 0; i < 2; i++) {
      await using gateway = await startGatewayIn(lab, resolveGateway({}), backend);
      assertEquals(gateway.port, 8080);
      // The gateway closes the connection, because the request says so, and keeps its port in TIME_WAIT.
      const ask = `exec 3<>/dev/tcp/${gateway.hostname}/8080; ` +
        'printf "GET / HTTP/1.1\\r\\nHost: h\\r\\nConnection: close\\r\\n\\r\\n" >&3; cat <&3';
      await using client = await lab.client.start({ name: "client", argv: ["bash", "-c", ask] });
      await client.exited;
      await until(async () => (await readCounters(lab)).gateway.timeWait > i);
    }
  },
});

Deno.test("two labs of the machine at once have ports of their own", async () => {
  await using one = await openLab("host");
  await using other = await openLab("host");
  await using first = await startBackendIn(one, resolveBackend());
  await using second = await startBackendIn(other, resolveBackend());
  assertEquals(first.port === second.port, false);
});

Deno.test("a command that says exec itself, as people write in scripts, is started", async () => {
  await using lab = await openLab("host");
  await using backend = await startBackendIn(lab, resolveBackend());
  const program = await Deno.makeTempFile({ suffix: ".js" });
  await Deno.writeTextFile(
    program,
    "Deno.serve({ hostname: Deno.args[0], port: +Deno.args[1] }, () => new Response());",
  );
  const command = `exec ${Deno.execPath()} run --allow-net ${program} {listen_host} {listen_port}`;
  await using gateway = await startGatewayIn(lab, { command }, backend);
  const { status, body } = await fetch(gateway.url);
  await body?.cancel();
  assertEquals(status, 200);
  await Deno.remove(program);
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

/** Keeps every line that a party prints. */
function collectTo(lines: string[]): Collector<void> {
  return {
    add: (line) => void lines.push(line),
    settled: () => Promise.resolve(),
    begin() {},
    result() {},
  };
}

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
        const command =
          `cd / && ${Deno.execPath()} run --no-prompt --allow-net ${script} {listen_host} {listen_port}; true`;
        const gateway = await startGatewayIn(lab, { command }, backend, { collectors: [collectTo(lines)] });
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

/** The arguments of every process, as every user of the machine can read them. */
function allArguments(): string {
  const { stdout } = new Deno.Command("ps", { args: ["-eww", "-o", "args="] }).outputSync();
  return new TextDecoder().decode(stdout);
}

Deno.test("a secret in a gateway's command is among no process's arguments, and not in the gateway's environment", async () => {
  const script = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(script, `console.log(JSON.stringify(Deno.env.toObject())); ${LISTENS}`);
    await using lab = await openLab("host");
    await using backend = await startBackendIn(lab, resolveBackend());
    const gateway = `${Deno.execPath()} run -A ${script} {listen_host} {listen_port}`;
    // One command with its own environment; several commands; one after a comment, with quotes.
    const secret = `hunter${crypto.randomUUID().slice(0, 8)}`;
    const commands = [
      `GW_TOKEN=${secret} ${gateway}`,
      `GW_TOKEN="${secret}"; export GW_TOKEN\n${gateway} && true`,
      `# it's "one"\nexport GW_TOKEN='${secret}'; ${gateway} # the end`,
    ];
    for (const command of commands) {
      const lines: string[] = [];
      await using _party = await startGatewayIn(lab, { command }, backend, {
        collectors: [collectTo(lines)],
      });
      assertEquals(allArguments().includes(secret), false, command);
      await until(() => lines.length > 0);
      const env = JSON.parse(lines[0]!);
      assertEquals([env.GW_TOKEN, env.TIMEWAIT_COMMAND], [secret, undefined]);
    }
  } finally {
    await Deno.remove(script);
  }
});
