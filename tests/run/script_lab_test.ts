import { assert, assertEquals, assertGreater, assertLess, assertRejects } from "@std/assert";
import { startLab } from "../../tools/run/script_lab.ts";
import { TimewaitError } from "../../tools/errors.ts";
import { until } from "../support/until.ts";
import { wrkInPrivateLab } from "../support/requirements.ts";

const SHORT = { connections: 50, duration: "1s", warmUp: "1s" } as const;

Deno.test({
  name: "a script compares two pools in one lab, and the second gateway finds no TIME_WAIT of the first",
  ...wrkInPrivateLab,
  async fn() {
    await using lab = await startLab({ kind: "private" });
    await using backend = await lab.startBackend({ latency: "20ms" });
    const seen: { opened: number; timeWait: number }[] = [];
    for (const poolMaxIdlePerHost of [5, 50]) {
      await using gateway = await lab.startGateway({ upstream: backend, poolMaxIdlePerHost });
      const { requestsPerSec, connectionsOpened, errors } = await lab.runLoad({ ...SHORT, url: gateway.url });
      assertGreater(requestsPerSec, 0);
      assertEquals(errors, { connect: 0, read: 0, write: 0, timeout: 0, status: 0 });
      const timeWait = Number(await lab.gateway.$`ss -Htan state time-wait | wc -l`.text());
      seen.push({ opened: connectionsOpened, timeWait });
    }
    const [small, fits] = seen as [typeof seen[0], typeof seen[0]];
    assertGreater(small.opened, 50);
    assertGreater(small.timeWait, 50);
    assertLess(fits.opened, 10);
    assertLess(fits.timeWait, 10);
  },
});

Deno.test({
  name: "a load straight at the backend opens nothing from the gateway",
  ...wrkInPrivateLab,
  async fn() {
    await using lab = await startLab({ kind: "private" });
    await using backend = await lab.startBackend();
    const { connectionsOpened, requests } = await lab.runLoad({ ...SHORT, warmUp: 0, url: backend.url });
    assertEquals(connectionsOpened, 0);
    assertGreater(requests, 100);
  },
});

Deno.test({
  name: "any command is a gateway, and knobs are in force",
  ...wrkInPrivateLab,
  async fn() {
    await using lab = await startLab({
      kind: "private",
      sysctls: { "net.ipv4.ip_local_port_range": "20000 20999" },
    });
    assertEquals(
      (await lab.gateway.$`cat /proc/sys/net/ipv4/ip_local_port_range`.text()).split(/\s+/),
      ["20000", "20999"],
    );
    await using backend = await lab.startBackend();
    const command = "exec socat TCP-LISTEN:{listen_port},fork,reuseaddr TCP:{upstream_host}:{upstream_port}";
    const error = await assertRejects(
      () =>
        lab.startGateway({ upstream: backend, command: command.replace("{listen_port}", "{lisen_port}") }),
      TimewaitError,
    );
    assertEquals(error.field, "command");
    assert(error.message.includes("did you mean listen_port?"), error.message);
  },
});

Deno.test("an option that does not fit is an error that names it", async () => {
  await using lab = await startLab({ kind: "host" });
  await using backend = await lab.startBackend();
  const refused: [() => Promise<unknown>, string][] = [
    [() => lab.startBackend({ status: 99 }), "status"],
    [() => lab.startGateway({ upstream: backend, poolMaxIdlePerHost: -1 }), "poolMaxIdlePerHost"],
    [() => lab.startGateway({ upstream: { url: "https://h" } }), "upstream"],
    [() => lab.startGateway({ upstream: { url: "http://h/path" } }), "upstream"],
    [() => lab.runLoad({ url: backend.url, connections: 0 }), "connections"],
    // deno-lint-ignore no-explicit-any
    [() => lab.runLoad({ url: backend.url, duration: "4" as any }), "duration"],
    // deno-lint-ignore no-explicit-any
    [() => lab.startBackend({ latancy: 4 } as any), "latancy"],
  ];
  for (const [start, field] of refused) {
    assertEquals((await assertRejects(start, TimewaitError)).field, field);
  }
});

Deno.test({
  name: "a backend that the script has started itself on its host is one as well",
  ...wrkInPrivateLab,
  async fn() {
    await using lab = await startLab({ kind: "private" });
    const serve = "Deno.serve({ hostname: '0.0.0.0', port: 9000 }, () => new Response('mine'))";
    const mine = lab.backend.$`${Deno.execPath()} eval ${serve}`.quiet().noThrow().spawn();
    const url = `http://${lab.backend.address}:9000`;
    try {
      await using gateway = await lab.startGateway({ upstream: { url } });
      const ask = `console.log(await (await fetch("${gateway.url}")).text())`;
      await until(async () => await lab.client.$`${Deno.execPath()} eval ${ask}`.text() === "mine");
    } finally {
      mine.kill();
      await mine;
    }
  },
});
