/**
 * A gateway that announces the end of each connection to its client and leaves it to the client: its clients
 * hold the TIME_WAITs. Its arguments are where it listens and its upstream, each as HOST:PORT.
 */

const [listen, upstream] = Deno.args.map((text) => {
  const [hostname, port] = text.split(":");
  return { hostname: hostname!, port: Number(port) };
});

async function serve(client: Deno.Conn): Promise<void> {
  using _closed = client;
  const buffer = new Uint8Array(64 * 1024);
  if (await client.read(buffer) === null) return;
  using server = await Deno.connect(upstream!);
  await server.write(new TextEncoder().encode("GET / HTTP/1.1\r\nHost: x\r\n\r\n"));
  const length = await server.read(buffer);
  const answer = new TextDecoder().decode(buffer.subarray(0, length ?? 0));
  await client.write(new TextEncoder().encode(answer.replace("\r\n", "\r\nConnection: close\r\n")));
  await client.read(buffer);
}

for await (const client of Deno.listen(listen!)) serve(client).catch(() => {});
