/**
 * The program that takes a capture, with what it is asked for in its first lines.
 *
 * @module
 */

import CAPTURE from "./capture.sh" with { type: "text" };

/** What a capture is to hold. */
export interface CaptureRequest {
  /** Whole seconds to watch; 0 for one reading. */
  readonly seconds: number;
  /** The process in whose network namespace to look. Left out for the namespace of the shell. */
  readonly pid?: number;
  /** Look where something listens on this port. */
  readonly port?: number;
}

/** Readings of one capture, beside the first. */
const MOST_READINGS = 30;

/**
 * The program, for any POSIX `sh` to read from its standard input. It reads /proc, writes to its standard
 * output, and does nothing else.
 */
export function captureProgram({ seconds, pid, port }: CaptureRequest): string {
  const interval = Math.max(1, Math.ceil(seconds / MOST_READINGS));
  const asked = { seconds, interval, pid: pid ?? "", port: port ?? "" };
  return Object.entries(asked).map(([name, value]) => `${name}=${value}\n`).join("") + CAPTURE;
}
