import { assert, assertEquals, assertRejects, assertThrows } from "@std/assert";
import { delay } from "@std/async/delay";
import { UnavailableError } from "../../../tools/errors.ts";
import type { Receiver, TcpSocket } from "../../../tools/http1/byte_conn.ts";
import { EpollSockets } from "../../../tools/transport/net_http/epoll_sockets.ts";
import { DENO_SOCKETS, type Sockets } from "../../../tools/transport/net_http/sockets.ts";
import { runScript } from "../../support/script.ts";
import { within } from "../../support/waiting.ts";

const LISTEN = { hostname: "127.0.0.1", port: 0 };
const BOTH: readonly (readonly [string, () => Sockets])[] = [
  ["Deno's sockets", () => DENO_SOCKETS],
  ["sockets on epoll", () => new EpollSockets()],
];

function never(): AbortSignal {
  return new AbortController().signal;
}

/** Two ends of a connection. The second was accepted. */
async function pair(sockets: Sockets, hostname = LISTEN.hostname): Promise<[TcpSocket, TcpSocket]> {
  using listener = sockets.listen({ hostname, port: 0 }, {});
  const { port } = listener.addr;
  return await Promise.all([sockets.connect({ hostname, port, signal: never() }), listener.accept()]);
}

function freePort(): number {
  using listener = Deno.listen(LISTEN);
  return listener.addr.port;
}

async function errorOf(work: () => unknown): Promise<string> {
  try {
    await work();
  } catch (error) {
    assert(error instanceof Error);
    return `${error.constructor.name} ${"code" in error ? error.code : ""} ${error.message}`;
  }
  return "none";
}

for (const [name, open] of BOTH) {
  Deno.test(`${name}: an error of connecting has its class, its code and its words`, async () => {
    await using sockets = open();
    const port = freePort();
    for (const hostname of ["127.0.0.1", "localhost"]) {
      const error = await errorOf(() => sockets.connect({ hostname, port, signal: never() }));
      assertEquals(error, "ConnectionRefused ECONNREFUSED Connection refused (os error 111)");
    }
    const unknown = await errorOf(() => sockets.connect({ hostname: "no.invalid", port, signal: never() }));
    assert(unknown.startsWith("Error  failed to lookup address information: "), unknown);
    const late = new AbortController();
    late.abort(new Deno.errors.TimedOut("late"));
    await assertRejects(
      () => sockets.connect({ hostname: "127.0.0.1", port, signal: late.signal }),
      Deno.errors.TimedOut,
      "late",
    );
  });

  Deno.test(`${name}: an address that cannot be listened on is refused with a remedy`, async () => {
    await using sockets = open();
    using taken = sockets.listen(LISTEN, {});
    const listen = (hostname: string, port: number) => () => sockets.listen({ hostname, port }, {});
    assertThrows(listen("127.0.0.1", taken.addr.port), UnavailableError, "the port is in use");
    assertThrows(listen("localhost", taken.addr.port), UnavailableError, "the port is in use");
    assertThrows(listen("192.0.2.1", 0), UnavailableError, "this machine has no such address");
    assertThrows(
      listen("no.invalid", 0),
      UnavailableError,
      "cannot listen on no.invalid:0: failed to lookup",
    );
  });

  Deno.test(`${name}: the peer's address stands in the text that the kernel would give it`, async () => {
    await using sockets = open();
    for (const hostname of ["127.0.0.1", "::1", "localhost"]) {
      const [one, other] = await pair(sockets, hostname);
      assertEquals(other.remoteAddr.hostname, hostname === "localhost" ? "127.0.0.1" : hostname);
      one.close();
      other.close();
    }
    using listener = sockets.listen({ hostname: "::", port: 0 }, {});
    const { port } = listener.addr;
    using client = await Deno.connect({ port });
    const accepted = await listener.accept();
    assertEquals(accepted.remoteAddr.hostname, "::ffff:127.0.0.1");
    accepted.close();
    void client;
  });

  Deno.test(`${name}: one side ends, and the other goes on sending`, async () => {
    await using sockets = open();
    const [one, other] = await pair(sockets);
    await one.write(new Uint8Array([1, 2, 3]));
    await one.closeWrite();
    const bytes = new Uint8Array(2);
    assertEquals([await other.read(bytes), await other.read(bytes), await other.read(bytes)], [2, 1, null]);
    await other.write(new Uint8Array([4]));
    assertEquals([await one.read(bytes), bytes[0]], [1, 4]);
    other.close();
    assertEquals(await one.read(bytes), null);
    one.close();
    await assertRejects(() => one.read(bytes), Deno.errors.BadResource);
  });

  Deno.test(`${name}: whoever closes before he has read everything ends with a FIN before the reset`, async () => {
    await using sockets = open();
    const [one, other] = await pair(sockets);
    await one.write(new Uint8Array(10));
    const bytes = new Uint8Array(2);
    assertEquals(await other.read(bytes), 2);
    other.close();
    assertEquals(await within(one.read(bytes), "the end"), null);
    one.close();
  });

  Deno.test(`${name}: more than the kernel's buffers hold arrives whole, while timers go on`, async () => {
    await using sockets = open();
    const [one, other] = await pair(sockets);
    const total = 64 * 1024 * 1024;
    let ticks = 0;
    const timer = setInterval(() => ticks++, 1);
    const send = async () => {
      const piece = new Uint8Array(100_000).map((_, i) => i);
      for (let sent = 0; sent < total;) {
        const rest = Math.min(piece.length, total - sent);
        for (let at = 0; at < rest;) at += await one.write(piece.subarray(at, rest));
        sent += rest;
      }
      await one.closeWrite();
    };
    const receive = async () => {
      const bytes = new Uint8Array(65_536);
      let read = 0;
      for (let count; (count = await other.read(bytes)) !== null; read += count) {
        assertEquals(bytes[0], (read % 100_000) & 255);
      }
      return read;
    };
    const [, received] = await Promise.all([send(), receive()]);
    clearInterval(timer);
    assertEquals(received, total);
    assert(ticks > 1, `${ticks}`);
    one.close();
    other.close();
  });

  Deno.test(`${name}: a connection on which there is always more does not keep timers waiting`, async () => {
    await using sockets = open();
    const [one, other] = await pair(sockets);
    const bytes = new Uint8Array(1_024);
    let due = false;
    setTimeout(() => due = true, 10);
    for (let i = 0; !due; i++) {
      assert(i < 200_000, "the timer never came");
      await one.write(bytes);
      assertEquals(await other.read(bytes), bytes.length);
    }
    one.close();
    other.close();
  });

  Deno.test(`${name}: a read that waits ends when its connection is closed here, an accept likewise`, async () => {
    await using sockets = open();
    const listener = sockets.listen(LISTEN, {});
    const accepting = listener.accept();
    listener.close();
    await assertRejects(() => accepting, Deno.errors.BadResource);
    const [one, other] = await pair(sockets);
    const reading = one.read(new Uint8Array(1));
    one.close();
    assertEquals(await reading.catch(() => null), null);
    other.close();
  });
}

Deno.test("sockets on epoll wait in silence, and whatever comes after that is seen at once", async () => {
  await using sockets = new EpollSockets();
  const [one, other] = await pair(sockets);
  const bytes = new Uint8Array(1);
  for (let i = 0; i < 3; i++) {
    const reading = other.read(bytes);
    await delay(60);
    await one.write(new Uint8Array([i]));
    assertEquals([await within(reading, "the byte"), bytes[0]], [1, i]);
  }
  one.close();
  other.close();
});

/** Takes what a connection hands over, as often as it is asked for. */
class Taker implements Receiver {
  /** Told of each piece that has come: how long it is, and its first byte. */
  readonly taken: (readonly [count: number, first: number | undefined])[] = [];
  error: unknown;
  #came = Promise.withResolvers<void>();

  constructor(readonly again: () => void = () => {}) {}

  arrived(bytes: Uint8Array, count: number): void {
    this.taken.push([count, count === 0 ? undefined : bytes[0]]);
    if (count > 0) this.again();
    this.#came.resolve();
  }

  failed(error: unknown): void {
    this.error = error;
    this.#came.resolve();
  }

  /** Waits until something has come since the last time. */
  async next(): Promise<void> {
    await within(this.#came.promise, "an arrival");
    this.#came = Promise.withResolvers();
  }
}

Deno.test("sockets on epoll hand over what comes before they are asked and after it, but never while they are asked", async () => {
  await using sockets = new EpollSockets();
  const [one, other] = await pair(sockets);
  const taker = new Taker();
  await one.write(new Uint8Array([7, 8, 9]));
  await delay(30);
  other.receive!(taker);
  assertEquals(taker.taken, []);
  await taker.next();
  other.receive!(taker);
  await delay(30);
  await one.write(new Uint8Array([5]));
  await taker.next();
  other.receive!(taker);
  await one.closeWrite();
  await taker.next();
  assertEquals(taker.taken, [[3, 7], [1, 5], [0, undefined]]);
  one.close();
  other.close();
});

Deno.test("sockets on epoll hand over more than the kernel's buffers hold, while timers and others go on", async () => {
  await using sockets = new EpollSockets();
  const [[one, other], [asks, answers]] = await Promise.all([pair(sockets), pair(sockets)]);
  const total = 64 * 1024 * 1024;
  const taker = new Taker(() => other.receive!(taker));
  other.receive!(taker);
  const received = () => taker.taken.reduce((sum, [count]) => sum + count, 0);
  let ticks = 0, answered = 0;
  const timer = setInterval(() => ticks++, 1);
  const piece = new Uint8Array(1024 * 1024);
  const byte = new Uint8Array(1);
  for (let sent = 0; sent < total; sent += piece.length) {
    for (let at = 0; at < piece.length;) at += await one.write(piece.subarray(at));
    await asks.write(byte);
    answered += (await answers.read(byte))!;
  }
  await one.closeWrite();
  while (taker.taken.at(-1)?.[0] !== 0) await taker.next();
  clearInterval(timer);
  assertEquals([received(), answered], [total, total / piece.length]);
  assert(ticks > 1, `${ticks}`);
  for (const conn of [one, other, asks, answers]) conn.close();
});

Deno.test("sockets on epoll send what is taken at once, and say what is broken", async () => {
  await using sockets = new EpollSockets();
  const [one, other] = await pair(sockets);
  const bytes = new Uint8Array(1024 * 1024).fill(3);
  assertEquals(one.send!(bytes, 10), 10);
  let sent = 10;
  for (let count; (count = one.send!(bytes, bytes.length)) > 0;) sent += count;
  const into = new Uint8Array(1024 * 1024);
  for (let read = 0; read < sent;) {
    read += (await other.read(into))!;
    assertEquals(into[0], 3);
  }
  const reset = new Taker();
  one.receive!(reset);
  await one.write(bytes.subarray(0, 10));
  other.close();
  await reset.next();
  await delay(30);
  assertThrows(
    () => {
      for (let i = 0; i < 10; i++) one.send!(bytes, 1);
    },
    Error,
    "os error",
  );
  one.close();
  assertThrows(() => one.send!(bytes, 1), Deno.errors.BadResource);
});

Deno.test("whoever waits for what sockets on epoll hand over is told that they were closed here, after that", async () => {
  await using sockets = new EpollSockets();
  const [one, other] = await pair(sockets);
  for (const order of ["before", "after"]) {
    const taker = new Taker();
    if (order === "before") one.receive!(taker);
    one.close();
    if (order === "after") one.receive!(taker);
    assertEquals(taker.error, undefined);
    await taker.next();
    assert(taker.error instanceof Deno.errors.BadResource, order);
  }
  other.close();
});

Deno.test("the clock of sockets on epoll never stands still for longer than a turn, busy or idle", async () => {
  await using sockets = new EpollSockets();
  const [one, other] = await pair(sockets);
  const late: number[] = [];
  const taker = new Taker(() => {
    late.push(performance.now() - sockets.now());
    other.receive!(taker);
  });
  other.receive!(taker);
  for (let i = 0; i < 5; i++) {
    await one.write(new Uint8Array(1));
    await taker.next();
    await delay(i % 2 === 0 ? 10 : 60);
    const now = sockets.now();
    assert(Math.abs(performance.now() - now) < 15, "idle");
  }
  assert(late.every((ms) => ms >= 0) && Math.min(...late) < 15, `${late}`);
  one.close();
  other.close();
});

Deno.test("the end of sockets on epoll closes what is open, and rejects what waits", async () => {
  for (const pauseMs of [0, 0, 60]) {
    const sockets = new EpollSockets();
    const listener = sockets.listen(LISTEN, {});
    const { addr } = listener;
    using client = await Deno.connect({ port: addr.port });
    const accepted = await listener.accept();
    const waiting = [listener.accept(), accepted.read(new Uint8Array(1))];
    const ends = waiting.map((wait) => assertRejects(() => wait, Deno.errors.BadResource));
    // By then the loop waits in a thread of its own.
    await delay(pauseMs);
    await sockets[Symbol.asyncDispose]();
    await Promise.all(ends);
    assertEquals(await within(client.read(new Uint8Array(1)), "the end"), null);
    await assertRejects(() => Deno.connect({ port: addr.port }), Deno.errors.ConnectionRefused);
    const again = { ...LISTEN, port: 1, signal: never() };
    await assertRejects(() => sockets.connect(again), Deno.errors.BadResource);
  }
});

Deno.test("the gateway refuses sockets on epoll without --allow-ffi, in one line, and with http-client", async () => {
  const flags = ["--upstream", "http://127.0.0.1:9", "--listen", "127.0.0.1:0", "--sockets", "epoll"];
  const refused = await runScript("gateway", ["--transport", "net-http", "--workers", "1", ...flags]);
  assertEquals([refused.code, refused.stderr.trim().split("\n").length], [1, 1], refused.stderr);
  assert(refused.stderr.includes("--allow-ffi"), refused.stderr);
  const other = await runScript("gateway", flags);
  assertEquals(other.code, 2);
  assert(other.stderr.includes("--sockets is for the transport net-http"), other.stderr);
});
