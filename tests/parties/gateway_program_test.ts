import { assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { checkProgram } from "../../tools/parties/gateway_program.ts";

Deno.test("a gateway whose program is not there, or may not be run, is refused by its name", () => {
  const file = Deno.makeTempFileSync();
  try {
    const refused = {
      "no-such-gateway-1234 --listen {listen}": "no-such-gateway-1234 was not found on PATH",
      "'no-such-gateway-1234' {listen}": "no-such-gateway-1234 was not found on PATH",
      "./no/such/gateway {listen}": "there is no ./no/such/gateway",
      '"/etc" {listen}': "/etc is no file",
      [`${file} {listen}`]: `${file} may not be run`,
    };
    for (const [command, why] of Object.entries(refused)) {
      const error = assertThrows(() => checkProgram(command, "runs[1].gateway"), TimewaitError);
      assertStringIncludes(error.problem, why);
      assertEquals(error.field, "runs[1].gateway");
    }
  } finally {
    Deno.removeSync(file);
  }
});

Deno.test("a program that is there passes, and what only the shell knows is left to it", () => {
  for (
    const command of [
      "sh -c {listen}",
      "/bin/sh -c {listen}",
      "exec nothing {listen}",
      "PORT=1 no-such-gateway {listen}",
      "no-such-gateway {listen} || sh {listen}",
      "$GATEWAY {listen}",
      "{upstream_host}/x {listen}",
    ]
  ) checkProgram(command);
});
