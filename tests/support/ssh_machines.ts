/**
 * Three machines that a real sshd leads to: the hosts of a private lab, each with a network and processes of
 * its own, joined by links on which ssh runs as well. The user there is an ordinary one.
 */

import { findCommand } from "../../tools/lab/find_command.ts";
import type { Lab } from "../../tools/lab/lab.ts";
import { startPrivateLab } from "../../tools/lab/private_lab.ts";
import { type RunningProcess, startProcess } from "../../tools/lab/process.ts";
import { HOST_NAMES, type HostName } from "../../tools/scenario/host_names.ts";
import { needs, privateLab, reasonFor } from "./requirements.ts";
import { until } from "./until.ts";

/** Options of a test that needs them. */
export const sshMachines = needs("sshd in three namespaces", whyNot());

function whyNot(): string | undefined {
  const missing = reasonFor(() => ["ssh", "ssh-keygen", "sshd", "setpriv", "nsenter"].forEach(findCommand));
  if (missing !== undefined) return missing;
  if (privateLab.ignore) return "there is no private lab";
  return Deno.uid() === 0 ? undefined : "a namespace of a lab is entered as root only";
}

/** The machines. */
export interface SshMachines extends AsyncDisposable {
  /** The lab whose hosts they are. */
  readonly lab: Lab;
  /** What leads to a machine by ssh, from the client's network. */
  readonly prefix: (name: HostName) => string;
  /** What leads to the network of a machine, as root, beside ssh. */
  readonly enter: (name: HostName) => string;
}

const PORT = 2222;

/** Users of the machines: `nobody` has a shell there. */
const PASSWD = "root:x:0:0:root:/root:/bin/sh\nnobody:x:65534:65534:nobody:/nonexistent:/bin/sh\n";

/** Without a line that it can read, sshd takes the account for locked. */
const SHADOW = "nobody:*:20000:0:99999:7:::\n";

/** A machine's own /proc, /run and users, and then sshd as `nobody`. */
const SERVE = `mount -t proc proc /proc && mount -t tmpfs none /run && mkdir /run/sshd &&
mount --bind "$1/passwd" /etc/passwd && mount --bind "$1/shadow" /etc/shadow && shift && exec setpriv --reuid 65534 --regid 65534 --clear-groups "$@"`;

/** Starts the machines. */
export async function startSshMachines(): Promise<SshMachines> {
  await using stack = new AsyncDisposableStack();
  const lab = stack.use(await startPrivateLab());
  const folder = await Deno.makeTempDir();
  stack.defer(() => Deno.remove(folder, { recursive: true }));
  for (const key of ["host", "user"]) {
    const args = ["-q", "-N", "", "-t", "ed25519", "-f", `${folder}/${key}`];
    await new Deno.Command("ssh-keygen", { args }).output();
  }
  await Deno.copyFile(`${folder}/user.pub`, `${folder}/authorized`);
  await Deno.writeTextFile(`${folder}/passwd`, PASSWD);
  await Deno.writeTextFile(`${folder}/shadow`, SHADOW);
  await Deno.chown(`${folder}/host`, 65534, 65534);
  await Deno.chmod(folder, 0o755);
  const networks = {} as Record<HostName, string>;
  for (const name of HOST_NAMES) networks[name] = (await lab[name].procNet()).replace(/\/net$/, "/ns/net");
  const enter = (name: HostName) => `nsenter --net=${networks[name]} --`;
  const serve = (name: HostName): Promise<RunningProcess> =>
    startProcess([], {
      name: `sshd of the ${name}`,
      // deno-fmt-ignore
      argv: [
        "nsenter", `--net=${networks[name]}`, "--", "unshare", "--mount", "--pid", "--fork", "--kill-child",
        "sh", "-c", SERVE, "sh", folder,
        findCommand("sshd"), "-D", "-e", "-f", "/dev/null", "-h", `${folder}/host`,
        ...["Port=" + PORT, `AuthorizedKeysFile=${folder}/authorized`, "StrictModes=no", "UsePAM=no",
          "PidFile=none", "MaxStartups=100"].flatMap((option) => ["-o", option]),
      ],
    });
  for (const name of HOST_NAMES) {
    const server = await serve(name);
    // `unshare` waits for its child, whatever it is told.
    stack.defer(async () => void await server.stop(0));
  }
  const prefix = (name: HostName) =>
    `${enter("client")} ssh -F none -i ${folder}/user -p ${PORT} -o StrictHostKeyChecking=no ` +
    `-o UserKnownHostsFile=/dev/null -o LogLevel=ERROR -o BatchMode=yes nobody@${lab[name].address}`;
  for (const name of HOST_NAMES) {
    await until(async () => (await lab[name].readProc("/proc/net/tcp"))[0]!.includes(`:${HEX_PORT} `));
  }
  const owned = stack.move();
  return { lab, prefix, enter, [Symbol.asyncDispose]: () => owned.disposeAsync() };
}

const HEX_PORT = PORT.toString(16).toUpperCase().padStart(4, "0");
