/** Processes that are hard to end, and where they have gone. */

import type { Host } from "../../tools/lab/host.ts";
import { until } from "./until.ts";

/**
 * Ignores signals. Has three children: one that ignores them too, one that leaves its session and has a child
 * of its own, and one without the environment of its parent.
 */
const STUBBORN = `trap '' TERM HUP INT PIPE
sleep $0 &
setsid sh -c 'trap "" TERM; sleep '$0' & exec sleep '$0 &
env -i sleep $0 &
while :; do sleep 1; done`;

/** A number of seconds that nobody else sleeps. */
const drawn = () => 1e6 + Math.floor(Math.random() * 1e8);

/** What is hard to end, as it runs on a host. */
export interface Stubborn {
  /** Its processes that live, in whatever session they are. */
  left(): number[];
}

/** Starts it, and returns when it has left its session. */
export async function startStubborn(host: Host): Promise<Stubborn> {
  const seconds = drawn();
  const find = () => {
    const { stdout } = new Deno.Command("pgrep", { args: ["-f", `(sleep|sh -c .*) ${seconds}$`] })
      .outputSync();
    return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "").map(Number);
  };
  await host.start({ name: "stubborn", argv: ["sh", "-c", STUBBORN, String(seconds)] });
  await until(() => find().length >= 5);
  return { left: find };
}
