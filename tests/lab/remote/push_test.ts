/** Programs that are copied to a remote host, and containers, in which they are hard to have. */

import { assertEquals, assertRejects, assertStringIncludes } from "@std/assert";
import { deadline } from "@std/async/deadline";
import { UnavailableError } from "../../../tools/errors.ts";
import { connectHost } from "../../../tools/lab/remote/remote_host.ts";
import { run, startContainer } from "../../support/containers.ts";
import { wrk } from "../../support/requirements.ts";
import { allShells, prefixOf } from "../../support/shells.ts";
import { until } from "../../support/until.ts";

const connect = (prefix: string) => connectHost({ name: "client", prefix, address: "" });

Deno.test("wrk and deno are copied as they are, run there, and go with the host", wrk, async () => {
  const folders: string[] = [];
  {
    await using host = await connect("");
    for (const program of ["wrk", "deno"] as const) {
      const [path, again] = await Promise.all([host.push(program), host.push(program)]);
      assertEquals(path, again);
      const { stdout, stderr } = await host.$`${path} -v`.noThrow().stdout("piped").stderr("piped");
      assertStringIncludes(stdout + stderr, `${program} `);
      folders.push(path.slice(0, path.lastIndexOf("/")));
    }
    assertEquals((await Deno.stat(folders[0]!)).mode! & 0o777, 0o700);
  }
  assertEquals(folders[0], folders[1]);
  await assertRejects(() => Deno.stat(folders[0]!), Deno.errors.NotFound);
});

Deno.test(
  "what a copy needs and is not there is one line",
  { ignore: wrk.ignore || allShells.ignore },
  async () => {
    await using there = await prefixOf("dash");
    await using host = await connect(there.prefix);
    const { message } = await assertRejects(() => host.push("wrk"), UnavailableError);
    assertEquals(
      message,
      `wrk cannot be copied to the host (${there.prefix}): no folder there can be written to; install it there`,
    );
    for (const tool of ["mkdir", "rm"]) await Deno.symlink(`/bin/${tool}`, `${there.folder}/${tool}`);
    await using other = await connect(there.prefix);
    assertStringIncludes(
      (await assertRejects(() => other.push("wrk"), UnavailableError)).message,
      "): it cannot be written to /",
    );
  },
);

Deno.test(
  "a host that is lost while it makes the folder for a copy is told, and not waited for",
  wrk,
  async () => {
    const folder = await Deno.makeTempDir();
    try {
      // Ends all of the channel that has asked for the folder.
      await Deno.writeTextFile(`${folder}/mkdir`, "#!/bin/sh\nkill -KILL 0\n", { mode: 0o755 });
      await using host = await connect(`env PATH=${folder}:${Deno.env.get("PATH")}`);
      const { message } = await assertRejects(() => deadline(host.push("wrk"), 10_000), UnavailableError);
      assertStringIncludes(message, "sh has ended");
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  },
);

const name = `timewait_remote_${Deno.pid}`;
const container = {
  ignore: wrk.ignore || !await startContainer({
    name,
    applets: ["sh", "cat", "kill", "sleep", "mkdir", "rm", "head", "sha256sum", "chmod", "ps"],
    command: ["/bin/sh", "-c", "while :; do sleep 3600 & wait; done"],
  }),
};

Deno.test(
  "a container that holds nothing but Busybox runs a wrk that was copied with its libraries",
  container,
  async () => {
    await using host = await connect(`podman exec -i ${name}`);
    const path = await host.push("wrk");
    assertStringIncludes(path, "/wrk_with_libraries");
    const lines: string[] = [];
    const child = await host.start({ name: "wrk", argv: [path, "-v"], onStdout: (line) => lines.push(line) });
    assertEquals((await child.exited).code, 1);
    assertStringIncludes(lines[0] ?? "", "wrk ");
    assertEquals(host.far.programs, {});
  },
);

Deno.test(
  "in a container a process is ended with its host, and with the client of podman",
  container,
  async () => {
    const left = () => / sleep 1000[12]$/m.test(run("podman", "exec", name, "ps"));
    {
      await using host = await connect(`podman exec -i ${name}`);
      await host.start({ name: "it", argv: ["sh", "-c", "trap '' TERM; sleep 10001 & exec sleep 10002"] });
      await until(left);
    }
    assertEquals(left(), false);
    // podman exec that is killed leaves what it has started there, and closes no pipe of it.
    await using host = await connect(`podman exec -i ${name}`);
    await host.start({ name: "it", argv: ["sh", "-c", "trap '' TERM; sleep 10001 & exec sleep 10002"] });
    await until(left);
    const clients = new TextDecoder().decode(
      new Deno.Command("pgrep", { args: ["-f", `^podman exec -i ${name} sh$`] }).outputSync().stdout,
    );
    // The oldest holds the lease.
    Deno.kill(parseInt(clients), "SIGKILL");
    await host.lost;
    await until(() => !left(), 20_000);
  },
);
