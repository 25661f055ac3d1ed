/** The processes that this one has started, and those that they have started in turn. */

/**
 * Process ids of descendants whose command line, with its words joined by spaces, matches a POSIX pattern.
 */
export function descendantsThatRun(pattern: string): number[] {
  const parents = new Map(
    linesOf("ps", "-eo", "pid=,ppid=").map((line) => line.trim().split(/ +/).map(Number) as [number, number]),
  );
  const isOurs = (pid: number | undefined): boolean =>
    pid !== undefined && pid > 1 && (pid === Deno.pid || isOurs(parents.get(pid)));
  return linesOf("pgrep", "-f", pattern).map(Number).filter((pid) => isOurs(parents.get(pid)));
}

function linesOf(command: string, ...args: string[]): string[] {
  const { stdout } = new Deno.Command(command, { args }).outputSync();
  return new TextDecoder().decode(stdout).split("\n").filter((line) => line !== "");
}
