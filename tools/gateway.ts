/**
 * The **gateway** as a command: `deno task gateway --upstream http://127.0.0.1:8081 --pool-max-idle-per-host
 * 100`.
 *
 * @module
 */

import { aborted, listFlag, type Main, mainOf, runAsScript, valueFlag } from "./cli/command_line.ts";
import { OUR_GATEWAY_FLAGS, ourGatewayOf } from "./cli/gateway_flags.ts";
import { parseDurationMs, parseListen, parsePlan, parseText } from "./cli/values.ts";
import {
  type GatewayServerOptions,
  type GatewayServerPlan,
  resolveGatewayServer,
  startGatewayServer,
} from "./parties/gateway_server.ts";
import { assertNotProxied } from "./transport/http_client/environment_proxy.ts";
import { renderCounters } from "./transport/net_http/proxy_counters.ts";

/**
 * Signals that make a `net-http` gateway print its counters. SIGUSR1 makes Deno open its debugger on
 * 127.0.0.1:9229 besides, since 2.9.2 and whatever the program says (denoland/deno#35738); SIGUSR2 does
 * nothing else.
 */
const ASKS_FOR_COUNTERS = ["SIGUSR1", "SIGUSR2"] as const;

/** The command, as a function: see {@linkcode Main}. Returns 0 once `signal` has stopped it. */
export const main: Main = mainOf({
  name: "gateway",
  summary: "Runs a reverse proxy, whose connection pool can be set and watched.",
  flags: {
    upstream: listFlag(
      "URL",
      "origin that requests go to, such as http://127.0.0.1:8081; net-http takes several, in turn",
      parseText,
    ),
    listen: valueFlag("HOST:PORT", "address for clients (default 127.0.0.1:8080)", parseListen, undefined),
    grace: valueFlag(
      "DURATION",
      "time that SIGTERM leaves requests in flight (default 10s)",
      parseDurationMs,
      undefined,
    ),
    ...OUR_GATEWAY_FLAGS,
    plan: { ...valueFlag("JSON", "", parsePlan<GatewayServerPlan>, undefined), hidden: true },
  },
  examples: [
    "deno task gateway --listen 127.0.0.1:8080 --upstream http://127.0.0.1:8081 --pool-max-idle-per-host 100",
    "deno task gateway --transport net-http --upstream http://127.0.0.1:8081 --max-idle-conns 100 --max-idle-conns-per-host 200",
  ],
  async run({ plan, upstream, listen, grace, ...flags }, { signal }) {
    const options = { upstream, listen, grace, ...ourGatewayOf(flags) } as GatewayServerOptions;
    return await forward(plan ?? resolveGatewayServer(options), signal);
  },
});

/** Forwards until the signal aborts, prints what the pool has counted when it is asked, and at the end. */
async function forward(plan: GatewayServerPlan, signal: AbortSignal): Promise<number> {
  if (plan.gateway.transport === "http-client") await assertNotProxied();
  const gateway = await startGatewayServer(plan);
  const print = async () => {
    if (gateway.counters !== undefined) console.log(renderCounters(await gateway.counters()));
  };
  for (const name of ASKS_FOR_COUNTERS) Deno.addSignalListener(name, print);
  try {
    console.log(`listening on ${gateway.url} with ${gateway.workers} worker(s)`);
    await aborted(signal);
  } finally {
    for (const name of ASKS_FOR_COUNTERS) Deno.removeSignalListener(name, print);
    await gateway[Symbol.asyncDispose]();
  }
  await print();
  return 0;
}

if (import.meta.main) {
  await runAsScript(main);
  // What the stop could not end, such as a client that does not read, must not keep the process. The exit
  // code is set.
  Deno.exit();
}
