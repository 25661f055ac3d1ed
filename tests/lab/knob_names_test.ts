import { assertEquals, assertRejects } from "@std/assert";
import { TimewaitError } from "../../tools/errors.ts";
import { checkKnobNames } from "../../tools/lab/knob_names.ts";

async function inFolder(use: (folder: string) => Promise<void>): Promise<void> {
  const folder = await Deno.makeTempDir();
  try {
    for (const file of ["net/ipv4/tcp_tw_reuse", "net/ipv4/tcp_mem", "net/ipv4/conf/eth0/rp_filter"]) {
      await Deno.mkdir(`${folder}/${file.replace(/\/[^/]*$/, "")}`, { recursive: true });
      await Deno.writeTextFile(`${folder}/${file}`, "1");
    }
    await use(folder);
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

const check = (key: string, folder: string) =>
  checkKnobNames([{ key: "net.ipv4.tcp_tw_reuse" }, { key }], folder);

Deno.test("a sysctl that is nearly one of the machine's, or a known one, is refused with that name", async () => {
  await inFolder(async (folder) => {
    for (
      const [key, meant] of [
        ["net.ipv4.tcp_tw_reus", "net.ipv4.tcp_tw_reuse"],
        ["net.ipv4.tcp_men", "net.ipv4.tcp_mem"],
        ["net.ipv4.tcp_fin_timout", "net.ipv4.tcp_fin_timeout"],
      ] as const
    ) {
      const error = await assertRejects(() => check(key, folder), TimewaitError, `did you mean ${meant}?`);
      assertEquals(error.field, "sysctls");
    }
  });
});

Deno.test("a sysctl that is there, is known, was removed, belongs to an interface or is like none is let through", async () => {
  await inFolder(async (folder) => {
    for (
      const key of [
        "net.ipv4.tcp_mem",
        "net.ipv4.tcp_fin_timeout",
        "net.ipv4.tcp_tw_recycle",
        "net.ipv4.conf.eth1.rp_filter",
        "net.netfilter.nf_conntrack_max",
      ]
    ) await check(key, folder);
  });
  await checkKnobNames([{ key: "net.netfilter.nf_conntrack_max" }], "/no/such/folder");
});
