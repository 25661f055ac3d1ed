/**
 * Keeps `HTTP_PROXY` and similar variables away from the gateway. Deno reads them when an HTTP client is
 * made, whatever permissions the process has; `fetch` then sends every request to the proxy that they name
 * instead of to the upstream.
 *
 * @module
 */

import { UnavailableError } from "../../errors.ts";
import { explainFetchError } from "./fetch_error.ts";

/** The variables that make `fetch` send `http` requests to a proxy. */
export const PROXY_VARIABLES: readonly string[] = ["HTTP_PROXY", "http_proxy", "ALL_PROXY", "all_proxy"];

/** The errors with which a connect to the broadcast address fails, at once and without a packet. */
const CONNECT_TO_BROADCAST_FAILS_WITH: readonly string[] = ["EACCES", "EHOSTUNREACH", "ENETUNREACH"];

/**
 * Makes an HTTP client as if no proxy variable were set, and leaves the environment as it was.
 *
 * Variables that the process may not read (no `--allow-env`) stay in force; {@linkcode isProxied} finds that
 * out.
 */
export function withoutProxyVariables<T>(make: () => T): T {
  const hidden = PROXY_VARIABLES.filter(mayChange).map((name) => [name, Deno.env.get(name)] as const);
  for (const [name] of hidden) Deno.env.delete(name);
  try {
    return make();
  } finally {
    for (const [name, value] of hidden) if (value !== undefined) Deno.env.set(name, value);
  }
}

/**
 * Whether requests of this client go to a proxy. A request to an address that nobody can connect to tells,
 * without reading the environment: an answer, or any failure other than the kernel's refusal, comes from a
 * proxy.
 *
 * `false` if the request is not permitted because `--allow-net` is limited to some hosts.
 */
export async function isProxied(client: Deno.HttpClient): Promise<boolean> {
  try {
    const response = await fetch("http://255.255.255.255:81/", {
      client,
      signal: AbortSignal.timeout(1_000),
    });
    await response.body?.cancel();
    return true;
  } catch (error) {
    if (error instanceof Deno.errors.NotCapable) return false;
    if (error instanceof DOMException) return false;
    return !CONNECT_TO_BROADCAST_FAILS_WITH.includes(explainFetchError(error)?.code ?? "");
  }
}

/**
 * Makes sure that requests go to the upstream itself.
 *
 * @throws {UnavailableError} if a proxy variable is in force, in one line that says how to start without it.
 */
export async function assertNotProxied(): Promise<void> {
  using client = withoutProxyVariables(() => Deno.createHttpClient({ http2: false }));
  if (!await isProxied(client)) return;
  const cleared = PROXY_VARIABLES.map((name) => `${name}=`).join(" ");
  throw new UnavailableError(
    `a proxy variable is set, and fetch would send every request there; start with ${cleared} before the command`,
  );
}

function mayChange(variable: string): boolean {
  return Deno.permissions.querySync({ name: "env", variable }).state === "granted";
}
