/**
 * A host on another machine, in a container or in a pod: where a prefix leads, such as `ssh web1`. Nothing is
 * installed there, and nothing is left there.
 *
 * Each process on it is one client of the prefix, whose streams are those of the process; one more client
 * holds the lease of all of them (lease.ts).
 *
 * @module
 */

import { UnavailableError } from "../../errors.ts";
import type { Host } from "../host.ts";
import { inTime } from "../in_time.ts";
import { placeOf } from "../prefix_shell.ts";
import { type ProcReader, startProcReader } from "../proc_reader.ts";
import { checkClock, type ClockOffset, clockOffset } from "./clock.ts";
import type { FarEnd } from "./far_facts.ts";
import { takeLease } from "./lease.ts";
import { push, type Pushed } from "./push.ts";
import READ_FAR_PROC from "./read_far_proc.sh" with { type: "text" };
import { createRemoteDollar } from "./remote_dollar.ts";
import { startRemoteProcess } from "./remote_process.ts";

/** Which host, and how it is reached. */
export interface ConnectOptions {
  /** What messages call it. */
  readonly name: string;
  /**
   * What starts a command there, as typed in a shell: `ssh web1`, `kubectl exec -i POD --`,
   * `podman exec -i NAME`. Empty for this machine.
   */
  readonly prefix: string;
  /** The address by which the other hosts reach it; empty where none has to. */
  readonly address: string;
  /** Ends the wait for a host that does not answer. Default: nothing does, for 30 s. */
  readonly signal?: AbortSignal | undefined;
}

/**
 * A host that a prefix leads to. All that is started on it ends when it is disposed, and within 10 s when
 * this process is gone or the connection is.
 *
 * What a process there comes to is what the far end says on its last line. Where that line does not come, the
 * process counts as failed, and the reason is the last line of its standard error. Signals are sent without
 * an answer.
 */
export interface RemoteHost extends Host {
  /** What starts a command there, as typed. */
  readonly prefix: string;
  /** What it is. */
  readonly far: FarEnd;
  /**
   * How its time since boot, /proc/uptime, stands to `performance.now()` here. Takes five round trips. A
   * later call tells how far the two have drifted apart meanwhile.
   *
   * @throws {UnavailableError} where the error is more than 500 ms.
   */
  clock(): Promise<ClockOffset>;
  /**
   * Copies a program of this machine to it, checked by architecture and by checksum. It needs `head -c`,
   * `chmod`, and `sha256sum` or `cksum` there, and room for the program.
   *
   * @returns its path there. It goes with the host.
   * @throws {UnavailableError} where it cannot be there, or does not run there.
   */
  push(program: Pushed): Promise<string>;
  /** Resolves with the reason when the host is lost: all that ran there has ended, or will within seconds. */
  readonly lost: Promise<Error>;
}

/** Round trips for one look at a clock. */
const CLOCK_TRIPS = 5;

/**
 * Connects to a host.
 *
 * @throws {UnavailableError} where it cannot be reached, or has not what the far end needs: `sh`, `cat`,
 * `kill`, `sleep` and /proc.
 */
export async function connectHost({ name, prefix, address, signal }: ConnectOptions): Promise<RemoteHost> {
  await using stack = new AsyncDisposableStack();
  const lease = stack.use(await takeLease(prefix, signal));
  const start: Host["start"] = (options) => startRemoteProcess(lease, options);
  let reader: Promise<ProcReader> | undefined;
  const pushed = new Map<Pushed, Promise<string>>();
  const owned = stack.move();
  return {
    name,
    address,
    prefix,
    env: {},
    far: lease.far,
    lost: lease.over,
    $: createRemoteDollar({ name, lease }),
    start,
    async startScript(script, args, options) {
      if (lease.far.programs.bash === undefined) {
        throw new UnavailableError(
          `${options.name} needs bash on ${name} (${placeOf(prefix)}), and it is not on PATH there`,
        );
      }
      return await start({ ...options, argv: ["bash", "-c", script, options.name, ...args] });
    },
    async readProc(...paths) {
      reader ??= startProcReader((onStdout) =>
        start({ name: "the reader of /proc", argv: ["sh", "-c", READ_FAR_PROC], onStdout })
      );
      return await (await reader).read(paths);
    },
    async clock() {
      const readings = [];
      for (let i = 0; i < CLOCK_TRIPS; i++) {
        const lost = lease.over.then((error) => Promise.reject(error));
        readings.push(
          await inTime(Promise.race([lease.readClock(), lost]), `${name} did not tell its clock`),
        );
      }
      const offset = clockOffset(readings);
      checkClock(`${name} (${placeOf(prefix)})`, offset);
      return offset;
    },
    push(program) {
      const copy = pushed.get(program) ?? push(lease, program);
      pushed.set(program, copy);
      return copy;
    },
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}
