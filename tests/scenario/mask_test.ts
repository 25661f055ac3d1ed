import { assert, assertEquals } from "@std/assert";
import { hiderOf, maskSecrets } from "../../tools/scenario/mask.ts";

const SECRET = "hunter2-hunter2";

Deno.test("secrets are masked under every name and in every place that a command line has for them", () => {
  for (
    const text of [
      `Authorization: Bearer ${SECRET}`,
      `authorization:${SECRET}`,
      `Proxy-Authorization: Basic ${SECRET}`,
      `Cookie: a="1"; b='${SECRET}'`,
      `X-Api-Key: ${SECRET}`,
      `X-Auth-Token: ${SECRET} and ${SECRET}`,
      `--header=Cookie: a=${SECRET}`,
      `X-Forward: Bearer ${SECRET}`,
      `./gw --listen {listen} --password ${SECRET}`,
      `./gw --token=${SECRET} {listen}`,
      `./gw --token='${SECRET} more' {listen}`,
      `./gw -db-pass "${SECRET} \\" more" {listen}`,
      `PASSWORD=${SECRET} ./gw {listen}`,
      `env DB_PASSWORD='a ${SECRET}' ./gw {listen}`,
      `sh -c "API_KEY=${SECRET} ./gw {listen}"`,
      `./gw {listen} postgres://me:${SECRET}@host/db`,
      `./gw {listen} https://${SECRET}@host/db`,
      `./gw {listen} https://host/?a=b&access_token=${SECRET}&c=d`,
      `./gw {listen} -H "Authorization: Bearer ${SECRET}"`,
      `./gw {listen} --config '{"password": "${SECRET}"}'`,
      `./gw {listen} -u me:${SECRET}`,
      `./gw {listen} --proxy-user me:${SECRET}`,
    ]
  ) {
    const masked = maskSecrets(text);
    assert(!masked.includes("hunter2") && masked.includes("***"), `${text} became ${masked}`);
    assertEquals(maskSecrets(masked), masked, "masked twice");
  }
});

Deno.test("what is no secret stays, and so do addresses that are filled in later", () => {
  for (
    const text of [
      "Accept: */*",
      "Host: example.org",
      "./gw --listen {listen} --upstream {upstream}",
      "./gw --keepalive 32 --author me --listen {listen} http://host:80/path",
      "./gw --token-server {upstream} --listen {listen}",
      "net.ipv4.tcp_tw_reuse=1",
    ]
  ) assertEquals(maskSecrets(text), text);
});

Deno.test("a secret is found again where its name does not stand, a short one is not", () => {
  const hide = hiderOf([
    `Authorization: Bearer ${SECRET}`,
    "Cookie: a=1; id=0123456789",
    "./gw --pass it's-mine",
  ]);
  assertEquals(hide(`no such token: ${SECRET}`), "no such token: ***");
  assertEquals(hide("id 0123456789 is 1"), "id *** is 1");
  assertEquals(hiderOf(["Cookie: a=1"])("1 of 1"), "1 of 1");
});

Deno.test("a text of any length is read in one go: no beginning of a secret is looked for at each of its letters", () => {
  for (const part of ["a", "-", "a:", "a=", "a://", '"a":"', "a.", "--user-", '"\\']) {
    const text = part.repeat(1_000_000 / part.length);
    assertEquals(maskSecrets(`${text} TOKEN=abc`).endsWith(" TOKEN=***"), true, part);
  }
  assertEquals(maskSecrets("1http://me:pw@host/"), "1http://me:***@host/");
});
