/**
 * A request body on its way from the client to the upstream.
 *
 * @module
 */

import type { ByteConn } from "../../http1/byte_conn.ts";
import { writeLastChunk } from "../../http1/forward.ts";
import { type BodyLength, BodyReader, CHUNKED } from "../../http1/framing.ts";
import { OutBuffer } from "../../http1/out_buffer.ts";

/** State of an upload: `going` until the body is `done`, or until it cannot be completed. */
export type UploadOutcome = "going" | "done" | "malformed" | "clientGone" | "upstreamGone" | "cut";

/** Forwards a body as it comes. It reads the next piece once the upstream has taken the one before. */
export class Upload {
  /** How the upload ended, or that it is still going. */
  outcome: UploadOutcome = "going";
  /** Whether any of the body has come. */
  begun = false;
  /** Whether the upload waits for bytes from the client. */
  waitsForClient = false;
  /** Resolves when the upload has ended, in whatever way. */
  ended: Promise<void> = Promise.resolve();
  readonly #reader: BodyReader;
  readonly #chunked: boolean;

  /** Adds the part of the body that has come already to `out`, behind the head. */
  constructor(readonly client: ByteConn, length: BodyLength, out: OutBuffer) {
    this.#reader = new BodyReader(length);
    this.#chunked = length === CHUNKED;
    this.#take(out);
  }

  /**
   * Adds what has come of the body to `out`, behind what is there, of a client from which nothing more will
   * come. The upload is `clientGone` then unless that was the rest.
   */
  takeLast(out: OutBuffer): void {
    if (this.outcome !== "going") return;
    this.#take(out);
    this.#end("clientGone");
  }

  /** Sends the rest and calls `moved` after each piece. It never throws: `outcome` says how it went. */
  run(upstream: ByteConn, moved: () => void): Promise<void> {
    return this.ended = this.#run(upstream, moved);
  }

  /** Gives the upload up. */
  cut(): void {
    if (this.outcome !== "going") return;
    this.outcome = "cut";
    this.client.interrupt();
  }

  async #run(upstream: ByteConn, moved: () => void): Promise<void> {
    const { client } = this;
    const out = new OutBuffer();
    while (this.outcome === "going") {
      if (client.start === client.end) {
        if (client.over) return this.#end("clientGone");
        client.widen();
        this.waitsForClient = true;
        await client.more();
        if (this.outcome !== "going") return;
        this.waitsForClient = false;
      }
      this.#take(out);
      if (out.length === 0) continue;
      try {
        await upstream.write(out.filled);
      } catch {
        return this.#end("upstreamGone");
      }
      out.clear();
      moved();
    }
  }

  #take(out: OutBuffer): void {
    const { client } = this;
    const reader = this.#reader;
    for (;;) {
      const event = reader.next(client.buffer, client.start, client.end);
      client.start = reader.position;
      if (event === "more") return;
      if (event === "malformed") return this.#end("malformed");
      if (event === "end") {
        if (this.#chunked) writeLastChunk(out, reader.trailers);
        return this.#end("done");
      }
      this.begun = true;
      if (this.#chunked) out.chunk(client.buffer, reader.dataStart, reader.dataEnd);
      else out.copy(client.buffer, reader.dataStart, reader.dataEnd);
    }
  }

  #end(outcome: UploadOutcome): void {
    if (this.outcome === "going") this.outcome = outcome;
  }
}
