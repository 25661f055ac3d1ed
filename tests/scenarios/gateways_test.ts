import { assertEquals, assertGreater, assertLess } from "@std/assert";
import "../support/one_at_a_time.ts";
import { peers, wrkInPrivateLab } from "../support/requirements.ts";
import { runForASecond } from "../support/one_second.ts";

const LOAD = ["--connections", "32", "--latency", "50ms"];

Deno.test({
  name: "every gateway is measured in the same way, and with a pool that fits each keeps its connections",
  ignore: wrkInPrivateLab.ignore || peers.ignore,
  async fn() {
    const { results, run } = await runForASecond("gateways", ...LOAD);
    const names = ["direct", "net-http", "net-http-epoll", "http-client", "nginx", "haproxy", "go", "caddy"];
    assertEquals(results.runs.map(({ name }) => name), names);
    for (const name of names.slice(1)) {
      const { requests, errors, hosts } = run(name);
      assertGreater(requests, 0, name);
      assertEquals(errors.status, 0, name);
      assertLess(hosts.gateway!.connectionsOpened, requests / 4, name);
    }
  },
});

Deno.test({
  name: "200/100 keeps 100 connections, not 200, in our pool and in Go's; 1000/1000 keeps them all",
  ignore: wrkInPrivateLab.ignore || peers.ignore,
  async fn() {
    const { run, report } = await runForASecond("two_gates", "--connections", "200", "--latency", "100ms");
    assertEquals(run("200-100").pool?.idlePeak, 100);
    assertGreater(run("200-100").pool!.closed.tooManyIdle!, 0);
    assertEquals(run("1000-1000").pool!.closed.tooManyIdle, undefined);
    for (const gateway of ["", "go-"]) {
      const small = run(`${gateway}200-100`).hosts.gateway!.timeWaitPeak;
      const fitting = run(`${gateway}1000-1000`).hosts.gateway!.timeWaitPeak;
      assertGreater(small, 5 * Math.max(1, fitting), gateway);
    }
    assertEquals(report.includes("maxIdleConnsPerHost 200 is above maxIdleConns 100"), true);
  },
});
