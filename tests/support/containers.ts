/** Containers that hold nothing but Busybox and its libraries, by podman, from a folder. */

import { findCommand } from "../../tools/lab/find_command.ts";
import { reasonFor } from "./requirements.ts";

/** Runs a command to its end; throws with what it said where it fails. */
export function run(command: string, ...args: string[]): string {
  const { code, stdout, stderr } = new Deno.Command(command, { args, stdin: "null" }).outputSync();
  const text = (bytes: Uint8Array) => new TextDecoder().decode(bytes).trim();
  if (code !== 0) throw new Error(`${command}: ${text(stderr).split("\n").at(-1)}`);
  return text(stdout);
}

/** What a container holds. */
export interface ContainerOptions {
  /** What podman calls it. */
  readonly name: string;
  /** The applets of Busybox that are there. */
  readonly applets: readonly string[];
  /** What runs in it. */
  readonly command: readonly string[];
}

/**
 * Starts a container that goes with this process, and returns once it runs. Returns false and prints the
 * reason where none can run.
 */
export async function startContainer({ name, applets, command }: ContainerOptions): Promise<boolean> {
  const folder = await Deno.makeTempDir();
  const stop = () => {
    if (reasonFor(() => findCommand("podman")) === undefined) {
      const args = ["rm", "--force", "--time", "0", name];
      new Deno.Command("podman", { args, stdout: "null", stderr: "null" }).outputSync();
    }
    Deno.removeSync(folder, { recursive: true });
  };
  try {
    for (const part of ["bin", "proc", "dev", "sys", "tmp", "etc", "www"]) {
      await Deno.mkdir(`${folder}/${part}`);
    }
    // Debian has one that is linked with libraries, and one that is not.
    for (const [path] of run("ldd", findCommand("busybox")).matchAll(/\/\S+/g)) {
      await Deno.mkdir(`${folder}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
      await Deno.copyFile(path, `${folder}${path}`);
    }
    await Deno.copyFile(findCommand("busybox"), `${folder}/bin/busybox`);
    for (const applet of applets) await Deno.symlink("busybox", `${folder}/bin/${applet}`);
    await Deno.writeTextFile(`${folder}/www/index.html`, "hello");
    // crun takes no hybrid cgroups. The limits are for a root that may not raise them.
    const runtime = ["runc", "crun"].find((name) => reasonFor(() => findCommand(name)) === undefined);
    // deno-fmt-ignore
    run(
      "podman", "run", "--detach", "--rm", "--name", name,
      ...(runtime === undefined ? [] : ["--runtime", runtime]),
      "--network=none", "--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000", "--rootfs", folder,
      ...command,
    );
    addEventListener("unload", stop);
    return true;
  } catch (error) {
    console.error(`tests that need podman are ignored: ${(error as Error).message}`);
    stop();
    return false;
  }
}
