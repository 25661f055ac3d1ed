/**
 * `Deno.serve` that outlives a failure to accept. Where `accept` fails, as it does while the process has no
 * file descriptor left, `Deno.serve` closes its listener and rejects `finished`; a rejection that nobody
 * hears ends the process. The connections that were accepted before are served on.
 *
 * @module
 */

/** A server that listens until it is shut down. */
export interface LastingServer {
  /** Where it listens, with the real port if port 0 was asked for. */
  readonly addr: Deno.NetAddr;
  /** Stops accepting, and resolves once the requests in flight have their answers. It never rejects. */
  shutdown(): Promise<void>;
}

/** Pause before it listens again. */
const LISTEN_PAUSE_MS = 10;
/** Least time between two lines of the log. */
const LOG_PAUSE_MS = 1_000;
/**
 * Most servers that have stopped accepting and are served on. Nothing says which of them still have
 * connections, so beyond this number the oldest is shut down, which closes the connections on it that are
 * idle.
 */
const MOST_FORMER = 64;

/**
 * Starts a server. When accepting fails it listens again, on the same port, as soon as that is possible.
 * Connections that wait to be accepted at that moment are reset, and new ones are refused until then.
 *
 * @throws what `Deno.serve` throws, at the first start only.
 */
export function startLastingServer(
  options: Deno.ServeTcpOptions,
  handler: Deno.ServeHandler<Deno.NetAddr>,
  log: (line: string) => void = () => {},
): LastingServer {
  const servers: Deno.HttpServer<Deno.NetAddr>[] = [];
  let timer: ReturnType<typeof setTimeout> | undefined;
  let stopping = false;
  let loggedAt = -Infinity;

  const listen = (port: number | undefined) => {
    const server = Deno.serve({ ...options, ...(port === undefined ? {} : { port }) }, handler);
    servers.push(server);
    if (servers.length > MOST_FORMER) shutDown(servers.shift()!);
    server.finished.catch((error) => failed(server.addr.port, error));
    return server;
  };
  const failed = (port: number, error: unknown) => {
    if (stopping) return;
    const now = performance.now();
    if (now - loggedAt >= LOG_PAUSE_MS) {
      loggedAt = now;
      log(`cannot accept clients: ${error instanceof Error ? error.message : error}; trying again`);
    }
    timer = setTimeout(() => {
      try {
        listen(port);
      } catch (error) {
        failed(port, error);
      }
    }, LISTEN_PAUSE_MS);
  };
  const { addr } = listen(undefined);
  return {
    addr,
    async shutdown() {
      stopping = true;
      clearTimeout(timer);
      await Promise.all(servers.map(shutDown));
    },
  };
}

/** Shuts a server down, whether it still accepts or has failed to. */
async function shutDown(server: Deno.HttpServer): Promise<void> {
  try {
    await server.shutdown();
  } catch {
    // Its failure has been heard already.
  }
}
