import { assertEquals, assertThrows } from "@std/assert";
import { parseStatusPage } from "../../tools/doctor/status_page.ts";
import { TimewaitError } from "../../tools/errors.ts";
import { ROOT } from "../support/root.ts";

const kept = (name: string) => Deno.readTextFileSync(`${ROOT}tests/doctor/kept/${name}`);

for (
  const [name, requests, source] of [
    ["envoy.stats", 31_500, "Envoy downstream_rq_total"],
    ["traefik.prom", 18_324, "traefik_entrypoint_requests_total"],
    ["caddy.prom", 2693, "caddy_http_requests_total"],
  ] as const
) {
  Deno.test(`requests are counted once, and not those of the admin interface: ${name}`, () => {
    assertEquals(parseStatusPage(kept(name)), { requests, source });
    assertEquals(parseStatusPage(kept(name).replaceAll("\n", "\r\n")), { requests, source });
  });
}

Deno.test("of Envoy's metrics for Prometheus, too, the admin interface is left out", () => {
  const name = "envoy_http_downstream_rq_total";
  const text = `# TYPE ${name} counter\n${name}{envoy_http_conn_manager_prefix="admin"} 7\n` +
    `${name}{envoy_http_conn_manager_prefix="ingress_http"} 41\n`;
  assertEquals(parseStatusPage(text), { requests: 41, source: name });
});

Deno.test("frontends of HAProxy are added up, and columns found by their names", () => {
  const text = "# pxname,svname,qcur,req_rate,req_tot,\nweb,FRONTEND,,5,100,\nweb,BACKEND,0,,90,\n" +
    "tcp,FRONTEND,,,,\nstats,FRONTEND,,0,3,\n";
  const source = "HAProxy req_tot of its frontends";
  assertEquals(parseStatusPage(text), { requests: 103, source, waiting: 0 });
  const queued = text.replace("web,BACKEND,0", "web,one,3,,90,\nweb,BACKEND,4");
  assertEquals(parseStatusPage(queued), { requests: 103, source, waiting: 7 });
});

Deno.test("requests that wait for a connection are read off Envoy's figures and HAProxy's metrics", () => {
  const pending = "cluster.web.upstream_rq_pending_active: 5\ncluster.b.upstream_rq_pending_active: 2\n";
  assertEquals(parseStatusPage(kept("envoy.stats") + pending).waiting, 7);
  const metrics = 'haproxy_frontend_http_requests_total{proxy="web"} 9\n' +
    'haproxy_backend_current_queue{proxy="web"} 4\nhaproxy_server_current_queue{proxy="web",server="a"} 1\n';
  assertEquals(parseStatusPage(metrics).waiting, 5);
});

Deno.test("what counts no requests is refused in one line, with what would be read", () => {
  for (
    const text of ["", "hello", "# pxname,svname,req_tot,\n", "up 1\n", "http.admin.downstream_rq_total: 3\n"]
  ) {
    const { message } = assertThrows(() => parseStatusPage(text), TimewaitError);
    assertEquals(message.startsWith("counts no requests: nginx stub_status"), true, message);
  }
  const { message } = assertThrows(() => parseStatusPage("<!DOCTYPE html><html>"), TimewaitError);
  assertEquals(message, "is a page for a browser: HAProxy's figures are at the same URL with ;csv behind it");
});
