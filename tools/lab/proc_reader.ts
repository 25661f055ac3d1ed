/**
 * Reads files of /proc on a host, through a process that is there.
 *
 * @module
 */

import { inTime } from "./in_time.ts";
import { reasonOfExit, type RunningProcess } from "./process.ts";

/** A process that reads /proc on a host. */
export interface ProcReader {
  /** The process. */
  readonly process: RunningProcess;
  /** As {@linkcode Host.readProc}. */
  read(paths: readonly string[]): Promise<(string | undefined)[]>;
}

/**
 * Starts the process that reads /proc on a host. It takes a line of paths, and answers each with the lines of
 * its files and a line that begins with EOT: the answers come in the order of the requests.
 *
 * @param start starts it, and hands over each line that it prints.
 */
export async function startProcReader(
  start: (onStdout: (line: string) => void) => Promise<RunningProcess>,
): Promise<ProcReader> {
  const waiting: {
    left: number;
    texts: (string | undefined)[];
    resolve: (texts: (string | undefined)[]) => void;
  }[] = [];
  let lines: string[] = [];
  const onStdout = (line: string) => {
    if (line[0] !== "\x04") return void lines.push(line);
    const request = waiting[0]!;
    request.texts.push(line === "\x04+" ? lines.join("\n") : undefined);
    lines = [];
    if (--request.left > 0) return;
    waiting.shift();
    request.resolve(request.texts);
  };
  const process = await start(onStdout);
  const ended = process.exited.then((status) => {
    throw new Error(`the reader of /proc has ended: ${reasonOfExit(status)}`);
  });
  ended.catch(() => {});
  return {
    process,
    async read(paths) {
      const { promise, resolve } = Promise.withResolvers<(string | undefined)[]>();
      waiting.push({ left: paths.length, texts: [], resolve });
      const answered = process.writeLine(paths.join(" ")).then(() => promise, () => ended);
      return await inTime(Promise.race([answered, ended]), "the reader of /proc did not answer");
    },
  };
}
