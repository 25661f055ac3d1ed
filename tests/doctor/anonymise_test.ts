import { assertEquals } from "@std/assert";
import { createAnonymiser } from "../../tools/doctor/anonymise.ts";

const ROW = " 00000000:00000000 00:00000000 00000000     0        0 0 1";

function anonymised(text: string, chunk = text.length): string {
  const anonymiser = createAnonymiser();
  const bytes = new TextEncoder().encode(text);
  let out = "";
  for (let i = 0; i < bytes.length; i += chunk) out += anonymiser.push(bytes.subarray(i, i + chunk));
  return out + anonymiser.finish();
}

Deno.test("an address is replaced by the same one wherever it stands, in IPv4, in mapped IPv6 and in words", () => {
  const text = [
    `   0: 0A02A8C0:1F90 0B02A8C0:D431 01${ROW}`,
    `   1: 0000000000000000FFFF00000A02A8C0:1F90 0000000000000000FFFF00000B02A8C0:D432 06${ROW}`,
    "= /srv/192.168.2.11/app.js",
  ].join("\n");
  const expected = [
    `   0: 0100000A:1F90 0200000A:D431 01${ROW}`,
    `   1: 0000000000000000FFFF00000100000A:1F90 0000000000000000FFFF00000200000A:D432 06${ROW}`,
    "= /srv/10.0.0.2/app.js",
  ].join("\n");
  assertEquals(anonymised(text), expected);
  assertEquals(anonymised(text, 7), expected);
});

Deno.test("addresses of the loopback and those that stand for every address stay, and so does all else", () => {
  const text = [
    "timewait capture 1",
    "--- uptime",
    "12345.67 1234.56",
    "--- tcp",
    `   0: 00000000:1F90 00000000:0000 0A${ROW}`,
    `   1: 0100007F:1F90 0100007F:D431 06${ROW}`,
    `   2: ${"0".repeat(32)}:1F90 00000000000000000000000001000000:D431 06${ROW}`,
    "",
  ].join("\n");
  assertEquals(anonymised(text), text);
});

Deno.test("an IPv6 address becomes one that is nobody's", () => {
  assertEquals(
    anonymised(`   0: B80D0120000000000000000001000000:1F90 ${"0".repeat(32)}:0000 0A${ROW}`),
    `   0: 000000FD${"0".repeat(16)}01000000:1F90 ${"0".repeat(32)}:0000 0A${ROW}`,
  );
});

Deno.test("an IPv6 address in the title of a process becomes that of the table, and what is none stays", () => {
  const text = [
    `   0: B80D0120000000000000000001000000:1F90 ${"0".repeat(32)}:0000 0A${ROW}`,
    "= postgres: app db 2001:db8::1(4312) idle, 2001:DB8:0:0::2 and ::1, ::",
    "= std::vector 12:30:45 a::b::c nginx: master process",
  ].join("\n");
  assertEquals(
    anonymised(text).split("\n").slice(1),
    [
      "= postgres: app db fd00::1(4312) idle, fd00::2 and ::1, ::",
      "= std::vector 12:30:45 a::b::c nginx: master process",
    ],
  );
});
