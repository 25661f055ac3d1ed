import { assert, assertEquals, assertLess, assertMatch, assertStringIncludes } from "@std/assert";
import { type Knob } from "../../tools/lab/knobs.ts";
import { measuredOf, type Results } from "../../tools/results/results.ts";
import { type FakeMachine, type Started, startFakeMachine } from "../support/fake_machine.ts";
import { privateLab, wrkInPrivateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";
import { isAlive, until } from "../support/until.ts";

const REUSE = "net.ipv4.tcp_tw_reuse";
const ONE_RUN = `${ROOT}tests/support/one_run.ts`;
const KNOBS = "tests/support/print_knobs.ts";
const BENCH = ["--lab", "host", "--allow-host-sysctl", "--repeat", "1", "--connections", "20"];

const reuse = (machine: FakeMachine) => machine.sh("cat /proc/sys/net/ipv4/tcp_tw_reuse");
const records = (machine: FakeMachine) => machine.sh("ls /var/lib/timewait 2>/dev/null");
const holder = (machine: FakeMachine) => machine.sh("cat /var/lib/timewait/*.pid");

/** Sets tcp_tw_reuse to 1 and stays so. */
async function startHolding(machine: FakeMachine): Promise<Started> {
  const started = await machine.startScript(KNOBS, "host", "allow", `${REUSE}=1`);
  await until(() => started.stdout.length > 0);
  assertEquals(await reuse(machine), "1");
  return started;
}

/** What a bench that set tcp_tw_reuse to 1 leaves when it and its guard are killed. */
async function leaveChanged(machine: FakeMachine, before = "2"): Promise<void> {
  await machine.sh(
    "echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse; space=$(readlink /proc/self/ns/net | tr -dc 0-9); " +
      "mkdir -p /var/lib/timewait; cd /var/lib/timewait; echo 4194304 >sysctl.$space.pid; " +
      `printf '%s\\t/proc/sys/net/ipv4/tcp_tw_reuse\\t=${before}\\t=1\\n' ` +
      '"$(cat /proc/sys/kernel/random/boot_id)" >sysctl.$space',
  );
  assertEquals(await reuse(machine), "1");
}

/** The guard of a bench itself, and not the shell around it, whose end would have it put everything back. */
async function guardOf(machine: FakeMachine, bench: number): Promise<number> {
  // The brackets keep the pattern from matching the shell that looks for it.
  const pid = await machine.sh(`pgrep -f '^[^ ]*bash .*[h]ost_sysctl /var/lib/timewait ${bench}$'`);
  assertMatch(pid, /^\d+$/);
  return Number(pid);
}

Deno.test({
  name: "without leave, the machine's own sysctls stay as they are, and the knob says what permits it",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    const { stdout } = await machine.script(KNOBS, "host", "refuse", `${REUSE}=1`);
    const [knob] = JSON.parse(stdout) as Knob[];
    assertEquals([knob!.status, knob!.inForce], ["denied", "2"]);
    assertStringIncludes(knob!.reason!, "--allow-host-sysctl");
  },
});

Deno.test({
  name: "with leave they are changed, put back at the end, and no record is left",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await using held = await startHolding(machine);
    const [knob] = JSON.parse(held.stdout[0]!) as Knob[];
    assertEquals([knob!.status, knob!.before, knob!.inForce], ["applied", "2", "1"]);
    assertMatch(await machine.sh("cat /var/lib/timewait/sysctl.*[0-9]"), /tcp_tw_reuse\t=2\t=1$/);
    await held.process.closeInput();
    assertEquals((await held.process.exited).code, 0, held.stderr.join());
    assertEquals(await reuse(machine), "2");
    assertEquals(await records(machine), "");
  },
});

Deno.test({
  name: "while one changes the machine's sysctls, another is refused with the process that holds them",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await using held = await startHolding(machine);
    const pid = await holder(machine);
    assertEquals(pid, String(held.process.pid));
    const [second, without, kept] = await Promise.all([
      machine.bench(...BENCH, "--duration", "1s", "--sysctl", `${REUSE}=0`),
      machine.bench("--lab", "host", "--repeat", "1"),
      machine.script("tools/sysctl.ts", "restore"),
    ]);
    for (const { code, stderr } of [second, without, kept]) {
      assertEquals(code, 1);
      assertMatch(stderr, new RegExp(`^error: process ${pid} measures in a host lab[^\n]*$`));
    }
    assertEquals(await reuse(machine), "1");
  },
});

Deno.test({
  name: "SIGKILL in the middle of a host run with knobs set: the values are put back at once",
  ...wrkInPrivateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await using bench = await machine.startBench(...BENCH, "--duration", "20s", "--sysctl", `${REUSE}=1`);
    await until(async () => (await reuse(machine)) === "1", 20_000);
    Deno.kill(Number(await holder(machine)), "SIGKILL");
    await bench.process.exited;
    await until(async () => (await reuse(machine)) === "2", 2_000);
    await until(async () => (await records(machine)) === "", 2_000);
  },
});

Deno.test({
  name: "when the guard is killed as well, the next restore puts the values back, and so does the next bench",
  ...privateLab,
  async fn() {
    for (const next of ["restore", "bench"]) {
      await using machine = await startFakeMachine();
      await using held = await startHolding(machine);
      Deno.kill(await guardOf(machine, held.process.pid), "SIGKILL");
      Deno.kill(held.process.pid, "SIGKILL");
      await held.process.exited;
      assertEquals(await reuse(machine), "1");
      const { stderr } = next === "restore"
        ? await machine.script("tools/sysctl.ts", "restore")
        : await machine.bench("--lab", "host", "--script", "/no/such.lua");
      assertStringIncludes(stderr, `put back ${REUSE} = 2`);
      assertEquals(await reuse(machine), "2");
      assertEquals(await records(machine), "");
    }
  },
});

for (const tool of ["backend", "gateway", "compare"]) {
  Deno.test({
    name: `the next start of deno task ${tool} puts back what was left, and says so`,
    ...privateLab,
    async fn() {
      await using machine = await startFakeMachine();
      await leaveChanged(machine);
      const { code, stderr } = await machine.task(tool, "--help");
      assertEquals(code, 0);
      assertStringIncludes(stderr, `put back ${REUSE} = 2`);
      assertEquals(await reuse(machine), "2");
      assertEquals(await records(machine), "");
    },
  });
}

Deno.test({
  name:
    "a gateway that is started while a bench holds the machine's sysctls leaves them alone, and says nothing",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await using _held = await startHolding(machine);
    const { code, stderr } = await machine.task("gateway", "--help");
    assertEquals([code, stderr.split("\n").length], [0, 1], stderr);
    assertEquals(await reuse(machine), "1");
  },
});

Deno.test({
  name: "an ordinary user is told who holds the machine's sysctls, or that root can put back what was left",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    // Root of the fake machine that may not write there, as nobody else can be had in it.
    const asUser =
      "mount --bind /var/lib/timewait /var/lib/timewait && mount -o remount,bind,ro /var/lib/timewait";
    {
      await using held = await startHolding(machine);
      await machine.sh(asUser);
      const { code, stderr } = await machine.bench("--lab", "host", "--repeat", "1");
      assertEquals(code, 1);
      assertStringIncludes(stderr, `error: process ${held.process.pid} measures in a host lab`);
      await machine.sh("umount /var/lib/timewait");
    }
    await until(async () => (await records(machine)) === "");
    await leaveChanged(machine);
    await machine.sh(asUser);
    const left = await machine.script("tools/sysctl.ts", "restore");
    assertEquals(left.code, 1);
    assertMatch(left.stderr, /^error: [^\n]*sysctl\.\d+ cannot be put back: it takes root[^\n]*$/);
    // Neither a record of another boot nor one of another namespace is anything that could be put back.
    await machine.sh(
      "umount /var/lib/timewait; cd /var/lib/timewait; cp sysctl.*[0-9] sysctl.1; sed -i s/^/old-boot-/ sysctl.[0-9][0-9]*[0-9]",
    );
    await machine.sh(asUser);
    const { code, stderr } = await machine.script("tools/sysctl.ts", "restore");
    assertEquals([code, stderr], [0, "nothing to put back"]);
  },
});

Deno.test({
  name: "a value that was empty is put back as well",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    const reserved = () => machine.sh("cat /proc/sys/net/ipv4/ip_local_reserved_ports");
    assertEquals(await reserved(), "");
    await using held = await machine.startScript(
      KNOBS,
      "host",
      "allow",
      "net.ipv4.ip_local_reserved_ports=8080-8081",
    );
    await until(() => held.stdout.length > 0);
    assertEquals(await reserved(), "8080-8081");
    await held.process.closeInput();
    assertEquals((await held.process.exited).code, 0);
    assertEquals(await reserved(), "");
  },
});

Deno.test({
  name: "what cannot be written down is not changed",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    // Room for the lock, and for nothing else.
    await machine.sh(
      "mkdir /var/lib/timewait && mount -t tmpfs -o size=8k,mode=755 full /var/lib/timewait && head -c 4096 /dev/zero >/var/lib/timewait/full",
    );
    const { stdout } = await machine.script(KNOBS, "host", "allow", `${REUSE}=1`);
    const [knob] = JSON.parse(stdout) as Knob[];
    assertEquals([knob!.status, knob!.inForce], ["denied", "2"]);
    assertMatch(knob!.reason!, /^the record of what was there cannot be written: No space left on device$/);
  },
});

Deno.test({
  name: "the values are put back after each repetition, so that none finds those of another run",
  ...wrkInPrivateLab,
  async fn() {
    await using machine = await startFakeMachine();
    const flags = [
      "--lab",
      "host",
      "--allow-host-sysctl",
      "--repeat",
      "2",
      "--sysctl",
      `${REUSE}=1`,
      "--json",
      "-",
    ];
    const { code, stdout, stderr } = await machine.bench(ONE_RUN, ...flags);
    assertEquals(code, 0, stderr);
    const { runs }: Results = JSON.parse(stdout);
    const knobs = runs.flatMap(measuredOf).flatMap((one) => one.knobs ?? []);
    assertEquals(knobs.map(({ before, inForce }) => [before, inForce]), [["2", "1"], ["2", "1"]]);
  },
});

for (const signal of ["SIGINT", "SIGTERM", "SIGHUP"] as const) {
  Deno.test({
    name: `${signal} does not keep the guard from its work`,
    ...privateLab,
    async fn() {
      await using machine = await startFakeMachine();
      await using held = await startHolding(machine);
      const guard = await guardOf(machine, held.process.pid);
      Deno.kill(guard, signal);
      await held.process.closeInput();
      assertEquals((await held.process.exited).code, 0, held.stderr.join());
      assertEquals([await reuse(machine), await records(machine)], ["2", ""]);
    },
  });
}

Deno.test({
  name: "what cannot be put back is an error that names it, and its record stays for the next restore",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await leaveChanged(machine);
    await machine.sh("mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys");
    const failed = await machine.script("tools/sysctl.ts", "restore");
    assertEquals(failed.code, 1);
    assertMatch(
      failed.stderr,
      /^error: [^\n]*could not be put back \(net\.ipv4\.tcp_tw_reuse: Read-only file system\)[^\n]*$/,
    );
    const begun = await machine.script(KNOBS, "host", "allow", "net.ipv4.tcp_fin_timeout=5");
    assertMatch(begun.stdout, /^sysctls of this machine could not be put back/);
    await machine.sh("umount /proc/sys");
    const { code } = await machine.script("tools/sysctl.ts", "restore");
    assertEquals([code, await reuse(machine)], [0, "2"]);
  },
});

Deno.test({
  name: "a bench that starts while the guard of a killed one still puts values back waits for it",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await using held = await startHolding(machine);
    // As long as the guard is stopped it holds the lock, and the process it names is gone.
    const guard = await guardOf(machine, held.process.pid);
    Deno.kill(guard, "SIGSTOP");
    let waiting: ReturnType<FakeMachine["script"]>;
    try {
      Deno.kill(held.process.pid, "SIGKILL");
      await held.process.exited;
      waiting = machine.script("tools/sysctl.ts", "restore");
      await until(async () => (await machine.sh("pgrep -c -f '[f]lock --timeout'")) !== "0", 3_000);
    } finally {
      Deno.kill(guard, "SIGCONT");
    }
    assertEquals((await waiting).code, 0);
    assertEquals(await reuse(machine), "2");
  },
});

Deno.test({
  name: "what somebody has changed since is left alone, and so is a record of another boot",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    {
      await using held = await startHolding(machine);
      await machine.sh("echo 0 >/proc/sys/net/ipv4/tcp_tw_reuse");
      await held.process.closeInput();
      await held.process.exited;
      assertEquals(await reuse(machine), "0");
    }
    await machine.sh(
      "space=$(readlink /proc/self/ns/net | tr -dc 0-9); mkdir -p /var/lib/timewait; " +
        "printf 'another-boot\\t/proc/sys/net/ipv4/tcp_tw_reuse\\t=2\\t=0\\n' >/var/lib/timewait/sysctl.$space; " +
        "cp /var/lib/timewait/sysctl.$space /var/lib/timewait/sysctl.1",
    );
    const { code } = await machine.script("tools/sysctl.ts", "restore");
    assertEquals(code, 0);
    assertEquals(await reuse(machine), "0");
    assertEquals(await records(machine), "");
  },
});

for (const signal of ["SIGINT", "SIGTERM"] as const) {
  Deno.test({
    name: `${signal} in the middle of a host run puts the values back`,
    ...wrkInPrivateLab,
    async fn() {
      await using machine = await startFakeMachine();
      await using bench = await machine.startBench(...BENCH, "--duration", "20s", "--sysctl", `${REUSE}=1`);
      await until(async () => (await reuse(machine)) === "1", 20_000);
      const fromMs = performance.now();
      Deno.kill(Number(await holder(machine)), signal);
      assertEquals((await bench.process.exited).code, 130, bench.stderr.join("\n"));
      assertLess(performance.now() - fromMs, 8_000, "it waited for the load");
      assertEquals([await reuse(machine), await records(machine)], ["2", ""]);
    },
  });
}

Deno.test({
  name:
    "a terminal that closes in the middle of a host run ends the bench and all it has started, and the values are put back",
  ...wrkInPrivateLab,
  async fn() {
    await using machine = await startFakeMachine();
    const terminal = await machine.startInTerminal(...BENCH, "--duration", "20s", "--sysctl", `${REUSE}=1`);
    await using _script = terminal;
    await until(async () => (await reuse(machine)) === "1", 20_000);
    const bench = Number(await holder(machine));
    let started: number[] = [];
    await until(async () => (started = await startedBy(machine, bench)).length >= 5, 20_000);
    terminal.process.signal("SIGKILL");
    await until(() => !isAlive(bench), 5_000);
    await until(async () => (await reuse(machine)) === "2", 5_000);
    await until(async () => (await records(machine)) === "", 5_000);
    await until(() => !started.some(isAlive), 5_000);
  },
});

/** What a process has started, and what that has, and so on. */
async function startedBy(machine: FakeMachine, pid: number): Promise<number[]> {
  const rows = (await machine.sh("ps -eo pid=,ppid=")).split("\n").map((row) =>
    row.trim().split(/\s+/).map(Number)
  );
  const below = (parent: number): number[] =>
    rows.filter((row) => row[1] === parent).flatMap(([child]) => [child!, ...below(child!)]);
  return below(pid);
}

Deno.test({
  name: "a run that fails with knobs set puts them back",
  ...wrkInPrivateLab,
  async fn() {
    await using machine = await startFakeMachine();
    const { code, stdout } = await machine.bench(
      ...BENCH,
      "--duration",
      "1s",
      "--sysctl",
      `${REUSE}=1`,
      "--gateway",
      "false {listen}",
    );
    assertEquals(code, 1);
    assert(stdout.includes("the gateway ended before it listened"), stdout);
    assertEquals(await reuse(machine), "2");
    assertEquals(await records(machine), "");
  },
});

Deno.test({
  name: "a guard that alone is killed holds nothing up: another takes its place and puts the values back",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await using held = await startHolding(machine);
    Deno.kill(await guardOf(machine, held.process.pid), "SIGKILL");
    await held.process.closeInput();
    const { code, stderr } = await held.process.exited;
    assertEquals([code, stderr.join()], [0, ""], held.stdout.join());
    assertEquals(await reuse(machine), "2");
    assertEquals(await records(machine), "");
  },
});

Deno.test({
  name: "nobody but root can open the lock, and one that others could open is not waited for",
  ...privateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await leaveChanged(machine);
    await machine.sh("cd /var/lib/timewait; for f in *.pid; do touch ${f%.pid}.lock; done; chmod 644 *");
    const locked: string[] = [];
    await using _other = await machine.host.start({
      name: "another user",
      argv: ["sh", "-c", "exec flock /var/lib/timewait/*.lock sh -c 'echo locked; exec sleep 100'"],
      onStdout: (line) => locked.push(line),
    });
    await until(() => locked.length > 0);
    const { code, stderr } = await machine.script("tools/sysctl.ts", "restore");
    assertEquals(code, 0, stderr);
    assertEquals(await reuse(machine), "2");
    await using _held = await startHolding(machine);
    assertEquals(await machine.sh("stat -c %a /var/lib/timewait /var/lib/timewait/*.lock"), "755\n600");
  },
});

Deno.test({
  name: "a record that another user could have written, or that names another file, is not put back",
  ...privateLab,
  async fn() {
    const cases: [change: string, says: string][] = [
      ["mv /var/lib/timewait /var/lib/theirs; ln -s theirs /var/lib/timewait", "is a link"],
      ["chmod 777 /var/lib/timewait", "other users may write"],
      ["cd /var/lib/timewait; for f in *[0-9]; do mv $f x; ln -s x $f; done", "is no file of this user's"],
      [
        "echo old >/var/lib/file; sed -i s:/proc/sys/net.*reuse:/var/lib/file: /var/lib/timewait/*[0-9]",
        "not below",
      ],
      [
        "echo old >/var/lib/file; sed -i s:/proc/sys/net/.*reuse:/proc/sys/net/../../../var/lib/file: " +
        "/var/lib/timewait/*[0-9]",
        "not below",
      ],
    ];
    for (const [change, says] of cases) {
      await using machine = await startFakeMachine();
      await leaveChanged(machine);
      await machine.sh(change);
      const { code, stderr } = await machine.script("tools/sysctl.ts", "restore");
      assertEquals(code, 1, change);
      assertStringIncludes(stderr, says);
      assertEquals(await reuse(machine), "1");
      assertEquals(await machine.sh("cat /var/lib/file 2>/dev/null"), change.includes("old") ? "old" : "");
    }
  },
});
