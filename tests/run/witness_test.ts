/** The witness, beside what the kernel of a private lab has counted by itself. */

import { assert, assertEquals, assertGreater } from "@std/assert";
import { measureRepetition } from "../../tools/run/repetition.ts";
import { resolveBackend, resolveGateway, resolveLoad } from "../../tools/scenario/resolve.ts";
import { wrkInPrivateLab } from "../support/requirements.ts";
import { ROOT } from "../support/root.ts";

const IN_A_LAB = { lab: "private", generator: "wrk", signal: new AbortController().signal } as const;
const LOAD = { ...resolveLoad(), connections: 30, durationMs: 1_000, warmUpMs: 1_000 };
const SMALL_POOL = resolveGateway({
  transport: "net-http",
  maxIdleConns: 5,
  maxIdleConnsPerHost: 5,
  workers: 1,
});

Deno.test({
  name: "what the witness has accepted is what the kernel has opened, and a probe changes nothing",
  ...wrkInPrivateLab,
  async fn() {
    for (const probeConnects of [false, true]) {
      const { witnesses, hosts } = await measureRepetition(
        { gateway: SMALL_POOL, backend: resolveBackend({ latency: 50 }), load: LOAD, probeConnects },
        IN_A_LAB,
      );
      const { accepted, unused = 0, ended, open, stoodBefore } = witnesses![0]!;
      // Connections that are on their way when one of the two looks are counted by the other alone. The pool
      // leaves some unused: those whose request got another one meanwhile.
      const opened = hosts.gateway!.connectionsOpened;
      assert(
        accepted <= opened + 10 && accepted + unused >= opened - 10,
        `${accepted}, ${unused}: ${opened}`,
      );
      // More than the clients, on a machine that is busy otherwise as well.
      assertGreater(accepted, LOAD.connections);
      const gone = ended.reduce((sum, { connections }) => sum + connections, 0);
      assertEquals(stoodBefore + accepted - gone, open.connections);
      const byPeer = ended.find(({ by, at }) => by === "peer" && at === "idle")!;
      assertGreater(byPeer.connections / gone, 0.9);
    }
  },
});

Deno.test({
  name: "each of several backends is counted by itself",
  ...wrkInPrivateLab,
  async fn() {
    const gateway = resolveGateway({ transport: "net-http", maxIdleConnsPerHost: 60, workers: 1 });
    const { witnesses, backendRequests, requests, hosts } = await measureRepetition(
      { gateway, backend: resolveBackend({ latency: 50 }), backends: 3, load: LOAD },
      IN_A_LAB,
    );
    assertEquals(
      witnesses!.map(({ backend }) => backend),
      [8081, 8083, 8085].map((port) => `198.18.0.3:${port}`),
    );
    const seen = witnesses!.map((witness) => witness.requests);
    for (const some of seen) assertGreater(some, requests / 5);
    assert(Math.abs(backendRequests! - requests) <= 90);
    assert(hosts.gateway!.portsUsedPeak < 90);
  },
});

Deno.test({
  name: "a backend can be any command, of which nothing is witnessed",
  ...wrkInPrivateLab,
  async fn() {
    const deno = `"${Deno.execPath()}" run --cached-only --allow-net`;
    const command = `${deno} "${ROOT}tools/backend.ts" --listen {listen} --latency 50ms`;
    for (const gateway of [null, SMALL_POOL]) {
      const measured = await measureRepetition(
        { gateway, backend: resolveBackend({ command }), load: LOAD },
        IN_A_LAB,
      );
      assertGreater(measured.requests, 0);
      assertEquals([measured.witnesses, measured.backendRequests], [undefined, undefined]);
    }
  },
});
