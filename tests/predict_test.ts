import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { captureText } from "./support/made_up_capture.ts";
import { ROOT } from "./support/root.ts";

async function task(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "predict", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const decode = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: decode(stdout), stderr: decode(stderr) };
}

Deno.test("deno task predict prints an answer, figures with their bands, ports and formulas", async () => {
  const flags = ["--connections", "100", "--pool", "5", "--latency", "20ms", "--nat-ports", "1024"];
  const { code, stdout, stderr } = await task(...flags, "--rate", "2000", "--burst", "1s/500ms");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /^\*\*The pool /);
  for (const heading of ["Ports", "Ports of the NAT", "The pool that would be enough"]) {
    assertStringIncludes(stdout, `#### ${heading}\n`);
  }
  assertMatch(stdout, /\| new connections per request +\| +[\d.]+ \| +[\d.]+ \| +[\d.]+ \|/);
});

Deno.test("deno task predict --from predicts the runs of kept results, and takes nothing else", async () => {
  const kept = `${ROOT}tests/results/kept/results_1.json`;
  const { code, stdout } = await task("--from", kept);
  assertEquals(code, 0);
  assertStringIncludes(stdout, "measured medians are within the predicted band");
  const both = await task("--from", kept, "--pool", "5");
  assertEquals(both.code, 2);
  assertStringIncludes(both.stderr, "leave --pool out");
  const given = JSON.parse(await Deno.readTextFile(kept));
  given.environment.lab = { kind: "remote" };
  const file = await Deno.makeTempFile();
  await Deno.writeTextFile(file, JSON.stringify(given));
  const remote = await task("--from", file);
  await Deno.remove(file);
  assertEquals([remote.code, remote.stdout], [2, ""]);
  assertStringIncludes(remote.stderr, "was measured on given hosts");
});

Deno.test("deno task predict --from a capture foretells its destinations, and says what it assumed", async () => {
  const folder = await Deno.makeTempDir();
  await using stack = new AsyncDisposableStack();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  const kept = `${folder}/web1.capture`;
  const tcp = [
    { local: "10.0.0.1", remote: "10.0.0.2:80", state: "06", count: 6_000, left: [59.95, 0.05] as const },
    { local: "10.0.0.1", remote: "10.0.0.2:80", state: "01", count: 20 },
  ];
  await Deno.writeTextFile(kept, captureText({ readings: [{ tcp }] }));
  const { code, stdout, stderr } = await task("--from", kept, "--requests-per-sec", "500", "--pool", "50");
  assertEquals([code, stderr], [0, ""]);
  assertMatch(stdout, /\| with a pool of 50 /);
  // A hundred TIME_WAITs a second, for 500 requests.
  assertMatch(stdout, /\| `10\.0\.0\.2:80` +\| +100 \| .*never \| +0\.20 \|/);
  assertStringIncludes(stdout, "Assumed of ");
  assertStringIncludes(stdout, "which `--latency` replaces");
  assertStringIncludes((await task("--from", kept)).stdout, "`--requests-per-sec N`");
  const odd = await task("--from", kept, "--rate", "5");
  assertEquals(odd.code, 2);
  assertStringIncludes(odd.stderr, "leave --rate out");
  assertMatch((await task("--requests-per-sec", "5")).stderr, /^error: --requests-per-sec is of a capture/);
});

Deno.test("deno task predict names the flag of what it does not take", async () => {
  assertMatch((await task("--burst", "1s")).stderr, /^error: --burst takes load and pause such as 1s\/500ms/);
  assertMatch((await task("--latency-spread", "7")).stderr, /^error: --latency-spread takes 0% to 100%/);
  const { code, stderr } = await task("--workers", "4", "--max-conns", "2");
  assertEquals(code, 2);
  assertMatch(stderr, /^error: --max-conns must be at least the 4 workers/);
});
