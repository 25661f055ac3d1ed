import { assertEquals } from "@std/assert";
import { AuthorityReader, isAuthority } from "../../tools/http1/authority.ts";
import { latin1Bytes } from "../../tools/http1/fields.ts";

const HOSTS = [
  ...["h", "a.example", "h:80", "h:", "127.0.0.1:8080", "999.1", "a_b", "%41", "h%2d:1", "x!$&'()*+;=~-."],
  ...["[::]", "[::1]:80", "[1::]", "[1:2:3:4:5:6:7:8]", "[1:2:3:4:5:6:7::]", "[::2:3:4:5:6:7:8]:"],
  ...["[::ffff:192.0.2.1]", "[1:2:3:4:5:6:192.0.2.1]", "[ab:cd::ef98:0:7654:321]", "[v1.a:b]", "[VF.~]:1"],
];

const NO_HOSTS = [
  ...[
    "",
    ":80",
    ":",
    "h%",
    "h%z",
    "h%zz",
    "%4",
    "x:y:z",
    "h:8a",
    "h:-1",
    "h::1",
    "a,b",
    "a b",
    "u@h",
    "h/",
    "é",
  ],
  ...["[", "]", "[]", "[]:80", "[....]", "[:]", "[:::]", "[1::2::3]", "[ab..cd::ef98:0:7654:321]", "[::1"],
  ...["[1:2:3:4:5:6:7]", "[1:2:3:4:5:6:7:8:9]", "[1:2:3:4::5:6:7:8]", "[12345::]", "[::g]", "[:1::]"],
  ...[
    "[::1:]",
    "[192.0.2.1]",
    "[::256.0.2.1]",
    "[::192.0.2]",
    "[::192.0.2.01]",
    "[192.0.2.1::]",
    "[::192.0.2.1.]",
  ],
  ...["[::1]x", "[::1]:x", "[::1%25eth0]", "[v.a]", "[v1.]", "[v1a]", "[vg.a]", "[v1.a%41]", "x[::1]", "::1"],
];

Deno.test("a host is a name, an IPv4 address or an IP literal, as RFC 3986 has it, perhaps with a port", () => {
  for (const host of HOSTS) assertEquals(isAuthority(host), true, host);
});

Deno.test("what is no host is refused", () => {
  for (const host of NO_HOSTS) assertEquals(isAuthority(host), false, host);
});

Deno.test("a reader of authorities says the same of each, whatever it has read before", () => {
  const reader = new AuthorityReader();
  const texts = ["a", "b", "", "a:1", "a:2", ...HOSTS, ...NO_HOSTS].filter((text) => /^[ -ÿ]*$/.test(text));
  for (const first of texts) {
    for (const second of texts) {
      for (const text of [first, first, second, first]) {
        const bytes = latin1Bytes(`Host: ${text}`);
        const read = reader.read(bytes, 6, bytes.length);
        assertEquals(read, isAuthority(text) ? text : undefined, `${text} after ${first} and ${second}`);
      }
    }
  }
});
