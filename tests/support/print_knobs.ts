/**
 * Sets knobs in a lab, prints them as JSON, and stays until its standard input closes.
 * Arguments: the kind of the lab, "allow" or "refuse" for the machine's own sysctls, then KEY=VALUE.
 */

import { messageOf } from "../../tools/errors.ts";
import type { LocalLabKind } from "../../tools/lab/lab.ts";
import { openLab } from "../../tools/lab/open_lab.ts";
import { parseSysctl } from "../../tools/cli/values.ts";
import { setKnobs } from "../../tools/lab/knobs.ts";
import { prepareHostSysctls } from "../../tools/lab/machine_knobs.ts";

const [kind, allow, ...asked] = Deno.args;
try {
  await using machine = await prepareHostSysctls({ kind: kind as LocalLabKind }, {
    allowHostSysctl: allow === "allow",
    tell: console.error,
  });
  await using lab = await openLab(kind as LocalLabKind);
  await using set = await setKnobs(
    lab,
    asked.map((text) => parseSysctl(text, "sysctl")),
    machine,
  );
  console.log(JSON.stringify(set.knobs));
  for await (const _ of Deno.stdin.readable);
} catch (error) {
  console.log(messageOf(error));
  Deno.exitCode = 1;
}
