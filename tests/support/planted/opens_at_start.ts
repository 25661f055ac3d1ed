/**
 * A gateway that has three connections to its upstream before it listens, as one that checks its upstream.
 */

const [listen, upstream] = Deno.args.map((text) => {
  const [hostname, port] = text.split(":");
  return { hostname: hostname!, port: Number(port) };
});
const _kept = await Promise.all([1, 2, 3].map(() => Deno.connect(upstream!)));
Deno.serve({ ...listen!, onListen() {} }, () => fetch(`http://${upstream!.hostname}:${upstream!.port}/`));
