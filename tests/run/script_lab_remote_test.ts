import { assertEquals, assertRejects } from "@std/assert";
import { startLab, TimewaitError } from "timewait";

Deno.test("a script has a $ on each of its own hosts, and no sysctl is set there", async () => {
  const prefixes = { client: ["env WHO=load1", "env WHO=load2"], gateway: "env WHO=gw1" };
  await using lab = await startLab({ hosts: prefixes });
  const who = await Promise.all(lab.all.map(({ $ }) => $`echo $WHO`.text()));
  assertEquals(who, ["load1", "load2", "gw1"]);
  assertEquals(lab.all.map(({ name }) => name), ["client 1", "client 2", "gateway"]);
  assertEquals([lab.kind, lab.client === lab.clients[0], lab.backend], ["remote", true, undefined]);
  const asked = { hosts: prefixes, sysctls: { "net.ipv4.tcp_tw_reuse": "1" } };
  const refused = await assertRejects(() => startLab(asked as never), TimewaitError);
  assertEquals(
    refused.message,
    "sysctls cannot be set on hosts of your own, where no knob is written: set them there",
  );
});

Deno.test("where one host cannot be reached, those that could are left, and the message names the one", async () => {
  const hosts = { client: "env", gateway: "sh -c 'echo no route to host >&2' x" };
  const error = await assertRejects(() => startLab({ hosts }), TimewaitError);
  assertEquals(error.message, "sh -c 'echo no route to host >&2' x sh has ended: no route to host");
});
