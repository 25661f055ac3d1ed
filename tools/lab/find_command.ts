/**
 * Finds the programs that a lab needs.
 *
 * @module
 */

import { UnavailableError } from "../errors.ts";

/** Thrown when a command is not on this machine. */
export class CommandNotFoundError extends UnavailableError {
  /** What is printed ahead of the message where nobody catches it; always `"CommandNotFoundError"`. */
  override name = "CommandNotFoundError";
  /** Makes the error for a command by its bare name, and adds how Debian installs it where that is known. */
  constructor(readonly command: string) {
    super(
      `${command} was not found on PATH${
        INSTALLED_BY[command] ? `: apt-get install ${INSTALLED_BY[command]}` : ""
      }`,
    );
  }
}

/** The Debian package that a command comes with. */
const INSTALLED_BY: Readonly<Record<string, string>> = {
  caddy: "caddy",
  go: "golang-go",
  haproxy: "haproxy",
  ip: "iproute2",
  nginx: "nginx-light",
  node: "nodejs",
  nsenter: "util-linux",
  setsid: "util-linux",
  unshare: "util-linux",
  wrk: "wrk",
};

/**
 * The absolute path of a command. Looks where an ordinary user's PATH on Debian does not (`ip` lives in
 * /usr/sbin) and passes over directories that may not be read, which dax's own search would stop at.
 *
 * @throws {CommandNotFoundError} when no directory holds an executable file of that name.
 */
export function findCommand(name: string): string {
  if (name.includes("/")) return name;
  const directories = [...(Deno.env.get("PATH") ?? "").split(":"), "/usr/sbin", "/sbin", "/usr/bin", "/bin"];
  for (const directory of directories.filter((entry) => entry !== "")) {
    try {
      const { isFile, mode } = Deno.statSync(`${directory}/${name}`);
      if (isFile && (mode === null || (mode & 0o111) !== 0)) return `${directory}/${name}`;
    } catch {
      // It is not there, or may not be read: the next directory may have it.
    }
  }
  throw new CommandNotFoundError(name);
}
