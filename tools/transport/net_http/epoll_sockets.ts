/**
 * TCP sockets on libc's epoll, called through Deno's FFI, behind the same interface as Deno's own. Linux only.
 *
 * @module
 */

const IN = 0x1, OUT = 0x4, ERR = 0x8, HUP = 0x10, RDHUP = 0x2000, ET = 1 << 31;
const ENDS = ERR | HUP | RDHUP;
const CTL_ADD = 1;
const AF_INET = 2, SOCK_STREAM = 1, SOCK_NONBLOCK = 0o4000, SOCK_CLOEXEC = 0o2000000;
const SOL_SOCKET = 1, SO_REUSEADDR = 2, SO_ERROR = 4, SO_KEEPALIVE = 9, SO_REUSEPORT = 15;
const IPPROTO_TCP = 6, TCP_NODELAY = 1;
const MSG_NOSIGNAL = 0x4000;
const SHUT_WR = 1;
const EINTR = 4, EAGAIN = 11, ECONNABORTED = 103, EINPROGRESS = 115;

const LIBC = {
  __errno_location: { parameters: [], result: "pointer" },
  epoll_create1: { parameters: ["i32"], result: "i32" },
  epoll_ctl: { parameters: ["i32", "i32", "i32", "buffer"], result: "i32" },
  epoll_wait: { parameters: ["i32", "buffer", "i32", "i32"], result: "i32" },
  waitAside: {
    name: "epoll_wait",
    parameters: ["i32", "buffer", "i32", "i32"],
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

const MAX_EVENTS = 32;
const ACCEPTS_A_TURN = 32;
/** How long a thread that has had work waits for more in epoll itself. */
const LINGER_MS = 1;
const PACKED = Deno.build.arch === "x86_64";
const EVENT_WORDS = PACKED ? 3 : 4;
const FD_WORD = PACKED ? 1 : 2;

interface Watched {
  readonly generation: number;
  ready(events: number): void;
}

/** An epoll instance with the sockets of one thread. */
export class EpollSockets {
  readonly #lib = Deno.dlopen("libc.so.6", LIBC);
  readonly libc = this.#lib.symbols;
  readonly errno: Int32Array = new Int32Array(
    Deno.UnsafePointerView.getArrayBuffer(this.libc.__errno_location()!, 4),
  );
  readonly #epoll = this.libc.epoll_create1(SOCK_CLOEXEC);
  readonly #alarm = this.libc.eventfd(0, SOCK_NONBLOCK | SOCK_CLOEXEC);
  readonly #events = new Int32Array(MAX_EVENTS * EVENT_WORDS);
  readonly #eventBytes = new Uint8Array(this.#events.buffer);
  readonly #ctl = new Int32Array(EVENT_WORDS);
  readonly #ctlBytes = new Uint8Array(this.#ctl.buffer);
  readonly #watched: (Watched | undefined)[] = [];
  #generation = 0;
  #closed = false;
  accepts = 0;
  readonly retries: EpollListener[] = [];

  constructor() {
    this.add(this.#alarm, IN, { generation: ++this.#generation, ready() {} });
    this.#turn();
  }

  nextGeneration(): number {
    return this.#generation = (this.#generation + 1) & 0x7fffffff;
  }

  add(fd: number, events: number, watched: Watched): void {
    this.#ctl[0] = events;
    this.#ctl[FD_WORD] = fd;
    this.#ctl[FD_WORD + 1] = watched.generation;
    if (this.libc.epoll_ctl(this.#epoll, CTL_ADD, fd, this.#ctlBytes) < 0) throw this.error("epoll_ctl");
    this.#watched[fd] = watched;
  }

  close(fd: number): void {
    this.#watched[fd] = undefined;
    this.libc.close(fd);
  }

  error(what: string, errno: number = this.errno[0]!): Error {
    return new Error(`${what}: errno ${errno}`);
  }

  setOption(fd: number, level: number, name: number, value: boolean): void {
    this.libc.setsockopt(fd, level, name, new Uint8Array(new Int32Array([Number(value)]).buffer), 4);
  }

  readonly #turn = (): void => {
    if (this.#closed) return;
    this.accepts = ACCEPTS_A_TURN;
    const timeout = this.retries.length > 0 ? 0 : LINGER_MS;
    for (const listener of this.retries.splice(0)) listener.ready(IN);
    const count = this.libc.epoll_wait(this.#epoll, this.#eventBytes, MAX_EVENTS, timeout);
    if (count > 0) {
      this.#dispatch(count);
      setImmediate(this.#turn);
    } else if (this.retries.length > 0) setImmediate(this.#turn);
    else {
      this.libc.waitAside(this.#epoll, this.#eventBytes, MAX_EVENTS, -1).then((count) => {
        if (this.#closed) return;
        this.accepts = ACCEPTS_A_TURN;
        if (count > 0) this.#dispatch(count);
        setImmediate(this.#turn);
      });
    }
  };

  #dispatch(count: number): void {
    const events = this.#events;
    for (let i = 0, at = 0; i < count; i++, at += EVENT_WORDS) {
      const watched = this.#watched[events[at + FD_WORD]!];
      if (watched !== undefined && watched.generation === events[at + FD_WORD + 1]) watched.ready(events[at]!);
    }
  }

  listen({ hostname, port }: { hostname: string; port: number }, reusePort: boolean): EpollListener {
    const { libc } = this;
    const fd = libc.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    this.setOption(fd, SOL_SOCKET, SO_REUSEADDR, true);
    if (reusePort) this.setOption(fd, SOL_SOCKET, SO_REUSEPORT, true);
    if (libc.bind(fd, sockaddr(hostname, port), 16) < 0 || libc.listen(fd, 65535) < 0) {
      throw this.error("listen");
    }
    const name = new Uint8Array(16);
    libc.getsockname(fd, name, new Uint8Array([16, 0, 0, 0]));
    const listener = new EpollListener(this, fd, { hostname, port: name[2]! << 8 | name[3]! });
    this.add(fd, IN | ET, listener);
    return listener;
  }

  connect(
    { hostname, port, signal }: { hostname: string; port: number; signal?: AbortSignal },
  ): Promise<EpollConn> {
    const fd = this.libc.socket(AF_INET, SOCK_STREAM | SOCK_NONBLOCK | SOCK_CLOEXEC, 0);
    if (fd < 0) return Promise.reject(this.error("socket"));
    const conn = new EpollConn(this, fd, hostname);
    if (this.libc.connect(fd, sockaddr(hostname, port), 16) < 0 && this.errno[0] !== EINPROGRESS) {
      const error = this.error("connect");
      conn.close();
      return Promise.reject(error);
    }
    this.add(fd, IN | OUT | RDHUP | ET, conn);
    return conn.connected(signal);
  }

  [Symbol.dispose](): void {
    this.#closed = true;
    this.libc.eventfd_write(this.#alarm, 1n);
  }
}

function sockaddr(hostname: string, port: number): Uint8Array<ArrayBuffer> {
  const [a, b, c, d] = hostname.split(".").map(Number);
  return new Uint8Array([AF_INET, 0, port >> 8, port & 255, a!, b!, c!, d!, 0, 0, 0, 0, 0, 0, 0, 0]);
}

export class EpollListener implements Watched {
  readonly generation: number;
  #acceptable = true;
  #waiting: PromiseWithResolvers<EpollConn> | undefined;
  #closed = false;
  readonly #peer = new Uint8Array(16);
  readonly #length = new Uint8Array([16, 0, 0, 0]);

  constructor(
    readonly sockets: EpollSockets,
    readonly fd: number,
    readonly addr: { hostname: string; port: number },
  ) {
    this.generation = sockets.nextGeneration();
  }

  accept(): Promise<EpollConn> {
    this.#waiting = Promise.withResolvers<EpollConn>();
    const { promise } = this.#waiting;
    this.#try();
    return promise;
  }

  ready(_events: number): void {
    this.#acceptable = true;
    this.#try();
  }

  #try(): void {
    const { sockets } = this;
    if (!this.#acceptable || this.#waiting === undefined || this.#closed) return;
    if (sockets.accepts === 0) {
      sockets.retries.push(this);
      this.#acceptable = false;
      return;
    }
    sockets.accepts--;
    const { promise: _, resolve, reject } = this.#waiting;
    for (;;) {
      this.#length[0] = 16;
      const fd = sockets.libc.accept4(this.fd, this.#peer, this.#length, SOCK_NONBLOCK | SOCK_CLOEXEC);
      if (fd >= 0) {
        this.#waiting = undefined;
        const conn = new EpollConn(sockets, fd, this.#peer.subarray(4, 8).join("."));
        sockets.add(fd, IN | OUT | RDHUP | ET, conn);
        return resolve(conn);
      }
      const errno = sockets.errno[0]!;
      if (errno === EINTR || errno === ECONNABORTED) continue;
      if (errno === EAGAIN) {
        this.#acceptable = false;
        return;
      }
      this.#waiting = undefined;
      return reject(sockets.error("accept"));
    }
  }

  close(): void {
    if (this.#closed) return;
    this.#closed = true;
    this.sockets.close(this.fd);
    this.#waiting?.reject(new Deno.errors.BadResource("listener has been closed"));
  }
}

export class EpollConn implements Watched {
  readonly generation: number;
  readonly remoteAddr: { readonly hostname: string };
  #readable = false;
  #ended = false;
  #closed = false;
  #into: Uint8Array<ArrayBuffer> | undefined;
  #resolveRead: ((count: number | null) => void) | undefined;
  #rejectRead: ((error: unknown) => void) | undefined;
  #from: Uint8Array | undefined;
  #resolveWrite: ((count: number) => void) | undefined;
  #rejectWrite: ((error: unknown) => void) | undefined;
  #onConnect: ((events: number) => void) | undefined;

  constructor(readonly sockets: EpollSockets, readonly fd: number, hostname: string) {
    this.generation = sockets.nextGeneration();
    this.remoteAddr = { hostname };
  }

  connected(signal: AbortSignal | undefined): Promise<this> {
    return new Promise((resolve, reject) => {
      const abort = () => {
        this.#onConnect = undefined;
        this.close();
        reject(signal!.reason);
      };
      if (signal?.aborted) return abort();
      signal?.addEventListener("abort", abort, { once: true });
      this.#onConnect = (events) => {
        if ((events & (OUT | ENDS)) === 0) return;
        this.#onConnect = undefined;
        signal?.removeEventListener("abort", abort);
        const value = new Int32Array(1);
        this.sockets.libc.getsockopt(
          this.fd,
          SOL_SOCKET,
          SO_ERROR,
          new Uint8Array(value.buffer),
          new Uint8Array([4, 0, 0, 0]),
        );
        if (value[0] === 0) return resolve(this);
        this.close();
        reject(this.sockets.error("connect", value[0]!));
      };
    });
  }

  ready(events: number): void {
    if (this.#onConnect !== undefined) this.#onConnect(events);
    if (this.#closed) return;
    if ((events & ENDS) !== 0) this.#ended = this.#readable = true;
    else if ((events & IN) !== 0) this.#readable = true;
    if (this.#readable && this.#into !== undefined) {
      const resolve = this.#resolveRead!, reject = this.#rejectRead!, into = this.#into;
      const count = this.#recv(into);
      if (count !== -EAGAIN) {
        this.#into = undefined;
        if (count >= 0) resolve(count === 0 ? null : count);
        else reject(this.sockets.error("read", -count));
      }
    }
    if ((events & (OUT | ENDS)) !== 0 && this.#from !== undefined) {
      const resolve = this.#resolveWrite!, reject = this.#rejectWrite!;
      const count = this.#send(this.#from);
      if (count !== -EAGAIN) {
        this.#from = undefined;
        if (count >= 0) resolve(count);
        else reject(this.sockets.error("write", -count));
      }
    }
  }

  #recv(into: Uint8Array<ArrayBuffer>): number {
    const { libc, errno } = this.sockets;
    for (;;) {
      const count = libc.recv(this.fd, into, into.length, 0);
      if (count < into.length && !this.#ended) this.#readable = false;
      if (count >= 0) return count;
      if (errno[0] === EAGAIN) this.#readable = false;
      if (errno[0] !== EINTR) return -errno[0]!;
    }
  }

  #send(bytes: Uint8Array): number {
    const { libc, errno } = this.sockets;
    for (;;) {
      const count = libc.send(this.fd, bytes as Uint8Array<ArrayBuffer>, bytes.length, MSG_NOSIGNAL);
      if (count >= 0) return count;
      if (errno[0] !== EINTR) return -errno[0]!;
    }
  }

  read(into: Uint8Array): Promise<number | null> {
    if (this.#closed) return Promise.reject(new Deno.errors.BadResource("connection closed"));
    if (this.#readable) {
      const count = this.#recv(into as Uint8Array<ArrayBuffer>);
      if (count >= 0) return Promise.resolve(count === 0 ? null : count);
      if (count !== -EAGAIN) return Promise.reject(this.sockets.error("read", -count));
    }
    this.#into = into as Uint8Array<ArrayBuffer>;
    return new Promise((resolve, reject) => {
      this.#resolveRead = resolve;
      this.#rejectRead = reject;
    });
  }

  write(bytes: Uint8Array): Promise<number> {
    if (this.#closed) return Promise.reject(new Deno.errors.BadResource("connection closed"));
    const count = this.#send(bytes);
    if (count >= 0) return Promise.resolve(count);
    if (count !== -EAGAIN) return Promise.reject(this.sockets.error("write", -count));
    this.#from = bytes;
    return new Promise((resolve, reject) => {
      this.#resolveWrite = resolve;
      this.#rejectWrite = reject;
    });
  }

  closeWrite(): Promise<void> {
    if (this.#closed || this.sockets.libc.shutdown(this.fd, SHUT_WR) < 0) {
      return Promise.reject(this.sockets.error("shutdown"));
    }
    return Promise.resolve();
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
    this.sockets.close(this.fd);
    const error = new Deno.errors.BadResource("connection closed");
    if (this.#into !== undefined) this.#rejectRead!(error);
    if (this.#from !== undefined) this.#rejectWrite!(error);
    this.#into = this.#from = undefined;
  }
}
