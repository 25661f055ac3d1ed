/** Headless Chromium, driven over its DevTools protocol: what pages look like where people see them. */

import { findCommand } from "../../tools/lab/find_command.ts";

/** How a reader sees a page. */
export interface View {
  /** In CSS pixels. */
  readonly width: number;
  /** What the reader's system asks for. */
  readonly scheme: "light" | "dark";
}

/** A page as the browser has it: what it did and what it looks like. */
export interface SeenPage {
  /** Errors and warnings of the console, and exceptions that nobody caught. */
  readonly complaints: readonly string[];
  /** The addresses that it requested, without its own. */
  readonly requests: readonly string[];
  /** The value of an expression in the page. */
  evaluate<T>(expression: string): Promise<T>;
  /** The whole page as it looks. */
  screenshot(): Promise<Uint8Array>;
}

/** A browser. Disposing it kills it. */
export interface Browser extends AsyncDisposable {
  /** Opens a page and lets it draw. */
  open(url: string, view: View): Promise<SeenPage>;
}

const ENDPOINT = /^DevTools listening on (ws:\/\/\S+)$/m;

/** Starts a browser with a profile of its own. */
export async function startBrowser(): Promise<Browser> {
  const profile = await Deno.makeTempDir();
  const child = new Deno.Command(findCommand("chromium"), {
    args: ["--headless=new", "--no-sandbox", "--disable-gpu", "--disable-dev-shm-usage", "--no-first-run"]
      .concat(
        [
          "--disable-background-networking",
          "--remote-debugging-port=0",
          `--user-data-dir=${profile}`,
          "about:blank",
        ],
      ),
    stdin: "null",
    stdout: "null",
    stderr: "piped",
  }).spawn();
  const stop = async () => {
    try {
      child.kill("SIGKILL");
    } catch {
      // It has ended.
    }
    await child.status;
    // Chromium's other processes may still write for a moment.
    for (let i = 0; i < 50; i++) {
      const gone = await Deno.remove(profile, { recursive: true }).then(() => true, () => false);
      if (gone) return;
      await new Promise((resolve) => setTimeout(resolve, 100));
    }
  };
  const stderr = child.stderr.pipeThrough(new TextDecoderStream()).getReader();
  let said = "";
  for (let part = await stderr.read(); !ENDPOINT.test(said); part = await stderr.read()) {
    said += part.value ?? "";
    if (part.done && !ENDPOINT.test(said)) {
      await stop();
      throw new Error(`chromium ended: ${said}`);
    }
  }
  const drained = (async () => {
    while (!(await stderr.read()).done);
  })();
  const connection = await connect(ENDPOINT.exec(said)![1]!);
  return {
    open: (url, view) => openPage(connection, url, view),
    async [Symbol.asyncDispose]() {
      await connection.close();
      await stop();
      await drained;
    },
  };
}

interface Message {
  readonly id?: number;
  readonly method?: string;
  readonly sessionId?: string;
  readonly params?: Record<string, unknown>;
  readonly result?: unknown;
  readonly error?: { message: string };
}

interface Connection {
  send<T>(method: string, params?: Record<string, unknown>, sessionId?: string): Promise<T>;
  onEvent(sessionId: string, listener: (method: string, params: Record<string, unknown>) => void): void;
  close(): Promise<void>;
}

async function connect(url: string): Promise<Connection> {
  const socket = new WebSocket(url);
  const waiting = new Map<number, { resolve(value: never): void; reject(error: Error): void }>();
  const listeners = new Map<string, (method: string, params: Record<string, unknown>) => void>();
  const closed = Promise.withResolvers<void>();
  let lastId = 0;
  socket.onclose = () => closed.resolve();
  socket.onmessage = ({ data }) => {
    const { id, method, sessionId, params, result, error }: Message = JSON.parse(data);
    if (id === undefined) return listeners.get(sessionId ?? "")?.(method!, params ?? {});
    const { resolve, reject } = waiting.get(id)!;
    waiting.delete(id);
    if (error === undefined) resolve(result as never);
    else reject(new Error(error.message));
  };
  await new Promise<void>((resolve, reject) => {
    socket.onopen = () => resolve();
    socket.onerror = () => reject(new Error(`no connection to ${url}`));
  });
  return {
    send(method, params = {}, sessionId) {
      const { promise, resolve, reject } = Promise.withResolvers<never>();
      waiting.set(++lastId, { resolve, reject });
      socket.send(
        JSON.stringify({ id: lastId, method, params, ...(sessionId === undefined ? {} : { sessionId }) }),
      );
      return promise;
    },
    onEvent: (sessionId, listener) => void listeners.set(sessionId, listener),
    async close() {
      socket.close();
      await closed.promise;
    },
  };
}

async function openPage(connection: Connection, url: string, { width, scheme }: View): Promise<SeenPage> {
  const { targetId } = await connection.send<{ targetId: string }>("Target.createTarget", {
    url: "about:blank",
  });
  const { sessionId } = await connection.send<{ sessionId: string }>("Target.attachToTarget", {
    targetId,
    flatten: true,
  });
  const send = <T>(method: string, params: Record<string, unknown> = {}) =>
    connection.send<T>(method, params, sessionId);
  const complaints: string[] = [];
  const requests: string[] = [];
  const loaded = Promise.withResolvers<void>();
  connection.onEvent(sessionId, (method, params) => {
    const text = JSON.stringify(params);
    if (method === "Runtime.exceptionThrown" || method === "Log.entryAdded") complaints.push(text);
    if (method === "Runtime.consoleAPICalled" && params.type !== "log") complaints.push(text);
    if (method === "Network.requestWillBeSent") {
      const asked = (params.request as { url: string }).url;
      if (asked !== url) requests.push(asked);
    }
    if (method === "Page.loadEventFired") loaded.resolve();
  });
  for (const domain of ["Page", "Runtime", "Log", "Network"]) await send(`${domain}.enable`);
  await send("Emulation.setEmulatedMedia", { features: [{ name: "prefers-color-scheme", value: scheme }] });
  await send("Emulation.setDeviceMetricsOverride", {
    width,
    height: 900,
    deviceScaleFactor: 1,
    mobile: width < 600,
  });
  await send("Page.navigate", { url });
  await loaded.promise;
  const evaluate = async <T>(expression: string) => {
    const answer = await send<
      { result: { value: T }; exceptionDetails?: { exception?: { description: string } } }
    >(
      "Runtime.evaluate",
      { expression, awaitPromise: true, returnByValue: true },
    );
    if (answer.exceptionDetails !== undefined) {
      throw new Error(answer.exceptionDetails.exception?.description);
    }
    return answer.result.value;
  };
  await evaluate("new Promise((drawn) => requestAnimationFrame(() => requestAnimationFrame(() => drawn())))");
  return {
    complaints,
    requests,
    evaluate,
    async screenshot() {
      const { data } = await send<{ data: string }>("Page.captureScreenshot", {
        captureBeyondViewport: true,
      });
      return Uint8Array.from(atob(data), (char) => char.charCodeAt(0));
    },
  };
}
