import { assert, assertEquals, assertGreater, assertLess } from "@std/assert";
import { openLab } from "../../tools/lab/open_lab.ts";
import { startConnectProbe } from "../../tools/observe/connect_probe.ts";
import { readCounters } from "../../tools/observe/sampler.ts";
import { startBackendIn } from "../../tools/parties/lab_parties.ts";
import { privateLab } from "../support/requirements.ts";
import { until } from "../support/until.ts";

Deno.test({
  name: "a probe times its connects, and leaves no TIME_WAIT on either side",
  ...privateLab,
  async fn() {
    await using lab = await openLab("private");
    await using backend = await startBackendIn(lab, { latencyMs: 0, bodyBytes: 2, status: 200 });
    await using probe = await startConnectProbe(lab.gateway, backend);
    await until(async () => (await readCounters(lab)).gateway.connectionsOpened >= 5);
    const { timeMs, connectUs } = await probe.finish();
    assertGreater(connectUs.length, 4);
    assertEquals(timeMs.length, connectUs.length);
    assert(connectUs.every((us) => us !== null && us > 0), connectUs.join());
    const { gateway, backend: behind } = await readCounters(lab);
    assertEquals([gateway.timeWait, behind.timeWait], [0, 0]);
    assertEquals(gateway.connectionsOpened, connectUs.length);
  },
});

Deno.test({
  name: "a connect that fails is told from one that takes long",
  ...privateLab,
  async fn() {
    await using lab = await openLab("private");
    const { address } = lab.backend;
    await using probe = await startConnectProbe(lab.gateway, { hostname: address, port: 81 });
    assertEquals((await probe.finish()).connectUs[0], null);
  },
});

Deno.test({
  name: "a connect that nothing answers holds up neither the start nor the end of a probe",
  ...privateLab,
  async fn() {
    await using lab = await openLab("private");
    const hole = "198.18.0.9";
    const route = `PATH=$PATH:/sbin:/usr/sbin; ip route add ${hole} dev backend && ` +
      `ip neigh add ${hole} lladdr 02:00:00:00:00:09 dev backend`;
    await using routed = await lab.gateway.start({ name: "ip", argv: ["sh", "-c", route] });
    assertEquals(await routed.exited, { code: 0, stderr: [] });
    const startMs = performance.now();
    await using probe = await startConnectProbe(lab.gateway, { hostname: hole, port: 80 });
    assertEquals((await probe.finish()).connectUs, []);
    assertLess(performance.now() - startMs, 8_000);
  },
});
