import { assertEquals, assertStringIncludes } from "@std/assert";
import { ROOT } from "../support/root.ts";

const LIMIT_BYTES = 400 * 2 ** 20;

/** A control group with little memory, where this machine lets us make one. Disposing it removes it. */
function smallGroup(): { readonly procs: string } & Disposable {
  const isV2 = exists("/sys/fs/cgroup/cgroup.controllers");
  const path = `/sys/fs/cgroup${isV2 ? "" : "/memory"}/timewait-test-${Deno.pid}`;
  const [most, swap] = isV2
    ? ["memory.max", "memory.swap.max"]
    : ["memory.limit_in_bytes", "memory.memsw.limit_in_bytes"];
  Deno.mkdirSync(path);
  const group = { procs: `${path}/cgroup.procs`, [Symbol.dispose]: () => Deno.removeSync(path) };
  try {
    Deno.writeTextFileSync(`${path}/${most}`, String(LIMIT_BYTES));
    if (exists(`${path}/${swap}`)) {
      Deno.writeTextFileSync(`${path}/${swap}`, isV2 ? "0" : String(LIMIT_BYTES));
    }
    return group;
  } catch (error) {
    group[Symbol.dispose]();
    throw error;
  }
}

function exists(path: string): boolean {
  try {
    Deno.statSync(path);
    return true;
  } catch {
    return false;
  }
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
if (reason !== undefined) console.error(`the test that runs out of memory is ignored: ${reason}`);

Deno.test({
  name: "the report of a bench whose gateway the kernel has killed for want of memory says so",
  ignore: reason !== undefined,
  async fn() {
    const folder = await Deno.makeTempDir();
    try {
      const gateway = { command: "tail /dev/zero {listen}" };
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
  },
});
