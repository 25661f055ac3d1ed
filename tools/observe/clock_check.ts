/**
 * Whether the clock of the machine was set while a load ran.
 *
 * @module
 */

/** From this step on, in milliseconds, the clock was set; what ntpd slews it by, 0.5 ms a second at most, is less. */
const CLOCK_STEP_MS = 100;

/** A clock that is watched. */
export interface ClockCheck {
  /**
   * Looks whether it was set since the start.
   *
   * @throws {Error} which says which way and by how much.
   */
  throwIfSet(): void;
}

/**
 * Watches the clock of the machine, the one that people and ntpd set, and which jumps when a laptop wakes. Nothing of ours
 * measures by it, and wrk measures by nothing else: its duration and latencies are worthless then.
 */
export function startClockCheck(): ClockCheck {
  const offsetMs = () => Date.now() - performance.now();
  const beforeMs = offsetMs();
  return {
    throwIfSet() {
      const stepMs = offsetMs() - beforeMs;
      if (Math.abs(stepMs) < CLOCK_STEP_MS) return;
      const way = stepMs > 0 ? "forward" : "back";
      throw new Error(
        `the clock of this machine was set ${way} by ${
          Math.abs(stepMs / 1000).toFixed(1)
        } s while the load ran, and the ` +
          "load generator measures by it",
      );
    },
  };
}
