/**
 * Plans: what a scenario asks for with every default filled in. A plan is made once, by the resolver; it
 * stands in the results as it is, and goes as JSON to the processes that carry it out.
 *
 * @module
 */

import type { Amount, Count, Share } from "../figures.ts";
import type { ResolvedPoolLimits } from "../transport/pool/limits.ts";
import type { Sweep } from "./scenario.ts";

/** A gateway of ours over a `Deno.HttpClient`. */
export interface HttpClientPlan {
  /** Selects it. */
  readonly transport: "http-client";
  /** Idle connections kept for the backend; 0 keeps none, `false` is no limit. */
  readonly poolMaxIdlePerHost: Count | false;
  /**
   * How long an idle connection is kept, in milliseconds; 0 keeps none, `false` keeps it until the backend
   * closes it.
   */
  readonly poolIdleTimeoutMs: Amount | false;
  /**
   * Threads, among which `poolMaxIdlePerHost` is divided.
   *
   * @asType integer
   * @minimum 1
   */
  readonly workers: number;
}

/** A gateway of ours on its own proxy and connection pool. */
export interface NetHttpPlan extends ResolvedPoolLimits {
  /** Selects it. */
  readonly transport: "net-http";
  /** How long a request waits for a connection, in milliseconds; 0 is for ever. */
  readonly dialTimeoutMs: Amount;
  /** How long the backend may take until its response head, in milliseconds; 0 is for ever. */
  readonly responseHeaderTimeoutMs: Amount;
  /** How long a client may take to send a request head, in milliseconds; 0 is for ever. */
  readonly requestHeaderTimeoutMs: Amount;
  /** What carries the bytes. Left out: Deno's own sockets. */
  readonly sockets?: "epoll";
  /**
   * Threads.
   *
   * @asType integer
   * @minimum 1
   */
  readonly workers: number;
}

/** Any other gateway. */
export interface CommandPlan {
  /** A command line for `sh`, with its placeholders. */
  readonly command: string;
}

/** A gateway that runs already on a host that is given. */
export interface ExistingPlan {
  /** Nobody starts or stops it. */
  readonly running: true;
}

/** What stands between the client and the backend. */
export type GatewayPlan = CommandPlan | ExistingPlan | HttpClientPlan | NetHttpPlan;

/**
 * What the backend does with a request, and when it ends a connection. What is left out is not done.
 */
export interface BackendPlan {
  /** Added to each answer, in milliseconds; the least where `latencyMostMs` is given. */
  readonly latencyMs: Amount;
  /**
   * The most that is added to an answer, in milliseconds. Each value in between is as likely as any other.
   */
  readonly latencyMostMs?: Amount;
  /** Answers that take longer. */
  readonly slow?: {
    /** Their share of all answers. */
    readonly share: Share;
    /** What is added to them, in milliseconds. */
    readonly latencyMs: Amount;
  };
  /** Size of each answer's body in bytes; 0 is an empty body. */
  readonly bodyBytes: Count;
  /** Status of each answer, 200 to 599; the most frequent where `statuses` is given. */
  readonly status: Count;
  /** The share of each status. */
  readonly statuses?: readonly { readonly status: Count; readonly share: Share }[];
  /** With the answer to its request of this number each connection ends. */
  readonly closeAfterRequests?: Count;
  /** How long a connection may be idle until it is ended, in milliseconds. */
  readonly idleTimeoutMs?: Amount;
  /** The statuses with whose answers the connection ends. */
  readonly closeOnStatus?: readonly Count[];
  /** The share of the requests whose connection ends in place of an answer. */
  readonly closeBeforeAnswer?: Share;
  /**
   * `false`: the last answer does not say that the connection ends, unless its request has asked for that.
   */
  readonly announceClose?: boolean;
  /** `rst`: connections end by a reset. */
  readonly closeBy?: "rst";
  /** `true`: answers in HTTP/1.0. */
  readonly http10?: boolean;
  /** A command line for `sh`, with its placeholders: a backend of somebody else, of which nothing else here
   * holds. */
  readonly command?: string;
  /** `true`: it runs already, and nothing else here holds. */
  readonly running?: true;
}

/** Whether a backend is one of ours, which is a witness: no command, and none that runs already. */
export function isOurBackend({ command, running }: Pick<BackendPlan, "command" | "running">): boolean {
  return command === undefined && running === undefined;
}

/** Machines of the reader's own, each as a command prefix. */
export interface HostsPlan {
  /** Where the load comes from; at least one. */
  readonly client: readonly string[];
  /** Where the gateways run. Left out where it is not watched. */
  readonly gateway?: string;
  /** Where the backend runs. Left out where it is not watched. */
  readonly backend?: string;
}

/** How much load, and for how long. */
export interface LoadPlan {
  /** Connections kept open, each with at most one request in flight. */
  readonly connections: Count;
  /** Threads of wrk; autocannon and the open loop use one, whatever this says. */
  readonly threads: Count;
  /** Length of each repetition's load, in milliseconds. */
  readonly durationMs: Amount;
  /** The same load before it, not counted, in milliseconds; 0 for none. */
  readonly warmUpMs: Amount;
  /** An answer slower than this counts as failed, in milliseconds. */
  readonly timeoutMs: Amount;
  /** Header lines sent with each request, `Name: value`. */
  readonly headers: readonly string[];
  /** A Lua script for wrk. Left out for none. */
  readonly script?: string;
  /**
   * Requests a second of an open loop. Left out for a closed one.
   *
   * @exclusiveMinimum 0
   */
  readonly ratePerSec?: number;
  /**
   * All connections send together, at each multiple of this time, in milliseconds; for wrk alone. Left out
   * where each sends as soon as it is answered.
   */
  readonly beatMs?: Amount;
  /** The load has pauses. Left out where it has none. */
  readonly burst?: BurstPlan;
  /** Method of each request. Left out for `GET`. */
  readonly method?: "POST" | "PUT" | "PATCH" | "DELETE";
  /** Size of each request's body. Left out for none. */
  readonly requestBodyBytes?: Count;
  /** Some clients leave before their answer. Left out where none do. */
  readonly abandon?: AbandonPlan;
}

/** A load with pauses. */
export interface BurstPlan {
  /** How long requests are sent, in milliseconds. */
  readonly onMs: Amount;
  /** How long none are sent after that, in milliseconds. */
  readonly offMs: Amount;
}

/** Clients that leave before their answer. */
export interface AbandonPlan {
  /** Share of the requests. */
  readonly share: Share;
  /** How long after it was sent such a request is given up, in milliseconds. */
  readonly afterMs: Amount;
}

/** Everything a run was told, defaults included. */
export interface RunOptions {
  /** `null`: the load goes straight at the backend. */
  readonly gateway: GatewayPlan | null;
  /** What the backend does with each request. */
  readonly backend: BackendPlan;
  /**
   * Where the load goes, on hosts that are given. Left out in a lab of our own, which has its own addresses.
   */
  readonly url?: string;
  /** Where the backend is reached, on hosts that are given. Left out where nobody has said. */
  readonly backendUrl?: string;
  /**
   * How many backends. Left out where there is one.
   *
   * @asType integer
   * @minimum 2
   */
  readonly backends?: number;
  /** How much load, and for how long. */
  readonly load: LoadPlan;
  /** Sysctls asked for; whether they came into force is in each repetition. Left out where none are. */
  readonly sysctls?: Readonly<Record<string, string>>;
  /** Whether all three hosts must be one, which talk over 127.0.0.1. Left out where it is as the lab is. */
  readonly loopback?: boolean;
  /**
   * Whether a probe times connects. Its connections are not counted as the gateway's. Left out where none
   * does.
   */
  readonly probeConnects?: boolean;
}

/** The value of a setting that was varied. */
export interface SweptValue {
  /**
   * The field of the options of load, backend or gateway: `connections`, `latencyMs`.
   *
   * @pattern ^[A-Za-z][A-Za-z0-9]*$
   */
  readonly name: string;
  /** Its value, in the unit that the name ends in. */
  readonly value: number;
}

/** A run, ready to be measured. */
export interface RunPlan {
  /** Unique in its scenario. */
  readonly name: string;
  /** Whether the others are compared with it. */
  readonly baseline: boolean;
  /** What is measured. */
  readonly options: RunOptions;
  /** The run of the scenario that this is one value of. Left out where no setting of it is varied. */
  readonly series?: string;
  /** The values that tell it apart from the others of its series. Left out where there are none. */
  readonly swept?: readonly SweptValue[];
}

/** A scenario, ready to be measured. */
export interface ScenarioPlan {
  /** The name of its file, without `.ts`; `script` for one that is none. */
  readonly name: string;
  /** What it answers; the report's title. */
  readonly question: string;
  /** What its author expects; `""` where nothing was said. */
  readonly expectation: string;
  /** At least one; exactly one of them is the baseline. */
  readonly runs: readonly RunPlan[];
  /** Machines to measure on. Left out for a lab of our own. */
  readonly hosts?: HostsPlan;
  /** Settings to vary, unchecked: {@linkcode sweepPlan} makes runs of them. Left out where there are none. */
  readonly sweep?: Sweep;
}
