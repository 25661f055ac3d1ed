/**
 * The gateways of the scenarios, diagnosed from outside while they run, by an ordinary user: the doctor names
 * the cause that bench names, or what looks the same from outside and, beside it, that cause.
 */

import { assert, assertEquals } from "@std/assert";
import { diagnose } from "../../tools/doctor/diagnosis.ts";
import type { Run, Scenario } from "../../tools/scenario/scenario.ts";
import type { CauseName } from "../../tools/verdict/causes.ts";
import "../support/one_at_a_time.ts";
import { ORDINARY, watchRun } from "../support/diagnosed.ts";
import { peers, wrkInPrivateLab } from "../support/requirements.ts";

/** The cause that bench names, and what else the doctor may name in its place, because it looks the same. */
type Expected = readonly [bench: CauseName, ...alike: CauseName[]];

const FITS: Expected = ["none"];
const ASKED: Expected = ["close-asked", "backend-closes"];

const SCENARIOS: Readonly<Record<string, Readonly<Record<string, Expected>>>> = {
  client_side: { kept: FITS, "listener-closes": ["client-side"], "clients-ask": ["client-side"] },
  close_asked: { right: FITS, "http-1.0": ASKED, "not-cleared": ASKED, "caddy-off": ASKED },
  connection_cap: { "no-cap": FITS, "go-10": ["cap", "none"], "haproxy-10": ["cap", "none"] },
  gateways: { "net-http": FITS, nginx: FITS, haproxy: FITS, go: FITS, caddy: FITS },
  keep_alive_mismatch: {
    "nginx-get": ["backend-idle-timeout", "backend-closes", "close-asked"],
    "nginx-below": ["gateway-idle-timeout", "used-once", "pool-too-small"],
  },
  // While it fills, a large pool looks like a leak.
  many_backends: { "go-800": ["none", "leak"], "go-50": ["many-pools", "pool-too-small"] },
  port_exhaustion: {
    "reuse-0": ["ports-exhausted"],
    "reuse-1": ["pool-too-small"],
    "pool-fits": FITS,
  },
  request_limit: {
    unlimited: FITS,
    "nginx-10": ["request-limit", "pool-too-small"],
    "backend-10-nginx": ["request-limit", "backend-closes", "close-asked"],
    "backend-10-go": ["request-limit", "backend-closes", "close-asked"],
  },
  undersized_pool: { "pool-100": ["pool-too-small"], "pool-1000": FITS },
  used_once: { right: FITS, each: ["used-once"], kept: ["leak"], unread: ["used-once"], unclosed: ["leak"] },
};

for (const [name, runs] of Object.entries(SCENARIOS)) {
  Deno.test({
    name: `the doctor tells of ${name}, from outside, what bench tells of it`,
    ignore: wrkInPrivateLab.ignore || peers.ignore,
    async fn() {
      const { default: scenario } = await import(`../../scenarios/${name}.ts`) as { default: Scenario };
      // It takes some seconds until the ports are gone.
      const when = name === "port_exhaustion" ? { afterSec: 5, loadSec: 8 } : { loadSec: 4 };
      for (const [runName, [bench, ...alike]] of Object.entries(runs)) {
        const run = scenario.runs.find((run): run is Run => run.name === runName)!;
        const { capture, requestsPerSec } = await watchRun(scenario, run, { host: ORDINARY, ...when });
        const { verdict, causes } = diagnose(capture, { requestsPerSec });
        const named = causes.map(({ cause }) => cause);
        const said = `${runName}: ${
          JSON.stringify(causes.map(({ cause, cannotTell }) => [cause, cannotTell]))
        }`;
        const all = new Set([
          ...named,
          ...causes.flatMap(({ cannotTell = [] }) => cannotTell.map(({ cause }) => cause)),
        ]);
        assert(all.has(bench), said);
        assert([bench, ...alike].includes(named[0]!), said);
        const harmless = [bench, ...alike].some((cause) => cause === "none" || cause === "client-side");
        assertEquals(verdict, harmless ? "nothing wrong" : "wrong", said);
      }
    },
  });
}
