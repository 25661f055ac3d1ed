import { assert, assertEquals, assertRejects, assertStringIncludes, assertThrows } from "@std/assert";
import {
  ConnectionPool,
  type PoolableConn,
  type Pooled,
  type PoolHost,
} from "../../../tools/transport/pool/pool.ts";
import { type PoolLimits, poolWarning, resolvePoolLimits } from "../../../tools/transport/pool/limits.ts";
import { TimewaitError } from "../../../tools/errors.ts";
import { sumCounters } from "../../../tools/transport/pool/counters.ts";

class FakeConn implements PoolableConn {
  closed = false;
  constructor(
    readonly id: number,
    readonly host: string,
    readonly lost: (reason: "closedByBackend" | "unsolicitedBytes") => void,
  ) {}
  close() {
    assert(!this.closed, "closed twice");
    this.closed = true;
  }
}

/** A pool whose dials end when the test says so, in the order that the test chooses. */
function poolByHand(limits: PoolLimits) {
  const dials: { host: string; succeed: () => FakeConn; fail: (error: Error) => void }[] = [];
  let made = 0;
  const pool = new ConnectionPool<FakeConn>((host, lost) => {
    const { promise, resolve, reject } = Promise.withResolvers<FakeConn>();
    dials.push({
      host,
      fail: reject,
      succeed() {
        const conn = new FakeConn(++made, host, lost);
        resolve(conn);
        return conn;
      },
    });
    return promise;
  }, limits);
  return { pool, dials };
}

/** Lets everything run that waits only for promises. */
async function settle() {
  for (let i = 0; i < 10; i++) await Promise.resolve();
}

async function held(
  { pool, dials }: ReturnType<typeof poolByHand>,
  host: PoolHost<FakeConn>,
): Promise<Pooled<FakeConn>> {
  const got = pool.get(host);
  if (dials.length > 0) dials.shift()!.succeed();
  return await got;
}

Deno.test("the limits default to those of Go's DefaultTransport", () => {
  assertEquals(resolvePoolLimits({ maxIdleConns: undefined }), {
    maxIdleConns: 100,
    maxIdleConnsPerHost: 2,
    maxConnsPerHost: 0,
    idleConnTimeoutMs: 90_000,
    disableKeepAlives: false,
  });
  assertThrows(() => resolvePoolLimits({ maxIdleConns: -1 }), TimewaitError, "maxIdleConns");
  assertThrows(() => resolvePoolLimits({ idleConnTimeoutMs: NaN }), TimewaitError, "idleConnTimeoutMs");
});

Deno.test("a per-host limit above the total limit is warned of, with both figures", () => {
  const warning = poolWarning(resolvePoolLimits({ maxIdleConns: 100, maxIdleConnsPerHost: 200 }));
  assertStringIncludes(warning!, "200");
  assertStringIncludes(warning!, "100 idle connections are kept");
  assertEquals(poolWarning(resolvePoolLimits({ maxIdleConns: 200, maxIdleConnsPerHost: 200 })), undefined);
  assertEquals(poolWarning(resolvePoolLimits({ maxIdleConns: 0, maxIdleConnsPerHost: 200 })), undefined);
});

Deno.test("the connection that was used last is used first", async () => {
  const hand = poolByHand({ maxIdleConnsPerHost: 3 });
  const host = hand.pool.host("a");
  const [one, two, three] = [await held(hand, host), await held(hand, host), await held(hand, host)];
  for (const slot of [two, three, one]) hand.pool.put(slot);
  for (const expected of [one, three, two]) assertEquals((await held(hand, host)).conn.id, expected.conn.id);
  assertEquals(hand.pool.counters().reused, 3);
  hand.pool[Symbol.dispose]();
});

Deno.test("what does not fit the host's gate is closed itself, and others stay", async () => {
  const hand = poolByHand({ maxIdleConnsPerHost: 1 });
  const host = hand.pool.host("a");
  const [one, two] = [await held(hand, host), await held(hand, host)];
  hand.pool.put(one);
  hand.pool.put(two);
  assertEquals([one.conn.closed, two.conn.closed], [false, true]);
  assertEquals(hand.pool.counters().closed, { tooManyIdlePerHost: 1 });
  hand.pool[Symbol.dispose]();
});

Deno.test("at the total gate the least recently used connection of any host goes", async () => {
  const hand = poolByHand({ maxIdleConns: 2, maxIdleConnsPerHost: 10 });
  const [a, b] = [hand.pool.host("a"), hand.pool.host("b")];
  const [a1, b1, b2] = [await held(hand, a), await held(hand, b), await held(hand, b)];
  for (const slot of [a1, b1, b2]) hand.pool.put(slot);
  assertEquals([a1.conn.closed, b1.conn.closed, b2.conn.closed], [true, false, false]);
  assertEquals([a.idle, b.idle], [0, 2]);
  assertEquals(hand.pool.counters().closed, { tooManyIdle: 1 });
  hand.pool[Symbol.dispose]();
});

Deno.test("200 a host and 100 in all keep 100: the trap", async () => {
  const hand = poolByHand({ maxIdleConns: 100, maxIdleConnsPerHost: 200 });
  const host = hand.pool.host("a");
  const slots = [];
  for (let i = 0; i < 200; i++) slots.push(await held(hand, host));
  for (const slot of slots) hand.pool.put(slot);
  const { idle, idlePeak, inUse, inUsePeak, closed } = hand.pool.counters();
  assertEquals({ idle, inUse, inUsePeak, closed }, {
    idle: 100,
    inUse: 0,
    inUsePeak: 200,
    closed: { tooManyIdle: 100 },
  });
  assert(idlePeak <= 100);
  hand.pool[Symbol.dispose]();
});

Deno.test("a request takes a connection handed back before its own dial ends, and the late dial is kept", async () => {
  const hand = poolByHand({});
  const host = hand.pool.host("a");
  const first = await held(hand, host);
  const waiting = hand.pool.get(host);
  hand.pool.put(first);
  assertEquals((await waiting).conn, first.conn);
  assertEquals(host.idle, 0);
  const late = hand.dials.shift()!.succeed();
  await settle();
  assertEquals(host.idle, 1);
  assertEquals(hand.pool.takeIdle(host)!.conn, late);
  hand.pool[Symbol.dispose]();
});

Deno.test("a request that dials takes its own connection when that comes first", async () => {
  const hand = poolByHand({});
  const host = hand.pool.host("a");
  const first = await held(hand, host);
  const waiting = hand.pool.get(host);
  const fresh = hand.dials.shift()!.succeed();
  assertEquals((await waiting).conn, fresh);
  hand.pool.put(first);
  assertEquals(host.idle, 1);
  hand.pool[Symbol.dispose]();
});

Deno.test("a handed-back connection goes to the request that waited longest, past both gates", async () => {
  const hand = poolByHand({ maxIdleConnsPerHost: 0 });
  const host = hand.pool.host("a");
  const first = await held(hand, host);
  const order: string[] = [];
  const older = hand.pool.get(host).then((slot) => (order.push("older"), slot));
  const younger = hand.pool.get(host).then((slot) => (order.push("younger"), slot));
  hand.pool.put(first);
  hand.pool.put(await older);
  await younger;
  assertEquals(order, ["older", "younger"]);
  assert(!first.conn.closed);
  for (const dial of hand.dials) dial.succeed();
  await settle();
  assertEquals(hand.pool.counters().closed, { tooManyIdlePerHost: 2 });
  hand.pool[Symbol.dispose]();
});

Deno.test("maxConnsPerHost lets no more than so many dial, and serves in the order of arrival", async () => {
  const hand = poolByHand({ maxConnsPerHost: 2 });
  const host = hand.pool.host("a");
  const order: number[] = [];
  const gets = [1, 2, 3, 4].map((n) => hand.pool.get(host).then((slot) => (order.push(n), slot)));
  assertEquals(hand.dials.length, 2);
  for (const dial of hand.dials.splice(0)) dial.succeed();
  const [first, second] = [await gets[0]!, await gets[1]!];
  hand.pool.put(second);
  hand.pool.put(first);
  await Promise.all(gets);
  assertEquals(order, [1, 2, 3, 4]);
  assertEquals([hand.dials.length, host.conns, hand.pool.counters().queued], [0, 2, 2]);
  hand.pool[Symbol.dispose]();
});

Deno.test("a connection that is closed leaves its place to the next in line, another host's queue is its own", async () => {
  const hand = poolByHand({ maxConnsPerHost: 1 });
  const [a, b] = [hand.pool.host("a"), hand.pool.host("b")];
  const first = await held(hand, a);
  const next = hand.pool.get(a);
  const other = hand.pool.get(b);
  assertEquals(hand.dials.map((dial) => dial.host), ["b"]);
  hand.pool.discard(first, "broken");
  assertEquals(hand.dials.map((dial) => dial.host), ["b", "a"]);
  for (const dial of hand.dials) dial.succeed();
  await Promise.all([next, other]);
  hand.pool[Symbol.dispose]();
});

Deno.test("a failed dial fails its own request, and lets the next one dial", async () => {
  const hand = poolByHand({ maxConnsPerHost: 1 });
  const host = hand.pool.host("a");
  const [failing, next] = [hand.pool.get(host), hand.pool.get(host)];
  assertEquals(hand.dials.length, 1);
  const refused = Object.assign(new Deno.errors.ConnectionRefused("refused"), { code: "ECONNREFUSED" });
  hand.dials.shift()!.fail(refused);
  await assertRejects(() => failing, Deno.errors.ConnectionRefused);
  assertEquals(hand.dials.length, 1);
  hand.dials.shift()!.succeed();
  await next;
  assertEquals(hand.pool.counters().dialFailures, { ECONNREFUSED: 1 });
  hand.pool[Symbol.dispose]();
});

Deno.test("an abandoned wait gives up its place in the queue", async () => {
  const hand = poolByHand({ maxConnsPerHost: 1 });
  const host = hand.pool.host("a");
  const first = await held(hand, host);
  const leaving = new AbortController();
  const abandoned = hand.pool.get(host, leaving.signal);
  const patient = hand.pool.get(host);
  leaving.abort(new Error("gone"));
  await assertRejects(() => abandoned, Error, "gone");
  hand.pool.put(first);
  assertEquals((await patient).conn, first.conn);
  assertEquals([host.waiting, hand.pool.counters().abandoned], [0, 1]);
  hand.pool[Symbol.dispose]();
});

Deno.test("the dial of an abandoned wait serves the next request", async () => {
  const hand = poolByHand({ maxConnsPerHost: 1 });
  const host = hand.pool.host("a");
  const leaving = new AbortController();
  const abandoned = hand.pool.get(host, leaving.signal);
  const patient = hand.pool.get(host);
  leaving.abort(new Error("gone"));
  await assertRejects(() => abandoned, Error, "gone");
  const conn = hand.dials.shift()!.succeed();
  assertEquals((await patient).conn, conn);
  assertEquals(hand.dials.length, 0);
  hand.pool[Symbol.dispose]();
});

Deno.test("the dial of an abandoned wait is kept where nobody waits, and not with disableKeepAlives", async () => {
  for (const disableKeepAlives of [false, true]) {
    const hand = poolByHand({ disableKeepAlives });
    const host = hand.pool.host("a");
    const leaving = new AbortController();
    const abandoned = hand.pool.get(host, leaving.signal);
    leaving.abort(new Error("gone"));
    await assertRejects(() => abandoned, Error, "gone");
    const conn = hand.dials.shift()!.succeed();
    await settle();
    assertEquals([conn.closed, host.idle, host.conns], disableKeepAlives ? [true, 0, 0] : [false, 1, 1]);
    hand.pool[Symbol.dispose]();
  }
});

Deno.test("a dial that fails after its wait was abandoned lets the next one dial", async () => {
  const hand = poolByHand({ maxConnsPerHost: 1 });
  const host = hand.pool.host("a");
  const leaving = new AbortController();
  const abandoned = hand.pool.get(host, leaving.signal);
  const next = hand.pool.get(host);
  leaving.abort(new Error("gone"));
  await assertRejects(() => abandoned, Error, "gone");
  hand.dials.shift()!.fail(new Error("refused"));
  await settle();
  const conn = hand.dials.shift()!.succeed();
  assertEquals((await next).conn, conn);
  assertEquals(host.conns, 1);
  hand.pool[Symbol.dispose]();
});

Deno.test("a signal that fires once the connection is there changes nothing", async () => {
  const hand = poolByHand({});
  const leaving = new AbortController();
  const got = hand.pool.get(hand.pool.host("a"), leaving.signal);
  hand.dials.shift()!.succeed();
  const slot = await got;
  leaving.abort(new Error("gone"));
  assertEquals([slot.conn.closed, hand.pool.counters().abandoned], [false, 0]);
  hand.pool[Symbol.dispose]();
});

Deno.test("waits are counted, with the time that they took", async () => {
  const hand = poolByHand({});
  const host = hand.pool.host("a");
  const got = hand.pool.get(host);
  const start = performance.now();
  while (performance.now() - start < 5); // The dial takes as long.
  hand.dials.shift()!.succeed();
  hand.pool.put(await got);
  hand.pool.put(await hand.pool.get(host));
  const { waited, waitedMs, reused } = hand.pool.counters();
  assertEquals([waited, reused], [1, 1]);
  assert(waitedMs >= 5, `${waitedMs} ms`);
  hand.pool[Symbol.dispose]();
});

Deno.test("a signal that has fired already is refused without a dial", async () => {
  const hand = poolByHand({});
  await assertRejects(
    () => hand.pool.get(hand.pool.host("a"), AbortSignal.abort(new Error("gone"))),
    Error,
    "gone",
  );
  assertEquals(hand.dials.length, 0);
});

Deno.test("an idle connection that is lost leaves the pool at once and frees its place", async () => {
  const hand = poolByHand({ maxConnsPerHost: 1 });
  const host = hand.pool.host("a");
  const first = await held(hand, host);
  first.conn.lost("closedByBackend");
  assert(!first.conn.closed, "in use, so its user will see");
  hand.pool.put(first);
  first.conn.lost("unsolicitedBytes");
  first.conn.lost("closedByBackend");
  assertEquals([first.conn.closed, host.idle, host.conns], [true, 0, 0]);
  assertEquals(hand.pool.counters().closed, { unsolicitedBytes: 1 });
  assertEquals(hand.pool.takeIdle(host), undefined);
  hand.pool[Symbol.dispose]();
});

Deno.test("disableKeepAlives closes each connection after its request", async () => {
  const hand = poolByHand({ disableKeepAlives: true });
  const host = hand.pool.host("a");
  hand.pool.put(await held(hand, host));
  hand.pool.put(await held(hand, host));
  const { dialed, closed } = hand.pool.counters();
  assertEquals({ dialed, closed }, { dialed: 2, closed: { keepAlivesDisabled: 2 } });
  hand.pool[Symbol.dispose]();
});

Deno.test("an idle connection is closed after idleConnTimeoutMs, and its place is free", async () => {
  const closed = Promise.withResolvers<void>();
  using pool = new ConnectionPool(() => Promise.resolve({ close: closed.resolve }), {
    idleConnTimeoutMs: 20,
  });
  const host = pool.host("a");
  const before = performance.now();
  pool.put(await pool.get(host));
  const keepAlive = setTimeout(() => closed.reject(new Error("not closed within 5 s")), 5000);
  await closed.promise;
  clearTimeout(keepAlive);
  assert(performance.now() - before >= 19);
  assertEquals([host.idle, host.conns, pool.counters().closed], [0, 0, { idleTimeout: 1 }]);
});

Deno.test("each idle connection is closed in its own time", async () => {
  const closed: number[] = [];
  let made = 0;
  const timeoutMs = 60;
  using pool = new ConnectionPool(() => {
    const id = ++made;
    return Promise.resolve({ close: () => void closed.push(id) });
  }, { idleConnTimeoutMs: timeoutMs });
  const host = pool.host("a");
  const [one, two] = [await pool.get(host), await pool.get(host)];
  pool.put(one);
  await new Promise((resolve) => setTimeout(resolve, timeoutMs / 2));
  pool.put(two);
  const deadline = performance.now() + 5_000;
  while (closed.length < 2 && performance.now() < deadline) {
    await new Promise((resolve) => setTimeout(resolve, 5));
  }
  assertEquals([closed, host.idle], [[1, 2], 0]);
});

Deno.test("one that is too old is not handed out, even if the timer is late", async () => {
  using pool = new ConnectionPool(() => Promise.resolve({ close() {} }), { idleConnTimeoutMs: 5 });
  const host = pool.host("a");
  pool.put(await pool.get(host));
  const start = Date.now();
  while (Date.now() - start < 6); // The timer cannot run in here.
  assertEquals(pool.takeIdle(host), undefined);
  assertEquals(pool.counters().closed, { idleTimeout: 1 });
});

Deno.test("however many have become too old at once, they are all closed", async () => {
  using pool = new ConnectionPool(() => Promise.resolve({ close() {} }), {
    ...{ idleConnTimeoutMs: 1, maxIdleConns: 0, maxIdleConnsPerHost: 50_000 },
  });
  const host = pool.host("a");
  const slots = await Promise.all(Array.from({ length: 50_000 }, () => pool.get(host)));
  for (const slot of slots) pool.put(slot);
  const start = performance.now();
  while (performance.now() - start < 2); // The timer cannot run in here.
  assertEquals(pool.takeIdle(host), undefined);
  assertEquals([host.idle, pool.counters().closed], [0, { idleTimeout: 50_000 }]);
});

Deno.test("closing the pool closes what is idle, refuses who waits, and closes what comes back", async () => {
  const hand = poolByHand({ maxConnsPerHost: 3 });
  const host = hand.pool.host("a");
  const [idle, used] = [await held(hand, host), await held(hand, host)];
  hand.pool.put(idle);
  const taken = hand.pool.get(host);
  const dialing = hand.pool.get(host);
  hand.pool.put(await taken);
  await settle();
  const waiting = hand.pool.get(host);
  hand.pool[Symbol.dispose]();
  await assertRejects(() => waiting, Deno.errors.BadResource);
  void dialing;
  hand.pool.put(used);
  for (const dial of hand.dials) dial.succeed();
  await settle();
  assert(used.conn.closed);
  await assertRejects(() => hand.pool.get(host), Deno.errors.BadResource);
});

Deno.test("counters of several pools add up", async () => {
  const hand = poolByHand({ disableKeepAlives: true });
  hand.pool.put(await held(hand, hand.pool.host("a")));
  const sum = sumCounters([hand.pool.counters(), hand.pool.counters()]);
  assertEquals([sum.dialed, sum.closed, sum.inUsePeak], [2, { keepAlivesDisabled: 2 }, 2]);
});

/** Numbers in [0, 1) that are the same for the same seed (mulberry32's recurrence). */
function randomFrom(seed: number): () => number {
  return () => {
    seed = (seed + 0x6d2b79f5) | 0;
    let t = Math.imul(seed ^ (seed >>> 15), 1 | seed);
    t = (t + Math.imul(t ^ (t >>> 7), 61 | t)) ^ t;
    return ((t ^ (t >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** The pool in its simplest form: arrays that are searched from end to end. */
class Model {
  idle: { id: number; host: string }[] = [];
  waiting: { want: number; host: string; state: "queued" | "dialing" }[] = [];
  conns: Record<string, number> = {};
  got: [want: number, conn: number][] = [];
  dialing: { host: string; want: number }[] = [];
  constructor(readonly limits: ReturnType<typeof resolvePoolLimits>) {}

  get(want: number, host: string) {
    const at = this.idle.findLastIndex((conn) => conn.host === host);
    if (at >= 0) return void this.got.push([want, this.idle.splice(at, 1)[0]!.id]);
    const max = this.limits.maxConnsPerHost;
    const free = max === 0 || (this.conns[host] ?? 0) < max;
    this.waiting.push({ want, host, state: free ? "dialing" : "queued" });
    if (free) this.startDial(host, want);
  }
  startDial(host: string, want: number) {
    this.conns[host] = (this.conns[host] ?? 0) + 1;
    this.dialing.push({ host, want });
  }
  offer(id: number, host: string) {
    const at = this.waiting.findIndex((want) => want.host === host);
    if (at >= 0) return void this.got.push([this.waiting.splice(at, 1)[0]!.want, id]);
    if (this.idle.filter((conn) => conn.host === host).length >= this.limits.maxIdleConnsPerHost) {
      return this.closed(host);
    }
    this.idle.push({ id, host });
    const max = this.limits.maxIdleConns;
    if (max > 0 && this.idle.length > max) this.closed(this.idle.shift()!.host);
  }
  closed(host: string) {
    this.conns[host]!--;
    const next = this.waiting.find((want) => want.host === host && want.state === "queued");
    if (next === undefined) return;
    next.state = "dialing";
    this.startDial(host, next.want);
  }
  dialed(at: number, id: number) {
    const { host, want } = this.dialing.splice(at, 1)[0]!;
    const waiting = this.waiting.findIndex((one) => one.want === want);
    if (waiting < 0) return this.offer(id, host);
    this.waiting.splice(waiting, 1);
    this.got.push([want, id]);
  }
  dialFailed(at: number) {
    const { host, want } = this.dialing.splice(at, 1)[0]!;
    this.closed(host);
    this.abandon(want);
  }
  abandon(want: number) {
    this.waiting = this.waiting.filter((one) => one.want !== want);
  }
  lost(id: number) {
    const at = this.idle.findIndex((conn) => conn.id === id);
    if (at >= 0) this.closed(this.idle.splice(at, 1)[0]!.host);
  }
}

async function runAgainstModel(seed: number) {
  const random = randomFrom(seed);
  const pick = (below: number) => Math.floor(random() * below);
  const limits = resolvePoolLimits({
    maxIdleConns: pick(4),
    maxIdleConnsPerHost: pick(4),
    maxConnsPerHost: pick(4),
    idleConnTimeoutMs: 0,
  });
  const hand = poolByHand(limits);
  const model = new Model(limits);
  const hosts = ["a", "b", "c"].slice(0, 1 + pick(3));
  const inUse: Pooled<FakeConn>[] = [];
  const all: FakeConn[] = [];
  const got: [number, number][] = [];
  const signals = new Map<number, AbortController>();
  let wants = 0;
  for (let step = 0; step < 120; step++) {
    const action = pick(10);
    if (action < 4) {
      const [want, host] = [++wants, hosts[pick(hosts.length)]!];
      const leaving = new AbortController();
      signals.set(want, leaving);
      hand.pool.get(hand.pool.host(host), leaving.signal).then((slot) => {
        got.push([want, slot.conn.id]);
        inUse.push(slot);
      }, () => {}).finally(() => signals.delete(want));
      model.get(want, host);
    } else if (action < 6 && hand.dials.length > 0) {
      const at = pick(hand.dials.length);
      if (random() < 0.8) {
        const conn = hand.dials.splice(at, 1)[0]!.succeed();
        all.push(conn);
        model.dialed(at, conn.id);
      } else {
        hand.dials.splice(at, 1)[0]!.fail(new Error("refused"));
        model.dialFailed(at);
      }
    } else if (action < 8 && inUse.length > 0) {
      const [slot] = inUse.splice(pick(inUse.length), 1) as [Pooled<FakeConn>];
      if (random() < 0.8) {
        hand.pool.put(slot);
        model.offer(slot.conn.id, slot.conn.host);
      } else {
        hand.pool.discard(slot, "broken");
        model.closed(slot.conn.host);
      }
    } else if (action === 8 && signals.size > 0) {
      const want = [...signals.keys()][pick(signals.size)]!;
      signals.get(want)!.abort();
      model.abandon(want);
    } else if (all.length > 0) {
      const conn = all[pick(all.length)]!;
      conn.lost("closedByBackend");
      model.lost(conn.id);
    }
    await settle();
    const where = `seed ${seed}, step ${step}, limits ${JSON.stringify(limits)}`;
    assertEquals(got, model.got, where);
    assertEquals(hand.dials.map((dial) => dial.host), model.dialing.map((dial) => dial.host), where);
    for (const name of hosts) {
      const host = hand.pool.host(name);
      const waiting = model.waiting.filter((want) => want.host === name).length;
      const idle = model.idle.filter((conn) => conn.host === name).length;
      assertEquals([host.idle, host.conns, host.waiting], [idle, model.conns[name] ?? 0, waiting], where);
      if (limits.maxConnsPerHost > 0) assert(host.conns <= limits.maxConnsPerHost, where);
    }
    const { idle, inUse: used } = hand.pool.counters();
    assertEquals([idle, used], [model.idle.length, inUse.length], where);
    const open = all.filter((conn) => !conn.closed).length;
    assertEquals(open, idle + used, where);
  }
  hand.pool[Symbol.dispose]();
}

Deno.test("whatever happens in whatever order, the pool does as the simple model does", async () => {
  for (let seed = 1; seed <= 400; seed++) await runAgainstModel(seed);
});
