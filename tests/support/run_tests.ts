/**
 * `deno task test`: two processes beside each other. The first runs its files in parallel. The second runs
 * those that load the machine, or change the environment, one by one: so there is one such load at a time,
 * and the processors have work as well while that load waits. See `one_at_a_time.ts`.
 *
 * It leaves types to `deno task static`, which checks those of the tests and of the examples as well.
 *
 * Takes what `deno test` takes: files, folders, `--filter`.
 *
 * @module
 */

import { LAB_VARIABLE, noPrivateLab } from "./requirements.ts";
import { ROOT } from "./root.ts";

const PERMISSIONS = [
  "--allow-net",
  "--allow-run",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
  "--allow-ffi",
];

/** The import of a file that must not run beside another of its kind. */
const ONE_AT_A_TIME = /^import "[^"]*\/one_at_a_time\.ts";$/m;

/** The import of a file whose tests need what not every machine has. */
const REAL_PARTS = /\/requirements\.ts";$/m;

/**
 * Left out where no path is given: it plants causes in minutes of load, and has tasks and a step of CI of
 * its own.
 */
const BY_ITSELF = "tests/causes/";

/** The test files among these paths; of a folder all that are in it. */
function testsIn(paths: readonly string[]): string[] {
  return paths.flatMap((path) => {
    if (!exists(path)) {
      console.error(`error: ${path} is not there`);
      Deno.exit(2);
    }
    if (!Deno.statSync(path).isDirectory) return [path];
    const entries = [...Deno.readDirSync(path)].map(({ name }) => name).sort();
    const inner = entries.filter((name) =>
      name.endsWith("_test.ts") || Deno.statSync(`${path}/${name}`).isDirectory
    );
    return testsIn(inner.map((name) => `${path.replace(/\/$/, "")}/${name}`));
  });
}

function exists(path: string): boolean {
  try {
    return Deno.statSync(path) !== undefined;
  } catch {
    return false;
  }
}

/**
 * Files that run beside each other in the first process: two more than CPUs, because a test that waits for a
 * load or a deadline needs none.
 */
const JOBS = `${navigator.hardwareConcurrency + 2}`;

function start(flags: readonly string[], files: readonly string[], output: "inherit" | "piped") {
  const args = ["test", "--no-check", ...flags, "--no-prompt", ...PERMISSIONS, ...files];
  return new Deno.Command(Deno.execPath(), {
    args,
    cwd: ROOT,
    stdout: output,
    stderr: output,
    env: { DENO_JOBS: JOBS, [LAB_VARIABLE]: noPrivateLab },
  }).spawn();
}

const isFlag = (arg: string, i: number) => arg.startsWith("-") || Deno.args[i - 1] === "--filter";
const flags = Deno.args.filter(isFlag);
const paths = Deno.args.filter((arg, i) => !isFlag(arg, i));
const files = paths.length === 0
  ? testsIn(["tests"]).filter((file) => !file.startsWith(BY_ITSELF))
  : testsIn(paths);
const textOf = new Map(files.map((file) => [file, Deno.readTextFileSync(file)]));
const single = files.filter((file) => ONE_AT_A_TIME.test(textOf.get(file)!));
// Those with real parts take longest, and come first in their folder, which Deno leaves in this order.
const others = files.filter((file) => !single.includes(file)).toSorted((a, b) =>
  Number(REAL_PARTS.test(textOf.get(b)!)) - Number(REAL_PARTS.test(textOf.get(a)!))
);
// The examples in the documentation are tests as well.
const sources = paths.length === 0 ? ["--doc", "mod.ts", "tools"] : [];

if (others.length === 0) {
  Deno.exitCode = (await start(flags, single, "inherit").status).code;
} else {
  const second = single.length === 0 ? undefined : start(flags, single, "piped").output();
  const first = await start(["--parallel", ...flags, ...sources], others, "inherit").status;
  const told = await second;
  // What the second says comes after the first, so that the lines of the two do not mix.
  if (told !== undefined) {
    Deno.stderr.writeSync(told.stderr);
    await new Blob([told.stdout]).stream().pipeTo(Deno.stdout.writable, { preventClose: true });
  }
  Deno.exitCode = first.code || (told?.code ?? 0);
}
