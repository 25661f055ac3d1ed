import { assertEquals, assertMatch } from "@std/assert";
import { type GatewayOptions, startGateway } from "../../tools/parties/gateway_server.ts";
import { fieldOf, RawConnection, startRepeatingUpstream, statusOf } from "../support/raw_http.ts";

const GET = "GET /a HTTP/1.1\r\nHost: h\r\n\r\n";
const OK = "HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok";
const LISTEN = { hostname: "127.0.0.1", port: 0 };

const TRANSPORTS: Readonly<Record<string, Partial<GatewayOptions>>> = {
  "http-client": {},
  "net-http": { transport: "net-http", workers: 1 },
  "net-http on epoll": { transport: "net-http", workers: 1, sockets: "epoll" },
  "net-http with one connection": { transport: "net-http", workers: 1, maxConnsPerHost: 1 },
};

function freePort(): number {
  using listener = Deno.listen(LISTEN);
  return listener.addr.port;
}

async function answerTo(gateway: { readonly address: { hostname: string; port: number } }) {
  using client = await RawConnection.open(gateway.address);
  await client.write(GET);
  return await client.readMessage();
}

for (const [name, options] of Object.entries(TRANSPORTS)) {
  Deno.test(`${name}: a gateway that is its own upstream answers 508, at once`, async () => {
    const listen = { ...LISTEN, port: freePort() };
    const upstream = `http://127.0.0.1:${listen.port}`;
    await using gateway = await startGateway({ ...options, listen, upstream, log() {} } as GatewayOptions);
    for (let i = 0; i < 3; i++) assertEquals(statusOf(await answerTo(gateway)), 508);
  });

  Deno.test(`${name}: a gateway behind another one of the same kind is no loop`, async () => {
    await using backend = startRepeatingUpstream(OK);
    const start = (upstream: string) =>
      startGateway({ ...options, listen: LISTEN, upstream, log() {} } as GatewayOptions);
    await using inner = await start(backend.url);
    await using outer = await start(`http://127.0.0.1:${inner.address.port}`);
    assertEquals(statusOf(await answerTo(outer)), 200);
    const via = fieldOf(backend.received[0]!, "via") ?? "";
    assertMatch(via, /^1\.1 (timewait-[\w-]{18}), 1\.1 (?!\1)timewait-[\w-]{18}$/);
  });
}
