/**
 * What gateways, a backend and a client cost, as measured, and how their event loops work.
 *
 * @module
 */

import type { GatewayModel } from "./model.ts";

/** How a gateway works, whatever its number of workers. */
export type GatewayProfile = Omit<GatewayModel, "workers">;

/** The gateways that are known. */
export type ProfileName = "http-client" | "net-http" | "go";

/**
 * The CPU times were measured with 300 and 1,000 clients on a virtual machine with two CPUs (AMD EPYC, Linux
 * 6.18): what the gateway's processes used, divided by the requests. A connection's is what remained where
 * the pool was small. The time of other machines is a multiple, which {@linkcode calibrate} finds.
 *
 * The batches and their spread were fitted, once for each gateway and all its cells. They are near the limits
 * of the event loops. tokio gives a task of `http-client` a budget of 128 operations, and in a trace of it
 * answers came in runs of up to 128, requests in runs of up to 178. `net-http` is told to take 32 events from
 * the kernel at a time. Go's netpoll takes up to 128.
 *
 * The pauses of `http-client` are those of its garbage collector, by `--trace-gc`: 9 to 12 in 4 s, of 10 to
 * 25 ms. Those of the others stand for all that stops a thread; they were fitted to some ten cells each,
 * once.
 */
export const PROFILES: Readonly<Record<ProfileName, GatewayProfile>> = {
  "http-client": {
    threads: 1,
    requestUs: 105,
    answerUs: 30,
    connectUs: 80,
    order: "answers first",
    batch: 128,
    batchSpread: 0.5,
    pauseMs: 15,
    pauseEveryMs: 400,
  },
  "net-http": {
    threads: 1,
    requestUs: 28,
    answerUs: 22,
    connectUs: 90,
    order: "answers first",
    batch: 35,
    batchSpread: 0.8,
    pauseMs: 8,
    pauseEveryMs: 70,
  },
  "go": {
    threads: 2,
    requestUs: 55,
    answerUs: 45,
    connectUs: 90,
    order: "answers first",
    batch: 85,
    batchSpread: 0.9,
    pauseMs: 6,
    pauseEveryMs: 80,
  },
};

/** CPU time of our backend for a request and for a connection that it accepts, in microseconds. */
export const BACKEND_COST = { requestUs: 30, acceptUs: 30 } as const;

/** CPU time of wrk for an answer and the next request, in microseconds. */
export const CLIENT_US = 14;

/** How long it takes from an answer to the client's next request where no CPU is shared, in microseconds. */
export const THINK_US = 100;

/** How long a thread runs while others wait for a CPU, in milliseconds: the slice of Linux's scheduler. */
export const SLICE_MS = 3;
