/**
 * Accepting connections for as long as it takes, also when the file descriptors have run out.
 *
 * @module
 */

/** Pause before it accepts again, in milliseconds. */
const PAUSE_MS = 10;

/** A loop that accepts connections. */
export interface Accepting {
  /** Stops accepting, and closes the listener. */
  stop(): void;
}

/**
 * Accepts connections until it is stopped. Where that fails, as it does while the process has no file
 * descriptor left, it tries again: connections wait in the kernel's queue meanwhile.
 */
export function acceptAll(
  listener: Deno.TcpListener,
  onConnection: (tcp: Deno.TcpConn) => void,
  log: (line: string) => void = () => {},
): Accepting {
  let stopped = false;
  let failing = false;
  let timer: ReturnType<typeof setTimeout> | undefined;
  const accept = async (): Promise<void> => {
    while (!stopped) {
      try {
        onConnection(await listener.accept());
        failing = false;
      } catch (error) {
        if (stopped) return;
        // Who has connected has reset the connection again before it was accepted: there is nothing to wait
        // for.
        if (error instanceof Deno.errors.NotConnected) continue;
        if (!failing) log(`cannot accept clients: ${error instanceof Error ? error.message : error}`);
        failing = true;
        timer = setTimeout(accept, PAUSE_MS);
        return;
      }
    }
  };
  accept();
  return {
    stop() {
      stopped = true;
      clearTimeout(timer);
      listener.close();
    },
  };
}
