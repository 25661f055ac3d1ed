import { assert, assertEquals, assertNotEquals } from "@std/assert";
import { findCommand } from "../../tools/lab/find_command.ts";
import { readCapture } from "../../tools/doctor/capture.ts";
import { privateLab } from "../support/requirements.ts";
import { captureProgram, type CaptureRequest } from "../../tools/doctor/program.ts";

/** Runs the program with a shell, by itself in a network and a PID namespace. */
async function run(shell: readonly string[], request: CaptureRequest, setUp = "") {
  const script = `ip link set lo up 2>/dev/null; ${setUp} exec "$@"`;
  const child = new Deno.Command("unshare", {
    args: ["-Urnpf", "--kill-child", "--mount-proc", "sh", "-c", script, "sh", ...shell],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const stderr = new Response(child.stderr).text();
  await new Blob([captureProgram(request)]).stream().pipeTo(child.stdin);
  const capture = await readCapture(child.stdout, shell.join(" "));
  await child.status;
  return { capture, stderr: await stderr };
}

/** The shells that are installed; every Linux has the first. */
const SHELLS = [["sh"], ["dash"], ["busybox", "sh"], ["bash", "--posix"]].filter(([name]) => {
  try {
    return findCommand(name!) !== undefined;
  } catch {
    console.error(`the program of the doctor is not tried with ${name}, which is not installed`);
    return false;
  }
});

for (const shell of SHELLS) {
  Deno.test(
    `the program runs under ${shell.join(" ")}, says nothing on standard error and comes to its end`,
    privateLab,
    async () => {
      const { capture, stderr } = await run(shell, { seconds: 1 });
      assertEquals([stderr, capture.complete, capture.readings.length], ["", true, 2]);
      assertEquals(capture.notes, []);
      assertEquals(capture.sysctls["net.ipv4.ip_local_port_range"], "32768 60999");
      assert(capture.readings.every(({ sockets, counters }) => sockets !== undefined && counters.size > 100));
      assert(capture.costCpuSec !== undefined);
    },
  );
}

Deno.test(
  "a process that is gone, or a port on which nobody listens, is one line in the capture",
  privateLab,
  async () => {
    const pid = await run(["sh"], { seconds: 0, pid: 4_000_000 });
    assertEquals(pid.capture.notes, [{ kind: "gone", text: "there is no process 4000000" }]);
    assertEquals([pid.capture.complete, pid.capture.readings.length, pid.stderr], [true, 0, ""]);
    const port = await run(["sh"], { seconds: 0, port: 9 });
    assertEquals(port.capture.notes.map(({ kind }) => kind), ["gone"]);
    assertEquals(port.stderr, "");
  },
);

Deno.test(
  "a port is found although processes of its namespace, which are looked at first, end all the time",
  privateLab,
  async () => {
    // The shell goes through /proc by name: processes from 100 on come ahead of the one that listens.
    // One that cannot fork when all is ended has something to say, which is not the program's.
    const listener = 'Deno.listen({ hostname: "127.0.0.1", port: 8123 }); setInterval(() => {}, 1e6);';
    const setUp = `until sh -c '[ $$ -gt 90 ]'; do :; done
      unshare -n sh -c 'ip link set lo up; exec ${Deno.execPath()} eval "$1"' sh '${listener}' & holder=$!
      until grep -q ':1FBB .* 0A ' /proc/$holder/net/tcp; do sleep 0.05; done
      nsenter -t $holder -n sh -c 'while :; do sh -c :; done' 2>/dev/null & sleep 0.1;`;
    for (let i = 0; i < 4; i++) {
      const { capture, stderr } = await run(["sh"], { seconds: 0, port: 8123 }, setUp);
      assertEquals(stderr, "");
      const { readings, notes, namespaceOf } = capture;
      assertEquals([readings.length, notes], [1, []]);
      assertEquals(namespaceOf! < 100, true, `looked at process ${namespaceOf}`);
    }
  },
);

Deno.test(
  "a process in another network namespace is looked at there, and its sysctls by nsenter",
  privateLab,
  async () => {
    const setUp =
      "unshare -n sh -c 'echo 20000 20999 >/proc/sys/net/ipv4/ip_local_port_range; exec sleep 60' & " +
      'until [ "$(cat /proc/$!/comm)" = sleep ]; do sleep 0.05; done; sleep 0.2;';
    const { capture, stderr } = await run(["sh"], { seconds: 0, pid: 3 }, setUp);
    assertEquals(stderr, "");
    assertEquals(capture.namespaceOf, 3);
    assertEquals(capture.sysctls["net.ipv4.ip_local_port_range"], "20000 20999");
    assertEquals(capture.processes.map(({ name }) => name), ["sleep"]);
    assertEquals(capture.others.map(({ pid }) => pid), [undefined]);
  },
);

Deno.test(
  "words of a command line are kept where they name programs and files, and no others",
  privateLab,
  async () => {
    const words = [
      "/srv/app.js",
      "--token",
      "hunter2",
      "KEY=hunter2",
      "https://me:hunter2@host/x",
      '{"a":"/hunter2"}',
      "-m",
      "app.main",
    ];
    // Only of processes that hold a socket is the command line of interest.
    const holder = `bash -c 'exec 3<>/dev/udp/127.0.0.1/9; while :; do read -t 60 <><(:); done' ` +
      `${words.map((word) => `'${word}'`).join(" ")} & sleep 0.3;`;
    const { capture } = await run(["sh"], { seconds: 0 }, holder);
    const text = JSON.stringify(capture.processes);
    assertEquals(text.includes("hunter2"), false);
    assertNotEquals(
      capture.processes.find(({ command }) => command.includes("/srv/app.js * * * * * -m app.main")),
      undefined,
    );
  },
);

Deno.test("text that is put into the program stays what it was asked for", () => {
  const program = captureProgram({ seconds: 60, pid: 12, port: 8080 });
  assertEquals(program.split("\n").slice(0, 4), ["seconds=60", "interval=2", "pid=12", "port=8080"]);
});
