/** Hosts by a real kubectl. Its API server is a stub: no cluster, no node and no container is behind it. */

import {
  assert,
  assertEquals,
  assertGreater,
  assertMatch,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { UnavailableError } from "../../../tools/errors.ts";
import { MANIFEST_DEFAULTS, renderManifest } from "../../../tools/lab/remote/manifest.ts";
import { connectHost } from "../../../tools/lab/remote/remote_host.ts";
import { kubectl, PROTOCOLS, startKubeApi } from "../../support/kube_api.ts";
import { ROOT } from "../../support/root.ts";
import { startStubborn } from "../../support/stubborn.ts";
import { isAlive, until } from "../../support/until.ts";

const connect = (prefix: string) => connectHost({ name: "gateway", prefix, address: "" });

/** Longest time until the far end has found that we are gone, and ended everything, in milliseconds. */
const LEASE_MS = 20_000;

for (const [protocol, env] of Object.entries(PROTOCOLS)) {
  Deno.test(
    `kubectl by ${protocol}: a command gets its words and megabytes of input, and tells all, and how it ended`,
    kubectl,
    async () => {
      await using api = await startKubeApi({ "web-0": [] });
      // Without a container in the prefix kubectl says on standard error which it has taken.
      await using host = await connect(`${env} ${api.prefix("web-0")}`);
      assertEquals(host.far.kernel, Deno.osRelease());
      const input = new Uint8Array(3_000_000).map((_, i) => i * i);
      assertEquals(await host.$`cat`.stdin(input).bytes(), input);
      const lines: string[] = [];
      const hard = "a 'b' \"c\" $HOME `id` \\ * ;\n%s é";
      const child = await host.start({
        name: "it",
        argv: [
          "sh",
          "-c",
          'printf "%s|" "$@" "$WORD"; read -r line; echo "$line"; echo oops >&2; exit 3',
          "sh",
          hard,
        ],
        env: { WORD: hard },
        onStdout: (line) => lines.push(line),
      });
      await child.writeLine("it's read");
      // Kubectl says besides that the command has ended with 3, and no longer has to be asked.
      assertEquals(await child.exited, { code: 3, stderr: ["oops"] });
      assertEquals(lines.join("\n"), `${hard}|${hard}|it's read`);
      const { errorMs } = await host.clock();
      assertGreater(errorMs, 0);

      const missing = await assertRejects(() => connect(api.prefix("web-1")), UnavailableError);
      assertStringIncludes(missing.message, 'pods "web-1" not found');
      assertEquals(missing.message.includes("\n"), false);
    },
  );

  Deno.test(
    `kubectl by ${protocol}: a connection that breaks is no success, whatever kubectl ends with`,
    kubectl,
    async () => {
      await using api = await startKubeApi({ "web-0": [] });
      await using host = await connect(`${env} ${api.prefix("web-0", "c")}`);
      api.breakAfter(50_000);
      const child = await host.start({
        name: "it",
        argv: ["sh", "-c", "trap '' PIPE; while :; do echo spam; done"],
      });
      const { code, stderr } = await child.exited;
      assertEquals(code, 1);
      assertStringIncludes(stderr.at(-1)!, "ended ahead of the last line from there");
      // The API server does not end what it has started.
      await until(() => !isAlive(child.pid));
      assertEquals(await host.$`echo here`.text(), "here");
    },
  );

  Deno.test(`kubectl by ${protocol}: one that is killed leaves nothing`, kubectl, async () => {
    await using api = await startKubeApi({ "web-0": [], "web-1": [] });
    const killFirst = (pod: string) => {
      // The first one holds the lease.
      const args = ["-o", "-f", `^kubectl .*exec -i ${pod} -c c -- sh$`];
      const pid = parseInt(new TextDecoder().decode(new Deno.Command("pgrep", { args }).outputSync().stdout));
      Deno.kill(pid, "SIGKILL");
    };
    let left: () => number[];
    {
      await using disposed = await connect(`${env} ${api.prefix("web-0", "c")}`);
      await using killed = await connect(`${env} ${api.prefix("web-1", "c")}`);
      ({ left } = await startStubborn(disposed));
      const stubborn = await startStubborn(killed);
      killFirst("web-1");
      assertStringIncludes((await killed.lost).message, "exec -i web-1 -c c -- sh has ended");
      await until(() => stubborn.left().length === 0, LEASE_MS);
      assertGreater(left().length, 4);
    }
    assertEquals(left(), []);
  });
}

Deno.test("a bench that is killed with SIGKILL leaves nothing in a pod", kubectl, async () => {
  await using api = await startKubeApi({ "web-0": [] });
  await using stack = new AsyncDisposableStack();
  const bench = new Deno.Command(Deno.execPath(), {
    args: ["run", "--no-check", "--allow-all", `${ROOT}tests/support/hold_host.ts`, api.prefix("web-0", "c")],
    stdout: "piped",
  }).spawn();
  const reader = bench.stdout.getReader();
  stack.defer(() => reader.cancel());
  const pids = new TextDecoder().decode((await reader.read()).value).trim().split(" ").map(Number);
  assertGreater(pids.length, 4);
  bench.kill("SIGKILL");
  await bench.status;
  await until(() => !pids.some(isAlive), LEASE_MS);
});

Deno.test("kubectl takes the manifest, whose role permits what kubectl exec asks for", kubectl, async () => {
  await using api = await startKubeApi({ "web-0": [] });
  const manifest = renderManifest({ ...MANIFEST_DEFAULTS, namespace: "load" });
  const apply = new Deno.Command("sh", {
    args: ["-c", `exec ${api.kubectl} apply --dry-run=client --validate=false -f -`],
    stdin: "piped",
    stdout: "piped",
    stderr: "piped",
  }).spawn();
  const writer = apply.stdin.getWriter();
  await writer.write(new TextEncoder().encode(manifest));
  await writer.close();
  const { code, stdout, stderr } = await apply.output();
  const [said, problem] = [stdout, stderr].map((bytes) => new TextDecoder().decode(bytes));
  assertEquals([code, problem], [0, ""]);
  assertMatch(
    said!,
    /^role.rbac.authorization.k8s.io\/timewait created \(dry run\)\npod\/timewait-load-0 created \(dry run\)\npod\/timewait-load-1 /,
  );

  for (const env of Object.values(PROTOCOLS)) {
    await (await connect(`${env} ${api.prefix("web-0")}`))[Symbol.asyncDispose]();
  }
  const permitted = new Set(
    [...manifest.matchAll(/resources: \["(.*)"\]\n\s+verbs: \[(.*)\]/g)].flatMap(([, resource, verbs]) =>
      verbs!.split(", ").map((verb) => `${verb.replaceAll('"', "")} ${resource}`)
    ),
  );
  assertEquals(permitted.size, 3);
  assert([...api.asked].every((one) => permitted.has(one)), `${[...api.asked]}`);
  assert(api.asked.has("create pods/exec"));
});
