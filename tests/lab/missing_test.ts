/** What a fresh machine may lack, taken away from a fake one. */

import { assertEquals, assertStringIncludes } from "@std/assert";
import { findCommand } from "../../tools/lab/find_command.ts";
import { startFakeMachine } from "../support/fake_machine.ts";
import { privateLab, wrkInPrivateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";

const PACKAGES = { ip: "iproute2", unshare: "util-linux", nsenter: "util-linux" };

for (const [command, debianPackage] of Object.entries(PACKAGES)) {
  Deno.test({
    name: `without ${command} a private lab is refused in one line, with the package it comes in`,
    ...privateLab,
    async fn() {
      await using machine = await startFakeMachine();
      await machine.sh(`mount --bind /dev/null ${await Deno.realPath(findCommand(command))}`);
      const { code, stderr } = await machine.bench("--lab", "private");
      assertEquals(code, 1);
      assertEquals(
        stderr,
        `error: --lab cannot be private: ${command} was not found on PATH: apt-get install ${debianPackage}. A host lab needs nothing`,
      );
    },
  });
}

Deno.test({
  name: "without wrk, a load that has to be wrk is refused in one line, with the package it comes in",
  ...wrkInPrivateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await machine.sh(`mount --bind /dev/null ${await Deno.realPath(findCommand("wrk"))}`);
    const { code, stderr } = await machine.bench("--lab", "host", "--load", "wrk");
    assertEquals([code, stderr], [1, "error: wrk was not found on PATH: apt-get install wrk"]);
  },
});

Deno.test({
  name:
    "without leave for user namespaces a private lab is refused with what permits it, and auto goes on without it",
  ...wrkInPrivateLab,
  async fn() {
    await using machine = await startFakeMachine();
    await machine.sh("echo 0 >/proc/sys/user/max_user_namespaces");
    const { code, stderr } = await machine.bench("--lab", "private");
    assertEquals(code, 1);
    assertStringIncludes(stderr, "sysctl user.max_user_namespaces=10000 permits it");
    const auto = await machine.bench(`${ROOT}tests/support/one_run.ts`, "--repeat", "1");
    assertEquals(auto.code, 0, auto.stderr);
    assertStringIncludes(auto.stdout, "Measured in a host lab instead of a private one");
    assertStringIncludes(auto.stdout, "user.max_user_namespaces is 0");
  },
});
