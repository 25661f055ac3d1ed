/**
 * The remote lab: hosts of the user's, wherever they are. Nothing is fresh there, and no knob is written.
 *
 * @module
 */

import { TimewaitError } from "../../errors.ts";
import { HOST_NAMES, type HostName } from "../../scenario/host_names.ts";
import { connectHost, type ConnectOptions, type RemoteHost } from "./remote_host.ts";

/** One host, as given: what leads there, and the address by which the others reach it. */
export type RemoteHostGiven = Pick<ConnectOptions, "prefix" | "address">;

/** The hosts of a remote lab. Those that are left out are not watched. */
export interface RemoteHostsGiven {
  /** Where the load comes from, at least one. */
  readonly client: readonly RemoteHostGiven[];
  /** Where the gateway runs. */
  readonly gateway?: RemoteHostGiven | undefined;
  /** Where the backend runs. */
  readonly backend?: RemoteHostGiven | undefined;
  /** Ends the wait for hosts that do not answer. */
  readonly signal?: AbortSignal | undefined;
}

/** A lab of the user's own hosts. Disposing it ends all that was started there, and leaves nothing behind. */
export interface RemoteLab extends AsyncDisposable {
  /** What tells it from the labs on this machine. */
  readonly kind: "remote";
  /** The first client. */
  readonly client: RemoteHost;
  /** All clients, `client` the first of them. */
  readonly clients: readonly [RemoteHost, ...RemoteHost[]];
  /** Where the gateway runs; `undefined` where it was not given. */
  readonly gateway: RemoteHost | undefined;
  /** Where the backend runs; `undefined` where it was not given. */
  readonly backend: RemoteHost | undefined;
  /** All of them, the clients first. */
  readonly all: readonly RemoteHost[];
}

/**
 * Connects to all hosts at once. The first that cannot be reached ends the wait for the others.
 *
 * @throws {UnavailableError} where one of them cannot be reached.
 */
export async function connectRemoteLab(given: RemoteHostsGiven): Promise<RemoteLab> {
  if (given.client.length === 0) {
    throw new TimewaitError("needs a client, from where the load comes", { field: "hosts" });
  }
  await using stack = new AsyncDisposableStack();
  const failed = new AbortController();
  const signal = given.signal === undefined ? failed.signal : AbortSignal.any([failed.signal, given.signal]);
  const connect = async (name: string, host: RemoteHostGiven) => {
    try {
      return stack.use(await connectHost({ ...host, name, signal }));
    } catch (error) {
      failed.abort(error);
      throw error;
    }
  };
  const many = given.client.length > 1;
  const started = [
    ...given.client.map((host, i) => connect(many ? `client ${i + 1}` : "client", host)),
    ...HOST_NAMES.filter(isWatched).flatMap((name) =>
      given[name] === undefined ? [] : [connect(name, given[name])]
    ),
  ];
  await Promise.allSettled(started);
  const hosts = await Promise.all(started);
  const clients = hosts.slice(0, given.client.length) as [RemoteHost, ...RemoteHost[]];
  const owned = stack.move();
  return {
    kind: "remote",
    client: clients[0],
    clients,
    gateway: hosts.find(({ name }) => name === "gateway"),
    backend: hosts.find(({ name }) => name === "backend"),
    all: hosts,
    [Symbol.asyncDispose]: () => owned.disposeAsync(),
  };
}

function isWatched(name: HostName): name is Exclude<HostName, "client"> {
  return name !== "client";
}
