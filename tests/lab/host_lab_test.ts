import { assert, assertEquals } from "@std/assert";
import { startHostLab } from "../../tools/lab/host_lab.ts";
import { startProcess } from "../../tools/lab/process.ts";
import { isAlive, until } from "../support/until.ts";

Deno.test("the hosts of a host lab are the machine itself", async () => {
  await using lab = await startHostLab();
  const { client, gateway, backend } = lab;
  assert(client === gateway && gateway === backend);
  assertEquals(client.address, "127.0.0.1");
});

Deno.test("nothing of a host lab is left once it is disposed, not even what nobody stopped", async () => {
  const lab = await startHostLab();
  const argv = ["sh", "-c", "trap '' TERM; sleep 1000 & wait; sleep 1000"];
  const left = await lab.backend.start({ name: "left", argv });
  assert(isAlive(left.pid));
  await lab[Symbol.asyncDispose]();
  await until(() => !isAlive(left.pid));
  await left.exited;
});

Deno.test("what has put itself into the background does not outlive a host lab either", async () => {
  const lab = await startHostLab();
  const pids: number[] = [];
  const argv = ["sh", "-c", "setsid sh -c 'echo $$; exec sleep 1000' 2>/dev/null & wait"];
  await lab.backend.start({ name: "daemon", argv, onStdout: (line) => pids.push(Number(line)) });
  await until(() => pids.length === 1);
  await lab[Symbol.asyncDispose]();
  await until(() => !isAlive(pids[0]!));
});

Deno.test("the guard kills the groups that it was told of, and not those that have ended", async () => {
  await using kept = await startProcess([], { name: "kept", argv: ["sleep", "1000"] });
  await using killed = await startProcess([], { name: "killed", argv: ["sleep", "1000"] });
  const script = await Deno.readTextFile(new URL("../../tools/lab/host_lab.sh", import.meta.url));
  const argv = ["sh", "-c", script, "guard", crypto.randomUUID()];
  await using guard = await startProcess([], { name: "guard", argv });
  for (const line of [`+${kept.processGroup}`, `+${killed.processGroup}`, `-${kept.processGroup}`]) {
    await guard.writeLine(line);
  }
  await guard.closeInput();
  await guard.exited;
  await killed.exited;
  assert(isAlive(kept.pid));
});
