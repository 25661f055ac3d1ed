/**
 * TCP sockets on epoll(7), by calls of libc through Deno's FFI. Linux only.
 *
 * Every call but one is synchronous and takes microseconds, so that a request costs four of them and no trip
 * through Deno's own event loop. What comes is read into one buffer for all connections and handed over at
 * once, while it is in the cache. Readiness is edge-triggered: a read that has not filled its buffer has
 * taken all there was, and waits for the next edge without asking the kernel again.
 *
 * @module
 */

import { abortable } from "@std/async/abortable";
import { lookup } from "node:dns/promises";
import { messageOf, UnavailableError } from "../../errors.ts";
import type { Receiver, TcpSocket } from "../../http1/byte_conn.ts";
import { type ListenAddress, whyNotListening } from "../../server/address.ts";
import { BACKLOG, listenOn, type ListenOptions } from "../../server/listener.ts";
import type { ConnectOptions, SocketListener, Sockets } from "./sockets.ts";

const EPOLLIN = 0x1, EPOLLOUT = 0x4, EPOLLRDHUP = 0x2000, EPOLLET = 1 << 31;
/** The peer has ended, or the connection is broken: reading tells which, however short the last read was. */
const ENDS = 0x8 /* EPOLLERR */ | 0x10 /* EPOLLHUP */ | EPOLLRDHUP;
const CONNECTION_EVENTS = EPOLLIN | EPOLLOUT | EPOLLRDHUP | EPOLLET;
const EPOLL_CTL_ADD = 1;
const AF_INET = 2, AF_INET6 = 10;
const CLOEXEC = 0o2000000, NONBLOCK = 0o4000, SOCK_STREAM = 1 | NONBLOCK | CLOEXEC;
const SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_ERROR = 4, SO_KEEPALIVE = 9, SO_REUSEPORT = 15;
const IPPROTO_TCP = 6, TCP_NODELAY = 1;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const EINTR = 4, EAGAIN = 11, ECONNABORTED = 103, EINPROGRESS = 115;

/**
 * Lengths are u32 where libc has size_t, which is the same in a register. V8 calls a function directly only
 * if its numbers have 32 bits: with `usize` its code is made and thrown away without end.
 */
const LIBC = {
  __errno_location: { parameters: [], result: "pointer" },
  strerror: { parameters: ["i32"], result: "pointer" },
  calloc: { parameters: ["usize", "usize"], result: "pointer" },
  free: { parameters: ["pointer"], result: "void" },
  inet_pton: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  inet_ntop: { parameters: ["i32", "buffer", "buffer", "u32"], result: "pointer" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "pointer", "i32", "i32"], result: "i32" },
  waitAside: {
    name: "epoll_wait",
    parameters: ["i32", "pointer", "i32", "i32"],
    result: "i32",
    nonblocking: true,
  },
  eventfd: { parameters: ["u32", "i32"], result: "i32" },
  eventfd_write: { parameters: ["i32", "u64"], result: "i32" },
  socket: { parameters: ["i32", "i32", "i32"], result: "i32" },
  bind: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  listen: { parameters: ["i32", "i32"], result: "i32" },
  accept4: { parameters: ["i32", "buffer", "buffer", "i32"], result: "i32" },
  connect: { parameters: ["i32", "buffer", "u32"], result: "i32" },
  getsockname: { parameters: ["i32", "buffer", "buffer"], result: "i32" },
  getsockopt: { parameters: ["i32", "i32", "i32", "buffer", "buffer"], result: "i32" },
  setsockopt: { parameters: ["i32", "i32", "i32", "buffer", "u32"], result: "i32" },
  recv: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  send: { parameters: ["i32", "buffer", "u32", "i32"], result: "i32" },
  shutdown: { parameters: ["i32", "i32"], result: "i32" },
  close: { parameters: ["i32"], result: "i32" },
} as const satisfies Deno.ForeignLibraryInterface;

/** Errors by their number (asm-generic/errno.h): the name, and the class that Deno has for it. */
const ERRORS: Readonly<Record<number, readonly [code: string, make?: new (message: string) => Error]>> = {
  12: ["ENOMEM"],
  13: ["EACCES", Deno.errors.PermissionDenied],
  23: ["ENFILE"],
  24: ["EMFILE"],
  32: ["EPIPE", Deno.errors.BrokenPipe],
  98: ["EADDRINUSE", Deno.errors.AddrInUse],
  99: ["EADDRNOTAVAIL", Deno.errors.AddrNotAvailable],
  101: ["ENETUNREACH", Deno.errors.NetworkUnreachable],
  104: ["ECONNRESET", Deno.errors.ConnectionReset],
  105: ["ENOBUFS"],
  107: ["ENOTCONN", Deno.errors.NotConnected],
  110: ["ETIMEDOUT", Deno.errors.TimedOut],
  111: ["ECONNREFUSED", Deno.errors.ConnectionRefused],
  113: ["EHOSTUNREACH"],
};

/** Sockets that are served in one turn. */
const EVENTS_A_TURN = 128;
/** Most bytes that are read at a time. */
const SCRATCH_BYTES = 65_536;
/** Connections that are accepted in one turn, so that those which are open go on being served. */
const ACCEPTS_A_TURN = 32;
/**
 * How long this thread itself waits for more, and so how late timers may be. After that it waits aside, in a
 * thread of its own, which costs ten times as much.
 */
const WAIT_MS = 1;
/** Longest wait aside, so that the end of a worker never waits for long. */
const WAIT_ASIDE_MS = 1_000;

/**
 * The 32-bit words of a `struct epoll_event`, which is packed on x86-64 alone. The last two are ours: the
 * number of the socket, then its generation.
 */
const EVENT_WORDS = Deno.build.arch === "x86_64" ? 3 : 4;
const FD_WORD = EVENT_WORDS - 2;

/** What the loop calls when something has become ready. */
interface Watched {
  readonly fd: number;
  /** Tells a socket from an earlier one with the same number, of which an event may still be under way. */
  readonly generation: number;
  ready(events: number): void;
  close(): void;
}

/** Why epoll cannot be used here, in one line that says what to do; `undefined` where it can. */
export function whyNoEpoll(): string | undefined {
  if (Deno.build.os !== "linux") return "sockets on epoll need Linux: leave out --sockets epoll";
  if (Deno.permissions.querySync({ name: "ffi" }).state === "granted") return undefined;
  return "sockets on epoll need --allow-ffi: give it to deno run, start deno task gateway:epoll, " +
    "or leave out --sockets epoll";
}

/** Sockets of one thread on an epoll instance of their own. */
export class EpollSockets implements Sockets {
  readonly libc: Deno.StaticForeignLibraryInterface<typeof LIBC>;
  /** `errno` of this thread, where libc keeps it. */
  readonly #errno: Int32Array;
  readonly #library: Deno.DynamicLibrary<typeof LIBC>;
  readonly #epoll: number;
  /** An eventfd, which ends a wait aside. */
  readonly #alarm: number;
  /**
   * Where the kernel writes events: memory of libc, because a wait aside may still write there when its
   * worker has been terminated and V8's memory is gone.
   */
  readonly #eventsAt: Deno.PointerObject;
  readonly #events: Int32Array;
  /** What is used at once is read here, so that it is still in the cache; old content is never read. */
  readonly scratch: Uint8Array<ArrayBuffer> = new Uint8Array(SCRATCH_BYTES);
  readonly #watched: (Watched | undefined)[] = [];
  /** What goes on at the next turn without another edge. */
  #later: Watched[] = [];
  #generation = 0;
  #turnNumber = 0;
  /**
   * When the events that are being dispatched were ready, by `performance.now()`, which costs 0.1 µs; 0
   * between.
   */
  #readyMs = 0;
  #accepts = ACCEPTS_A_TURN;
  #aside = false;
  #ended: PromiseWithResolvers<void> | undefined;
  #disposed = false;

  /**
   * Opens them.
   *
   * @throws {UnavailableError} where Deno does not permit it, or there is no such libc.
   */
  constructor() {
    const problem = whyNoEpoll();
    if (problem !== undefined) throw new UnavailableError(problem);
    try {
      this.#library = Deno.dlopen("libc.so.6", LIBC);
    } catch (error) {
      throw new UnavailableError(
        `sockets on epoll need glibc: leave out --sockets epoll (${messageOf(error)})`,
        { cause: error },
      );
    }
    this.libc = this.#library.symbols;
    this.#errno = new Int32Array(Deno.UnsafePointerView.getArrayBuffer(this.libc.__errno_location()!, 4));
    this.#eventsAt = this.libc.calloc(BigInt(EVENTS_A_TURN), BigInt(EVENT_WORDS * 4))!;
    this.#events = new Int32Array(
      Deno.UnsafePointerView.getArrayBuffer(this.#eventsAt, EVENTS_A_TURN * EVENT_WORDS * 4),
    );
    this.#epoll = this.libc.epoll_create1(CLOEXEC);
    this.#alarm = this.libc.eventfd(0, NONBLOCK | CLOEXEC);
    if (this.#epoll < 0 || this.#alarm < 0) throw this.error();
    this.watch({ fd: this.#alarm, generation: 0, ready() {}, close() {} }, EPOLLIN | EPOLLET);
  }

  /** {@linkcode Sockets.listen}. */
  listen(address: ListenAddress, { reusePort = false }: ListenOptions): SocketListener {
    const { libc } = this;
    const target = sockaddrOf(libc, address) ?? sockaddrOf(libc, { ...address, ...resolveHere(address) });
    if (target === undefined) throw new UnavailableError(whyNotListening(address, "no such address"));
    const fd = libc.socket(target[0]!, SOCK_STREAM, 0);
    try {
      if (fd < 0) throw this.error();
      this.setOption(fd, SOL_SOCKET, SO_REUSEADDR, true);
      this.setOption(fd, SOL_SOCKET, SO_REUSEPORT, reusePort);
      if (libc.bind(fd, target, target.length) < 0 || libc.listen(fd, BACKLOG) < 0) throw this.error();
      const name = new Uint8Array(28);
      libc.getsockname(fd, name, lengthOf(name));
      const listener = new EpollListener(this, fd, this.nextGeneration(), {
        hostname: hostnameOf(libc, name),
        port: name[2]! << 8 | name[3]!,
      });
      this.watch(listener, EPOLLIN | EPOLLET);
      this.#run();
      return listener;
    } catch (error) {
      if (fd >= 0) libc.close(fd);
      throw new UnavailableError(whyNotListening(address, error), { cause: error });
    }
  }

  /** {@linkcode Sockets.connect}. A name's addresses are tried in turn. */
  async connect({ hostname, port, signal }: ConnectOptions): Promise<TcpSocket> {
    const literal = sockaddrOf(this.libc, { hostname, port });
    if (literal !== undefined) return await this.#open(literal, hostname, signal);
    const found = await abortable(lookup(hostname, { all: true }).catch(() => []), signal);
    let failure: unknown;
    for (const { address } of found) {
      const target = sockaddrOf(this.libc, { hostname: address, port });
      if (target === undefined) continue;
      try {
        return await this.#open(target, address, signal);
      } catch (error) {
        if (signal.aborted) throw error;
        failure = error;
      }
    }
    // Says what is wrong with the name; or connects, where an address has a form that is not known here.
    if (failure === undefined) return await Deno.connect({ hostname, port, signal });
    throw failure;
  }

  #open(target: Uint8Array<ArrayBuffer>, hostname: string, signal: AbortSignal): Promise<TcpSocket> {
    const { libc } = this;
    if (this.#disposed) return Promise.reject(closedHere());
    const fd = libc.socket(target[0]!, SOCK_STREAM, 0);
    if (fd < 0) return Promise.reject(this.error());
    if (libc.connect(fd, target, target.length) < 0 && this.errno !== EINPROGRESS) {
      const error = this.error();
      libc.close(fd);
      return Promise.reject(error);
    }
    const conn = new EpollConn(this, fd, this.nextGeneration(), hostname);
    this.watch(conn, CONNECTION_EVENTS);
    this.#run();
    return conn.connected(signal);
  }

  /** {@linkcode Sockets.now}. */
  now(): number {
    return this.#readyMs || performance.now();
  }

  /** Closes everything that is open, and ends the loop. */
  async [Symbol.asyncDispose](): Promise<void> {
    if (!this.#disposed) {
      this.#disposed = true;
      for (const watched of this.#watched) watched?.close();
      if (this.#aside) this.#wake();
      if (this.#ended === undefined) this.#finish();
    }
    await this.#ended?.promise;
  }

  /** The error of the last call that has failed. */
  get errno(): number {
    return this.#errno[0]!;
  }

  /** An error as Deno would throw it. */
  error(errno: number = this.errno): Error {
    const text = Deno.UnsafePointerView.getCString(this.libc.strerror(errno)!);
    const [code, make = Error] = ERRORS[errno] ?? [undefined];
    return Object.assign(new make(`${text} (os error ${errno})`), code === undefined ? {} : { code });
  }

  /** Switches an option of a socket. */
  setOption(fd: number, level: number, name: number, on: boolean): void {
    this.libc.setsockopt(fd, level, name, new Uint8Array([Number(on), 0, 0, 0]), 4);
  }

  /** A number that no other socket which events may be under way of has. */
  nextGeneration(): number {
    return this.#generation = (this.#generation + 1) & 0x7fffffff;
  }

  /** Begins to watch a socket. */
  watch(watched: Watched, events: number): void {
    const event = new Int32Array(EVENT_WORDS);
    event[0] = events;
    event[FD_WORD] = watched.fd;
    event[FD_WORD + 1] = watched.generation;
    const bytes = new Uint8Array(event.buffer);
    if (this.libc.epoll_ctl(this.#epoll, EPOLL_CTL_ADD, watched.fd, bytes) < 0) throw this.error();
    this.#watched[watched.fd] = watched;
  }

  /** Closes a socket, which ends the watch. */
  closeSocket(fd: number): void {
    this.#watched[fd] = undefined;
    this.libc.close(fd);
  }

  /** The number of this turn of the loop. */
  get turn(): number {
    return this.#turnNumber;
  }

  /** Lets `watched` go on at the next turn: it has had its share of this one. */
  later(watched: Watched): void {
    this.#later.push(watched);
    if (this.#aside) this.#wake();
  }

  /** Takes one of the accepts of this turn; false if none is left. */
  takeAccept(): boolean {
    return this.#accepts > 0 && this.#accepts-- > 0;
  }

  #wake(): void {
    this.libc.eventfd_write(this.#alarm, 1n);
  }

  #run(): void {
    if (this.#ended !== undefined) return;
    this.#ended = Promise.withResolvers();
    setImmediate(this.#turn);
  }

  /** One turn. What it resolves goes on before the next, and so do timers and messages that are due. */
  readonly #turn = (): void => {
    if (this.#disposed) return this.#finish();
    this.#turnNumber++;
    this.#accepts = ACCEPTS_A_TURN;
    const going = this.#later;
    if (going.length > 0) {
      this.#later = [];
      for (const watched of going) watched.ready(0);
    }
    const waitMs = going.length > 0 || this.#later.length > 0 ? 0 : WAIT_MS;
    const count = this.libc.epoll_wait(this.#epoll, this.#eventsAt, EVENTS_A_TURN, waitMs);
    if (count > 0) this.#dispatch(count);
    if (count > 0 || waitMs === 0) setImmediate(this.#turn);
    else this.#waitAside();
  };

  async #waitAside(): Promise<void> {
    this.#aside = true;
    const { waitAside } = this.libc;
    const count = await waitAside(this.#epoll, this.#eventsAt, EVENTS_A_TURN, WAIT_ASIDE_MS);
    this.#aside = false;
    this.#turnNumber++;
    this.#accepts = ACCEPTS_A_TURN;
    if (count > 0 && !this.#disposed) this.#dispatch(count);
    setImmediate(this.#turn);
  }

  #dispatch(count: number): void {
    const events = this.#events;
    this.#readyMs = performance.now();
    for (let i = 0, at = 0; i < count; i++, at += EVENT_WORDS) {
      const watched = this.#watched[events[at + FD_WORD]!];
      if (watched !== undefined && watched.generation === events[at + FD_WORD + 1]) {
        watched.ready(events[at]!);
      }
    }
    this.#readyMs = 0;
  }

  #finish(): void {
    this.libc.close(this.#epoll);
    this.libc.close(this.#alarm);
    this.libc.free(this.#eventsAt);
    this.#library.close();
    this.#ended?.resolve();
  }
}

/** A socket that accepts connections. */
class EpollListener implements SocketListener, Watched {
  #acceptable = true;
  #waiting: PromiseWithResolvers<TcpSocket> | undefined;
  #closed = false;
  readonly #peer = new Uint8Array(28);

  constructor(
    readonly sockets: EpollSockets,
    readonly fd: number,
    readonly generation: number,
    readonly addr: ListenAddress,
  ) {}

  accept(): Promise<TcpSocket> {
    if (this.#closed) return Promise.reject(closedHere());
    const waiting = this.#waiting = Promise.withResolvers<TcpSocket>();
    if (this.#acceptable) this.#accept();
    return waiting.promise;
  }

  ready(): void {
    this.#acceptable = true;
    if (this.#waiting !== undefined && !this.#closed) this.#accept();
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.sockets.closeSocket(this.fd);
    this.#waiting?.reject(closedHere());
  }

  [Symbol.dispose](): void {
    this.close();
  }

  #accept(): void {
    const { sockets, fd } = this;
    const { libc } = sockets;
    const { resolve, reject } = this.#waiting!;
    this.#acceptable = sockets.takeAccept();
    if (!this.#acceptable) return sockets.later(this);
    const peer = this.#peer;
    for (;;) {
      const accepted = libc.accept4(fd, peer, lengthOf(peer), NONBLOCK | CLOEXEC);
      if (accepted >= 0) {
        this.#waiting = undefined;
        const conn = new EpollConn(sockets, accepted, sockets.nextGeneration(), hostnameOf(libc, peer));
        sockets.watch(conn, CONNECTION_EVENTS);
        return resolve(conn);
      }
      const { errno } = sockets;
      if (errno === EINTR || errno === ECONNABORTED) continue;
      if (errno === EAGAIN) {
        this.#acceptable = false;
        return;
      }
      this.#waiting = undefined;
      return reject(sockets.error(errno));
    }
  }
}

/** What waits for a socket to become ready: a read or a write. */
interface Pending {
  readonly bytes: Uint8Array<ArrayBuffer>;
  readonly resolve: (count: number) => void;
  readonly reject: (error: unknown) => void;
}

/** A connection. */
class EpollConn implements TcpSocket, Watched {
  readonly remoteAddr: { readonly hostname: string };
  /** Whether there may be something to read. */
  #readable = false;
  /** Whether the peer has ended or the connection is broken, so that it stays readable. */
  #ended = false;
  #closed = false;
  /** The turn in which something was last read. */
  #readTurn = -1;
  #receiver: Receiver | undefined;
  #reading: Pending | undefined;
  #writing: Pending | undefined;
  #connecting: ((events: number) => void) | undefined;

  constructor(
    readonly sockets: EpollSockets,
    readonly fd: number,
    readonly generation: number,
    hostname: string,
  ) {
    this.remoteAddr = { hostname };
  }

  /** Waits until the connection is open. */
  connected(signal: AbortSignal): Promise<this> {
    return new Promise((resolve, reject) => {
      const fail = (error: unknown) => {
        signal.removeEventListener("abort", abort);
        this.#connecting = undefined;
        this.close();
        reject(error);
      };
      const abort = () => fail(signal.reason);
      if (signal.aborted) return abort();
      signal.addEventListener("abort", abort, { once: true });
      this.#connecting = (events) => {
        if (this.#closed) return fail(closedHere());
        if ((events & (EPOLLOUT | ENDS)) === 0) return;
        const errno = this.#takeError();
        if (errno !== 0) return fail(this.sockets.error(errno));
        signal.removeEventListener("abort", abort);
        this.#connecting = undefined;
        resolve(this);
      };
    });
  }

  /**
   * Reads what there is. One read a turn is answered at once, so that a connection on which much comes does
   * not keep the others waiting.
   */
  read(into: Uint8Array): Promise<number | null> {
    if (this.#closed) return Promise.reject(closedHere());
    const bytes = into as Uint8Array<ArrayBuffer>;
    if (this.#readable) {
      if (this.#readTurn === this.sockets.turn) this.sockets.later(this);
      else {
        const count = this.#take(bytes);
        if (count >= 0) return Promise.resolve(count || null);
        if (count !== -EAGAIN) return Promise.reject(this.sockets.error(-count));
      }
    }
    return new Promise((resolve, reject) =>
      this.#reading = { bytes, resolve: (count) => resolve(count || null), reject }
    );
  }

  write(from: Uint8Array): Promise<number> {
    if (this.#closed) return Promise.reject(closedHere());
    const bytes = from as Uint8Array<ArrayBuffer>;
    const count = this.#give(bytes, bytes.length);
    if (count >= 0) return Promise.resolve(count);
    if (count !== -EAGAIN) return Promise.reject(this.sockets.error(-count));
    return new Promise((resolve, reject) => this.#writing = { bytes, resolve, reject });
  }

  /** What has come already is handed over in the next turn, so that it does not keep others waiting. */
  receive(receiver: Receiver): void {
    this.#receiver = receiver;
    if (this.#closed) this.#refuse();
    else if (this.#readable) this.sockets.later(this);
  }

  send(bytes: Uint8Array, length: number): number {
    if (this.#closed) throw closedHere();
    const count = this.#give(bytes as Uint8Array<ArrayBuffer>, length);
    if (count >= 0) return count;
    if (count === -EAGAIN) return 0;
    throw this.sockets.error(-count);
  }

  closeWrite(): Promise<void> {
    if (this.#closed) return Promise.reject(closedHere());
    const { libc } = this.sockets;
    return libc.shutdown(this.fd, SHUT_WR) < 0 ? Promise.reject(this.sockets.error()) : Promise.resolve();
  }

  setNoDelay(on = true): void {
    this.sockets.setOption(this.fd, IPPROTO_TCP, TCP_NODELAY, on);
  }

  setKeepAlive(on = true): void {
    this.sockets.setOption(this.fd, SOL_SOCKET, SO_KEEPALIVE, on);
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    // As Deno does: a peer whose bytes have not been read gets a FIN before its reset.
    this.sockets.libc.shutdown(this.fd, SHUT_WR);
    this.sockets.closeSocket(this.fd);
    this.#connecting?.(0);
    this.#reading?.reject(closedHere());
    this.#writing?.reject(closedHere());
    this.#refuse();
    this.#reading = this.#writing = undefined;
  }

  ready(events: number): void {
    if (this.#closed) return;
    if (this.#connecting !== undefined) this.#connecting(events);
    if ((events & ENDS) !== 0) this.#ended = true;
    if ((events & (EPOLLIN | ENDS)) !== 0) this.#readable = true;
    if (this.#receiver !== undefined && this.#readable) this.#deliver(this.#receiver);
    const reading = this.#reading;
    if (reading !== undefined && this.#readable) {
      const count = this.#take(reading.bytes);
      if (count !== -EAGAIN) {
        this.#reading = undefined;
        if (count >= 0) reading.resolve(count);
        else reading.reject(this.sockets.error(-count));
      }
    }
    const writing = this.#writing;
    if (writing !== undefined && (events & (EPOLLOUT | ENDS)) !== 0) {
      const count = this.#give(writing.bytes, writing.bytes.length);
      if (count !== -EAGAIN) {
        this.#writing = undefined;
        if (count >= 0) writing.resolve(count);
        else writing.reject(this.sockets.error(-count));
      }
    }
  }

  #deliver(receiver: Receiver): void {
    const { sockets } = this;
    const { scratch } = sockets;
    const count = this.#take(scratch);
    if (count === -EAGAIN) return;
    this.#receiver = undefined;
    if (count >= 0) receiver.arrived(scratch, count);
    else receiver.failed(sockets.error(-count));
  }

  /** Tells whoever waits for bytes that this side has closed the connection, and not amid that. */
  #refuse(): void {
    const receiver = this.#receiver;
    this.#receiver = undefined;
    if (receiver !== undefined) queueMicrotask(() => receiver.failed(closedHere()));
  }

  /** Returns how many bytes came, 0 at the end, or the negative number of an error. */
  #take(into: Uint8Array<ArrayBuffer>): number {
    const { sockets } = this;
    const { length } = into;
    this.#readTurn = sockets.turn;
    for (;;) {
      const count = sockets.libc.recv(this.fd, into, length, 0);
      if (count >= 0) {
        this.#readable = count === length || this.#ended;
        return count;
      }
      const { errno } = sockets;
      if (errno === EAGAIN) this.#readable = false;
      if (errno !== EINTR) return -errno;
    }
  }

  /** Returns how many bytes were taken, or the negative number of an error. */
  #give(bytes: Uint8Array<ArrayBuffer>, length: number): number {
    const { sockets } = this;
    for (;;) {
      const count = sockets.libc.send(this.fd, bytes, length, MSG_NOSIGNAL);
      if (count >= 0) return count;
      const { errno } = sockets;
      if (errno !== EINTR) return -errno;
    }
  }

  #takeError(): number {
    const value = new Uint8Array(4);
    this.sockets.libc.getsockopt(this.fd, SOL_SOCKET, SO_ERROR, value, lengthOf(value));
    return value[0]! | value[1]! << 8;
  }
}

type Libc = EpollSockets["libc"];

/** Any error of what was closed from this side. */
function closedHere(): Error {
  return new Deno.errors.BadResource("closed here");
}

/** A `socklen_t` that says how long the buffer is. */
function lengthOf(buffer: Uint8Array): Uint8Array<ArrayBuffer> {
  return new Uint8Array([buffer.length, 0, 0, 0]);
}

/** A `struct sockaddr` of an IP address and a port; `undefined` for a name (ip(7), ipv6(7)). */
function sockaddrOf(libc: Libc, { hostname, port }: ListenAddress): Uint8Array<ArrayBuffer> | undefined {
  const [family, size, at] = hostname.includes(":") ? [AF_INET6, 28, 8] : [AF_INET, 16, 4];
  const target = new Uint8Array(size!);
  target.set([family!, 0, port >> 8, port & 255]);
  const text = new TextEncoder().encode(`${hostname}\0`);
  return libc.inet_pton(family!, text, target.subarray(at!)) === 1 ? target : undefined;
}

/** The IP address in a `struct sockaddr`. */
function hostnameOf(libc: Libc, address: Uint8Array<ArrayBuffer>): string {
  if (address[0] === AF_INET) return `${address[4]}.${address[5]}.${address[6]}.${address[7]}`;
  const text = new Uint8Array(46);
  libc.inet_ntop(AF_INET6, address.subarray(8), text, text.length);
  return new TextDecoder().decode(text.subarray(0, text.indexOf(0)));
}

/** The address of a name to listen on: that on which Deno would. */
function resolveHere({ hostname }: ListenAddress): { hostname: string } {
  const listener = listenOn({ hostname, port: 0 });
  listener.close();
  return { hostname: listener.addr.hostname };
}
