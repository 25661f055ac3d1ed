/** A way there that is 200 ms long in each direction. */

import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { UnavailableError } from "../../../tools/errors.ts";
import { connectHost } from "../../../tools/lab/remote/remote_host.ts";
import { ROOT } from "../../support/root.ts";
import { startStubborn } from "../../support/stubborn.ts";

const connect = (delayMs: number) =>
  connectHost({
    name: "gateway",
    prefix: `${Deno.execPath()} run --no-check --allow-run ${ROOT}tests/support/delayed.ts ${delayMs}`,
    address: "",
  });

const uptimeMs = () =>
  Number(
    new TextDecoder().decode(new Deno.Command("cat", { args: ["/proc/uptime"] }).outputSync().stdout)
      .split(" ")[0],
  ) * 1000;

Deno.test("with 200 ms each way all works, slowly, and the clock is known within the error that is told", async () => {
  let left: () => number[];
  {
    await using host = await connect(200);
    assertEquals(await host.$`cat`.stdinText("all of it\n").text(), "all of it");
    const first = await host.clock();
    const [least, trueMs, most] = [performance.now(), uptimeMs(), performance.now()];
    // Longer than the way, and not by much; the true offset is within it.
    assertGreater(first.errorMs, 190);
    assertLess(first.errorMs, 500);
    assertLess(least - trueMs - 10 - first.offsetMs, first.errorMs);
    assertLess(first.offsetMs - (most - trueMs), first.errorMs);
    const stubborn = await startStubborn(host);
    left = stubborn.left;
    assert(left().length > 4);
    const child = await host.start({ name: "it", argv: ["sleep", "1000"] });
    assertEquals((await child.stop()).code, 143);
  }
  assertEquals(left(), []);
});

Deno.test("a clock that is known to more than 500 ms only is refused in one line", async () => {
  await using host = await connect(600);
  const { message } = await assertRejects(() => host.clock(), UnavailableError);
  assertStringIncludes(message, "the clock of gateway (");
  assertStringIncludes(message, " ms only, and 500 ms are needed: the way there is too slow");
  assertEquals(message.includes("\n"), false);
});
