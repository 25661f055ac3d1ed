/**
 * The flag of bench that measures the gateway of another checkout beside this one's.
 *
 * @module
 */

import { gatewayCommand, openCheckout, removeLeftCheckouts, thisCheckout } from "../run/checkout.ts";
import type { NamedGateway } from "../scenario/replace_gateways.ts";
import type { Scenario } from "../scenario/scenario.ts";
import { listFlag, type Word } from "./command.ts";
import { OUR_GATEWAY_FLAGS } from "./gateway_flags.ts";
import { parseText } from "./values.ts";

/** The flag. */
export const CHECKOUT_FLAGS = {
  checkout: listFlag(
    "DIR|REF",
    "another checkout of Timewait, or a commit of this clone: its gateway is the baseline, and this one's the run `this`",
    parseText,
  ),
} as const;

/** The gateways of checkouts. Disposing them removes the worktrees. */
export interface CheckoutGateways extends AsyncDisposable {
  /** Those of the other checkouts, then this one's; none where no other one was asked for. */
  readonly gateways: readonly NamedGateway[];
}

/**
 * Opens the checkouts that were asked for. Their gateways and this one's are started in the same way, with
 * the flags of a gateway as they were typed.
 *
 * @throws {TimewaitError} for what is no checkout.
 */
export async function openCheckouts(
  asked: readonly string[],
  words: readonly Word[],
  signal: AbortSignal,
): Promise<CheckoutGateways> {
  await using stack = new AsyncDisposableStack();
  await removeLeftCheckouts();
  const gateways: NamedGateway[] = [];
  const flags = words.filter(({ flag }) => flag !== undefined && Object.hasOwn(OUR_GATEWAY_FLAGS, flag))
    .flatMap(({ texts }) => texts);
  for (const text of asked) {
    const checkout = stack.use(await openCheckout(text, signal));
    gateways.push({ name: checkout.name, gateway: { command: await gatewayCommand(checkout, flags) } });
  }
  if (gateways.length > 0) {
    const own = await gatewayCommand({ folder: thisCheckout() }, flags);
    gateways.push({ name: "this", gateway: { command: own } });
  }
  const made = stack.move();
  return { gateways, [Symbol.asyncDispose]: () => made.disposeAsync() };
}

/** The scenario with its gateways alone, of which the first is the baseline where that went without one. */
export function amongGateways(scenario: Scenario): Scenario {
  const runs = scenario.runs.filter(({ gateway }) => gateway !== undefined);
  const baseline = runs.some(({ name }) => name === scenario.baseline) ? scenario.baseline : runs[0]!.name;
  return { ...scenario, ...(baseline === undefined ? {} : { baseline }), runs };
}
