import { assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { namedKnobs, parseKnob, parseKnobs } from "../../tools/scenario/sysctls.ts";

Deno.test("a sysctl is the gateway's unless its name says otherwise", () => {
  assertEquals(parseKnobs({ "net.ipv4.tcp_tw_reuse": 1, "client:net/core/somaxconn": " 5 " }), [
    { host: "gateway", key: "net.ipv4.tcp_tw_reuse", value: "1" },
    { host: "client", key: "net.core.somaxconn", value: "5" },
  ]);
  assertEquals(parseKnob("net.ipv4.ip_local_port_range", "20000   21999").value, "20000 21999");
});

Deno.test("results keep the name of the host, but for the gateway; the last of a name holds", () => {
  const knobs = [{ "net.a": 1, "backend:net.a": 2 }, { "gateway:net/a": 3 }].flatMap((one) =>
    parseKnobs(one)
  );
  assertEquals(namedKnobs(knobs), { "net.a": "3", "backend:net.a": "2" });
});

Deno.test("what is no sysctl of a network is refused, with what would be", () => {
  const refused: [string, unknown, string][] = [
    ["", 1, 'takes KEY=VALUE such as net.ipv4.tcp_tw_reuse=0, not "=1"'],
    ["net.a", "", "takes KEY=VALUE"],
    ["net.a", "1\n2", 'not "net.a=1\\n2"'],
    ["gatway:net.a", 1, 'not "gatway"; did you mean gateway?'],
    ["vm.swappiness", 1, "takes keys below net."],
    ["net/../kernel", 1, "takes keys below net."],
    ["net.a", NaN, "takes text or a number for net.a, not NaN"],
    ["net.a", { b: 1 }, 'takes text or a number for net.a, not {"b":1}'],
  ];
  for (const [name, value, message] of refused) {
    const error = assertThrows(
      () => parseKnob(name, value as number, "runs[0].sysctls"),
      TimewaitError,
      message,
    );
    assertEquals(error.field, "runs[0].sysctls");
  }
});
