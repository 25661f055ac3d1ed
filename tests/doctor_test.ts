import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { Validator } from "@cfworker/json-schema";
import schema from "../tools/verdict/findings.schema.json" with { type: "json" };
import { captureText, type Rows } from "./support/made_up_capture.ts";
import { findCommand } from "../tools/lab/find_command.ts";
import { withTmux } from "./support/requirements.ts";
import { ROOT } from "./support/root.ts";
import { until } from "./support/until.ts";

/** The command with the permissions of its task, in a folder of the test's. */
async function doctor(args: readonly string[], { cwd = ROOT, stdin = "" } = {}) {
  const child = new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "--config", `${ROOT}deno.json`, "doctor", ...args],
    cwd,
    // The task that runs the tests says where the person typed; here that is `cwd`.
    env: { NO_COLOR: "1", INIT_CWD: cwd },
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const output = Promise.all([new Response(child.stdout).text(), new Response(child.stderr).text()]);
  await new Blob([stdin]).stream().pipeTo(child.stdin).catch(() => {});
  const { code } = await child.status;
  const [stdout, stderr] = await output;
  return { code, stdout, stderr };
}

function waiting(count: number): Rows {
  return { local: "192.168.7.1", remote: "192.168.7.2:80", state: "06", count, left: [59.99, 50.01] };
}

const WRONG = captureText({
  readings: [{}, { tcp: [waiting(10_000)], counters: { "Tcp.ActiveOpens": 10_000 } }],
});

async function inFolder(body: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    await body(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test("the exit code says whether something is wrong, nothing is, or nothing could be read", async () => {
  const fine = captureText({ readings: [{ tcp: [waiting(10)] }] });
  const gone = captureText({ readings: [], before: "--- note\ngone: there is no process 7\n" });
  for (
    const [text, code, says] of [[WRONG, 1, "run out in 18 s"], [fine, 0, "Nothing is wrong"], [
      gone,
      3,
      "process 7",
    ]] as const
  ) {
    const result = await doctor(["-"], { stdin: text });
    assertEquals([result.code, result.stderr], [code, ""]);
    assertStringIncludes(result.stdout, says);
  }
});

Deno.test("what is typed wrongly is one line and exit code 2", async () => {
  for (
    const [args, says] of [
      [["no_such.capture"], "no_such.capture is not there; doctor takes a PID, or a capture"],
      [[`${ROOT}README.md`], "is no capture: deno task doctor --script prints the program"],
      [["12", "--port", "80"], "--port and a PID name two network namespaces"],
      [["x.capture", "--for", "3s"], "--for is for a live machine"],
      [["--for", "1500ms"], "--for takes whole seconds, not 1500ms"],
      [["--anonymise"], "--anonymise is for a capture that is kept"],
      [["--script", "--host", "ssh web1"], "--script prints the program"],
      [["x.capture", "--status-url", "http://a/"], "--status-url is for a live machine"],
      [
        ["--status-url", "web1/status"],
        '--status-url takes a URL such as http://127.0.0.1/status, not "web1/status"',
      ],
      [
        ["--status-url", "http://a/", "--requests-per-sec", "9"],
        "--status-url and --requests-per-sec say the same",
      ],
      [["--requests-per-sec", "0"], "--requests-per-sec takes a number above 0"],
      [["--prot", "80"], "did you mean --port?"],
      [["1", "2"], "doctor takes one PID or one file"],
    ] as const
  ) {
    const { code, stdout, stderr } = await doctor(args);
    assertEquals([code, stdout], [2, ""]);
    assertStringIncludes(stderr, says);
    assertEquals(stderr.trim().split("\n").length, 1);
  }
});

Deno.test("a host that cannot be reached is exit code 3, which is no finding, with what it said", async () => {
  const { code, stderr } = await doctor(["--host", "sh -c 'echo refused >&2' x", "--for", "0"]);
  assertEquals(code, 3);
  assertMatch(stderr, /^error: .*has ended ahead of the capture's last line: refused\n$/);
});

Deno.test("the program that --script prints makes a capture that doctor reads", async () => {
  const program = await doctor(["--script", "--for", "0"]);
  assertEquals([program.code, program.stdout.split("\n")[0]], [0, "seconds=0"]);
  const shell = new Deno.Command("sh", { stdin: "piped", stdout: "piped" }).spawn();
  const text = new Response(shell.stdout).text();
  await new Blob([program.stdout]).stream().pipeTo(shell.stdin);
  await shell.status;
  const { stdout, stderr } = await doctor(["-"], { stdin: await text });
  assertEquals(stderr, "");
  assertMatch(
    stdout,
    /^# (?:Why does this capture pile up TIME_WAIT|Is TIME_WAIT a problem on this capture)\?\n/,
  );
});

Deno.test("a capture is kept as it came, or with other addresses, and shows the same", async () => {
  await inFolder(async (folder) => {
    await Deno.writeTextFile(`${folder}/web1.capture`, WRONG);
    const kept = await doctor(["web1.capture", "--capture", "same.capture"], { cwd: folder });
    assertEquals(kept.code, 1);
    assertEquals(await Deno.readTextFile(`${folder}/same.capture`), WRONG);
    const shown = await doctor(["web1.capture", "--anonymise", "--capture", "-"], { cwd: folder });
    assertStringIncludes(shown.stdout, "0100000A:8000 0200000A:0050 06");
    assertEquals(shown.stdout.includes("0107A8C0"), false);
    const again = await doctor(["-"], { cwd: folder, stdin: shown.stdout });
    const same = (text: string) =>
      text.replaceAll("192.168.7.2", "10.0.0.2").replaceAll("web1.capture", "this capture")
        .replaceAll(/ {2,}|-{2,}|judging.*/g, "");
    assertEquals(same(again.stdout), same(kept.stdout));
    assertEquals([...Deno.readDirSync(folder)].length, 2);
  });
});

Deno.test("findings are a document of the schema, and figures for Prometheus appear whole", async () => {
  await inFolder(async (folder) => {
    const args = [
      "-",
      "--json",
      "findings.json",
      "--prometheus",
      "timewait.prom",
      "--requests-per-sec",
      "2500",
    ];
    const { code, stdout } = await doctor(args, { cwd: folder, stdin: WRONG });
    assertEquals(code, 1);
    assertStringIncludes(stdout, "pool of idle connections is too small");
    const findings = JSON.parse(await Deno.readTextFile(`${folder}/findings.json`));
    const { valid, errors } = new Validator(schema as ConstructorParameters<typeof Validator>[0], "2020-12")
      .validate(findings);
    assertEquals([valid, errors], [true, []]);
    assertEquals(findings.runs[0].causes[0].cause, "pool-too-small");
    assertStringIncludes(await Deno.readTextFile(`${folder}/timewait.prom`), "timewait_verdict 1\n");
    assertEquals([...Deno.readDirSync(folder)].map(({ name }) => name).sort(), [
      "findings.json",
      "timewait.prom",
    ]);
    const refused = await doctor(["-", "--prometheus", "no/such.prom"], { cwd: folder, stdin: WRONG });
    assertEquals(refused.code, 2);
    assertMatch(refused.stderr, /^error: no\/such\.prom cannot be written: /);
  });
});

Deno.test("a status page is asked because it was named, which the report says, by a task that may not connect", async () => {
  let requests = 0;
  await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, () => {
    requests += 1000;
    return new Response(`Active connections: 1 \nserver accepts handled requests\n 1 1 ${requests} \n`);
  });
  const url = `http://127.0.0.1:${server.addr.port}/status`;
  const { code, stdout, stderr } = await doctor(["--for", "1s", "--status-url", url]);
  assertEquals([stderr, requests, code === 0 || code === 1], ["", 2000, true]);
  assertMatch(
    stdout,
    /was asked twice, because you named it: [\d,]+ requests a second, by nginx stub_status\. The doctor/,
  );
  assertEquals(stdout.includes("--requests-per-sec"), false);
  const silent = await doctor(["--for", "0", "--status-url", "http://127.0.0.1:1/status"]);
  assertMatch(
    silent.stdout,
    /`http:\/\/127\.0\.0\.1:1\/status`, the status page, did not tell how many requests there are: /,
  );
});

Deno.test("--watch looks again and again until it is interrupted, and then says how it stands", async () => {
  const child = new Deno.Command(Deno.execPath(), {
    args: [
      "run",
      "--no-prompt",
      "--allow-run=sh",
      "--allow-read",
      `${ROOT}tools/doctor.ts`,
      "--watch",
      "--for",
      "0",
    ],
    cwd: ROOT,
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  let text = "";
  let interrupted = false;
  for await (const chunk of child.stdout.pipeThrough(new TextDecoderStream())) {
    text += chunk;
    if (interrupted || text.split(/^# .* this machine/m).length < 4) continue;
    child.kill("SIGINT");
    interrupted = true;
  }
  const { code } = await child.status;
  assertEquals(await new Response(child.stderr).text(), "");
  assertEquals(code === 0 || code === 1, true, `exit code ${code}`);
});

/** Runs a command of tmux on a server of the test's own; its output. */
function tmux(socket: string, ...args: string[]): string {
  const { stdout } = new Deno.Command(findCommand("tmux"), { args: ["-S", socket, ...args], stdin: "null" })
    .outputSync();
  return new TextDecoder().decode(stdout);
}

Deno.test({
  name: "--watch keeps its answer on the screen of a small terminal, also while that is resized",
  ...withTmux,
  async fn() {
    await inFolder(async (folder) => {
      const socket = `${folder}/tmux`;
      const run =
        `${Deno.execPath()} run --no-prompt --allow-run=sh --allow-read ${ROOT}tools/doctor.ts --watch --for 0`;
      tmux(socket, "-f", "/dev/null", "new-session", "-d", "-x", "60", "-y", "8", "-s", "one", run);
      try {
        const lines = () => tmux(socket, "capture-pane", "-p", "-t", "one").trimEnd().split("\n");
        const begins = () => lines()[0]!.startsWith("this machine · ");
        await until(begins, 20_000);
        assertMatch(lines()[2]!, /^[A-Z]/);
        for (const [columns, rows] of [[40, 5], [100, 30], [20, 3], [61, 9]] as const) {
          tmux(socket, "resize-window", "-t", "one", "-x", String(columns), "-y", String(rows));
          await until(begins);
          assertEquals(lines().length <= rows, true);
          assertEquals(lines().every((line) => line.length <= columns), true);
        }
      } finally {
        tmux(socket, "kill-server");
      }
    });
  },
});
