/**
 * A request body that `fetch` sends once, with the length that the client announced.
 *
 * @module
 */

/**
 * A stream that tells its length, in the only form in which `fetch` takes one: a `Blob`.
 *
 * `fetch` sends a plain stream chunked, and a body that happens to lie in memory already **twice** if the pooled
 * connection turns out to be closed. RFC 9110 §9.2.2 forbids a proxy to repeat a POST. A `Blob` is read through
 * `stream()` and announced with `size`, and what was read from a stream cannot be sent again.
 */
export class StreamedBody extends Blob {
  readonly #body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #size: number;

  /** `size` is the length in bytes. With 0 the body is sent chunked: its length is not known, or it is empty. */
  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>, size: number) {
    super();
    this.#body = body;
    this.#size = size;
  }

  /** The length that goes into `Content-Length`, in bytes. */
  override get size(): number {
    return this.#size;
  }

  /** The stream itself: it can be read once. */
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#body;
  }
}
