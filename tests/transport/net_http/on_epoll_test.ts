/** The tests of the proxy once more, on epoll, and what only sockets on epoll can do to it. */

import "../../support/on_epoll.ts";
import "./client_session_test.ts";
import "./exchange_test.ts";
import "./fast_lane_test.ts";
import "./upload_test.ts";
import { assertEquals } from "@std/assert";
import type { TcpSocket } from "../../../tools/http1/byte_conn.ts";
import { EpollSockets } from "../../../tools/transport/net_http/epoll_sockets.ts";
import { connectTo, startTestProxy } from "../../support/proxy_rig.ts";
import { RawUpstream } from "../../support/raw_http.ts";

/** Lets a connection send no more than `most` bytes at once. */
function stint(tcp: TcpSocket, most: number): TcpSocket {
  const send = tcp.send!.bind(tcp);
  return Object.assign(tcp, {
    send: (bytes: Uint8Array, length: number) => send(bytes, Math.min(length, most)),
  });
}

Deno.test("requests and answers of which none or only a part is taken at once arrive whole", async () => {
  await using backend = RawUpstream.answering(({ body }) =>
    `HTTP/1.1 200 OK\r\nContent-Length: ${body.length}\r\n\r\n${body}`
  );
  for (const most of [0, 1, 100]) {
    const sockets = new EpollSockets();
    const { listen, connect } = sockets;
    sockets.connect = async (options) => stint(await connect.call(sockets, options), most);
    sockets.listen = (address, options) => {
      const listener = listen.call(sockets, address, options);
      const { accept } = listener;
      return Object.assign(listener, { accept: async () => stint(await accept.call(listener), most) });
    };
    await using proxy = startTestProxy(backend, { sockets });
    using client = await connectTo(proxy);
    // The second and all that follow find an idle connection, and so take the fast lane.
    for (const body of ["first", "", "second", "0123456789".repeat(2_000), "last"]) {
      await client.write(`POST / HTTP/1.1\r\nHost: a\r\nContent-Length: ${body.length}\r\n\r\n${body}`);
      assertEquals((await client.readMessage()).body, body, `${most} at once`);
    }
  }
});
