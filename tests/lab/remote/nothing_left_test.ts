/** Nothing is left on a remote host, however the bench or the way to it ends. */

import { assertEquals, assertGreater, assertLess, assertStringIncludes } from "@std/assert";
import { delay } from "@std/async/delay";
import { connectHost } from "../../../tools/lab/remote/remote_host.ts";
import { descendantsThatRun } from "../../support/descendants.ts";
import { ROOT } from "../../support/root.ts";
import { allShells, prefixOf, SHELLS } from "../../support/shells.ts";
import { startStubborn } from "../../support/stubborn.ts";
import { isAlive, until } from "../../support/until.ts";

/** Longest time until the far end has found that we are gone, and ended everything, in milliseconds. */
const LEASE_MS = 20_000;

const connect = (prefix: string) => connectHost({ name: "gateway", prefix, address: "" });

/** The client that holds the lease: its shell is the one that runs far_end.sh. */
const leaseClients = () => descendantsThatRun("far end of a remote host");

for (const shell of SHELLS) {
  Deno.test(`${shell}: a host that is disposed leaves nothing`, allShells, async () => {
    await using there = await prefixOf(shell, { others: true });
    let left: () => number[];
    {
      await using host = await connect(there.prefix);
      ({ left } = await startStubborn(host));
    }
    assertEquals(left(), []);
  });

  Deno.test(`${shell}: a bench that is killed with SIGKILL leaves nothing`, allShells, async () => {
    await using there = await prefixOf(shell, { others: true });
    const bench = new Deno.Command(Deno.execPath(), {
      args: ["run", "--no-check", "--allow-all", `${ROOT}tests/support/hold_host.ts`, there.prefix],
      stdout: "piped",
    }).spawn();
    const reader = bench.stdout.getReader();
    const { value } = await reader.read();
    const pids = new TextDecoder().decode(value).trim().split(" ").map(Number);
    assertGreater(pids.length, 4);
    bench.kill("SIGKILL");
    await bench.status;
    await reader.cancel();
    await until(() => !pids.some(isAlive), LEASE_MS);
  });

  Deno.test(
    `${shell}: the far end ends everything after 10 s in which nothing comes`,
    allShells,
    async () => {
      await using there = await prefixOf(shell, { others: true });
      // A client that is stopped passes nothing on, and closes nothing.
      await using host = await connect(`sh -c 'cat | "$@" | cat' x ${there.prefix}`);
      const stubborn = await startStubborn(host);
      const [relay] = descendantsThatRun("^cat$");
      Deno.kill(relay!, "SIGSTOP");
      const startMs = performance.now();
      await until(() => stubborn.left().length === 0, LEASE_MS);
      assertGreater(performance.now() - startMs, 8_000);
      Deno.kill(relay!, "SIGCONT");
      const { message } = await host.lost;
      assertStringIncludes(message, "has heard nothing from here for 10 s");
    },
  );
}
