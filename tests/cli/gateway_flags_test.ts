import { assertEquals, assertThrows } from "@std/assert";
import { parseFlags } from "../../tools/cli/parse_flags.ts";
import { GATEWAY_FLAGS, gatewaysOf } from "../../tools/cli/gateway_flags.ts";
import { TimewaitError } from "../../tools/errors.ts";
import { resolveGateway } from "../../tools/scenario/resolve.ts";

function gateways(...args: string[]) {
  return gatewaysOf(parseFlags({ name: "bench", flags: GATEWAY_FLAGS }, args).options);
}

Deno.test("without a flag for a gateway there is none", () => {
  assertEquals(gateways(), []);
});

Deno.test("the options of a pool describe a gateway of ours, and zero is a value", () => {
  const [netHttp] = gateways(
    ...["--transport", "net-http", "--max-idle-conns", "0", "--max-idle-conns-per-host", "200"],
    ...["--idle-conn-timeout", "5s", "--disable-keep-alives"],
  );
  const plan = resolveGateway(netHttp!.gateway);
  assertEquals({ ...plan, workers: 0 }, {
    transport: "net-http",
    maxIdleConns: 0,
    maxIdleConnsPerHost: 200,
    maxConnsPerHost: 0,
    idleConnTimeoutMs: 5_000,
    disableKeepAlives: true,
    dialTimeoutMs: 5_000,
    responseHeaderTimeoutMs: 60_000,
    requestHeaderTimeoutMs: 5_000,
    workers: 0,
  });
  const [httpClient] = gateways("--pool-max-idle-per-host", "0", "--pool-idle-timeout", "none");
  assertEquals(resolveGateway(httpClient!.gateway), {
    transport: "http-client",
    poolMaxIdlePerHost: 0,
    poolIdleTimeoutMs: false,
    workers: 1,
  });
});

Deno.test("a number of workers alone is a gateway of ours", () => {
  assertEquals(resolveGateway(gateways("--workers", "3")[0]!.gateway), {
    transport: "http-client",
    poolMaxIdlePerHost: false,
    poolIdleTimeoutMs: 90_000,
    workers: 3,
  });
});

Deno.test("a command may have a name before it, and a variable of its environment is no name", () => {
  assertEquals(
    gateways("--gateway", "nginx-1.27=./start.sh {listen}", "--gateway", "HOME=/tmp ./gw {listen}"),
    [
      { name: "nginx-1.27", gateway: { command: "./start.sh {listen}" } },
      { name: undefined, gateway: { command: "HOME=/tmp ./gw {listen}" } },
    ],
  );
});

Deno.test("an option of the other transport is refused", () => {
  assertThrows(() => gateways("--max-idle-conns", "5"), TimewaitError, "add --transport net-http");
  assertThrows(
    () => gateways("--transport", "net-http", "--pool-max-idle-per-host", "5"),
    TimewaitError,
    "add --transport http-client",
  );
});
