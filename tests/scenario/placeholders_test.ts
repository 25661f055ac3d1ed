import { assertEquals, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { resolveScenario } from "../../tools/scenario/resolve.ts";
import { checkPlaceholders, fillPlaceholders, quoteForShell } from "../../tools/scenario/placeholders.ts";

Deno.test("a command must be told where to listen, by placeholders that there are", () => {
  for (
    const command of [
      "gw {listen}",
      "gw {listen_host} {listen_port} {upstream}",
      "P=${PORT} gw {listen} {1..3} x{2}",
    ]
  ) {
    checkPlaceholders(command, "command");
  }
  const refused: [unknown, string][] = [
    [undefined, "command must be a command line, not undefined"],
    [" ", 'command must be a command line, not " "'],
    [["gw", "{listen}"], 'command must be a command line, not ["gw","{listen}"]'],
    ["gw --to {upstream}", "command must be told where to listen: put {listen} into"],
    ["gw ${listen}", "put {listen} into"],
    ["gw {lisetn}", "command has no placeholder {lisetn}; did you mean listen?"],
    ["gw {listenHost} {listen}", "has no placeholder {listenHost}; did you mean listen_host?"],
    ["gw {listen-port} {listen}", "has no placeholder {listen-port}; did you mean listen_port?"],
    ["gw {address} {listen}", "has no placeholder {address}; known are listen, "],
    ["{folder}/gw {listen}", "command has {folder} in scenario files only"],
    ["gw {listen}\0", "must be without null characters"],
  ];
  for (const [command, message] of refused) {
    assertThrows(() => checkPlaceholders(command, "command"), TimewaitError, message);
  }
});

Deno.test("placeholders are filled in wherever they stand, and what is the shell's stays", () => {
  const values = {
    listen: { hostname: "198.18.0.2", port: 1 },
    upstream: { hostname: "198.18.0.3", port: 2 },
  };
  assertEquals(
    fillPlaceholders(
      "{listen}{listen} ${listen} {other} {upstream_host}:{upstream_port} '{upstream}'",
      values,
    ),
    "198.18.0.2:1198.18.0.2:1 ${listen} {other} 198.18.0.3:2 'http://198.18.0.3:2'",
  );
});

Deno.test("a word is quoted so that the shell gives it back", async () => {
  for (const word of ["", "plain-1.5/x", "a b", "it's", '$HOME `id` \\ "q" #', "a\nb", "ü;|&*?~!"]) {
    const argv = ["-c", `printf %s ${quoteForShell(word)}`];
    const { stdout } = await new Deno.Command("/bin/sh", { args: argv }).output();
    assertEquals(new TextDecoder().decode(stdout), word);
  }
});

Deno.test("a command that names more backends than there are is refused before the first run", () => {
  const command = "proxy --listen {listen} --to {upstream} --to {upstream_3}";
  const of = (backends: number) => () =>
    resolveScenario({ question: "q", backends, runs: [{ name: "mine", gateway: { command } }] }, "s");
  for (const [backends, has] of [[1, "one backend"], [2, "2 backends"]] as const) {
    const error = assertThrows(of(backends), TimewaitError);
    assertEquals(
      error.message,
      `runs[0].gateway.command has {upstream_3}, and the run has ${has}: ask for 3 backends, or leave the placeholder out`,
    );
  }
  of(3)();
});
