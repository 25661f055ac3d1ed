/**
 * The connections that a refusal has ended. `Deno.serve` sends `Connection: close` and then reads on all the same; but a
 * server that says so must take no further request from that connection (RFC 9112 §9.6), and what is pipelined behind
 * a refused request may not be what it seems.
 *
 * @module
 */

/** A client that read the refusal has closed its connection long before its port can be another's. */
const REMEMBERED_MS = 2_000;
/** So many are remembered; the oldest goes first. */
const MOST = 10_000;

/** Remembers which connections are to carry nothing more. */
export class RefusedClients {
  /** When each was refused, the oldest first. */
  readonly #refused = new Map<string, number>();

  /** The connection from this address is over. */
  add(address: Deno.NetAddr): void {
    const now = performance.now();
    const key = keyOf(address);
    this.#refused.delete(key);
    this.#refused.set(key, now);
    for (const [oldest, at] of this.#refused) {
      if (this.#refused.size <= MOST && now - at < REMEMBERED_MS) break;
      this.#refused.delete(oldest);
    }
  }

  /** Whether the connection from this address is over. */
  has(address: Deno.NetAddr): boolean {
    if (this.#refused.size === 0) return false;
    const at = this.#refused.get(keyOf(address));
    return at !== undefined && performance.now() - at < REMEMBERED_MS;
  }
}

/**
 * A response that makes `Deno.serve` close the connection, in the only way there is: its content breaks off.
 */
export function closingResponse(): Response {
  return new Response(new ReadableStream({ start: (controller) => controller.close() }), {
    status: 400,
    headers: { "content-length": "1", "connection": "close" },
  });
}

function keyOf({ hostname, port }: Deno.NetAddr): string {
  return `${hostname} ${port}`;
}
