/**
 * A request body on its way from the client to the upstream.
 *
 * @module
 */

import type { ByteConn } from "../../http1/byte_conn.ts";
import { writeLastChunk } from "../../http1/forward.ts";
import { type BodyLength, BodyReader, CHUNKED } from "../../http1/framing.ts";
import { OutBuffer } from "../../http1/out_buffer.ts";

/** How far a body has got: `going` until it is `done`, or until it cannot be. */
export type UploadOutcome = "going" | "done" | "malformed" | "clientGone" | "upstreamGone" | "cut";

/** Sends a body on as it comes: the next piece is read once the upstream has taken the one before. */
export class Upload {
  /** How it went, or that it still goes. */
  outcome: UploadOutcome = "going";
  /** Whether any of the body has come. */
  begun = false;
  /** Whether it is the client who is to make the next move. */
  waitsForClient = false;
  /** Resolves when it does not go on any more. */
  ended: Promise<void> = Promise.resolve();
  readonly #reader: BodyReader;
  readonly #chunked: boolean;

  /** Takes what has come already and puts it behind the head in `out`. */
  constructor(readonly client: ByteConn, length: BodyLength, out: OutBuffer) {
    this.#reader = new BodyReader(length);
    this.#chunked = length === CHUNKED;
    this.#take(out);
  }

  /** Sends the rest. It never throws; see `outcome`. Calls `moved` after each piece. */
  run(upstream: ByteConn, moved: () => void): Promise<void> {
    return this.ended = this.#run(upstream, moved);
  }

  /** Gives up. */
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
