/** The processes that one has started, and those that they have started in turn. */

/** A process. */
export interface Descendant {
  readonly pid: number;
  readonly parent: number;
  /** Of its program. */
  readonly name: string;
  /** Its command line, with its words joined by spaces. */
  readonly args: string;
}

/** All processes below one. */
export function descendantsOf(root: number): Descendant[] {
  const { stdout } = new Deno.Command("ps", { args: ["-eo", "pid=,ppid=,comm=,args="] }).outputSync();
  const rows = new TextDecoder().decode(stdout).trim().split("\n").map((line): Descendant => {
    const [pid, parent, name, ...args] = line.trim().split(/\s+/);
    return { pid: Number(pid), parent: Number(parent), name: name!, args: args.join(" ") };
  });
  const found = new Set([root]);
  for (let size = 0; size !== found.size;) {
    size = found.size;
    for (const { pid, parent } of rows) if (found.has(parent)) found.add(pid);
  }
  return rows.filter(({ pid }) => pid !== root && found.has(pid));
}
