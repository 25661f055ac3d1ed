import { assertEquals, assertGreater } from "@std/assert";
import { wrkInPrivateLab } from "../support/requirements.ts";
import { failuresOf } from "../../tools/observe/upstream_failures.ts";
import { runForASecond } from "../support/one_second.ts";
import "../support/one_at_a_time.ts";

Deno.test({
  name:
    "the same gateway under the same load runs out of ports across the lab, and on loopback with reuse off",
  ...wrkInPrivateLab,
  async fn() {
    const range = "net.ipv4.ip_local_port_range=20000 20199";
    const { results, run } = await runForASecond("loopback_mask", "--sysctl", range);
    const failures = (name: string) => failuresOf(run(name).upstreamFailures, "EADDRNOTAVAIL");
    // Whether the default hides all of them depends on more than a second, so on the scenario itself.
    assertGreater(failures("across"), 0);
    assertGreater(failures("loopback-reuse-0"), 0);
    assertEquals(results.runs.map((one) => one.options.loopback ?? false), [false, true, true]);
    assertEquals(run("loopback").knobs!.find((knob) => knob.key.endsWith("tw_reuse"))!.inForce, "2");
  },
});
