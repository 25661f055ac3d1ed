import { assertEquals, assertStringIncludes } from "@std/assert";
import { type Results } from "../tools/results/results.ts";
import { resultsOf } from "./support/made_up_results.ts";
import { ROOT } from "./support/root.ts";

async function compare(documents: Record<string, Results | string>, ...flags: string[]) {
  const directory = await Deno.makeTempDir();
  try {
    for (const [name, document] of Object.entries(documents)) {
      const text = typeof document === "string" ? document : JSON.stringify(document);
      await Deno.writeTextFile(`${directory}/${name}`, text);
    }
    const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "run",
        "--no-prompt",
        "--allow-read",
        "--allow-env",
        `${ROOT}tools/compare.ts`,
        ...Object.keys(documents),
        ...flags,
      ],
      cwd: directory,
      // Under `deno task test` this names another directory, and it comes first.
      env: { INIT_CWD: directory },
    }).output();
    const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { code, stdout: decode(stdout), stderr: decode(stderr) };
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
}

const BEFORE = resultsOf({ direct: [1000, 1010, 990, 1005, 995], pool: [500, 505, 495, 502, 498] });
const AFTER = resultsOf({ direct: [1001, 1011, 991, 1006, 996], pool: [400, 405, 395, 402, 398] });

Deno.test("results are compared run by run, what differs besides comes first, and the gate decides the exit code", async () => {
  const newer = { ...AFTER, environment: { ...AFTER.environment, kernel: "6.19.0" } };
  const { code, stdout, stderr } = await compare(
    { "A.json": BEFORE, "B.json": newer },
    "--gate",
    "pool:requestsPerSec>=-5%",
  );
  assertEquals(code, 1, stderr);
  assertStringIncludes(
    stdout,
    "# B.json against A.json\n\nIn B.json, compared with A.json: `pool` serves 20% fewer requests/s; no difference is shown for " +
      "`direct`.\n",
  );
  assertStringIncludes(stdout, "- kernel: 6.18.0 in A.json, 6.19.0 in B.json");
  assertEquals(stdout.indexOf("What differs") < stdout.indexOf("## Figures"), true);
  assertStringIncludes(stdout, "-20.0% (-21.3%…-18.7%)");
  assertStringIncludes(stdout, "no difference shown, +0.1%");
  assertStringIncludes(stdout, "**fails**");
});

Deno.test("one document alone gives its own report, and gates on its figures", async () => {
  const { code, stdout } = await compare({ "A.json": BEFORE }, "--gate", "pool:requestsPerSec>=500");
  assertEquals(code, 3);
  assertStringIncludes(stdout, "# What does a pool that is too small cost?");
  assertStringIncludes(stdout, "cannot tell");
});

Deno.test("figures of two load generators are not compared, and a damaged file is refused by its place", async () => {
  const load = { name: "autocannon", version: "9.0.0" } as const;
  const other = { ...AFTER, environment: { ...AFTER.environment, load } };
  const mixed = await compare({ "A.json": BEFORE, "B.json": other });
  assertEquals(mixed.code, 2);
  assertStringIncludes(mixed.stderr, "from wrk, that of B.json from autocannon");
  const damaged = await compare({
    "A.json": BEFORE,
    "B.json": JSON.stringify(AFTER).replace('"requests":', '"request":'),
  });
  assertEquals(damaged.code, 2);
  assertStringIncludes(damaged.stderr, "B.json is damaged at runs[0].repetitions[0]: ");
});

Deno.test("the self-test says how far beyond its limit each gate fails, and refuses one that applies to nothing", async () => {
  const sure = await compare({ "A.json": BEFORE }, "--self-test", "--gate", "pool:requestsPerSec>=-5%");
  assertEquals(sure.code, 0, sure.stderr);
  assertStringIncludes(sure.stdout, "`pool:requestsPerSec>=-5%` fails for `pool` of A.json from ");
  const renamed = await compare({ "A.json": BEFORE }, "--self-test", "--gate", "pol:requestsPerSec>=-5%");
  assertEquals(renamed.code, 2);
  assertStringIncludes(renamed.stderr, "did you mean pool?");
  const unknown = await compare({ "A.json": BEFORE }, "--self-test", "--gate", "requestPerSec>=5");
  assertEquals(unknown.code, 2);
  assertStringIncludes(unknown.stderr, "did you mean requestsPerSec?");
});

Deno.test("a gate on a change within one document is against its baseline", async () => {
  const { code, stdout, stderr } = await compare({ "A.json": BEFORE }, "--gate", "pool:requestsPerSec>=-30%");
  assertEquals(code, 1, stderr);
  assertStringIncludes(stdout, "-50.0%");
});
