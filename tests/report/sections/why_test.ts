import { assert, assertStringIncludes } from "@std/assert";
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
