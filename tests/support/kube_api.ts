/**
 * A stub of Kubernetes' API server: no cluster, no node and no container is behind it. What talks to it is a
 * real kubectl: up to 1.29 by SPDY, later by a WebSocket. A command in a "pod" is a child of this process.
 */

import { Buffer } from "node:buffer";
import { type ChildProcess, spawn } from "node:child_process";
import { createServer, type IncomingMessage } from "node:http";
import type { AddressInfo } from "node:net";
import { type Duplex, PassThrough, type Readable, Writable } from "node:stream";
import { type WebSocket, WebSocketServer } from "ws";
import { findCommand } from "../../tools/lab/find_command.ts";
import { runCommand } from "../../tools/lab/process.ts";
import { needs, reasonFor } from "./requirements.ts";
import { acceptSpdy } from "./spdy.ts";

/** Options of a test that needs kubectl. */
export const kubectl = needs("kubectl", reasonFor(() => findCommand("kubectl")));

/** What stands before kubectl so that it speaks a protocol; only those that this one knows. */
export const PROTOCOLS: Readonly<Record<string, string>> = {
  SPDY: "env KUBECTL_REMOTE_COMMAND_WEBSOCKETS=false",
  ...(kubectl.ignore || await minorVersion() < 30 ? {} : { "a WebSocket": "" }),
};

async function minorVersion(): Promise<number> {
  const said = await runCommand(["kubectl", "version", "--client", "--output=json"]);
  return Number(JSON.parse(said).clientVersion.gitVersion.split(".")[1]);
}

/** The stub at work. */
export interface KubeApi extends AsyncDisposable {
  /** `kubectl`, with the flags by which it finds the stub. */
  readonly kubectl: string;
  /** What leads to a container of a pod. Without a container it is for kubectl to choose. */
  prefix(pod: string, container?: string): string;
  /** What the stub was asked for, in the words of a role: `create pods/exec`. */
  readonly asked: ReadonlySet<string>;
  /** From now on the connection of a command breaks once it has written so many bytes. */
  breakAfter(bytes: number): void;
}

/** The streams of one command, whatever the protocol. */
interface Streams {
  readonly stdin: Readable;
  readonly stdout: Writable;
  readonly stderr: Writable;
  /** Ends the connection, in order, with how the command ended. */
  end(status: string): void;
}

/** The containers of each pod. */
const CONTAINERS = ["c", "sidecar"];

/**
 * Starts the stub.
 *
 * @param pods what leads to where the commands of each pod run, as words; none for this machine.
 */
export async function startKubeApi(pods: Readonly<Record<string, readonly string[]>>): Promise<KubeApi> {
  const folder = await Deno.makeTempDir();
  const asked = new Set<string>();
  const children = new Set<ChildProcess>();
  const sockets = new Set<Duplex>();
  const webSockets = new WebSocketServer({ noServer: true, handleProtocols: () => "v5.channel.k8s.io" });
  let breakAfter = Infinity;

  const server = createServer((request, response) => {
    const { pathname } = urlOf(request);
    const answer = DISCOVERY[pathname] ?? podAt(pathname);
    if (pathname.includes("/pods/")) asked.add("get pods");
    response.writeHead(answer === undefined ? 404 : 200, { "content-type": "application/json" });
    response.end(JSON.stringify(answer ?? notFound(pathname)));
  });
  server.on("connection", (socket) => {
    sockets.add(socket);
    socket.on("error", () => {});
    socket.on("close", () => sockets.delete(socket));
  });
  server.on("upgrade", (request: IncomingMessage, socket: Duplex, head: Buffer) => {
    const { searchParams, pathname } = urlOf(request);
    const [program, ...args] = [
      ...pods[podName(pathname.slice(0, -"/exec".length))!]!,
      ...searchParams.getAll("command"),
    ];
    const run = (streams: Streams) => {
      // In a container as well a command has a session of its own.
      const child = spawn(program!, args, { detached: true, env: ENVIRONMENT });
      children.add(child);
      let written = 0;
      child.stdout.on("data", ({ length }) => (written += length) > breakAfter && socket.destroy());
      // Where a client has gone, its command is not ended: it reads the end of its input, and writes to
      // nobody.
      pass(streams.stdin, child.stdin);
      pass(child.stdout, streams.stdout);
      pass(child.stderr, streams.stderr);
      child.on("close", (code, signal) => {
        children.delete(child);
        streams.end(JSON.stringify(statusOf(signal === null ? code! : 137)));
      });
    };
    if (request.headers.upgrade === "websocket") {
      asked.add("get pods/exec");
      webSockets.handleUpgrade(request, socket, head, (client) => run(overWebSocket(client)));
    } else {
      asked.add("create pods/exec");
      socket.write(
        "HTTP/1.1 101 Switching Protocols\r\nConnection: Upgrade\r\nUpgrade: SPDY/3.1\r\n" +
          "X-Stream-Protocol-Version: v4.channel.k8s.io\r\n\r\n",
      );
      overSpdy(socket, run);
    }
  });
  await new Promise<void>((resolve) => server.listen(0, "127.0.0.1", resolve));
  const { port } = server.address() as AddressInfo;
  await Deno.writeTextFile(`${folder}/config`, configOf(`http://127.0.0.1:${port}`));
  const command = `kubectl --kubeconfig ${folder}/config --cache-dir ${folder}/cache`;
  return {
    kubectl: command,
    prefix: (pod, container) =>
      `${command} exec -i ${pod}${container === undefined ? "" : ` -c ${container}`} --`,
    asked,
    breakAfter: (bytes) => void (breakAfter = bytes),
    async [Symbol.asyncDispose]() {
      const closed = new Promise((resolve) => server.close(resolve));
      for (const socket of sockets) socket.destroy();
      for (const child of children) child.kill("SIGKILL");
      await closed;
      await Deno.remove(folder, { recursive: true });
    },
  };

  function podName(pathname: string): string | undefined {
    const name = /^\/api\/v1\/namespaces\/default\/pods\/([^/]+)$/.exec(pathname)?.[1];
    return name !== undefined && name in pods ? name : undefined;
  }

  function podAt(pathname: string): unknown {
    const name = podName(pathname);
    return name === undefined ? undefined : {
      kind: "Pod",
      apiVersion: "v1",
      metadata: { name, namespace: "default" },
      spec: { containers: CONTAINERS.map((name) => ({ name, image: "none" })) },
      status: { phase: "Running" },
    };
  }
}

/** Nothing of ours but the way to programs. */
const ENVIRONMENT = { PATH: Deno.env.get("PATH")! };

/** Passes on what comes, its end, and that nobody takes it any more. */
function pass(from: Readable, to: Writable): void {
  for (const stream of [from, to]) stream.on("error", () => {});
  from.on("close", () => to.end());
  to.on("close", () => from.destroy());
  from.pipe(to);
}

function urlOf(request: IncomingMessage): URL {
  return new URL(request.url!, "http://stub");
}

/** The kinds that the manifest has, as kubectl looks them up. */
const DISCOVERY: Readonly<Record<string, unknown>> = {
  "/api": { kind: "APIVersions", versions: ["v1"] },
  "/apis": {
    kind: "APIGroupList",
    groups: [{
      name: "rbac.authorization.k8s.io",
      versions: [{ groupVersion: "rbac.authorization.k8s.io/v1", version: "v1" }],
    }],
  },
  "/api/v1": resources("v1", ["pods", "Pod"]),
  "/apis/rbac.authorization.k8s.io/v1": resources("rbac.authorization.k8s.io/v1", ["roles", "Role"]),
};

function resources(groupVersion: string, [name, kind]: readonly [string, string]) {
  const verbs = ["get", "list", "create", "patch"];
  return { kind: "APIResourceList", groupVersion, resources: [{ name, kind, namespaced: true, verbs }] };
}

function notFound(pathname: string) {
  const [name, kind] = pathname.split("/").reverse();
  const message = `${kind} "${name}" not found`;
  return { kind: "Status", apiVersion: "v1", status: "Failure", reason: "NotFound", code: 404, message };
}

/** How a command ended, as the kubelet says it. */
function statusOf(code: number) {
  if (code === 0) return { status: "Success" };
  return {
    status: "Failure",
    reason: "NonZeroExitCode",
    message: `command terminated with exit code ${code}`,
    details: { causes: [{ reason: "ExitCode", message: String(code) }] },
  };
}

/** Each stream is opened by the client, and says which it is. */
function overSpdy(socket: Duplex, run: (streams: Streams) => void): void {
  const opened = new Map<string, Duplex>();
  const end = acceptSpdy(socket, (headers, stream) => {
    opened.set(headers.get("streamtype")!, stream);
    const [error, stdin, stdout, stderr] = ["error", "stdin", "stdout", "stderr"].map((type) =>
      opened.get(type)
    );
    if (error === undefined || stdin === undefined || stdout === undefined || stderr === undefined) return;
    run({ stdin, stdout, stderr, end: (status) => void error.end(status, end) });
  });
}

/** The first byte of a message is the number of its stream (v5.channel.k8s.io). */
function overWebSocket(client: WebSocket): Streams {
  const [STDOUT, STDERR, ERROR, CLOSE] = [1, 2, 3, 255];
  const send = (stream: number, bytes: Uint8Array, done?: (error?: Error | null) => void) =>
    client.send(Buffer.concat([Buffer.of(stream), bytes]), done);
  const to = (stream: number) => new Writable({ write: (bytes, _, done) => send(stream, bytes, done) });
  const stdin = new PassThrough();
  const [stdout, stderr] = [to(STDOUT), to(STDERR)];
  client.on("message", (bytes: Buffer) => {
    if (bytes[0] === CLOSE) stdin.end();
    else if (!stdin.write(bytes.subarray(1))) {
      client.pause();
      stdin.once("drain", () => client.resume());
    }
  });
  client.on("close", () => [stdin, stdout, stderr].forEach((stream) => stream.destroy()));
  client.on("error", () => {});
  return {
    stdin,
    stdout,
    stderr,
    end(status) {
      send(ERROR, Buffer.from(status));
      client.close(1000);
    },
  };
}

function configOf(server: string): string {
  return JSON.stringify({
    apiVersion: "v1",
    kind: "Config",
    clusters: [{ name: "stub", cluster: { server } }],
    contexts: [{ name: "stub", context: { cluster: "stub", user: "stub" } }],
    users: [{ name: "stub", user: {} }],
    "current-context": "stub",
  });
}
