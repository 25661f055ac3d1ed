import { assertEquals } from "@std/assert";
import config from "../../deno.json" with { type: "json" };
import {
  BACKEND_SCRIPT,
  type DenoScript,
  GATEWAY_THREADS_SCRIPT,
  withFfi,
} from "../../tools/lab/deno_script.ts";
import { ROOT } from "../support/root.ts";

/**
 * A task's command, taken apart. A gateway of a lab reaches nothing but the lab, so no proxy has to be kept
 * from it; and every child of a lab is told already to ask for no updates.
 */
function scriptOf(task: { readonly command: string }): DenoScript {
  const words = task.command.split("; ").at(-1)!.split(" ");
  const run = words.indexOf("run");
  const variables = words.slice(0, run - 1).map((word) => word.split("=") as [string, string]);
  return {
    file: words.at(-1)!.replace("tools/", ""),
    flags: words.slice(run + 1, -1).filter((flag) => flag !== "--no-prompt")
      .map((flag) => flag.replace("=tools", `=${ROOT}tools`)),
    env: Object.fromEntries(variables.filter(([name]) => !/_proxy$|^DENO_NO_UPDATE_CHECK$/i.test(name))),
  };
}

Deno.test("the tasks backend and gateway start what a lab starts: the same flags, the same variables", () => {
  assertEquals(scriptOf(config.tasks.backend), BACKEND_SCRIPT);
  assertEquals(scriptOf(config.tasks.gateway), GATEWAY_THREADS_SCRIPT);
  assertEquals(scriptOf(config.tasks["gateway:epoll"]), withFfi(GATEWAY_THREADS_SCRIPT));
});
