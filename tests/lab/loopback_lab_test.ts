import { assertEquals, assertNotEquals, assertStringIncludes } from "@std/assert";
import { localMachine } from "../../tools/lab/host.ts";
import { openLab } from "../../tools/lab/open_lab.ts";
import { startBackendIn } from "../../tools/parties/lab_parties.ts";
import { privateLab } from "../support/requirements.ts";

Deno.test({
  name: "a loopback lab has a 127.0.0.1 of its own, which is all there is in it",
  ...privateLab,
  async fn() {
    await using lab = await openLab("loopback");
    await using machine = localMachine();
    const { client, gateway, backend } = lab;
    assertEquals([client, backend], [gateway, gateway]);
    const [devices] = await gateway.readProc("/proc/net/dev");
    assertEquals(devices!.trim().split("\n").slice(2).map((line) => line.trim().split(":")[0]), ["lo"]);

    const plan = { latencyMs: 0, bodyBytes: 2, status: 200 };
    await using party = await startBackendIn(lab, plan);
    const listening = `:${party.port.toString(16).toUpperCase().padStart(4, "0")} 00000000:0000 0A`;
    const [inLab] = await gateway.readProc("/proc/net/tcp");
    const [onMachine] = await machine.readProc("/proc/net/tcp");
    assertStringIncludes(inLab!, `0100007F${listening}`);
    assertNotEquals(inLab, onMachine);

    const connect = `: <>/dev/tcp/${party.hostname}/${party.port}`;
    await using connecting = await client.start({ name: "a connect", argv: ["bash", "-c", connect] });
    assertEquals(await connecting.exited, { code: 0, stderr: [] });
  },
});
