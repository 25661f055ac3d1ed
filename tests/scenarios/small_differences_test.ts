import { assertEquals, assertGreater } from "@std/assert";
import "../support/one_at_a_time.ts";
import { wrkInPrivateLab } from "../support/requirements.ts";
import { runForASecond } from "../support/one_second.ts";

Deno.test({
  name: "a gateway that is not busy opens a connection for each request without a pool, and none with one",
  ...wrkInPrivateLab,
  async fn() {
    const { run } = await runForASecond("small_differences", "--latency", "20ms");
    const [fits, none] = ["pool-fits", "no-pool"].map(run);
    assertEquals(fits!.requests > 0 && fits!.hosts.gateway!.connectionsOpened <= 16, true);
    assertGreater(none!.hosts.gateway!.connectionsOpened, none!.requests / 2);
  },
});
