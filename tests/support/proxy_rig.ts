/** A `net-http` proxy between clients and upstreams that speak byte for byte. */

import { type ProxyOptions, type RunningProxy, startProxy } from "../../tools/transport/net_http/proxy.ts";
import type { Sockets } from "../../tools/transport/net_http/sockets.ts";
import { RawConnection, type RawUpstream } from "./raw_http.ts";

/** What makes the sockets of the next proxies; see `on_epoll.ts`. */
export const rig: { sockets: (() => Sockets) | undefined } = { sockets: undefined };

/** Starts a proxy in this thread, in front of one upstream or several; `lines` receives its log. */
export function startTestProxy(
  upstreams: RawUpstream | RawUpstream[] | URL,
  options: Partial<ProxyOptions> & { lines?: string[] } = {},
): RunningProxy {
  const origins = [upstreams].flat().map((upstream) =>
    upstream instanceof URL ? upstream : new URL(upstream.url)
  );
  return startProxy({
    listen: { hostname: "127.0.0.1", port: 0 },
    upstreams: origins,
    graceMs: 0,
    log: (line) => options.lines?.push(line),
    ...options,
    sockets: options.sockets ?? rig.sockets?.(),
  });
}

/** Connects a client. */
export function connectTo({ address }: Pick<RunningProxy, "address">): Promise<RawConnection> {
  return RawConnection.open(address);
}

/** Sends bytes on a connection of their own and returns all that comes back until the other side ends. */
export async function exchangeOnce(proxy: RunningProxy, request: string): Promise<string> {
  using conn = await connectTo(proxy);
  await conn.write(request).catch(() => {});
  return await conn.rest();
}
