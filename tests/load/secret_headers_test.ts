import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { localMachine } from "../../tools/lab/host.ts";
import type { LoadGenerator } from "../../tools/load/load.ts";
import { startLoad } from "../../tools/load/start_load.ts";
import { wrk } from "../support/requirements.ts";

const SECRET = 'Bearer hunter2 it\'s "mine": yes';

/** The arguments of every process, as every user of the machine can read them. */
function allArguments(): string {
  const { stdout } = new Deno.Command("ps", { args: ["-eww", "-o", "args="] }).outputSync();
  return new TextDecoder().decode(stdout);
}

for (const generator of ["wrk", "autocannon", "open-loop"] satisfies LoadGenerator[]) {
  Deno.test({
    name: `${generator} sends the user's headers, and has none of them among its arguments`,
    ...(generator === "wrk" ? wrk : {}),
    async fn() {
      const seen = new Set<string | null>();
      await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, (request) => {
        seen.add(request.headers.get("authorization"));
        seen.add(request.headers.get("x-empty"));
        return new Response("x");
      });
      await using host = localMachine();
      await using load = await startLoad(generator, host, {
        connections: 2,
        threads: 1,
        durationMs: 1000,
        timeoutMs: 1000,
        headers: [`Authorization: ${SECRET}`, "X-Empty: "],
        ...(generator === "open-loop" ? { ratePerSec: 20 } : {}),
        url: `http://127.0.0.1:${server.addr.port}/`,
      });
      const shown = allArguments();
      await load.over;
      await load.finish();
      assertEquals(seen, new Set([SECRET, ""]));
      // The load is among them.
      assertStringIncludes(
        shown,
        { "wrk": "/dev/fd/3", "autocannon": "autocannon_runner", "open-loop": "open_loop_runner" }[generator],
      );
      assert(!shown.includes("hunter2"));
    },
  });
}
