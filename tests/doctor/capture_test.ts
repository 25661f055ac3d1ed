import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { captureText, parseCapture } from "../support/made_up_capture.ts";
import { ROOT } from "../support/root.ts";

const ONE = { local: "10.0.0.1", remote: "10.0.0.2:80", state: "06", left: [50, 50], count: 3 } as const;

Deno.test("a capture is read alike in whatever pieces it comes", () => {
  const text = captureText({ readings: [{ tcp: [ONE] }, { tcp: [ONE, ONE] }] });
  const whole = parseCapture(text, text.length);
  for (const chunk of [1, 7, 149, 4096]) assertEquals(parseCapture(text, chunk), whole);
  assertEquals(whole.readings.map(({ sockets }) => sockets?.count), [3, 6]);
  assertEquals(whole.readings.map(({ uptimeSec }) => uptimeSec), [1000, 1010]);
  assertEquals(whole.readings[0]!.counters.get("sockstat.TCP.tw"), 3);
  assertEquals(whole.sysctls["net.ipv4.ip_local_port_range"], "32768 60999");
  assertEquals([whole.complete, whole.kernel, whole.bytes], [true, "6.1.0", text.length]);
  assertEquals(Math.round(whole.costCpuSec! * 100), 10);
});

Deno.test("a capture that was pasted with carriage returns is read", () => {
  const text = captureText({ readings: [{ tcp: [ONE] }] });
  const capture = parseCapture(text.replaceAll("\n", "\r\n"));
  assertEquals(capture.readings[0]?.sockets?.count, 3);
  assertEquals([capture.complete, capture.kernel], [true, "6.1.0"]);
});

Deno.test("what is no capture, or one of another version, is refused in one line", () => {
  for (const text of ["", "hello\n", "\0".repeat(5000), "Proto Recv-Q Send-Q Local Address\n"]) {
    const error = assertThrows(() => parseCapture(text), TimewaitError);
    assertStringIncludes(error.message, "made up is no capture");
  }
  const error = assertThrows(() => parseCapture("timewait capture 2\n--- asked\n"), TimewaitError);
  assertEquals(error.message, "made up is a capture of version 2: this doctor reads version 1");
});

Deno.test("of a capture that is cut off, whole readings count; without one it is refused", () => {
  const text = captureText({ readings: [{ tcp: [ONE] }, { tcp: [ONE] }], after: "--- process 1 init\n" });
  const second = text.indexOf("--- reading 1");
  const cut = parseCapture(text.slice(0, text.length - 200));
  assertEquals([cut.readings.length, cut.complete], [1, false]);
  assertEquals(parseCapture(text.slice(0, second + 400)).readings.length, 1);
  assertEquals(parseCapture(text.slice(0, text.indexOf("--- cost"))).readings.length, 2);
  for (const end of [second - 200, 200, 30]) {
    const error = assertThrows(() => parseCapture(text.slice(0, end)), TimewaitError);
    assertStringIncludes(error.message, "made up is cut off");
  }
});

Deno.test("a capture of a namespace that is gone holds the reason in place of readings", () => {
  const capture = parseCapture(
    captureText({ readings: [], before: "--- note\ngone: there is no process 7\n" }),
  );
  assertEquals(capture.readings, []);
  assertEquals(capture.notes, [{ kind: "gone", text: "there is no process 7" }]);
});

Deno.test("processes come with their sockets, descriptors and limit, and without the secrets of their command line", () => {
  const after = [
    "--- process 12 nginx\n= nginx: master process /usr/sbin/nginx\n= *\n= https://me:hunter2@host/\n",
    "--- descriptors 12 4\ntotal 0\nlrwx------ 1 a a 64 Nov 25 3 -> 'socket:[77]'\nl-wx------ 1 a a 64 x 4 -> /dev/null\n",
    "lrwx------ 1 a a 64 Nov 25 5 -> socket:[78]\n",
    "--- limits 12\nLimit                     Soft Limit           Hard Limit           Units     \n",
    "Max open files            1024                 524288               files     \n",
    "--- process 13 my worker\n",
  ].join("");
  const [nginx, worker] = parseCapture(captureText({ after })).processes;
  assertEquals(nginx, {
    pid: 12,
    name: "nginx",
    command: "nginx: master process /usr/sbin/nginx * https://me:***@host/",
    inodes: [77, 78],
    descriptors: 4,
    descriptorLimit: 1024,
  });
  assertEquals(worker, { pid: 13, name: "my worker", command: "", inodes: [] });
});

for (
  const [name, expected] of [
    ["linux_4_19", { kernel: "4.19.0-27-amd64", sockets: 5, opened: 1234, overflows: 12 }],
    ["linux_5_15", { kernel: "5.15.0-91-generic", sockets: 3, opened: 98765, overflows: 0 }],
  ] as const
) {
  Deno.test(`a capture in the formats of another kernel is read: ${name}`, async () => {
    const capture = parseCapture(await Deno.readTextFile(`${ROOT}tests/doctor/kept/${name}.capture`));
    const last = capture.readings.at(-1)!;
    assertEquals({
      kernel: capture.kernel,
      sockets: last.sockets?.count,
      opened: last.counters.get("Tcp.ActiveOpens"),
      overflows: last.counters.get("TcpExt.ListenOverflows"),
    }, expected);
    assertEquals([last.sockets?.strangeLines, capture.complete], [0, true]);
  });
}
