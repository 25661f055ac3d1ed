import { TimewaitError } from "../../tools/errors.ts";
import { assertEquals, assertMatch, assertNotEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { localMachine } from "../../tools/lab/host.ts";
import { openLab } from "../../tools/lab/open_lab.ts";
import { type Knob, readSysctls, setKnobs } from "../../tools/lab/knobs.ts";
import { parseKnobs } from "../../tools/scenario/sysctls.ts";
import { parseSysctl } from "../../tools/cli/values.ts";
import { measuredOf, type Results } from "../../tools/results/results.ts";
import { type FakeMachine, startFakeMachine } from "../support/fake_machine.ts";
import { privateLab, wrkInPrivateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";

const REUSE = "net.ipv4.tcp_tw_reuse";
const RANGE = "net.ipv4.ip_local_port_range";
const ONE_RUN = `${ROOT}tests/support/one_run.ts`;

async function ofMachine(key: string): Promise<string | null> {
  await using machine = localMachine();
  return (await readSysctls(machine, [key]))[0]!;
}

Deno.test({
  name: "a knob is in force on the host it was asked for, on no other, and not on the machine",
  ...privateLab,
  async fn() {
    const machine = await ofMachine(RANGE);
    await using lab = await openLab("private");
    await using set = await setKnobs(lab, parseKnobs({ [RANGE]: "21000  21999", [`client:${REUSE}`]: 1 }));
    assertEquals(set.knobs.map(({ host, asked, inForce, status }) => [host, asked, inForce, status]), [
      ["client", "1", "1", "applied"],
      ["gateway", "21000 21999", "21000 21999", "applied"],
    ]);
    assertEquals(await readSysctls(lab.gateway, [RANGE]), ["21000 21999"]);
    assertNotEquals(await readSysctls(lab.client, [RANGE]), ["21000 21999"]);
    assertNotEquals(await readSysctls(lab.gateway, [REUSE]), ["1"]);
    assertEquals(await ofMachine(RANGE), machine);
  },
});

Deno.test({
  name: "two labs at once have what each of them asked for",
  ...privateLab,
  async fn() {
    const values = ["21000 21999", "22000 22999"];
    await Promise.all(values.map(async (value) => {
      await using lab = await openLab("private");
      await using set = await setKnobs(lab, parseKnobs({ [RANGE]: value }));
      assertEquals(set.knobs[0]!.inForce, value);
      assertEquals(await readSysctls(lab.gateway, [RANGE]), [value]);
    }));
  },
});

Deno.test({
  name: "a knob that is not in force says why, and the others are set all the same",
  ...privateLab,
  async fn() {
    await using lab = await openLab("private");
    await using set = await setKnobs(
      lab,
      parseKnobs({
        [REUSE]: 2,
        "net.ipv4.tcp_tw_recycle": 1,
        "net.ipv4.no_such_knob": 1,
        "net.core.rmem_max": 1_234_567,
        "net.ipv4.tcp_max_orphans": 1000,
        [RANGE]: "9 1",
        "net.ipv4.tcp_fin_timeout": 5,
        "net.ipv4.tcp_syn_retries": "010",
      }),
    );
    const statusOf = (key: string) => set.knobs.find((knob) => knob.key.endsWith(key))!;
    const expect = (key: string, status: Knob["status"], reason: RegExp) => {
      assertEquals(statusOf(key).status, status, key);
      assertMatch(statusOf(key).reason ?? "", reason);
    };
    expect("tw_reuse", "unchanged", /^$/);
    expect("tw_recycle", "unknown", /removed in Linux 4\.12/);
    expect("no_such_knob", "unknown", /^Linux .* does not have it/);
    expect("rmem_max", "denied", /not per network namespace/);
    expect("max_orphans", "denied", /not per network namespace/);
    expect("port_range", "denied", /does not take this value/);
    expect("fin_timeout", "applied", /^$/);
    // Which is octal.
    expect("syn_retries", "applied", /^the kernel made this of the value/);
    assertEquals(statusOf("syn_retries").inForce, "8");
    assertEquals(statusOf("tw_recycle").inForce, null);
  },
});

/** The knobs of the only repetition of a bench, and its report. */
async function knobsOfBench(
  machine: FakeMachine,
  ...flags: string[]
): Promise<{ knobs: Knob[]; report: string }> {
  const directory = await Deno.makeTempDir();
  try {
    const out = ["--lab", "private", "--repeat", "1", "--out", directory];
    const { code, stdout, stderr } = await machine.bench(ONE_RUN, ...out, ...flags);
    assertEquals(code, 0, stderr);
    const { runs }: Results = JSON.parse(await Deno.readTextFile(`${directory}/results.json`));
    return { knobs: runs.flatMap(measuredOf).flatMap((one) => one.knobs ?? []), report: stdout };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

Deno.test({
  name:
    "where /proc/sys is read-only, as in containers, a bench goes on, and its report says what permits the knob",
  ...wrkInPrivateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await machine.sh("mount --bind /proc/sys /proc/sys && mount -o remount,bind,ro /proc/sys");
    const { knobs, report } = await knobsOfBench(machine, "--sysctl", `${REUSE}=1`);
    assertEquals(knobs.map(({ status, before, inForce }) => [status, before, inForce]), [[
      "denied",
      "2",
      "2",
    ]]);
    assertMatch(report, /^\| `direct` \| gateway \| `net\.ipv4\.tcp_tw_reuse` .*\*\*denied\*\* +\|$/m);
    assertStringIncludes(
      report,
      "tcp_tw_reuse is **not in force** on the gateway: /proc/sys is read-only here",
    );
  },
});

Deno.test({
  name:
    "two benches at once in private labs have each their own knobs, and one that the kernel lacks stops neither",
  ...wrkInPrivateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await machine.sh("echo 1 >/proc/sys/net/ipv4/tcp_tw_reuse");
    const [one, other] = await Promise.all([
      knobsOfBench(machine, "--sysctl", `${RANGE}=21000 21999`, "--sysctl", "net.ipv4.no_such_knob=1"),
      knobsOfBench(machine, "--sysctl", `${RANGE}=22000 22999`),
    ]);
    const told = ({ knobs }: { knobs: Knob[] }) => knobs.map(({ inForce, status }) => [inForce, status]);
    assertEquals(told(one), [["21000 21999", "applied"], [null, "unknown"]]);
    assertEquals(told(other), [["22000 22999", "applied"]]);
    assertStringIncludes(one.report, "net.ipv4.no_such_knob is **not in force** on the gateway: Linux ");
    assertMatch(other.report, /own sysctls differ\*\* [^\n]*net\.ipv4\.tcp_tw_reuse = 1 \(the lab's: 2\)/);
    assertEquals(await machine.sh("cat /proc/sys/net/ipv4/ip_local_port_range"), "32768\t60999");
  },
});

Deno.test("keys that are not below net. are refused, for they would change the machine", () => {
  const refused: [string, string][] = [
    ["vm.swappiness=1", "takes keys below net."],
    ["net.ipv4.../../vm.swappiness=1", "takes keys below net."],
    ["net/../vm/swappiness=1", "takes keys below net."],
    ["server:net.ipv4.tcp_tw_reuse=1", "takes the hosts client, gateway, backend"],
    ["net.ipv4.tcp_tw_reuse", "takes KEY=VALUE"],
    ["net.ipv4.tcp_tw_reuse=", "takes KEY=VALUE"],
    ["net.ipv4.tcp_tw_reuse=1\n2", "takes KEY=VALUE"],
    ["=1", "takes KEY=VALUE"],
  ];
  for (const [text, message] of refused) {
    assertThrows(() => parseSysctl(text, "--sysctl"), TimewaitError, message, text);
  }
  assertEquals(parseSysctl("client:net.ipv4.tcp_rmem=1 2 3", "--sysctl"), {
    host: "client",
    key: "net.ipv4.tcp_rmem",
    value: "1 2 3",
  });
});
