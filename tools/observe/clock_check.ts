/**
 * Whether somebody set the clock of the machine while a load ran.
 *
 * @module
 */

/**
 * The smallest step that counts as setting the clock, in milliseconds. ntpd slews the clock by at most 0.5 ms
 * a second, which is less.
 */
const CLOCK_STEP_MS = 100;

/** A watch on the clock. */
export interface ClockCheck {
  /**
   * Checks whether the clock was set since the watch began.
   *
   * @throws {Error} where it was; the message says in which direction and by how much.
   */
  throwIfSet(): void;
}

/**
 * Watches the wall clock of the machine, which people and ntpd set, and which jumps when a laptop wakes.
 * Nothing of ours measures by it. wrk measures by nothing else, so its duration and latencies are worthless
 * after a jump.
 */
export function startClockCheck(): ClockCheck {
  const offsetMs = () => Date.now() - performance.now();
  const beforeMs = offsetMs();
  return {
    throwIfSet() {
      const stepMs = offsetMs() - beforeMs;
      if (Math.abs(stepMs) < CLOCK_STEP_MS) return;
      const way = stepMs > 0 ? "forward" : "back";
      const sec = Math.abs(stepMs / 1000).toFixed(1);
      throw new Error(
        `the clock of this machine was set ${way} by ${sec} s while the load ran, and the load generator measures by it`,
      );
    },
  };
}
