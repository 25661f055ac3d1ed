import { assertRejects } from "@std/assert";
import { openLab } from "../../tools/lab/open_lab.ts";
import { startConnectProbe } from "../../tools/observe/connect_probe.ts";
import { startSampler } from "../../tools/observe/sampler.ts";
import { privateLab } from "../support/requirements.ts";

Deno.test({
  name: "a sampler, a probe and a reader of /proc that stand still are waited for no longer than a limit",
  ...privateLab,
  async fn() {
    await using lab = await openLab("private");
    await using sampler = await startSampler(lab, () => {});
    await using probe = await startConnectProbe(lab.gateway, { hostname: lab.backend.address, port: 9 });
    await using other = await openLab("private");
    await other.client.readProc("/proc/uptime");
    const reader = Number(/\d+/.exec(await other.client.procNet())![0]);
    for (const pid of [sampler.parts[0]!.process.pid, probe.process.pid, reader]) Deno.kill(pid, "SIGSTOP");
    await Promise.all([
      assertRejects(() => sampler.finish(), Error, "the sampler did not end within 10 s"),
      assertRejects(() => probe.finish(), Error, "the probe of connects stood still"),
      assertRejects(
        () => other.client.readProc("/proc/uptime"),
        Error,
        "the reader of /proc did not answer within 10 s",
      ),
    ]);
  },
});
