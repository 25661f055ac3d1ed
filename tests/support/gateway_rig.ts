/** A gateway between a client and an upstream that both speak byte for byte. */

import { type ListenAddress } from "../../tools/server/address.ts";
import { startGateway } from "../../tools/parties/gateway_server.ts";
import type { GatewayOptions, RunningGateway } from "../../tools/parties/gateway_server.ts";
import { RawConnection, type RawMessage, type RawUpstream, startRepeatingUpstream } from "./raw_http.ts";

export { eventually } from "./waiting.ts";

export const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";

export interface GatewayRig extends AsyncDisposable {
  readonly gateway: RunningGateway;
  readonly upstream: RawUpstream;
  /** The lines of the gateway's log. */
  readonly log: string[];
  /** Sends bytes on a connection of their own and reads one response. */
  exchange(request: string): Promise<RawMessage>;
  /** What reached the upstream for these bytes; fails where nothing did. */
  forwarded(request: string): Promise<RawMessage>;
}

/**
 * Starts a gateway in front of an upstream: one that answers everything with `upstream`, or one of the test's
 * own.
 */
export async function startGatewayRig(
  upstream: string | RawUpstream = OK,
  options: Partial<GatewayOptions> = {},
): Promise<GatewayRig> {
  const behind = typeof upstream === "string" ? startRepeatingUpstream(upstream) : upstream;
  const log: string[] = [];
  const gateway = await startGateway({
    upstream: behind.url,
    listen: { hostname: "127.0.0.1", port: 0 },
    log: (line) => log.push(line),
    ...options,
  });
  const exchange = async (request: string) => {
    using client = await RawConnection.open(gateway.address);
    await client.write(request);
    return await client.readMessage({ toHead: request.startsWith("HEAD ") });
  };
  return {
    gateway,
    upstream: behind,
    log,
    exchange,
    async forwarded(request) {
      const before = behind.received.length;
      const response = await exchange(request);
      const message = behind.received[before];
      if (message === undefined) throw new Error(`nothing was forwarded: ${JSON.stringify(response.raw)}`);
      return message;
    },
    async [Symbol.asyncDispose]() {
      await gateway[Symbol.asyncDispose]();
      await behind[Symbol.asyncDispose]();
    },
  };
}

/** Resolves once nobody listens at the address; fails after five seconds. */
export async function untilRefused(address: ListenAddress): Promise<void> {
  const deadline = performance.now() + 5_000;
  while (performance.now() < deadline) {
    try {
      (await Deno.connect(address)).close();
    } catch {
      return;
    }
  }
  throw new Error(`${address.hostname}:${address.port} still accepts connections`);
}
