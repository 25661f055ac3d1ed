import { assert, assertStringIncludes } from "@std/assert";
import type { Knob } from "../../../tools/lab/knobs.ts";
import { analyse } from "../../../tools/verdict/findings.ts";
import { renderWhy } from "../../../tools/report/sections/why.ts";
import { repetition, results, run } from "../../support/made_up_results.ts";

function why(command: string): string {
  const document = results([
    run("direct", [repetition(9_000)], null),
    run("theirs", [repetition(5_000, { opened: 20_000, timeWait: 19_000 })], { command }),
  ]);
  return renderWhy(analyse(document), document).join("\n");
}

Deno.test("advice for a gateway whose product is known is in its words, with default and scope", () => {
  const nginx = why("nginx -c /etc/nginx.conf {listen}");
  assertStringIncludes(nginx, "**Set** the pool of nginx to at least the concurrency");
  assertStringIncludes(
    nginx,
    "`keepalive N (in upstream)` (by default 32 since 1.29.7, none before; for each worker process)",
  );
  assert(!nginx.includes("MaxIdleConns"), nginx);
});

Deno.test("HAProxy, whose idle cap has no limit by default, is told to look at reuse first", () => {
  assertStringIncludes(why("haproxy -f x {listen}"), "look at `http-reuse`");
});

Deno.test("advice for an unknown program names the products that people ask about most, no wall of them", () => {
  const unknown = why("./my-gateway {listen}");
  assertStringIncludes(
    unknown,
    "Go: MaxIdleConns and MaxIdleConnsPerHost; nginx: keepalive in upstream; Node.js:",
  );
});

Deno.test("no more TIME_WAITs are foretold on the backend than it may hold", () => {
  const closed = repetition(5_000, { opened: 20_000, timeWait: 19_000 });
  const held = { side: "accepted", service: "198.18.0.3:8081", timeWait: 19_000 } as const;
  const backend = { ...closed.hosts.backend, timeWaitGroups: [held], timeWaitPeak: 19_000 };
  const gateway = { ...closed.hosts.gateway, timeWaitGroups: [] };
  const measured = { ...closed, hosts: { ...closed.hosts, gateway, backend } };
  const whyWith = (most: string, knobs: Knob[] = []) => {
    const runs = [run("direct", [repetition(9_000)], null), run("theirs", [{ ...measured, knobs }])];
    const document = results(runs);
    const sysctls = { ...document.environment.sysctls, "net.ipv4.tcp_max_tw_buckets": most };
    const known = { ...document, environment: { ...document.environment, sysctls } };
    return renderWhy(analyse(known), known).join("\n");
  };
  assertStringIncludes(whyWith("262144"), "the backend holds 142,500 TIME_WAITs once 60 s have passed");
  const capped = "the backend comes to hold 4,096 TIME_WAITs, which is all that its tcp_max_tw_buckets lets";
  assertStringIncludes(whyWith("4096"), capped);
  const knob: Knob = {
    ...{ host: "backend", key: "net.ipv4.tcp_max_tw_buckets", before: "262144", asked: "4096" },
    ...{ inForce: "4096", status: "applied" },
  };
  assertStringIncludes(whyWith("262144", [knob]), capped);
});
