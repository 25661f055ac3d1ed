import { assertEquals, assertMatch, assertStringIncludes } from "@std/assert";
import { privateLab } from "./support/requirements.ts";
import { ROOT } from "./support/root.ts";
import "./support/one_at_a_time.ts";

/**
 * Runs a command where every packet that leaves the machine is counted, and none arrives anywhere: a network
 * namespace with a way out that leads to nobody, and a name server there. Prints the UDP datagrams sent, and
 * the packets of any kind that went out.
 */
const WATCHED = `
set -eu
folder=$1
shift
echo 1 >/proc/sys/net/ipv6/conf/default/disable_ipv6
ip link set lo up
ip link add out0 type veth peer name out1
ip link set out1 up
ip address add 192.0.2.1/24 dev out0
ip link set out0 up
ip route add default via 192.0.2.2 dev out0
ip neighbour add 192.0.2.2 lladdr 02:00:00:00:00:01 dev out0 nud permanent
echo "nameserver 192.0.2.53" >"$folder/resolv.conf"
mount --bind "$folder/resolv.conf" /etc/resolv.conf
"$@" >&2 || echo "exit code $?"
set -- $(grep Udp: /proc/net/snmp | tail -n 1)
echo "$5 datagrams"
set -- $(grep out0: /proc/net/dev)
echo "\${11} packets"
`;

/** What was sent by a command, which has never run Deno before: then Deno would look for a newer version. */
async function watch(command: readonly string[]): Promise<{ sent: string; said: string }> {
  const folder = await Deno.makeTempDir();
  try {
    const info = await new Deno.Command(Deno.execPath(), { args: ["info", "--json"] }).output();
    const { npmCache } = JSON.parse(new TextDecoder().decode(info.stdout));
    await Deno.mkdir(`${folder}/deno`);
    await Deno.symlink(npmCache, `${folder}/deno/npm`);
    const { stdout, stderr } = await new Deno.Command("unshare", {
      // deno-fmt-ignore
      args: ["--map-root-user", "--net", "--mount", "env", "-u", "DENO_NO_UPDATE_CHECK",
        "/bin/sh", "-c", WATCHED, "sh", folder, ...command],
      env: { NO_COLOR: "1", DENO_DIR: `${folder}/deno`, PATH: `${Deno.env.get("PATH")}:/usr/sbin:/sbin` },
      cwd: ROOT,
    }).output();
    const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes);
    return { sent: text(stdout), said: text(stderr) };
  } finally {
    await Deno.remove(folder, { recursive: true });
  }
}

Deno.test({
  name: "a bench asks the network nothing: no name is looked up, and no packet leaves the machine",
  ...privateLab,
  async fn() {
    const bench = ["task", "bench", "./tests/support/no_pool.ts", "--repeat", "1", "--lab", "host"];
    const { sent, said } = await watch([Deno.execPath(), ...bench]);
    assertEquals(sent, "0 datagrams\n0 packets\n", said);
    assertStringIncludes(said, "## Measure it again");
  },
});

Deno.test({
  name: "the watch sees the look-up of a name",
  ...privateLab,
  async fn() {
    const lookUp = 'await fetch("http://timewait.example/").catch(() => {})';
    const limit = ["timeout", "2"];
    const { sent } = await watch([...limit, Deno.execPath(), "eval", lookUp]);
    assertMatch(sent, /^(exit code \d+\n)?[1-9]\d* datagrams\n[1-9]\d* packets\n$/);
  },
});
