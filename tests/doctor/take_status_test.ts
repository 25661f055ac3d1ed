import { assert, assertEquals, assertGreater, assertLess, assertRejects, assertThrows } from "@std/assert";
import { parseStatusUrl, takeStatus } from "../../tools/doctor/take_status.ts";
import { TimewaitError } from "../../tools/errors.ts";
import { findCommand } from "../../tools/lab/find_command.ts";
import { peers } from "../support/requirements.ts";
import { until } from "../support/until.ts";

const { signal } = new AbortController();

/** A port that is free, or was a moment ago. */
function freePort(): number {
  using listener = Deno.listen({ hostname: "127.0.0.1", port: 0 });
  return listener.addr.port;
}

/** Runs a server, with a file for its configuration, while `body` does. */
async function serving(
  args: (config: string) => string[],
  config: (folder: string, port: number) => string,
  body: (port: number) => Promise<void>,
): Promise<void> {
  const folder = await Deno.makeTempDir();
  const port = freePort();
  await Deno.writeTextFile(`${folder}/config`, config(folder, port));
  const [command, ...rest] = args(`${folder}/config`);
  const child = new Deno.Command(findCommand(command!), { args: rest, stdout: "null", stderr: "null" })
    .spawn();
  try {
    await until(async () => {
      try {
        (await Deno.connect({ hostname: "127.0.0.1", port })).close();
        return true;
      } catch {
        return false;
      }
    });
    await body(port);
  } finally {
    child.kill("SIGTERM");
    await child.status;
    await Deno.remove(folder, { recursive: true });
  }
}

/** Asks the page of a server that is asked for something else all the while. */
async function seenBeside(port: number, path: string, host?: string) {
  const status = takeStatus({
    url: `http://127.0.0.1:${port}${path}`,
    seconds: 1,
    signal,
    ...(host === undefined ? {} : { host }),
  });
  let asks = true;
  let asked = 0;
  const ended = status.finally(() => asks = false);
  for (; asks; asked++) {
    await (await fetch(`http://127.0.0.1:${port}/`)).text();
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
  return { ...await ended, asked };
}

const NGINX = (folder: string, port: number) => `
daemon off; worker_processes 1; pid ${folder}/pid; error_log /dev/null; events {}
http { access_log off; client_body_temp_path ${folder}/b; proxy_temp_path ${folder}/p; fastcgi_temp_path ${folder}/f;
  uwsgi_temp_path ${folder}/u; scgi_temp_path ${folder}/s;
  server { listen 127.0.0.1:${port}; location = /status { stub_status; } location / { return 200 "hello"; } } }`;

const HAPROXY = (_: string, port: number) => `
defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
frontend web
  bind 127.0.0.1:${port}
  stats enable
  stats uri /stats
  http-request return status 200 content-type text/plain string hello if !{ path_beg /stats }
`;

Deno.test("a real nginx tells its requests per second by stub_status", peers, async () => {
  await serving((config) => ["nginx", "-c", config], NGINX, async (port) => {
    const seen = await seenBeside(port, "/status");
    assertEquals([seen.problem, seen.source], [undefined, "nginx stub_status"]);
    assertGreater(seen.requestsPerSec!, 1);
    assertLess(seen.requestsPerSec!, seen.asked + 1);
    // Nobody else asks: its own two questions are not among them.
    const { requestsPerSec } = await takeStatus({
      url: `http://127.0.0.1:${port}/status`,
      seconds: 0,
      signal,
    });
    assertEquals(requestsPerSec, 0);
    const other = await takeStatus({ url: `http://127.0.0.1:${port}/`, seconds: 1, signal });
    assert(other.problem?.startsWith("counts no requests"));
  });
});

Deno.test(
  "a real HAProxy tells them by the csv of its statistics, and its page for people is refused",
  peers,
  async () => {
    await serving((config) => ["haproxy", "-f", config], HAPROXY, async (port) => {
      const seen = await seenBeside(port, "/stats;csv");
      assertEquals([seen.problem, seen.source], [undefined, "HAProxy req_tot of its frontends"]);
      assertGreater(seen.requestsPerSec!, 1);
      assertLess(seen.requestsPerSec!, seen.asked + 1);
      const { problem } = await takeStatus({ url: `http://127.0.0.1:${port}/stats`, seconds: 0, signal });
      assert(problem?.includes(";csv"), problem);
    });
  },
);

/** One connection to a backend, for whoever asks. */
const CAPPED = (upstream: string) => (_: string, port: number) => `
defaults
  mode http
  timeout client 10s
  timeout connect 10s
  timeout server 10s
  timeout queue 10s
frontend web
  bind 127.0.0.1:${port}
  stats enable
  stats uri /stats
  default_backend slow
backend slow
  server one ${upstream} maxconn 1
`;

Deno.test("a real HAProxy tells how many requests wait for a connection to its backend", peers, async () => {
  const answers = Promise.withResolvers<void>();
  const backend = Deno.serve({ hostname: "127.0.0.1", port: 0, onListen: () => {} }, async () => {
    await answers.promise;
    return new Response("late");
  });
  await serving(
    (config) => ["haproxy", "-f", config],
    CAPPED(`127.0.0.1:${backend.addr.port}`),
    async (port) => {
      const url = `http://127.0.0.1:${port}`;
      const asked = Array.from({ length: 4 }, async () => await (await fetch(url)).text());
      try {
        const statistics = { url: `${url}/stats;csv`, seconds: 1, signal };
        await until(async () => (await takeStatus(statistics)).waiting === 3);
      } finally {
        answers.resolve();
        await Promise.all(asked);
      }
      assertEquals((await takeStatus({ url: `${url}/stats;csv`, seconds: 1, signal })).waiting, 0);
    },
  );
  await backend.shutdown();
});

Deno.test("another machine asks by curl or wget; with neither, one line says so", peers, async () => {
  await serving((config) => ["nginx", "-c", config], NGINX, async (port) => {
    const folder = await Deno.makeTempDir();
    try {
      for (const tool of ["sh", "sleep", "timeout", "true"]) {
        await Deno.symlink(findCommand(tool), `${folder}/${tool}`);
      }
      const host = `env PATH=${folder}`;
      const without = await seenBeside(port, "/status", host);
      assertEquals(without.problem, "neither curl nor wget is there, and sh cannot connect");
      let tried = 0;
      for (const tool of ["curl", "wget", "busybox"]) {
        try {
          await Deno.symlink(findCommand(tool), `${folder}/${tool === "busybox" ? "wget" : tool}`);
        } catch {
          console.error(`asking from another machine is not tried by ${tool}, which is not installed`);
          continue;
        }
        const seen = await seenBeside(port, "/status", host);
        assertEquals([seen.problem, seen.source], [undefined, "nginx stub_status"], tool);
        assertGreater(seen.requestsPerSec!, 1);
        const wrong = await takeStatus({
          url: `http://127.0.0.1:${port}/status`,
          host: "exit 1;",
          seconds: 1,
          signal,
        });
        assertEquals(wrong.problem, "was not asked: nothing can be started there");
        for (const name of ["curl", "wget"]) await Deno.remove(`${folder}/${name}`).catch(() => {});
        tried++;
      }
      assertGreater(tried, 0);
    } finally {
      await Deno.remove(folder, { recursive: true });
    }
  });
});

Deno.test("a page that does not answer, or hides a secret in its URL, is one line without the secret", async () => {
  const port = freePort();
  const url = `http://me:hunter2@127.0.0.1:${port}/status`;
  for (const host of [undefined, "env"]) {
    const seen = await takeStatus({ url, seconds: 1, signal, ...(host === undefined ? {} : { host }) });
    assertEquals(seen.requestsPerSec, undefined);
    assert(seen.problem !== undefined && !seen.problem.includes("\n"), seen.problem);
    assertEquals(JSON.stringify(seen).includes("hunter2"), false);
  }
});

Deno.test("asking ends at once with its signal", async () => {
  const controller = new AbortController();
  const status = takeStatus({
    url: "http://127.0.0.1:1/",
    host: "sleep 600;",
    seconds: 60,
    signal: controller.signal,
  });
  setTimeout(() => controller.abort(new DOMException("interrupted", "AbortError")), 200);
  await assertRejects(() => status, DOMException, "interrupted");
});

Deno.test("only a URL of HTTP is taken", () => {
  assertEquals(parseStatusUrl("http://web1/status", "--status-url"), "http://web1/status");
  for (const text of ["web1/status", "file:///etc/passwd", ""]) {
    assertThrows(() => parseStatusUrl(text, "--status-url"), TimewaitError, "takes a URL such as");
  }
});
