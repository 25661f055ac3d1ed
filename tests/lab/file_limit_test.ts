import { assert, assertEquals, assertGreaterOrEqual, assertMatch } from "@std/assert";
import { filesNeeded, parseHardFileLimit } from "../../tools/lab/file_limit.ts";
import { wrkInPrivateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";

const ONE_RUN = `${ROOT}tests/support/one_run.ts`;
const BENCH = `${ROOT}tools/bench.ts`;

Deno.test("a gateway needs two open files for each connection, a direct run one, and both what is seen to close late", () => {
  assertGreaterOrEqual(filesNeeded(1000, { throughGateway: true }), 2_168);
  assertGreaterOrEqual(filesNeeded(1000, { throughGateway: false }), 1_267);
  assertEquals(
    filesNeeded(1000, { throughGateway: true }) - filesNeeded(500, { throughGateway: true }),
    1250,
  );
  assertEquals(
    filesNeeded(1000, { throughGateway: false }) - filesNeeded(500, { throughGateway: false }),
    625,
  );
});

Deno.test({
  name: "what is said to be enough open files is enough for net-http that closes every connection",
  ...wrkInPrivateLab,
  async fn() {
    const connections = 200;
    const { code, stdout, stderr } = await benchWithLimit(
      filesNeeded(connections, { throughGateway: true }),
      ...[ONE_RUN, "--lab", "private", "--connections", String(connections), "--repeat", "1"],
      ...["--transport", "net-http", "--disable-keep-alives", "--latency", "100ms"],
    );
    assertEquals(code, 0, stderr);
    assert(!/failed requests in all/.test(stdout), stdout);
  },
});

Deno.test("the hard limit is read from what the kernel prints of it", () => {
  const limits = (hard: string) =>
    `Limit      Soft Limit  Hard Limit  Units\nMax open files            1024                 ${hard}               files\n`;
  assertEquals(parseHardFileLimit(limits("4096")), 4096);
  assertEquals(parseHardFileLimit(limits("unlimited")), Infinity);
});

Deno.test("too few open files for the connections is told before the run, with the command that raises the limit", async () => {
  const { code, stdout, stderr } = await benchWithLimit(500, "--lab", "host", "--connections", "300");
  assertEquals([code, stdout], [2, ""], stderr);
  assertMatch(
    stderr,
    /^error: --connections of 300 takes 814 open files [^\n]* limit here is 500: sudo prlimit --nofile=814 --pid \$\$ [^\n]* at most 174\n$/,
  );
  assertEquals(
    filesNeeded(174, { throughGateway: true }) <= 500 && filesNeeded(175, { throughGateway: true }) > 500,
    true,
  );
});

async function benchWithLimit(files: number, ...flags: string[]) {
  const { code, stdout, stderr } = await new Deno.Command("sh", {
    args: [
      "-c",
      `ulimit -n ${files}; exec "$@"`,
      "sh",
      Deno.execPath(),
      "run",
      "--no-prompt",
      "--cached-only",
    ]
      .concat(["--allow-run", "--allow-read", "--allow-write", "--allow-env", "--allow-sys", BENCH], flags),
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}
