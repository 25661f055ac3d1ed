/**
 * Sets knobs in a lab, prints them as JSON, and stays until its standard input closes.
 * Arguments: the kind of the lab, "allow" or "refuse" for the machine's own sysctls, then KEY=VALUE.
 */

import { messageOf } from "../../tools/errors.ts";
import type { LabKind } from "../../tools/lab/lab.ts";
import { openLab } from "../../tools/lab/open_lab.ts";
import { parseSysctl, setKnobs } from "../../tools/lab/knobs.ts";
import { prepareHostSysctls } from "../../tools/sysctl.ts";

const [kind, allow, ...asked] = Deno.args;
try {
  await using machine = await prepareHostSysctls({ kind: kind as LabKind }, allow === "allow");
  await using lab = await openLab(kind as LabKind);
  await using set = await setKnobs(
    lab,
    Object.fromEntries(asked.map((text) => parseSysctl(text, ""))),
    machine,
  );
  console.log(JSON.stringify(set.knobs));
  for await (const _ of Deno.stdin.readable);
} catch (error) {
  console.log(messageOf(error));
  Deno.exitCode = 1;
}
