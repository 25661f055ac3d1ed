/**
 * The connections that a refusal has ended. `Deno.serve` sends `Connection: close` and reads on nevertheless.
 * But a server that says `close` must take no further request from that connection (RFC 9112 §9.6), and bytes
 * that are pipelined behind a refused request may not be the request that they seem to be.
 *
 * @module
 */

/**
 * Time for which a refusal is remembered. A client that has read the refusal closes its connection long
 * before another client can get its port.
 */
const REMEMBERED_MS = 2_000;
/** Most connections that are remembered; the oldest is forgotten first. */
const MOST = 10_000;

/** Remembers which connections must carry no further request. */
export class RefusedClients {
  /** The time of each refusal, the oldest first. */
  readonly #refused = new Map<string, number>();

  /** Notes that the connection from this address has been refused. */
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

  /** Whether the connection from this address has been refused. */
  has(address: Deno.NetAddr): boolean {
    if (this.#refused.size === 0) return false;
    const at = this.#refused.get(keyOf(address));
    return at !== undefined && performance.now() - at < REMEMBERED_MS;
  }
}

/**
 * A response that makes `Deno.serve` close the connection. Its content breaks off, which is the only way to
 * do so.
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
