/**
 * The options of a run as the results document keeps them, without the secrets that they hold.
 *
 * @module
 */

import { maskSecrets } from "../scenario/mask.ts";
import type { GatewayPlan, RunOptions } from "../scenario/plan.ts";

/** The texts of a run's options that may hold secrets. */
export function textsOf({ load, gateway, backend }: RunOptions): string[] {
  return [
    ...load.headers,
    ...(gateway !== null && "command" in gateway ? [gateway.command] : []),
    ...(backend.command === undefined ? [] : [backend.command]),
  ];
}

/** The options as the document keeps them: whatever reads it, reports among them, learns no secret. */
export function maskOptions(options: RunOptions): RunOptions {
  const { load, gateway, backend } = options;
  const masked: GatewayPlan | null = gateway !== null && "command" in gateway
    ? { command: maskSecrets(gateway.command) }
    : gateway;
  return {
    ...options,
    gateway: masked,
    backend: backend.command === undefined ? backend : { ...backend, command: maskSecrets(backend.command) },
    load: { ...load, headers: load.headers.map((line) => maskSecrets(line)) },
  };
}
