/**
 * What a bench varies: the settings of a sweep, or what a bisection looks for.
 *
 * @module
 */

import { TimewaitError } from "../errors.ts";
import type { GeneratorChoice } from "../load/load.ts";
import { optionsOf } from "../scenario/check.ts";
import { type FindPlan, parseFind } from "../scenario/find.ts";
import type { ScenarioPlan } from "../scenario/plan.ts";
import type { Overrides } from "../scenario/resolve.ts";
import type { Scenario, Sweep } from "../scenario/scenario.ts";

/** What to vary. */
export interface VariationOptions {
  /**
   * Settings to vary, beside those of the scenario or instead of them: each run is measured at each value.
   * Default: as the scenario says, less what `load` and `backend` fix.
   */
  readonly sweep?: Sweep | undefined;
  /**
   * What to find in place of a comparison, by bisection, for each run with a gateway: `connections`, the most
   * that its pool holds; `rate`, the highest that keeps `slo`. With a range if wanted: `rate=500..4000`.
   */
  readonly find?: string | undefined;
  /** What must hold at a rate, such as `p99<=200ms,errors<=0.1%`. */
  readonly slo?: string | undefined;
}

/** Other options, which may leave nothing to vary. */
export interface OtherOptions extends Overrides {
  /** A check of the bench itself varies nothing. */
  readonly selfCheck?: boolean | undefined;
  /** A bench that stops at a precision finds nothing. */
  readonly until?: unknown;
}

/**
 * The settings to vary: those of the scenario, except what the options fix for every run, and those of the
 * options, which take the place of the scenario's.
 *
 * @throws {TimewaitError} where an option both fixes a setting and varies it, and for a self-check.
 */
export function sweepOf(scenario: Scenario, options: VariationOptions & OtherOptions): Sweep {
  const { load = {}, backend = {}, sweep = {}, selfCheck = false } = options;
  const isFixed = (name: string) =>
    (load as Given)[name] !== undefined || (backend as Given)[name] !== undefined;
  const both = Object.keys(sweep).find(isFixed);
  if (both !== undefined) {
    throw new TimewaitError(`varies ${both}, which is given for every run as well: leave one of them out`, {
      field: "sweep",
    });
  }
  if (selfCheck && Object.keys(sweep).length > 0) {
    throw new TimewaitError(
      "measures the baseline under two names, and varies nothing: leave the sweep out",
      {
        field: "selfCheck",
      },
    );
  }
  const ofScenario = Object.entries(optionsOf(scenario.sweep, "sweep")).filter(([name]) => !isFixed(name));
  return { ...Object.fromEntries(ofScenario), ...sweep };
}

/** Options by their names. */
type Given = Readonly<Record<string, unknown>>;

/**
 * What to find.
 *
 * @throws {TimewaitError} where there is nothing to find it in, or something else is asked for as well.
 */
export function findOf(
  { runs }: ScenarioPlan,
  options: VariationOptions & OtherOptions,
): FindPlan | undefined {
  const { find, slo, sweep = {}, selfCheck = false, until, load } = options;
  if (find === undefined) {
    if (slo === undefined) return undefined;
    throw new TimewaitError("is what must hold at a rate: ask for the rate as well", { field: "slo" });
  }
  const field = "find";
  const beside = [
    ...(Object.keys(sweep).length > 0 ? ["sweep"] : []),
    ...(selfCheck ? ["self-check"] : []),
    ...(until === undefined ? [] : ["precision to reach"]),
  ];
  if (beside.length > 0) {
    throw new TimewaitError(`decides by itself what is measured: leave out the ${beside[0]}`, { field });
  }
  const plan = parseFind(find, { connections: runs[0]!.options.load.connections, slo });
  if (plan.name === "connections" && runs.every(({ options }) => options.gateway === null)) {
    throw new TimewaitError("needs a gateway to look at, and the scenario has none", { field });
  }
  if (runs.some(({ options }) => options.load.ratePerSec !== undefined)) {
    const isOfOptions = load?.rate !== undefined;
    throw new TimewaitError(
      `varies the load by itself: leave the rate out${isOfOptions ? "" : " of the scenario"}`,
      {
        field,
      },
    );
  }
  return plan;
}

/**
 * Checks the load generator of a bisection among connections.
 *
 * @throws {TimewaitError} where the load does not come from wrk, which alone sends on all connections at
 * once.
 */
export function needWrk({ name }: GeneratorChoice): void {
  if (name === "wrk") return;
  throw new TimewaitError(`of connections needs wrk, and the load comes from ${name}: apt-get install wrk`, {
    field: "find",
  });
}
