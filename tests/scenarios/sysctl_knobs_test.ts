import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { wrkInPrivateLab } from "../support/requirements.ts";
import { runForASecond } from "../support/one_second.ts";

Deno.test({
  name: "every piece of advice is tried, but for the one that is gone from the kernel, which says so",
  ...wrkInPrivateLab,
  async fn() {
    const { run, results, report } = await runForASecond("sysctl_knobs", "--connections", "20");
    for (const { name } of results.runs) {
      const notInForce = run(name).knobs!.filter((knob) => knob.inForce !== knob.asked).map((knob) =>
        knob.key
      );
      assertEquals(notInForce, name === "recycle" ? ["net.ipv4.tcp_tw_recycle"] : [], name);
    }
    assertMatch(report, /^\| `recycle` +\| tcp_tw_recycle = not in force +\| \*\*not in force\*\*/m);
    assertMatch(report, /^\| `pool-fits` +\| the gateway's pool +\| \*\*cure\*\*/m);
    assertStringIncludes(report, "tcp_tw_recycle is **not in force** on the gateway: removed in Linux 4.12");
  },
});
