/**
 * Values of sysctls: one that the kernel does not take is found before anything is measured.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import type { KnobRequest } from "../scenario/sysctls.ts";
import { NOT_TAKEN, setKnobs } from "./knobs.ts";
import { startPrivateLab } from "./private_lab.ts";

/**
 * Refuses a sysctl whose value the kernel does not take. Only the kernel knows, so they are set in a private
 * lab, which must be to be had here, and which ends with that. One that cannot be set for another reason is
 * measured without, and the report says so.
 *
 * @throws {TimewaitError} which names the sysctl and the value.
 */
export async function checkKnobValues(requests: readonly KnobRequest[]): Promise<void> {
  if (requests.length === 0) return;
  await using lab = await startPrivateLab();
  await using set = await setKnobs(lab, requests);
  for (const { key, asked, reason } of set.knobs) {
    if (reason !== NOT_TAKEN) continue;
    throw new TimewaitError(
      `takes values that the kernel takes, and for ${key} it does not take "${asked}"`,
      {
        field: "sysctls",
      },
    );
  }
}
