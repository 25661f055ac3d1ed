import { withGateways } from "../../tools/scenario/replace_gateways.ts";
import { TimewaitError } from "../../tools/errors.ts";
import { assertEquals, assertThrows } from "@std/assert";
import { type GatewayFlagValues, gatewaysOf, gatewayWords } from "../../tools/cli/gateway_flags.ts";
import { scenario } from "../../scenarios/undersized_pool.ts";

const NONE: GatewayFlagValues = {
  gateway: [],
  transport: undefined,
  poolMaxIdlePerHost: undefined,
  poolIdleTimeout: undefined,
  maxIdleConns: undefined,
  maxIdleConnsPerHost: undefined,
  maxConnsPerHost: undefined,
  idleConnTimeout: undefined,
  disableKeepAlives: false,
  workers: undefined,
};

Deno.test("without a flag for a gateway, the scenario keeps its own", () => {
  assertEquals(gatewaysOf(NONE), []);
  assertEquals(withGateways(scenario, []), scenario);
});

Deno.test("the limits of a pool describe a gateway of ours, and the words that give them again", () => {
  const netHttp: GatewayFlagValues = {
    ...NONE,
    transport: "net-http",
    maxIdleConns: 0,
    maxIdleConnsPerHost: 200,
    idleConnTimeout: 5_000,
    disableKeepAlives: true,
  };
  assertEquals(gatewaysOf(netHttp), [{
    transport: "net-http",
    maxIdleConns: 0,
    maxIdleConnsPerHost: 200,
    idleConnTimeoutMs: 5_000,
    disableKeepAlives: true,
  }]);
  assertEquals(
    gatewayWords(netHttp).join(" "),
    "--transport net-http --max-idle-conns 0 --max-idle-conns-per-host 200 --idle-conn-timeout 5000ms --disable-keep-alives",
  );
  const httpClient: GatewayFlagValues = { ...NONE, poolMaxIdlePerHost: 0 };
  assertEquals(gatewaysOf(httpClient), [{ transport: "http-client", poolMaxIdlePerHost: 0 }]);
  assertEquals(gatewayWords(httpClient), ["--pool-max-idle-per-host", "0"]);
});

Deno.test("a gateway of ours and others are measured beside what goes straight at the backend", () => {
  const flags = { ...NONE, transport: "net-http" as const, gateway: ["mine {listen}", "./mine {listen}"] };
  const { runs, baseline } = withGateways(scenario, gatewaysOf(flags));
  assertEquals(runs.map((run) => run.name), ["direct", "net-http", "mine", "mine-2"]);
  assertEquals(baseline, "direct");
});

Deno.test("a limit of the other transport is refused", () => {
  assertThrows(() => gatewaysOf({ ...NONE, maxIdleConns: 5 }), TimewaitError, "--transport net-http");
  assertThrows(
    () => gatewaysOf({ ...NONE, transport: "net-http", poolMaxIdlePerHost: 5 }),
    TimewaitError,
    "--transport http-client",
  );
});
