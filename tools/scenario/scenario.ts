/**
 * A scenario as its author writes it: a question, the runs that answer it, and which of them is the baseline.
 *
 * All of it is data. Durations and sizes are numbers in the unit that the option documents, or text with its
 * unit.
 *
 * @module
 */

import type { Duration, Size } from "./units.ts";
import type { Sysctls } from "./sysctls.ts";

export type { Duration, Size, Sysctls };

/** A gateway of ours on `Deno.serve` and `fetch` over one `Deno.HttpClient`, whose pool has one limit. */
export interface HttpClientGateway {
  /** This transport is the default. */
  readonly transport?: "http-client" | undefined;
  /**
   * Idle connections kept for the backend; 0 keeps none, `false` is no limit. Default `false`, as in Deno. A
   * connection that comes back when so many are idle is closed by the gateway, which then holds its
   * TIME_WAIT.
   */
  readonly poolMaxIdlePerHost?: number | false | undefined;
  /**
   * How long an idle connection is kept (ms); 0 keeps none, `false` keeps it until the backend closes it.
   * Default 90 s.
   */
  readonly poolIdleTimeout?: Duration | false | undefined;
  /** Threads, among which `poolMaxIdlePerHost` is divided. Default 1. */
  readonly workers?: number | undefined;
}

/** A gateway of ours on its own proxy and connection pool, with the limits of Go's `http.Transport`. */
export interface NetHttpGateway {
  /** Selects our own proxy. */
  readonly transport: "net-http";
  /** Idle connections kept, all backends together; 0 is no limit. Default 100. */
  readonly maxIdleConns?: number | undefined;
  /** Idle connections kept for one backend; 0 keeps none (in Go it means the default). Default 2. */
  readonly maxIdleConnsPerHost?: number | undefined;
  /**
   * Connections to one backend: dialing, in use and idle. At the limit requests wait in line. 0 is no limit.
   * Default 0.
   */
  readonly maxConnsPerHost?: number | undefined;
  /** How long an idle connection is kept (ms); 0 is for ever. Default 90 s. */
  readonly idleConnTimeout?: Duration | undefined;
  /**
   * Uses each connection for one request, and says so to the backend (`Connection: close`). Default false.
   */
  readonly disableKeepAlives?: boolean | undefined;
  /**
   * How long a request waits for a connection, its place in line included (ms); then 504. 0 is for ever.
   * Default 5 s.
   */
  readonly dialTimeout?: Duration | undefined;
  /** How long the backend may take until its response head (ms); then 504. 0 is for ever. Default 60 s. */
  readonly responseHeaderTimeout?: Duration | undefined;
  /** How long a client may take to send a request head (ms); then 408. 0 is for ever. Default 5 s. */
  readonly requestHeaderTimeout?: Duration | undefined;
  /**
   * What carries the bytes: Deno's own sockets, or `epoll`, which costs less CPU time. That needs Linux, and
   * permission for the gateway to call any code (`--allow-ffi`), which voids Deno's sandbox. Default `deno`.
   */
  readonly sockets?: "deno" | "epoll" | undefined;
  /** Threads. Default: one for each CPU, and never more than `maxConnsPerHost`. */
  readonly workers?: number | undefined;
}

/** Any other gateway, as a command line for `sh`. */
export interface CommandGateway {
  /**
   * Must stay in the foreground. Placeholders: `{listen}` and `{upstream}` for `HOST:PORT` and
   * `http://HOST:PORT`; `{listen_host}`, `{listen_port}`, `{upstream_host}`, `{upstream_port}` for their
   * parts. Where there are several backends, `{upstream}` is the first, `{upstream_2}` and so on are the
   * others as `http://HOST:PORT`, and `{upstreams}` is all of them as `HOST:PORT` with commas between. In a
   * scenario file `{folder}` is the folder of the file, quoted for the shell.
   */
  readonly command: string;
}

/** A gateway that runs already on a host that is given, at the `url` of the run or of the scenario. */
export interface ExistingGateway {
  /** Nobody starts or stops it: it is watched. */
  readonly running: true;
}

/** What stands between the client and the backend. */
export type Gateway = HttpClientGateway | NetHttpGateway | CommandGateway | ExistingGateway;

/**
 * A time that may differ from one answer to the next: from `"70ms..200ms"` each is as likely as any other.
 */
export type Spread = Duration | `${number}${string}..${number}${string}`;

/** A backend of ours: what it does with each request, and when it ends a connection. */
export interface OwnBackend {
  /**
   * Added to each answer (ms), or a spread such as `"70ms..200ms"`, drawn alike in each run. Default 0: no
   * timer is involved.
   */
  readonly latency?: Spread | undefined;
  /** Share of the answers that take `slowLatency` instead, from 0 to 1. Default 0. */
  readonly slowShare?: number | undefined;
  /** What the slow answers take (ms). Default 2 s where `slowShare` is given. */
  readonly slowLatency?: Duration | undefined;
  /** Size of each answer's body (bytes), up to 256 MiB; 0 is an empty body. Default 12. */
  readonly bodyBytes?: Size | undefined;
  /**
   * Status of each answer, 200 to 599, or the share of each: `{ 200: 0.99, 503: 0.01 }`, 1 in all. 204, 205
   * and 304 carry no body (RFC 9110 §6.4.1). Default 200.
   */
  readonly status?: number | Readonly<Record<number, number>> | undefined;
  /** Ends each connection with the answer to its request of this number; 0 for no limit. Default 0. */
  readonly closeAfterRequests?: number | undefined;
  /** Ends each connection that was idle so long (ms); 0 for never. Default 0. */
  readonly idleTimeout?: Duration | undefined;
  /** Ends the connection with each answer of these statuses. Default none. */
  readonly closeOnStatus?: number | readonly number[] | undefined;
  /** Share of the requests whose connection ends in place of an answer, from 0 to 1. Default 0. */
  readonly closeBeforeAnswer?: number | undefined;
  /**
   * Whether the last answer of a connection says `Connection: close` where the backend ends the connection
   * unasked, as nginx does. Default true.
   */
  readonly announceClose?: boolean | undefined;
  /**
   * How the backend ends a connection unasked: in order, or by a reset, which leaves no TIME_WAIT. A reset
   * may overtake the end of an answer that the peer has not received yet. Default `fin`.
   */
  readonly closeBy?: "fin" | "rst" | undefined;
  /**
   * Answers in HTTP/1.0: each connection ends with its answer, unless the request asks for `keep-alive`.
   * Default false.
   */
  readonly http10?: boolean | undefined;
}

/** Any other backend, as a command line for `sh`. Nothing is witnessed of its connections. */
export interface CommandBackend {
  /**
   * Must stay in the foreground. Placeholders: `{listen}` for `HOST:PORT`; `{listen_host}` and
   * `{listen_port}` for its parts. In a scenario file `{folder}` is the folder of the file, quoted for the
   * shell.
   */
  readonly command: string;
}

/** A backend that runs already, on a host that is given or where nobody looks. Nothing is witnessed there. */
export interface ExistingBackend {
  /** Nobody starts or stops it. */
  readonly running: true;
}

/** The server at the end. */
export type Backend = OwnBackend | CommandBackend | ExistingBackend;

/**
 * Machines of the reader's own, each as a command prefix: what stands before a command to run it there, such
 * as `ssh load1` or `kubectl exec -i POD --`; `""` is this machine. Exactly `PREFIX sh` is started, and needs
 * `sh`, `cat`, `kill`, `sleep` and /proc there, on a client `wrk` besides.
 */
export interface Hosts {
  /** Where the load comes from. Among several it is divided exactly. Default: this machine. */
  readonly client?: string | readonly string[] | undefined;
  /** Where the gateways run. Left out: it is not watched, and its side of the connections is not known. */
  readonly gateway?: string | undefined;
  /** Where the backend runs. Left out: it is not watched. */
  readonly backend?: string | undefined;
}

/** A load with pauses. */
export interface Burst {
  /** How long requests are sent (ms), above 0. */
  readonly on: Duration;
  /** How long none are sent after that (ms), above 0. */
  readonly off: Duration;
}

/** How much load, and for how long. */
export interface Load {
  /**
   * Connections kept open, each with at most one request in flight: the concurrency that a pool must hold.
   * Default 1,000.
   */
  readonly connections?: number | undefined;
  /** Threads of wrk, which must divide the connections. Default: the most up to 2 that do. */
  readonly threads?: number | undefined;
  /** Length of each repetition's load (ms); whole seconds for wrk. Default 2 s. */
  readonly duration?: Duration | undefined;
  /**
   * The same load before it, not counted (ms); whole seconds for wrk; 0 for none. Default 1 s. A gateway that
   * compiles itself while it runs, as every JavaScript gateway does, is slower in its first second than ever
   * after. TIME_WAITs of the warm-up are there when the load begins.
   */
  readonly warmUp?: Duration | undefined;
  /** An answer slower than this counts as failed (ms); whole seconds for wrk. Default 2 s. */
  readonly timeout?: Duration | undefined;
  /**
   * Header lines sent with each request, `Name: value`; a `Host` takes the place of the generator's own.
   * Content-Length and Transfer-Encoding are the generator's; `Connection: close` makes wrk and the open loop
   * open a connection for each request. Results keep no secrets: the value of Authorization, Cookie and the
   * like is masked in them. Default none.
   */
  readonly headers?: readonly string[] | undefined;
  /** A Lua script for wrk. In a scenario file its path is relative to the file. Default none. */
  readonly script?: string | undefined;
  /**
   * Requests a second, evenly spaced, sent whether or not those before were answered: an open loop, whose
   * latencies count from when each request was due. Default none: a closed loop, in which each connection
   * waits for its answer.
   */
  readonly rate?: number | undefined;
  /**
   * Requests are sent for `on`, then none for `off`, and so on; the first `on` begins with the load. The
   * connections stay open over a pause. Requests per second count over the time with its pauses, and `rate`
   * is that of the time without them. Not for autocannon. Default none.
   */
  readonly burst?: Burst | undefined;
  /** Method of each request. Default `GET`, with a `requestBody` `POST`. */
  readonly method?: RequestMethod | undefined;
  /** Size of each request's body (bytes), up to 16 MiB. Default none. */
  readonly requestBody?: Size | undefined;
  /**
   * Share of the requests, from 0 to 1, whose client leaves before the answer: it closes the connection, and
   * the next request opens another. For a load with a `rate` alone. Default 0.
   */
  readonly abandon?: number | undefined;
  /**
   * How long after it was sent such a request is given up (ms); below the timeout. A request that was
   * answered by then counts as answered. Default 50 ms where `abandon` is given.
   */
  readonly abandonAfter?: Duration | undefined;
}

/** The methods that a load can use. `HEAD` is none, because wrk would wait for a body. */
export type RequestMethod = "GET" | "POST" | "PUT" | "PATCH" | "DELETE";

/** One named configuration. It may differ from the others in anything that a scenario can say. */
export interface Run {
  /** Unique in its scenario. */
  readonly name: string;
  /** What stands in between. Left out: the load goes straight at the backend. */
  readonly gateway?: Gateway | undefined;
  /**
   * Where the load goes, on hosts that are given: `http://HOST:PORT/PATH`. A gateway of this run that is to
   * be started listens there. Default: the `url` of the scenario; for a run without a gateway its
   * `backendUrl`.
   */
  readonly url?: string | undefined;
  /** What differs from the scenario's backend. A command takes the place of all that the scenario says. */
  readonly backend?: Backend | undefined;
  /** How many backends. Default: as the scenario says. */
  readonly backends?: number | undefined;
  /** What differs from the scenario's load. */
  readonly load?: Load | undefined;
  /**
   * Sysctls of this run, beside or instead of the scenario's; of the gateway unless a name says otherwise.
   */
  readonly sysctls?: Sysctls | undefined;
  /**
   * `true`: all three hosts are one, which talk over 127.0.0.1. `false`: across the links of the lab, and in
   * a host lab, which has none, the run fails. Default: as the lab is.
   */
  readonly loopback?: boolean | undefined;
  /**
   * Whether a probe on the gateway's host times a connect to the backend 20 times a second. Default: as the
   * scenario says.
   */
  readonly probeConnects?: boolean | undefined;
}

/**
 * Settings to vary, each by the name of its option in load, backend or gateway (`connections`, `latency`,
 * `maxIdleConns`), with its values: a list, or text such as `"50,100,200"`, `"50..1000"` (each twice the one
 * before, and 1000 in any case) or `"50..1000/5"` (five values in equal steps).
 */
export type Sweep = Readonly<Record<string, string | readonly (number | string)[]>>;

/** Everything that a bench measures to answer one question. Its name is that of its file. */
export interface Scenario {
  /** What it answers, in one sentence; the report's title. */
  readonly question: string;
  /** What its author expects to see; kept in the results, which are not checked against it. */
  readonly expectation?: string | undefined;
  /** The name of the run that the others are compared with. Default: the first. */
  readonly baseline?: string | undefined;
  /** At least one. In each round every run is measured once, in an order drawn at random. */
  readonly runs: readonly Run[];
  /**
   * Machines to measure on, in place of a lab. Nothing there is fresh and no knob is written. The backend
   * runs already unless a `backend` is given. Default: a lab of our own.
   */
  readonly hosts?: Hosts | undefined;
  /** Where the gateway is reached on those hosts: `http://HOST:PORT/PATH`. */
  readonly url?: string | undefined;
  /**
   * Where the backend is reached from the gateway's host: `http://HOST:PORT/`. Left out: its port is taken to
   * be the one towards which the gateway holds most connections.
   */
  readonly backendUrl?: string | undefined;
  /** The load of all runs. */
  readonly load?: Load | undefined;
  /** The backend of all runs. */
  readonly backend?: Backend | undefined;
  /**
   * How many backends of that kind, 1 to 16, each on a port of its own. A gateway of ours with several needs
   * the transport `net-http`, which sends requests to them in turn. A load that goes straight at the backend
   * uses the first. Default 1.
   */
  readonly backends?: number | undefined;
  /** Sysctls of all runs. */
  readonly sysctls?: Sysctls | undefined;
  /**
   * Whether a probe on the gateway's host times a connect to the backend 20 times a second. Default false.
   */
  readonly probeConnects?: boolean | undefined;
  /**
   * Settings to vary: each run is measured at each value, or with several settings at each combination of
   * their values. Default none.
   */
  readonly sweep?: Sweep | undefined;
}
