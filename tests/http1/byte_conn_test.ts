import { assert, assertEquals } from "@std/assert";
import { ByteConn, type Carrier, type Receiver } from "../../tools/http1/byte_conn.ts";
import { OutBuffer } from "../../tools/http1/out_buffer.ts";
import { Randomness } from "../../tools/predict/randomness.ts";

/**
 * Hands over what a test delivers, in memory that it overwrites as soon as it may. As long as a connection's
 * largest buffer, so that it would be taken for one if it were ever kept.
 */
class HandingOver implements Carrier {
  readonly #memory = new Uint8Array(65_536);
  #receiver: Receiver | undefined;
  #reading: { into: Uint8Array; resolve: (count: number | null) => void } | undefined;
  sent: number[] = [];
  takes = Infinity;

  receive(receiver: Receiver): void {
    assert(!this.pending, "two reads at a time");
    this.#receiver = receiver;
  }

  read(into: Uint8Array): Promise<number | null> {
    assert(!this.pending, "two reads at a time");
    return new Promise((resolve) => this.#reading = { into, resolve });
  }

  get pending(): boolean {
    return this.#receiver !== undefined || this.#reading !== undefined;
  }

  /** Delivers as many of these bytes as fit, and returns how many; none are the end. */
  async deliver(bytes: Uint8Array): Promise<number> {
    const receiver = this.#receiver;
    const reading = this.#reading;
    this.#receiver = this.#reading = undefined;
    const into = reading?.into ?? this.#memory;
    const count = Math.min(bytes.length, into.length);
    into.set(bytes.subarray(0, count));
    receiver?.arrived(this.#memory, count);
    this.#memory.fill(0xee);
    reading?.resolve(count || null);
    await Promise.resolve();
    return count;
  }

  send(bytes: Uint8Array, length: number): number {
    if (this.takes === 0) throw new Deno.errors.BrokenPipe("gone");
    const count = Math.min(length, this.takes);
    this.sent.push(...bytes.subarray(0, count));
    return count;
  }

  write(bytes: Uint8Array): Promise<number> {
    this.sent.push(...bytes);
    return Promise.resolve(bytes.length);
  }

  close(): void {}
  closeWrite(): Promise<void> {
    return Promise.resolve();
  }
}

/** Bytes of which no two neighbours are alike, and none is what memory is overwritten with. */
function stream(length: number): Uint8Array {
  return Uint8Array.from({ length }, (_, i) => (i * 7 + (i >> 8)) % 200);
}

Deno.test("bytes come whole and in order, however they come and whenever they are used", async () => {
  for (let seed = 1; seed <= 60; seed++) {
    const random = new Randomness(seed);
    const upTo = (most: number) => Math.floor(random.uniform() * (most + 1));
    const conns = [1, 2].map(() => {
      const carrier = new HandingOver();
      const conn = new ByteConn<Carrier>(carrier);
      const bytes = stream(200_000);
      const used: Uint8Array[] = [];
      const use = () => {
        const count = random.uniform() < 0.5 ? conn.end - conn.start : upTo(conn.end - conn.start);
        used.push(conn.buffer.slice(conn.start, conn.start + count));
        conn.start += count;
      };
      conn.onArrival = () => {
        if (random.uniform() < 0.8) use();
        if (random.uniform() < 0.7) conn.read();
      };
      return { carrier, conn, bytes, used, use, at: 0 };
    });
    while (conns.some(({ at, bytes }) => at < bytes.length)) {
      for (const each of conns) {
        const { carrier, conn, bytes, use } = each;
        if (!carrier.pending && conn.end - conn.start === conn.buffer.length) conn.grow();
        let woken: Promise<void> | undefined;
        if (random.uniform() < 0.3) woken = conn.more();
        else conn.read();
        if (carrier.pending) {
          const most = random.uniform() < 0.1 ? 70_000 : random.uniform() < 0.5 ? 200 : 6_000;
          each.at += await carrier.deliver(bytes.subarray(each.at, each.at + 1 + upTo(most)));
        } else conn.interrupt();
        await woken;
        if (random.uniform() < 0.5) use();
        if (random.uniform() < 0.2) conn.shrink();
        if (random.uniform() < 0.2) conn.widen();
      }
    }
    for (const { carrier, conn, bytes, used } of conns) {
      used.push(conn.buffer.slice(conn.start, conn.end));
      const got = new Uint8Array(await new Blob(used as BlobPart[]).arrayBuffer());
      assertEquals(got.length, bytes.length, `seed ${seed}`);
      assert(got.every((byte, i) => byte === bytes[i]), `seed ${seed}`);
      conn.start = conn.end;
      if (!carrier.pending) conn.read();
      await carrier.deliver(new Uint8Array(0));
      assert(conn.ended);
    }
  }
});

Deno.test("an idle connection needs no memory, and what it is handed is not copied", async () => {
  const carrier = new HandingOver();
  const conn = new ByteConn<Carrier>(carrier);
  let seen: ArrayBuffer | undefined;
  conn.onArrival = () => {
    seen = conn.buffer.buffer;
    conn.start = conn.end;
  };
  for (let i = 0; i < 3; i++) {
    conn.read();
    await carrier.deliver(stream(2_000));
    assertEquals(conn.buffer.length, 0);
    assertEquals(seen?.byteLength, 65_536);
  }
});

Deno.test("what is sent at once is told at once, and a broken connection too", () => {
  const carrier = new HandingOver();
  const conn = new ByteConn<Carrier>(carrier);
  const out = new OutBuffer();
  out.text("hello");
  const told: unknown[] = [];
  const send = () => conn.send(out, (count) => told.push(count), (error) => told.push(error));
  send();
  carrier.takes = 2;
  send();
  assertEquals(told, [5, 2]);
  assertEquals(String.fromCharCode(...carrier.sent), "hellohe");
  carrier.takes = 0;
  send();
  assert(told[2] instanceof Deno.errors.BrokenPipe);
});
