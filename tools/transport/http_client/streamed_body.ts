/**
 * A request body that `fetch` sends once, with the length that the client announced.
 *
 * @module
 */

/**
 * A stream with a known length, as a `Blob`, which is the only form in which `fetch` accepts one.
 *
 * `fetch` sends a plain stream chunked. It sends a body that is in memory **twice** if the pooled connection
 * turns out to be closed, and RFC 9110 §9.2.2 forbids a proxy to repeat a POST. A `Blob` is read through
 * `stream()` and announced with `size`, and bytes that were read from a stream cannot be sent again.
 */
export class StreamedBody extends Blob {
  readonly #body: ReadableStream<Uint8Array<ArrayBuffer>>;
  readonly #size: number;

  /**
   * Makes a body of `size` bytes. With 0, which stands for an unknown length or an empty body, it is sent
   * chunked.
   */
  constructor(body: ReadableStream<Uint8Array<ArrayBuffer>>, size: number) {
    super();
    this.#body = body;
    this.#size = size;
  }

  /** The length that goes into `Content-Length`, in bytes. */
  override get size(): number {
    return this.#size;
  }

  /** The stream, which can be read once. */
  override stream(): ReadableStream<Uint8Array<ArrayBuffer>> {
    return this.#body;
  }
}
