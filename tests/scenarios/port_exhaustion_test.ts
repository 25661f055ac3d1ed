import { assertEquals, assertGreater, assertLess, assertLessOrEqual, assertMatch } from "@std/assert";
import { failuresOf } from "../../tools/observe/upstream_failures.ts";
import { wrkInPrivateLab } from "../support/requirements.ts";
import { runForASecond } from "../support/one_second.ts";
import "../support/one_at_a_time.ts";

Deno.test({
  name:
    "with a pool that is too small a narrow range of ports runs out with EADDRNOTAVAIL, with one that fits it does not",
  ...wrkInPrivateLab,
  async fn() {
    // So few ports that a second is enough, even on a slow machine.
    const range = "net.ipv4.ip_local_port_range=20000 20199";
    const { run, report } = await runForASecond("port_exhaustion", "--sysctl", range);
    const exhausted = run("reuse-0");
    const failures = failuresOf(exhausted.upstreamFailures, "EADDRNOTAVAIL");
    assertGreater(failures, 0);
    // The load has not read the answers to what was in flight when its time was over.
    assertLessOrEqual(Math.abs(failures - exhausted.errors.status), 100);
    assertLessOrEqual(exhausted.hosts.gateway!.portsUsedPeak, 200);
    assertGreater(exhausted.connects!.connectUs.length, 5);
    // Nor are the probe's connections counted as the gateway's.
    const fits = run("pool-fits");
    const probed = fits.connects!.connectUs.filter((us) => us !== null).length;
    assertLess(fits.hosts.gateway!.connectionsOpened, 100 + probed / 2);
    assertMatch(report, /cure: `pool-fits`/);
    assertEquals(failuresOf(run("pool-fits").upstreamFailures, "EADDRNOTAVAIL"), 0);
    assertLess(run("pool-fits").hosts.gateway!.timeWaitPeak, 20);
    assertEquals(exhausted.knobs!.map((knob) => knob.inForce).sort(), ["0", "20000 20199"]);
    assertMatch(report, /## Ephemeral ports of the gateway\n\n\| run .*predicted/);
    assertMatch(report, /it ran out of ephemeral ports/);
  },
});
