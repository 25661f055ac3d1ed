/**
 * `deno task test`: the tests beside each other, then those that must be alone, one file after the other. In
 * one go, a file that waits to be alone would keep its worker idle until the longest of the others has ended.
 *
 * Takes what `deno test` takes: files, folders, `--filter`.
 *
 * @module
 */

import { ROOT } from "./root.ts";

const PERMISSIONS = [
  "--allow-net",
  "--allow-run",
  "--allow-read",
  "--allow-write",
  "--allow-env",
  "--allow-sys",
];

/** A call of `alone()` at the top of a file: the whole file must be alone. */
const ALONE = /^await alone\(\);$/m;

/**
 * Left out where no path is given: it plants causes in a minute of load, and has a task and a step of CI of
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

async function run(flags: readonly string[], files: readonly string[]): Promise<number> {
  if (files.length === 0) return 0;
  const args = [
    "test",
    ...flags,
    "--preload=tests/support/share_lock.ts",
    "--no-prompt",
    ...PERMISSIONS,
    ...files,
  ];
  return (await new Deno.Command(Deno.execPath(), { args, cwd: ROOT }).spawn().status).code;
}

const isFlag = (arg: string, i: number) => arg.startsWith("-") || Deno.args[i - 1] === "--filter";
const flags = Deno.args.filter(isFlag);
const paths = Deno.args.filter((arg, i) => !isFlag(arg, i));
const files = paths.length === 0
  ? testsIn(["tests"]).filter((file) => !file.startsWith(BY_ITSELF))
  : testsIn(paths);
const alone = files.filter((file) => ALONE.test(Deno.readTextFileSync(file)));
const others = files.filter((file) => !alone.includes(file));
// The examples in the documentation are tests as well.
const sources = paths.length === 0 ? ["--doc", "mod.ts", "tools"] : [];

const first = await run(["--parallel", ...flags], [...sources, ...others]);
const second = await run(flags, alone);
Deno.exitCode = first || second;
