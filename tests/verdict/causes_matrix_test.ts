/** Causes planted in real gateways, each of which must be named from what was measured. */

import { assertEquals } from "@std/assert";
import { $ } from "@david/dax";
import { measureRepetition } from "../../tools/run/repetition.ts";
import { resolveBackend, resolveGateway, resolveLoad } from "../../tools/scenario/resolve.ts";
import type { Backend, Gateway, Load } from "../../tools/scenario/scenario.ts";
import type { RunOptions } from "../../tools/scenario/plan.ts";
import type { CauseName } from "../../tools/verdict/causes.ts";
import { analyse } from "../../tools/verdict/findings.ts";
import { alone } from "../support/lock.ts";
import { results } from "../support/made_up_results.ts";
import { plantedNginx } from "../support/planted.ts";
import { peers, wrkInPrivateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";

await alone();

const ignore = peers.ignore || wrkInPrivateLab.ignore;
const folder = ignore ? "" : await Deno.makeTempDir({ prefix: "timewait-causes-" });
const FAULTY = `${folder}/faulty`;
if (!ignore) {
  await $`go build -o ${FAULTY} ${ROOT}tests/support/planted/faulty.go`.env("GOFLAGS", "-mod=mod").quiet();
  globalThis.addEventListener("unload", () => Deno.removeSync(folder, { recursive: true }));
}

const go = (fault: string, n = 200): Gateway => ({
  command: `${FAULTY} -listen {listen} -upstream {upstream_host}:{upstream_port} -fault ${fault} -n ${n}`,
});

const nginx = (upstream: string, location: string, server = ""): Gateway => ({
  command: plantedNginx(`
upstream b { server {upstream_host}:{upstream_port}; ${upstream} }
server { listen {listen} backlog=4096; ${server} location / { proxy_pass http://b; ${location} } }`),
});

const REUSES = 'proxy_http_version 1.1; proxy_set_header Connection "";';

interface Planted {
  readonly what: string;
  readonly gateway: Gateway;
  readonly causes: readonly CauseName[];
  readonly load?: Load;
  readonly backend?: Backend;
}

const PLANTED: readonly Planted[] = [
  { what: "Go, a new Transport for each request, kept", gateway: go("kept"), causes: ["leak"] },
  { what: "Go, answers neither read nor closed", gateway: go("leak"), causes: ["leak"] },
  { what: "Go, a new Transport for each request, closed", gateway: go("closed"), causes: ["used-once"] },
  { what: "Go, answers closed and not read", gateway: go("unread"), causes: ["used-once"] },
  {
    what: "Go, answers of 200 kB closed and not read",
    gateway: go("unread"),
    backend: { bodyBytes: "200KiB" },
    causes: ["used-once"],
  },
  { what: "Go, DisableKeepAlives", gateway: go("asks"), causes: ["close-asked"] },
  { what: "Go, a pool of 2", gateway: go("small", 2), causes: ["pool-too-small"] },
  { what: "Go, a pool of 10", gateway: go("small", 10), causes: ["pool-too-small"] },
  { what: "Go, MaxConnsPerHost 10", gateway: go("cap", 10), causes: ["cap"] },
  { what: "Go, a pool that fits", gateway: go("none"), causes: ["none"] },
  { what: "nginx, HTTP/1.0", gateway: nginx("", "proxy_http_version 1.0;"), causes: ["close-asked"] },
  {
    what: "nginx, Connection not cleared",
    gateway: nginx("keepalive 200;", "proxy_http_version 1.1;"),
    causes: ["close-asked"],
  },
  {
    what: "nginx, keepalive_requests 10",
    gateway: nginx("keepalive 200; keepalive_requests 10;", REUSES),
    causes: ["request-limit"],
  },
  {
    what: "nginx, keepalive 5",
    gateway: nginx("keepalive 5; keepalive_requests 1000000;", REUSES),
    causes: ["pool-too-small"],
  },
  {
    what: "nginx, keepalive_timeout 0 for its clients",
    gateway: nginx("keepalive 200;", REUSES, "keepalive_timeout 0;"),
    causes: ["client-side"],
  },
  { what: "nginx as it should be", gateway: nginx("keepalive 200;", REUSES), causes: ["none"] },
  { what: "ours, http-client, a pool of 5", gateway: { poolMaxIdlePerHost: 5 }, causes: ["pool-too-small"] },
  { what: "ours, http-client, without a limit", gateway: {}, causes: ["none"] },
  {
    what: "ours, net-http, which asks for the end",
    gateway: { transport: "net-http", disableKeepAlives: true },
    causes: ["close-asked"],
  },
  {
    what: "ours, net-http, at most 10 connections",
    gateway: { transport: "net-http", maxConnsPerHost: 10, maxIdleConnsPerHost: 100 },
    causes: ["cap"],
  },
  {
    what: "ours, net-http, a pool that fits",
    gateway: { transport: "net-http", maxIdleConnsPerHost: 100 },
    causes: ["none"],
  },
  {
    what: "Go that fits, a backend that ends each connection after 10 requests",
    gateway: go("none"),
    backend: { closeAfterRequests: 10 },
    causes: ["request-limit"],
  },
  {
    what: "Go that fits, a backend that ends each connection after 1 request",
    gateway: go("none"),
    backend: { closeAfterRequests: 1 },
    causes: ["backend-closes"],
  },
  {
    what: "nginx that fits, a backend that ends each connection after 10 requests",
    gateway: nginx("keepalive 200;", REUSES),
    backend: { closeAfterRequests: 10 },
    causes: ["request-limit"],
  },
];

async function causesFor({ what, gateway, load, backend }: Planted) {
  const options: RunOptions = {
    gateway: resolveGateway(gateway, "gateway"),
    backend: resolveBackend({ latency: "20ms", ...backend }),
    load: resolveLoad({ connections: 100, threads: 1, warmUp: "1s", duration: "1s", ...load }),
  };
  const measured = await measureRepetition(options, {
    lab: "private",
    generator: "wrk",
    signal: new AbortController().signal,
  });
  const document = results([{ name: "it", baseline: true, options, repetitions: [measured] }]);
  if (Deno.env.get("KEEP") !== undefined) {
    await Deno.writeTextFile(
      `${Deno.env.get("KEEP")}/${what.replaceAll(/\W+/g, "_")}.json`,
      JSON.stringify(document),
    );
  }
  return analyse(document).runs[0]!.causes;
}

for (const planted of PLANTED) {
  Deno.test({
    name: `planted: ${planted.what}: ${planted.causes.join(", ")}`,
    ignore,
    // Threads of our gateways outlive a repetition by a moment.
    sanitizeOps: false,
    sanitizeResources: false,
    async fn() {
      const causes = await causesFor(planted);
      assertEquals(causes.map(({ cause }) => cause), planted.causes, JSON.stringify(causes, null, 1));
    },
  });
}
