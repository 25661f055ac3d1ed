/** The scenarios that plant a cause each: every run's cause is named. */

import { assertEquals } from "@std/assert";
import { failedRequests } from "../../tools/load/load.ts";
import { measuredOf } from "../../tools/results/results.ts";
import type { CauseName } from "../../tools/verdict/causes.ts";
import { analyse } from "../../tools/verdict/findings.ts";
import "../support/one_at_a_time.ts";
import { runForASecond } from "../support/one_second.ts";
import { peers, wrkInPrivateLab } from "../support/requirements.ts";

/** The cause of each run, and flags that make a second long enough. */
const SCENARIOS: Readonly<
  Record<
    string,
    {
      readonly flags?: readonly string[];
      readonly runs: Readonly<Record<string, CauseName | readonly CauseName[]>>;
      /** The runs in which requests fail. Left out where that is not looked at. */
      readonly fail?: readonly string[];
    }
  >
> = {
  used_once: {
    runs: { right: "none", each: "used-once", kept: "leak", unread: "used-once", unclosed: "leak" },
  },
  close_asked: {
    runs: {
      right: "none",
      "http-1.0": "close-asked",
      "not-cleared": "close-asked",
      "caddy-right": "none",
      "caddy-off": "close-asked",
    },
  },
  request_limit: {
    runs: {
      unlimited: "none",
      "nginx-10": "request-limit",
      "backend-10-nginx": "request-limit",
      "backend-10-go": "request-limit",
    },
  },
  connection_cap: {
    runs: { "no-cap": "none", "go-10": "cap", "caddy-10": "cap", "haproxy-10": "cap", "net-http-10": "cap" },
  },
  many_backends: {
    runs: {
      "net-http-800": "none",
      "net-http-50": "many-pools",
      "go-800": "none",
      // From outside, a limit for all backends looks like one for each.
      "go-50": ["pool-too-small", "many-pools"],
    },
  },
  keep_alive_mismatch: {
    flags: ["--duration", "5s"],
    runs: {
      "backend-keeps": "none",
      "nginx-get": "backend-idle-timeout",
      "nginx-post": "backend-idle-timeout",
      "caddy-get": "backend-idle-timeout",
      "caddy-post": "backend-idle-timeout",
      "node-get": "backend-idle-timeout",
      "node-post": "backend-idle-timeout",
      "nginx-below": "gateway-idle-timeout",
      "caddy-below": "gateway-idle-timeout",
    },
    // nginx sends a GET again, and nothing else.
    fail: ["nginx-post", "caddy-get", "caddy-post", "node-get", "node-post"],
  },
  client_side: {
    runs: { kept: "none", "listener-closes": "client-side", "clients-ask": "client-side" },
  },
};

for (const [scenario, { flags = [], runs, fail }] of Object.entries(SCENARIOS)) {
  Deno.test({
    name: `${scenario} names the cause of each of its runs`,
    ignore: wrkInPrivateLab.ignore || peers.ignore,
    async fn() {
      const { results } = await runForASecond(scenario, ...flags);
      const found = analyse(results).runs.map(({ name, causes }) => [name, causes.map(({ cause }) => cause)]);
      const meant = Object.entries(runs).map(([name, causes]) => [name, [causes].flat()]);
      assertEquals(Object.fromEntries(found), Object.fromEntries(meant));
      const failing = results.runs.filter((run) =>
        measuredOf(run).some(({ errors }) => failedRequests(errors) > 0)
      );
      if (fail !== undefined) assertEquals(failing.map(({ name }) => name), fail);
    },
  });
}
