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
  /** The applets of Busybox that are there; `all` for the programs of this machine in their place. */
  readonly applets: readonly string[] | "all";
  /** What runs in it. */
  readonly command: readonly string[];
  /** Its network, as podman takes it. Default: one of its own, without a way out. */
  readonly network?: string;
}

/**
 * Starts a container that goes with this process, and returns once it runs. Returns false and prints the
 * reason where none can run.
 */
export async function startContainer(options: ContainerOptions): Promise<boolean> {
  try {
    const { stop } = await runContainer(options);
    addEventListener("unload", stop);
    return true;
  } catch (error) {
    console.error(`tests that need podman are ignored: ${(error as Error).message}`);
    return false;
  }
}

/** Starts a container, and returns once it runs. */
export async function runContainer(
  { name, applets, command, network = "none" }: ContainerOptions,
): Promise<{ stop(): void }> {
  const folder = await Deno.makeTempDir();
  const stop = () => {
    if (reasonFor(() => findCommand("podman")) === undefined) {
      const args = ["rm", "--force", "--time", "0", name];
      new Deno.Command("podman", { args, stdout: "null", stderr: "null" }).outputSync();
    }
    Deno.removeSync(folder, { recursive: true });
  };
  try {
    for (const part of ["proc", "dev", "sys", "tmp", "etc", "run", "www"]) {
      await Deno.mkdir(`${folder}/${part}`);
    }
    await Deno.writeTextFile(`${folder}/www/index.html`, "hello");
    const volumes = applets === "all" ? await wholeMachine(folder) : await busybox(folder, applets);
    // crun takes no hybrid cgroups. The limits are for a root that may not raise them.
    const runtime = ["runc", "crun"].find((name) => reasonFor(() => findCommand(name)) === undefined);
    // deno-fmt-ignore
    run(
      "podman", "run", "--detach", "--rm", "--name", name,
      ...(runtime === undefined ? [] : ["--runtime", runtime]), `--network=${network}`,
      "--ulimit=nofile=1024:1024", "--ulimit=nproc=1000:1000",
      ...volumes.map((volume) => `--volume=${volume}`), "--rootfs", folder, ...command,
    );
    return { stop };
  } catch (error) {
    stop();
    throw error;
  }
}

/** Busybox with its libraries. Debian has one that is linked with libraries, and one that is not. */
async function busybox(folder: string, applets: readonly string[]): Promise<string[]> {
  await Deno.mkdir(`${folder}/bin`);
  for (const [path] of run("ldd", findCommand("busybox")).matchAll(/\/\S+/g)) {
    await Deno.mkdir(`${folder}${path.slice(0, path.lastIndexOf("/"))}`, { recursive: true });
    await Deno.copyFile(path, `${folder}${path}`);
  }
  await Deno.copyFile(findCommand("busybox"), `${folder}/bin/busybox`);
  for (const applet of applets) await Deno.symlink("busybox", `${folder}/bin/${applet}`);
  return [];
}

/** The folders of this machine's programs, as they are: some are links. They can only be read. */
async function wholeMachine(folder: string): Promise<string[]> {
  await Deno.copyFile("/etc/passwd", `${folder}/etc/passwd`);
  await Deno.copyFile("/etc/group", `${folder}/etc/group`);
  const volumes: string[] = [];
  for (const { name, isSymlink } of Deno.readDirSync("/")) {
    if (!/^(usr|s?bin|lib\w*)$/.test(name)) continue;
    if (isSymlink) await Deno.symlink(await Deno.readLink(`/${name}`), `${folder}/${name}`);
    else volumes.push(`/${name}:/${name}:ro`);
  }
  return volumes;
}
