/**
 * What the fast lane saves: the same requests through the proxy on loopback, as the lane carries them and as
 * the exchange does. An empty line before a request (RFC 9112 §2.2) is out of the ordinary for the lane, and
 * is all that differs. Client and backend run in this process too, so that the proxy itself saves more than
 * the figures show.
 *
 *     deno bench --allow-net tests/transport/net_http/fast_lane_bench.ts
 */

import { latin1Bytes } from "../../../tools/http1/fields.ts";
import { startProxy } from "../../../tools/transport/net_http/proxy.ts";

/** Connections, each with one request in flight: an iteration is this many requests. */
const CONNECTIONS = 64;
const REQUEST = "GET / HTTP/1.1\r\nHost: a\r\n\r\n";
const RESPONSE = latin1Bytes("HTTP/1.1 200 OK\r\nDate: now\r\nContent-Length: 12\r\n\r\nxxxxxxxxxxxx");

const backend = Deno.listen({ hostname: "127.0.0.1", port: 0 });
(async () => {
  for await (const conn of backend) void answer(conn);
})();

async function answer(conn: Deno.TcpConn): Promise<void> {
  conn.setNoDelay(true);
  const buffer = new Uint8Array(4096);
  while (await conn.read(buffer) !== null) await conn.write(RESPONSE);
}

const proxy = startProxy({
  listen: { hostname: "127.0.0.1", port: 0 },
  upstreams: [new URL(`http://127.0.0.1:${backend.addr.port}`)],
  pool: { maxIdleConns: 0, maxIdleConnsPerHost: CONNECTIONS },
  graceMs: 0,
  log: console.error,
});

const clients = await Promise.all(Array.from({ length: CONNECTIONS }, async () => {
  const conn = await Deno.connect(proxy.address);
  conn.setNoDelay(true);
  return { conn, buffer: new Uint8Array(4096) };
}));

/**
 * Sends a request on each connection, and reads the responses, none of which is long enough to come in two
 * pieces.
 */
async function exchangeAll(request: Uint8Array): Promise<void> {
  await Promise.all(clients.map(async ({ conn, buffer }) => {
    await conn.write(request);
    if (await conn.read(buffer) === null) throw new Error("the proxy closed the connection");
  }));
}

const ordinary = latin1Bytes(REQUEST);
const extraordinary = latin1Bytes(`\r\n${REQUEST}`);

Deno.bench(
  `${CONNECTIONS} requests, fast lane`,
  { group: "lane", baseline: true },
  async () => await exchangeAll(ordinary),
);
Deno.bench(
  `${CONNECTIONS} requests, exchange`,
  { group: "lane" },
  async () => await exchangeAll(extraordinary),
);
