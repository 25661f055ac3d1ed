/** A bench that is stopped, by a signal or by Ctrl-C, leaves nothing. */

import { assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { type Results } from "../tools/results/results.ts";
import { wrk, wrkInPrivateLab } from "./support/requirements.ts";
import { isAlive, until } from "./support/until.ts";
import { BENCH, GENTLE, inDirectory } from "./support/bench.ts";
import { type Descendant, descendantsOf } from "./support/descendants.ts";
import { ROOT } from "./support/root.ts";

for (const lab of ["private", "host"]) {
  Deno.test({
    name: `SIGKILL of the bench leaves no process, in a ${lab} lab`,
    ...(lab === "private" ? wrkInPrivateLab : wrk),
    async fn() {
      const [program, ...args] = BENCH;
      const child = new Deno.Command(program!, {
        args: [...args, ...GENTLE, "--duration", "20s", "--lab", lab],
        stdin: "null",
        stdout: "null",
        stderr: "null",
      }).spawn();
      let children: Descendant[] = [];
      await until(() => wrkRuns(children = descendantsOf(child.pid)), 20_000);
      assertGreater(children.length, 5);
      child.kill("SIGKILL");
      await child.status;
      await until(() => !children.some(({ pid }) => isAlive(pid)), 2_000);
    },
  });
}

Deno.test({
  name: "the first Ctrl-C ends the bench in order, with what was measured so far",
  ...wrk,
  async fn() {
    await inDirectory(async (directory) => {
      const [program, ...args] = BENCH;
      const child = new Deno.Command(program!, {
        args: [
          ...args,
          "undersized_pool",
          "two_gates",
          ...GENTLE,
          "--duration",
          "1s",
          "--repeat",
          "9",
          "--out",
          directory,
        ],
        stdin: "null",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const kept = async (): Promise<Results> =>
        JSON.parse(await Deno.readTextFile(`${directory}/undersized_pool/results.json`));
      await until(
        async () => (await kept().catch(() => undefined))?.runs[0]?.repetitions.length === 1,
        20_000,
      );
      child.kill("SIGINT");
      const { code, stdout } = await child.output();
      assertEquals(code, 130);
      assertStringIncludes(
        new TextDecoder().decode(stdout),
        "The bench was stopped before all was measured.",
      );
      assertEquals((await kept()).interrupted, true);
      assertGreater((await kept()).runs[0]!.repetitions.length, 0);
      const directories = Array.from(Deno.readDirSync(directory), (entry) => entry.name);
      assertEquals(directories, ["undersized_pool"], "the second scenario was begun");
    });
  },
});

Deno.test({
  name: "Ctrl-C ends a bench at once whose gateway does not listen yet",
  ...wrk,
  async fn() {
    const [program, ...args] = BENCH;
    const child = new Deno.Command(program!, {
      args: [
        ...args,
        "./tests/support/one_run.ts",
        "--gateway",
        "sh -c 'sleep 1234' {listen}",
        "--repeat",
        "9",
      ],
      cwd: ROOT,
      stdin: "null",
      stdout: "piped",
      stderr: "null",
    }).spawn();
    await until(() => descendantsOf(child.pid).some(({ name }) => name === "sleep"), 20_000);
    const fromMs = performance.now();
    child.kill("SIGINT");
    assertEquals((await child.output()).code, 130);
    assertLess(performance.now() - fromMs, 5_000);
  },
});

Deno.test({
  name: "one Ctrl-C in a terminal, which deno task passes on a second time, ends the bench in order",
  ...wrk,
  async fn() {
    await inDirectory(async (directory) => {
      const line = [
        Deno.execPath(),
        "task",
        "bench",
        ...GENTLE,
        "--duration",
        "1s",
        "--repeat",
        "9",
        "--out",
        directory,
      ].join(
        " ",
      );
      const child = new Deno.Command("script", {
        args: ["-qec", line, "/dev/null"],
        cwd: ROOT,
        stdin: "piped",
        stdout: "piped",
        stderr: "null",
      }).spawn();
      const shown = new Response(child.stdout).text();
      const kept = async (): Promise<Results> =>
        JSON.parse(await Deno.readTextFile(`${directory}/results.json`));
      const measuredOnce = (results: Results) => results.runs.some((run) => run.repetitions.length === 1);
      await until(
        async () => measuredOnce(await kept().catch(() => ({ runs: [] }) as unknown as Results)),
        30_000,
      );
      const terminal = child.stdin.getWriter();
      await terminal.write(new TextEncoder().encode("\x03"));
      await child.status;
      await terminal.abort().catch(() => {});
      assertStringIncludes(await shown, "The bench was stopped before all was measured.");
      assertEquals((await kept()).interrupted, true);
    });
  },
});

Deno.test({
  name: "SIGKILL of the task that started the bench ends the bench",
  ...wrk,
  async fn() {
    const args = ["task", "bench", ...GENTLE, "--duration", "20s"];
    const child = new Deno.Command(Deno.execPath(), {
      args,
      cwd: ROOT,
      stdin: "null",
      stdout: "null",
      stderr: "null",
    }).spawn();
    let children: Descendant[] = [];
    await until(() => wrkRuns(children = descendantsOf(child.pid)), 30_000);
    child.kill("SIGKILL");
    await child.status;
    await until(() => !children.some(({ pid }) => isAlive(pid)), 5_000);
  },
});

const wrkRuns = (children: readonly Descendant[]) => children.some(({ name }) => name === "wrk");
