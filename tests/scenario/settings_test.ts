import { assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { resolveScenario } from "../../tools/scenario/resolve.ts";
import { settingNames, settingValue, withSetting } from "../../tools/scenario/settings.ts";

const [{ options }] = resolveScenario({ question: "Which?", runs: [{ name: "direct" }] }, "mine").runs as [
  ReturnType<typeof resolveScenario>["runs"][number],
];

Deno.test("when the backend ends connections can be varied", () => {
  for (const name of ["closeAfterRequests", "idleTimeout", "closeBeforeAnswer"]) {
    assertEquals(settingNames().includes(name), true, name);
  }
  const { idleTimeoutMs } = withSetting(options, settingValue("idleTimeout", "2s")).backend;
  assertEquals(idleTimeoutMs, 2_000);
  const { closeAfterRequests } = withSetting(options, settingValue("closeAfterRequests", "10")).backend;
  assertEquals(closeAfterRequests, 10);
  const { closeBeforeAnswer } = withSetting(options, settingValue("closeBeforeAnswer", 0.1)).backend;
  assertEquals(closeBeforeAnswer, 0.1);
  assertThrows(() => settingValue("idleTimeout", "2"), TimewaitError);
});

Deno.test("0 of what is not done by default takes it out of the plan, as if it had not been said", () => {
  const limited = withSetting(options, settingValue("closeAfterRequests", "10"));
  assertEquals(withSetting(limited, settingValue("closeAfterRequests", "0")), options);
  assertEquals(withSetting(options, settingValue("idleTimeout", "0ms")), options);
  assertEquals(withSetting(options, settingValue("latency", "0ms")).backend.latencyMs, 0);
});
