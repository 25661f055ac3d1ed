import { assert, assertEquals } from "@std/assert";
import { delay } from "@std/async/delay";
import { connectTo } from "../support/proxy_rig.ts";
import { RawConnection, RawUpstream, statusOf } from "../support/raw_http.ts";
import { FOR_WORKERS, type RunningScript, startScript } from "../support/script.ts";
import { within } from "../support/waiting.ts";

const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const GET = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const DEADLINE_MS = 10_000;

/** Each way to run a gateway. */
const GATEWAYS = ([
  ["http-client", ["--transport", "http-client"]],
  ["net-http", ["--transport", "net-http"]],
  ["net-http on epoll", ["--transport", "net-http", "--sockets", "epoll"]],
] as const).flatMap(([title, flags]) =>
  [1, 2].map((workers) => ({ flags, workers, name: `${title} with ${workers} worker(s)` }))
);
const PERMISSIONS = [...FOR_WORKERS, "--allow-ffi"];

async function limitOpenFiles(pid: number, to: number): Promise<void> {
  const args = ["--pid", `${pid}`, `--nofile=${to}`];
  const { success } = await new Deno.Command("prlimit", { args, stdin: "null" }).output();
  assert(success);
}

/** Asks on new connections until the answer comes, as a client does that tries again. */
async function answerOf(gateway: RunningScript, request = GET): Promise<number> {
  const deadline = performance.now() + DEADLINE_MS;
  for (;;) {
    try {
      using client = await connectTo(gateway);
      await client.write(request);
      return statusOf(await client.readMessage());
    } catch (error) {
      if (performance.now() > deadline) throw error;
      await delay(10);
    }
  }
}

for (const { flags, workers, name } of GATEWAYS) {
  const args = ["--listen", "127.0.0.1:0", ...flags, "--workers", `${workers}`];

  Deno.test(`${name}: idle clients beyond the open files do not end the gateway, and those before them are served`, async () => {
    await using upstream = RawUpstream.answering(OK);
    await using gateway = await startScript("gateway", [...args, "--upstream", upstream.url], PERMISSIONS);
    using early = await connectTo(gateway);
    await early.write(GET);
    assertEquals(statusOf(await early.readMessage()), 200);
    await limitOpenFiles(gateway.pid, 256);
    const idle: RawConnection[] = [];
    for (let i = 0; i < 316; i++) {
      // A connection that is refused or reset is a part of the trouble.
      await connectTo(gateway).then((client) => idle.push(client), () => {});
    }
    await early.write(GET);
    assertEquals(statusOf(await early.readMessage()), 200);
    for (const client of idle) client[Symbol.dispose]();
    assertEquals(await answerOf(gateway), 200);
    early[Symbol.dispose]();
    assertEquals((await gateway.stop()).code, 0);
  });

  Deno.test(`${name}: an upstream that is the gateway itself does not end it`, async () => {
    using free = Deno.listen({ hostname: "127.0.0.1", port: 0 });
    const itself = `127.0.0.1:${free.addr.port}`;
    free.close();
    const own = ["--listen", itself, ...args.slice(2), "--upstream", `http://${itself}`];
    await using gateway = await startScript("gateway", own, PERMISSIONS);
    await limitOpenFiles(gateway.pid, 128);
    {
      // The request goes round until no descriptor is left; then it may wait for itself.
      using client = await connectTo(gateway);
      await client.write(GET);
      await within(client.read(), "an answer", 1_000).catch(() => {});
    }
    assertEquals(await answerOf(gateway, "GET / HTTP/1.1\r\n\r\n"), 400);
    assertEquals((await gateway.stop()).code, 0);
  });
}
