/** The runs of a scenario, each with the doctor's diagnosis of its gateway, from outside while it runs. */

import { type Capture, createCaptureReader } from "../../tools/doctor/capture.ts";
import { takeCapture } from "../../tools/doctor/take_capture.ts";
import { startLab } from "../../tools/run/script_lab.ts";
import type { Backend, Gateway, Load, Run, Scenario } from "../../tools/scenario/scenario.ts";
import { ROOT } from "./root.ts";

/** What makes a command one of an ordinary user, who is not the one that runs the lab. */
export const ORDINARY = Deno.uid() === 0 ? "setpriv --reuid 65534 --regid 65534 --clear-groups --" : "env";

/** What was read of a gateway under load, and its requests per second by the load's own count. */
export interface Watched {
  readonly capture: Capture;
  /** The text of the capture. */
  readonly text: string;
  readonly requestsPerSec: number;
}

/** Watches the gateway of one run for two seconds, while its load is on. */
export async function watchRun(
  scenario: Pick<Scenario, "load" | "backend" | "backends" | "sysctls">,
  run: Omit<Run, "name">,
  { host, seconds = 2, loadSec = 5, afterSec = 1.5 }: {
    host?: string;
    seconds?: number;
    loadSec?: number;
    afterSec?: number;
  } = {},
): Promise<Watched> {
  const { signal } = new AbortController();
  const load: Load = { ...scenario.load, ...run.load };
  const backend: Backend = { ...scenario.backend, ...run.backend };
  await using lab = await startLab({ kind: "private", sysctls: { ...scenario.sysctls, ...run.sysctls } });
  await using stack = new AsyncDisposableStack();
  const urls: string[] = [];
  for (let i = 0; i < (run.backends ?? scenario.backends ?? 1); i++) {
    urls.push(stack.use(await lab.startBackend(backend)).url);
  }
  const gateway = stack.use(
    await lab.startGateway({ ...filledIn(run.gateway as Gateway, urls), upstream: { url: urls[0]! } }),
  );
  const result = lab.runLoad({ ...load, url: gateway.url, duration: `${loadSec}s`, warmUp: 0 });
  await new Promise((resolve) => setTimeout(resolve, afterSec * 1000));
  const pid = Number(/\d+/.exec(await lab.gateway.procNet())![0]);
  const decoder = new TextDecoder();
  let text = "";
  await takeCapture({
    pid,
    seconds,
    signal,
    ...(host === undefined ? {} : { host }),
    onChunk: (chunk) => void (text += decoder.decode(chunk, { stream: true })),
  });
  const { requestsPerSec } = await result;
  const reader = createCaptureReader("what was watched");
  reader.push(new TextEncoder().encode(text));
  return { capture: reader.finish(), text, requestsPerSec };
}

/** What the bench fills in for several backends, and the folder of the scenarios. */
function filledIn(gateway: Gateway, urls: readonly string[]): Gateway {
  if (!("command" in gateway)) return gateway;
  const upstreams = urls.map((url) => new URL(url).host).join(",");
  const command = gateway.command.replaceAll("{folder}", `${ROOT}scenarios`).replaceAll(
    "{upstreams}",
    upstreams,
  );
  return { ...gateway, command };
}
