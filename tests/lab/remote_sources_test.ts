/** Timewait whose sources come from a server, as a module of an `https:` URL does. */

import { assertEquals } from "@std/assert";
import { privateLab, wrk } from "../support/requirements.ts";

const ROOT = new URL("../..", import.meta.url);

Deno.test({
  name: "a script whose Timewait comes from a server starts a lab, both parties and a load",
  ignore: privateLab.ignore || wrk.ignore,
  async fn() {
    await using server = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen() {} }, serveSource);
    const origin = `http://127.0.0.1:${server.addr.port}`;
    const folder = await Deno.makeTempDir();
    try {
      // Its own cache, but for the packages, so that nothing of this server stays.
      const { npmCache } = await denoInfo();
      await Deno.mkdir(`${folder}/cache`);
      await Deno.symlink(npmCache, `${folder}/cache/npm`);
      const script = `
        import { startLab } from "${origin}/mod.ts";
        await using lab = await startLab({ kind: "private" });
        await using backend = await lab.startBackend();
        for (const options of [{}, { transport: "net-http", workers: 1 }] as const) {
          await using gateway = await lab.startGateway({ upstream: backend, ...options });
          const { requests } = await lab.runLoad({ url: gateway.url, connections: 10, duration: "1s", warmUp: 0 });
          console.log(requests > 0);
        }
        console.log(await lab.client.$\`echo there\`.text());`;
      await Deno.writeTextFile(`${folder}/script.ts`, script);
      const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
        args: ["run", "--no-prompt", "--no-lock", "--allow-run", "--allow-read", "--allow-env", "--allow-sys"]
          .concat(`--allow-import=${new URL(origin).host}`, "--import-map", `${origin}/deno.json`)
          .concat(`${folder}/script.ts`),
        env: { DENO_DIR: `${folder}/cache`, NO_COLOR: "1" },
        stdin: "null",
      }).output();
      const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
      assertEquals([code, text(stdout)], [0, "true\ntrue\nthere\n"], text(stderr));
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
});

async function serveSource(request: Request): Promise<Response> {
  const { pathname } = new URL(request.url);
  const type = pathname.endsWith(".ts")
    ? "application/typescript"
    : pathname.endsWith(".json")
    ? "application/json"
    : "text/plain";
  try {
    const file = await Deno.readFile(new URL(`.${pathname}`, ROOT));
    return new Response(file, { headers: { "content-type": type } });
  } catch {
    return new Response("not there", { status: 404 });
  }
}

async function denoInfo(): Promise<{ npmCache: string }> {
  const { stdout } = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
  return JSON.parse(new TextDecoder().decode(stdout));
}
