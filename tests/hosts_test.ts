import { assert, assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { parse } from "@std/yaml";
import { MANIFEST_DEFAULTS, renderManifest } from "../tools/lab/remote/manifest.ts";
import { privateLab } from "./support/requirements.ts";
import { ROOT } from "./support/root.ts";

async function hosts(...args: string[]) {
  const { code, stdout, stderr } = await new Deno.Command(Deno.execPath(), {
    args: ["task", "--quiet", "hosts", ...args],
    cwd: ROOT,
    env: { NO_COLOR: "1" },
  }).output();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
  return { code, stdout: text(stdout), stderr: text(stderr) };
}

Deno.test("hosts are told what they are, and those that cannot be reached why not", privateLab, async () => {
  using _proxy = Deno.listen({ hostname: "127.0.0.1", port: 15001 });
  const { code, stdout, stderr } = await hosts(
    ...[
      "--host",
      "client=unshare -Urn --",
      "--host",
      "client=unshare -Urn --",
      "--host",
      "gateway=",
      "--host",
      "backend=env A=b",
    ],
    ...["--host", "sh -c 'echo no route >&2' x"],
  );
  assertEquals(code, 1);
  assertEquals(stderr, "error: sh -c 'echo no route >&2' x sh has ended: no route\n");
  assertMatch(stdout, /^\| client 2 \| \S+ +\| \S+ +\| (yes|no) +\| .* ±\d+ \|$/m);
  assertStringIncludes(stdout, "gateway and backend share one TCP table");
  assertStringIncludes(
    stdout,
    "- gateway: a proxy of Istio, Kuma or Consul (Envoy) is in the path (port 15001): it has connections of its own",
  );
  assertEquals(stdout.includes("- client"), false);
});

Deno.test("bad usage is refused in one line", async () => {
  assertEquals((await hosts()).code, 2);
  const { code, stderr } = await hosts("--host", "gatway=ssh gw1");
  assertEquals([code, stderr], [
    2,
    "error: --host takes PARTY=PREFIX such as client='ssh load1', not \"gatway=ssh gw1\"; did you mean gateway?\n",
  ]);
  for (const [flag, value] of [["memory", "much"], ["image", "a b"], ["namespace", "A"], ["pods", "0"]]) {
    const { code, stderr } = await hosts("--manifest", "kubernetes", `--${flag}`, value!);
    assertEquals([code, stderr.split("\n").length], [2, 2]);
    assertStringIncludes(stderr, `--${flag}`);
  }
});

Deno.test("the manifest is YAML: pods that have their CPUs for themselves and may do nothing, and a role", () => {
  const options = { ...MANIFEST_DEFAULTS, pods: 3, namespace: "load", cpus: "4" };
  const text = renderManifest(options);
  // deno-lint-ignore no-explicit-any
  const [role, ...pods] = text.split(/^---$/m).map((document) => parse(document)) as any[];
  assertEquals([role.kind, role.metadata.namespace], ["Role", "load"]);
  assertEquals(
    role.rules.map((rule: { resources: string[]; verbs: string[] }) => [rule.resources, rule.verbs]),
    [
      [["pods"], ["get"]],
      [["pods/exec"], ["create", "get"]],
    ],
  );
  assertEquals(pods.map(({ metadata }) => metadata.name), [0, 1, 2].map((i) => `timewait-load-${i}`));
  for (const { kind, metadata, spec } of pods) {
    assertEquals([kind, metadata.namespace, spec.automountServiceAccountToken], ["Pod", "load", false]);
    const [{ resources, securityContext, image }] = spec.containers;
    assertEquals(resources.limits, { cpu: "4", memory: "1Gi" });
    assertEquals(resources.requests, resources.limits);
    assertEquals([image, securityContext.capabilities.drop], ["debian:12-slim", ["ALL"]]);
    assert(spec.securityContext.runAsNonRoot && securityContext.readOnlyRootFilesystem);
    assertStringIncludes(text, `--host client='kubectl exec -i -n load ${metadata.name} --'`);
  }
});
