/**
 * What some tests need and not every machine has. Without it the tests are ignored, and the reason is
 * printed.
 */

import { findCommand } from "../../tools/lab/find_command.ts";
import { whyNoPrivateLab } from "../../tools/lab/private_lab.ts";
import { findFakeTime } from "./fake_clock.ts";

/**
 * By this variable `run_tests.ts` tells each file what it has found out once: why there is no private lab.
 */
export const LAB_VARIABLE = "TIMEWAIT_TESTS_NO_PRIVATE_LAB";

/** Why a private lab cannot be had here. Empty where it can. */
export const noPrivateLab = Deno.env.get(LAB_VARIABLE) ?? await whyNoPrivateLab() ?? "";

/** Options of a test that needs a private lab. */
export const privateLab = needs("a private lab", noPrivateLab || undefined);

/** Options of a test that needs wrk. */
export const wrk = needs("wrk", reasonFor(() => findCommand("wrk")));

/** Options of a test that needs the gateways that ours are measured beside. */
export const peers = needs(
  "nginx, HAProxy, Go, Node and Caddy",
  reasonFor(() => ["nginx", "haproxy", "go", "node", "caddy"].forEach(findCommand)),
);

/** Options of a test that looks at pages in a browser. */
export const chromium = needs("Chromium", reasonFor(() => findCommand("chromium")));

/** Options of a test that looks at a terminal. */
export const withTmux = needs("tmux", reasonFor(() => findCommand("tmux")));

/** Options of a test that needs a clock to set. */
export const fakeClock = needs(
  "libfaketime",
  findFakeTime() === undefined ? "it was not found below /usr/lib: apt-get install faketime" : undefined,
);

/** Options of a test that needs wrk and a private lab. */
export const wrkInPrivateLab = { ignore: wrk.ignore || privateLab.ignore };

export function needs(what: string, reason: string | undefined): { ignore: boolean } {
  if (reason !== undefined) console.error(`tests that need ${what} are ignored: ${reason}`);
  return { ignore: reason !== undefined };
}

export function reasonFor(check: () => unknown): string | undefined {
  try {
    check();
    return undefined;
  } catch (error) {
    return (error as Error).message;
  }
}
