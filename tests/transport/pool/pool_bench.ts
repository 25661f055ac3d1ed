/**
 * What taking a connection from the pool and putting it back costs: it must not depend on how many are idle.
 *
 *     deno bench tests/transport/pool/pool_bench.ts
 */

import { ConnectionPool } from "../../../tools/transport/pool/pool.ts";

for (const idle of [20, 20_000]) {
  const pool = new ConnectionPool(() => Promise.resolve({ close() {} }), {
    maxIdleConns: 0,
    maxIdleConnsPerHost: idle,
    idleConnTimeoutMs: 0,
  });
  const host = pool.host("a");
  const conns = await Promise.all(Array.from({ length: idle }, () => pool.get(host)));
  for (const conn of conns) pool.put(conn);

  Deno.bench(`take and put, ${idle} idle`, { group: "take and put", baseline: idle === 20 }, () => {
    pool.put(pool.takeIdle(host)!);
  });
}
