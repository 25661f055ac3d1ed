import { assertEquals, assertRejects } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { checkKnobValues } from "../../tools/lab/knob_values.ts";
import { planBench } from "../../tools/run/bench_plan.ts";
import { privateLab } from "../support/requirements.ts";

const asked = (key: string, value: string) => [{ host: "gateway", key, value } as const];

Deno.test({
  name: "a value that the kernel does not take is refused before anything is measured",
  ...privateLab,
  async fn() {
    for (const value of ["7x", "7", "-1"]) {
      const sysctls = { "net.ipv4.tcp_tw_reuse": value };
      const plan = () =>
        planBench({ question: "Is it?", runs: [{ name: "direct", sysctls }] }, { lab: "private" });
      const error = await assertRejects(plan, TimewaitError, `it does not take "${value}"`);
      assertEquals(error.field, "sysctls");
    }
  },
});

Deno.test({
  name: "one that it takes is not, nor one that no lab can set",
  ...privateLab,
  async fn() {
    await checkKnobValues(asked("net.ipv4.ip_local_port_range", "40000 40999"));
    await checkKnobValues(asked("net.ipv4.tcp_tw_recycle", "1"));
    await checkKnobValues(asked("net.core.netdev_max_backlog", "5"));
    await checkKnobValues([]);
  },
});
