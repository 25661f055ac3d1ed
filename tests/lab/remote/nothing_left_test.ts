/** Nothing is left on a remote host, however the bench or the way to it ends. */

import { assert, assertEquals, assertGreater, assertRejects, assertStringIncludes } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { delay } from "@std/async/delay";
import { UnavailableError } from "../../../tools/errors.ts";
import FAR_PROCESS from "../../../tools/lab/remote/far_process.sh" with { type: "text" };
import { connectHost } from "../../../tools/lab/remote/remote_host.ts";
import { ROOT } from "../../support/root.ts";
import { allShells, prefixOf, SHELLS } from "../../support/shells.ts";
import { startStubborn } from "../../support/stubborn.ts";
import { isAlive, until } from "../../support/until.ts";

/** Longest time until the far end has found that we are gone, and ended everything, in milliseconds. */
const LEASE_MS = 20_000;

const connect = (prefix: string) => connectHost({ name: "gateway", prefix, address: "" });

/** A prefix whose clients pass both streams through a relay, and where the relays' process ids are noted. */
interface Relayed extends AsyncDisposable {
  readonly prefix: string;
  /** The relay of what goes there, of the client that was started first: it holds the lease. */
  leaseInput(): number;
}

async function relayed(prefix: string, relayThere = "cat"): Promise<Relayed> {
  const folder = await Deno.makeTempDir();
  const relay = `sh -c 'echo $$ >>${folder}/pids; exec ${relayThere}' | "$@" | cat`;
  await Deno.writeTextFile(`${folder}/relayed`, `#!/bin/sh\n${relay}\n`, { mode: 0o700 });
  return {
    prefix: `${folder}/relayed ${prefix}`,
    leaseInput: () => parseInt(Deno.readTextFileSync(`${folder}/pids`)),
    [Symbol.asyncDispose]: () => Deno.remove(folder, { recursive: true }),
  };
}

for (const shell of SHELLS) {
  Deno.test(`${shell}: there as well no process starts once the lease is over`, allShells, async () => {
    await using there = await prefixOf(shell, { others: true });
    const holder = new Deno.Command("sleep", { args: ["1000"] }).spawn();
    const argv = ["sh", "-c", FAR_PROCESS, "sh", "token", `${Deno.pid} ${holder.pid}`, "", "echo", "it runs"];
    const [env, ...words] = there.prefix.split(" ");
    const start = async () => {
      const { stdout, stderr } = await new Deno.Command(env!, { args: [...words, ...argv] }).output();
      return [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
    };
    assertStringIncludes((await start())[0]!, "it runs\n");
    holder.kill("SIGKILL");
    await holder.status;
    assertEquals(await start(), ["", "the lease there is over, or not seen from here\n"]);
  });

  Deno.test(`${shell}: a host that is disposed leaves nothing`, allShells, async () => {
    await using there = await prefixOf(shell, { others: true });
    let left: () => number[];
    {
      await using host = await connect(there.prefix);
      ({ left } = await startStubborn(host));
    }
    assertEquals(left(), []);
  });

  Deno.test(`${shell}: a bench that is killed with SIGKILL leaves nothing`, allShells, async () => {
    await using there = await prefixOf(shell, { others: true });
    const bench = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-all", `${ROOT}tests/support/hold_host.ts`, there.prefix],
      stdout: "piped",
    }).spawn();
    const reader = bench.stdout.getReader();
    const { value } = await reader.read();
    const pids = new TextDecoder().decode(value).trim().split(" ").map(Number);
    assertGreater(pids.length, 4);
    bench.kill("SIGKILL");
    await bench.status;
    await reader.cancel();
    await until(() => !pids.some(isAlive), LEASE_MS);
  });
}

Deno.test(
  "a command of which the lease was told too late ends with it, and so does what has no mark",
  allShells,
  async () => {
    for (const shell of SHELLS) {
      await using there = await prefixOf(shell, { others: true });
      // The lines that tell of groups are lost.
      await using way = await relayed(there.prefix, 'sed -u "/^[+] /d"');
      let left: () => number[];
      {
        await using host = await connect(way.prefix);
        ({ left } = await startStubborn(host));
      }
      assertEquals(left(), [], shell);
    }
  },
);

Deno.test(
  "the far end ends everything after 10 s in which nothing comes, in any shell",
  allShells,
  async () => {
    // At the same time, because most of it is waiting.
    await Promise.all(SHELLS.map(async (shell) => {
      await using there = await prefixOf(shell, { others: true });
      await using way = await relayed(there.prefix);
      await using host = await connect(way.prefix);
      const stubborn = await startStubborn(host);
      // What is stopped passes nothing on, and closes nothing.
      const relay = way.leaseInput();
      Deno.kill(relay, "SIGSTOP");
      const startMs = performance.now();
      await until(() => stubborn.left().length === 0, LEASE_MS, shell);
      assertGreater(performance.now() - startMs, 8_000, shell);
      Deno.kill(relay, "SIGCONT");
      const { message } = await host.lost;
      assertStringIncludes(message, "has heard nothing from here for 10 s", shell);
    }));
  },
);

Deno.test("a client that is killed leaves nothing, be it that of a process or that of the lease", async () => {
  await using host = await connect("");
  const stubborn = await startStubborn(host);
  const child = await host.start({
    name: "it",
    argv: ["sh", "-c", "trap '' PIPE TERM; while :; do sleep 1; done"],
  });
  // Its client is what has started its shell; here the two are one.
  const client = Number((await host.$`ps -o ppid= -p ${child.pid}`.text()).trim());
  Deno.kill(client, "SIGKILL");
  const { code, stderr } = await child.exited;
  assertEquals(code, 1);
  assertStringIncludes(stderr.at(-1)!, "ended ahead of the last line from there");
  await until(() => !isAlive(child.pid));
  // The host goes on with the others, until the lease goes.
  assertGreater(stubborn.left().length, 4);
});

Deno.test("a pipe that is closed there in one direction ends everything, whichever it is", async () => {
  const folder = await Deno.makeTempDir();
  // Of the first client, which holds the lease, one pipe ends; the other stays open.
  const prefixes: Record<string, [line: string, why: string]> = {
    "what goes there": [`sed -u '/^clock 2$/q' | "$@"`, "found the way from here closed"],
    "what comes from there": [`"$@" | sed -u '/ clock 2 /q'; exec sleep 5`, "gives no sign of life for 20 s"],
  };
  try {
    await Promise.all(
      Object.entries(prefixes).map(async ([name, [line, why]]) => {
        const way = `${folder}/${name.replaceAll(" ", "_")}`;
        const text = `#!/bin/sh\nmkdir ${way}.first 2>/dev/null || exec "$@"\n${line}\n`;
        await Deno.writeTextFile(way, text, { mode: 0o700 });
        const host = await connect(`${way} env`);
        const stubborn = await startStubborn(host);
        await until(() => stubborn.left().length === 0, 2 * LEASE_MS, name);
        assertStringIncludes((await host.lost).message, why);
        await host[Symbol.asyncDispose]();
      }),
    );
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a flood that nobody reads holds up neither the lease nor the end", async () => {
  await using host = await connect("");
  const read = Promise.withResolvers<void>();
  const pids: string[] = [];
  // Takes the first piece, and no other for longer than the lease.
  const slow = new WritableStream<Uint8Array>({ write: () => read.promise });
  const flood = host.$`echo $$ >&2; exec yes`.stdout(slow).stderr(
    new WritableStream({ write: (bytes) => void pids.push(new TextDecoder().decode(bytes)) }),
  ).noThrow().spawn();
  await until(() => pids.length > 0);
  const pid = parseInt(pids[0]!);
  await delay(12_000);
  assert(isAlive(pid));
  assertEquals(await host.$`echo here`.text(), "here");
  flood.kill("SIGKILL");
  await until(() => !isAlive(pid));
  read.resolve();
  await flood;
});

/** What a command prints that runs to its end. */
function outputOf(command: string, ...args: string[]): string {
  return new TextDecoder().decode(new Deno.Command(command, { args }).outputSync().stdout).trim();
}

const parentOf = (pid: number) => Number(outputOf("ps", "-o", "ppid=", "-p", String(pid)));

Deno.test("a client that is stopped with a megabyte on its way to it is ended with its host", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // It stays here when what it leads to is ended.
    await Deno.writeTextFile(`${folder}/way`, '#!/bin/sh\n"$@"\nexit\n', { mode: 0o700 });
    const host = await connect(`${folder}/way env`);
    const child = await host.start({ name: "it", argv: ["sleep", "1000"] });
    const written = child.writeLine("x".repeat(1_000_000));
    const client = parentOf(parentOf(child.pid));
    Deno.kill(client, "SIGSTOP");
    await host[Symbol.asyncDispose]();
    // Its own last line may have come: killed by a signal.
    assert([1, 137].includes((await deadline(child.exited, LEASE_MS)).code));
    await until(() => !isAlive(client));
    await written;
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});

Deno.test("a process whose client arrives when the lease is over is not started", async () => {
  const folder = await Deno.makeTempDir();
  try {
    // All but the first client, which holds the lease, wait on the way.
    const way = `mkdir ${folder}/first 2>/dev/null || until [ -e ${folder}/go ]; do sleep 0.1; done`;
    await Deno.writeTextFile(`${folder}/way`, `#!/bin/sh\n${way}\nexec "$@"\n`, { mode: 0o700 });
    const host = await connect(`${folder}/way env`);
    const seconds = String(1e6 + Math.floor(Math.random() * 1e8));
    const started = assertRejects(
      () => host.start({ name: "it", argv: ["sleep", seconds] }),
      UnavailableError,
    );
    await until(() => outputOf("pgrep", "-f", `${folder}/way`) !== "");
    await host[Symbol.asyncDispose]();
    await Deno.writeTextFile(`${folder}/go`, "");
    assertStringIncludes((await started).message, "has ended as asked");
    assertEquals(outputOf("pgrep", "-f", `sleep ${seconds}`), "");
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
});
