import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "../support/root.ts";

const LIMIT_BYTES = 400 * 2 ** 20;

/**
 * A control group with little memory, where this machine lets us make one. Disposing it removes it. A shell
 * does the work, because Deno writes to /sys with all permissions only.
 */
function smallGroup(): { readonly procs: string } & Disposable {
  const path = inShell(MAKE_GROUP, String(LIMIT_BYTES), `timewait-test-${Deno.pid}`).trim();
  return { procs: `${path}/cgroup.procs`, [Symbol.dispose]: () => void inShell('rmdir "$1"', path) };
}

const MAKE_GROUP = `
if [ -e /sys/fs/cgroup/cgroup.controllers ]; then
  group=/sys/fs/cgroup/$2 most=memory.max swap=memory.swap.max left=0
else
  group=/sys/fs/cgroup/memory/$2 most=memory.limit_in_bytes swap=memory.memsw.limit_in_bytes left=$1
fi
mkdir "$group" || exit
if echo "$1" >"$group/$most" && { [ ! -e "$group/$swap" ] || echo "$left" >"$group/$swap"; }; then echo "$group"
else rmdir "$group"; exit 1; fi`;

function inShell(script: string, ...args: string[]): string {
  const { code, stdout, stderr } = new Deno.Command("/bin/sh", { args: ["-c", script, "sh", ...args] })
    .outputSync();
  if (code !== 0) throw new Error(new TextDecoder().decode(stderr).trim());
  return new TextDecoder().decode(stdout);
}

function whyNoGroup(): string | undefined {
  try {
    using _group = smallGroup();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}

const reason = whyNoGroup();
if (reason !== undefined) console.error(`there is no test that runs out of memory: ${reason}`);

// Whether a machine has control groups to give does not depend on what is installed.
if (reason === undefined) {
  Deno.test("the report of a bench whose gateway the kernel has killed for want of memory says so", async () => {
    const folder = await Deno.makeTempDir();
    try {
      // The kernel takes the gateway before the bench, which is in the same group and may be larger.
      const greedy = "echo 1000 >/proc/self/oom_score_adj; tail /dev/zero {listen}";
      const gateway = { command: greedy };
      const scenario = { question: "How much is enough?", runs: [{ name: "greedy", gateway }] };
      await Deno.writeTextFile(`${folder}/greedy.ts`, `export default ${JSON.stringify(scenario)};`);
      using group = smallGroup();
      const bench = [Deno.execPath(), "run", "-A", `${ROOT}tools/bench.ts`, `${folder}/greedy.ts`];
      const { code, stdout } = await new Deno.Command("/bin/sh", {
        // deno-fmt-ignore
        args: [
          "-c", 'echo $$ >"$0" && exec "$@"', group.procs, ...bench,
          "--lab", "host", "--repeat", "1", "--duration", "1s", "--warm-up", "0", "--connections", "2",
        ],
        env: { NO_COLOR: "1" },
      }).output();
      assertEquals(code, 1);
      assertStringIncludes(
        new TextDecoder().decode(stdout),
        "out of memory: the kernel has killed a process for want of it",
      );
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
}
