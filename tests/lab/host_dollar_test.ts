import { $ as dax } from "@david/dax";
import { assert, assertEquals, assertLess, assertRejects, assertThrows } from "@std/assert";
import { HOST_NAMES } from "../../tools/scenario/host_names.ts";
import { localMachine } from "../../tools/lab/host.ts";
import { openLab } from "../../tools/lab/open_lab.ts";
import { privateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";
import { isAlive, until } from "../support/until.ts";

Deno.test({
  name: "a command line of $ sees the network of its host, and no other",
  ...privateLab,
  async fn() {
    await using lab = await openLab("private");
    for (const name of HOST_NAMES) {
      const addresses = await lab[name].$`ip -o -4 address | grep -v ' lo ' | awk '{ print $4 }' | sort -u`
        .lines();
      assertEquals(addresses, [lab[name].address]);
    }
    assertEquals(await lab.gateway.$`ss -Htan state time-wait | wc -l`.text(), "0");
    await lab.gateway.$`sysctl -q -w net.ipv4.tcp_fin_timeout=7`;
    assertEquals(await lab.gateway.$`cat /proc/sys/net/ipv4/tcp_fin_timeout`.text(), "7");
    assert(await lab.client.$`cat < /proc/sys/net/ipv4/tcp_fin_timeout`.text() !== "7");
  },
});

Deno.test("a command line of $ runs in a host lab as well", async () => {
  await using lab = await openLab("host");
  assertEquals(
    await lab.gateway.$`ss -Htan state time-wait | grep -c . | sed s/.*/counted/`.text(),
    "counted",
  );
});

Deno.test("values are put into a command line by dax's own rules", async () => {
  await using host = localMachine();
  const { $ } = host;
  const hard = "a 'b' \"c\" $HOME `id` \\ * ; | \n&& é";
  assertEquals(await $`printf %s ${hard}`.text(), hard);
  assertEquals(await $`printf '[%s]' ${["a b", "*", ""]}`.text(), "[a b][*][]");
  assertEquals(await $`printf '[%s]' ${$.rawArg("a b")} ${1} ${true}`.text(), "[a][b][1][true]");
  assertEquals(await $`printf '[%s]' ${await $`echo one two`.quiet()}`.text(), "[one two]");
  assertEquals(await $`printf %s ${$.path("/tmp/a b")}`.text(), "/tmp/a b");
  assertEquals(await $.raw`printf '[%s]' ${"a b"}`.text(), "[a][b]");
  assertThrows(() => $`echo ${undefined as unknown as string}`, Error, "null or undefined");
  assertThrows(() => $`echo ${{} as unknown as string}`, TypeError, "toString");
  for (const value of ["", "it's", "-n", hard]) {
    assertEquals(await $`echo ${value}x`.text(), await dax`echo ${value}x`.text());
  }
});

Deno.test("what dax offers on a command works on a host: results, errors, environment, directory, input, output", async () => {
  await using host = localMachine();
  const { $ } = host;
  assertEquals(await $`printf 'a\nb\n'`.lines(), ["a", "b"]);
  assertEquals(await $`echo ${JSON.stringify({ a: [1] })}`.json(), { a: [1] });
  assertEquals(await Array.fromAsync($`seq 3`.linesIter()), ["1", "2", "3"]);
  assertEquals(await $`exit 3`.code(), 3);
  assertEquals((await $`echo no >&2; exit 4`.noThrow(4).quiet()).stderr, "no\n");
  await assertRejects(() => $`exit 5`.quiet(), Error, "5");
  assertEquals(await $`kill -KILL $$`.code(), 137);
  assertEquals(await $`no-such-command`.quiet().code(), 127);
  assertEquals(await $`echo $A-$B`.env("A", "a").env({ B: "b" }).text(), "a-b");
  assertEquals(await $`pwd`.cwd("/usr").text(), "/usr");
  assertEquals(
    await $`env | cut -d= -f1 | grep -c '^[A-Z]OT_SET'`.clearEnv().env("NOT_SET", "1").text(),
    "1",
  );
  assertEquals(await $`cat`.stdinText("in").text(), "in");
  assertEquals(await $`cat`.stdin(new Blob(["streamed"]).stream()).text(), "streamed");
  assertEquals(await $`wc -c < ${"after <"}`.text(), "7");
  assertEquals(await $`true | cat - <${new TextEncoder().encode("bytes")}`.text(), "bytes");
  assertEquals(await $`head -c 1 /dev/zero | wc -c`.stdin(endless()).text(), "1");
  assertThrows(() => $`echo > ${new Uint8Array(9)}`, TypeError, "call .stdin(…) or .stdout(…)");
  assertEquals(
    await $`echo out; echo err >&2`.captureCombined().quiet().then((r) => r.combined),
    "out\nerr\n",
  );
  assertEquals(await $`echo a b`.pipe($`tr a-z A-Z`).text(), "A B");
  assertEquals(await $`false | true`.code(), 0);
  assertEquals(await $`false | true`.pipefail().code(), 1);
  assertEquals(await $`false; echo on`.text(), "on");
  assertEquals((await $`false\necho on`.noThrow().quiet("stdout")).stdout, "");
  assertEquals(await $`echo /nothing*`.nullglob().text(), "");
  const child = $`echo streamed; sleep 1000`.stdout("piped").noThrow().spawn();
  const { value } = await child.stdout().getReader().read();
  assertEquals(new TextDecoder().decode(value), "streamed\n");
  child.kill();
  assertEquals((await child).code, 143);
});

Deno.test("what has been built from the $ of a host runs there too, and a printed command names it", async () => {
  await using host = localMachine();
  const $ = host.$.build$({ commandBuilder: (builder) => builder.env("BUILT", "yes") });
  assertEquals(await $`echo $BUILT \${BASH_VERSION:+bash}`.text(), "yes bash");
  const printed: string[] = [];
  const command = $`echo 1 | cat`.printCommand().quiet();
  command.setPrintCommandLogger((line: string) => printed.push(line));
  await command;
  assertEquals(printed, ["on 'this machine' 'echo 1 | cat'"]);
  assert($.path("/usr").existsSync());
});

Deno.test("a command line that is out of time, or aborted, is ended with all that it has started", async () => {
  await using lab = await openLab("host");
  const { $ } = lab.gateway;
  const started = performance.now();
  assertEquals(await $`sleep 1000 | cat`.timeout(100).code(), 124);
  assertEquals(await $`trap '' TERM; sleep 1000; sleep 1000`.timeout(100).code(), 124);
  assertLess(performance.now() - started, 30_000);
  const controller = new AbortController();
  const pids: number[] = [];
  const aborted = $`sleep 1000 & echo $!; wait`.signal(controller.signal).noThrow().stdout("piped").spawn();
  for await (const chunk of aborted.stdout()) {
    pids.push(Number(new TextDecoder().decode(chunk)));
    controller.abort();
  }
  await aborted;
  await until(() => !isAlive(pids[0]!));
});

for (const kind of ["private", "host"] as const) {
  Deno.test({
    name: `kill -9 of a script leaves none of its command lines in a ${kind} lab, not even without our mark`,
    ...(kind === "private" ? privateLab : {}),
    async fn() {
      const script = `
        import { openLab } from "${new URL("../../tools/lab/open_lab.ts", import.meta.url)}";
        const lab = await openLab("${kind}");
        const child = lab.backend.$\`env -u TIMEWAIT_LAB sleep 4321 & sleep 1234 | cat & wait\`.spawn();
        await lab.backend.readProc("/proc/uptime");
        console.log("started");
        await child;`;
      const path = await Deno.makeTempFile({ suffix: ".ts" });
      await Deno.writeTextFile(path, script);
      const config = `${ROOT}deno.json`;
      const child = new Deno.Command(Deno.execPath(), {
        args: ["run", "--cached-only", "-A", "--config", config, path],
        stdout: "piped",
      }).spawn();
      try {
        const stdout = child.stdout.getReader();
        await stdout.read();
        await stdout.cancel();
        await until(async () => (await sleepers(child.pid)).length >= 2);
        const pids = await sleepers(child.pid);
        child.kill("SIGKILL");
        await child.status;
        await until(() => !pids.some(isAlive));
      } finally {
        await Deno.remove(path);
      }
    },
  });
}

/** Processes that sleep and descend from a process. */
async function sleepers(root: number): Promise<number[]> {
  const { stdout } = await new Deno.Command("ps", { args: ["-eo", "pid=,ppid=,comm="] }).output();
  const rows = new TextDecoder().decode(stdout).trim().split("\n").map((line) => line.trim().split(/\s+/));
  const descends = (pid: string): boolean => {
    const row = rows.find(([id]) => id === pid);
    return row !== undefined && (row[1] === String(root) || descends(row[1]!));
  };
  return rows.filter(([pid, , name]) => name === "sleep" && descends(pid!)).map(([pid]) => Number(pid));
}

/** Standard input that never ends. */
function endless(): ReadableStream<Uint8Array> {
  return new ReadableStream({ pull: () => new Promise(() => {}) });
}
