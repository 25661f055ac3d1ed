import { resolveLoad } from "../../tools/scenario/resolve.ts";
import { assertEquals, assertRejects } from "@std/assert";
import { measureRepetition } from "../../tools/run/repetition.ts";
import { descendantsOf } from "../support/descendants.ts";
import "../support/one_at_a_time.ts";
import { wrkInPrivateLab } from "../support/requirements.ts";

const KILLED: [name: string, commandLine: RegExp, problem: RegExp][] = [
  [
    "the sampler",
    /^\S*bash -c .*the sampler 0\.1/,
    /^the sampler ended while the load ran: ended by signal 9$/,
  ],
  [
    "the probe of connects",
    /^\S*bash -c .*the probe of connects/,
    /^the probe of connects ended while the load/,
  ],
  [
    "a reader of /proc",
    /^\S*bash -c .*the reader of \/proc/,
    /^the reader of \/proc has ended: ended by signal 9$/,
  ],
  ["wrk", /^\S*wrk -c/, /^wrk ended without a result: ended by signal 9/],
];

for (const [name, commandLine, problem] of KILLED) {
  Deno.test({
    name: `${name} that is killed while the load runs costs the repetition`,
    ...wrkInPrivateLab,
    async fn() {
      let killed = 0;
      const measured = measureRepetition({
        gateway: null,
        backend: { latencyMs: 50, bodyBytes: 12, status: 200 },
        load: { ...resolveLoad(), connections: 10, threads: 1, durationMs: 2_000, warmUpMs: 0 },
        probeConnects: true,
      }, {
        lab: "private",
        generator: "wrk",
        signal: new AbortController().signal,
        onProgress() {
          if (killed > 0) return;
          for (const { pid, args } of descendantsOf(Deno.pid)) {
            if (!commandLine.test(args)) continue;
            Deno.kill(pid, "SIGKILL");
            killed++;
          }
        },
      });
      const error = await assertRejects(() => measured, Error);
      assertEquals(problem.test(error.message), true, error.message);
    },
  });
}
