/**
 * The **backend** as a command: `deno task backend --listen 127.0.0.1:8081 --latency 70ms`.
 *
 * @module
 */

import { aborted, type Main, mainOf, runAsScript, valueFlag } from "./cli/command_line.ts";
import { BACKEND_FLAGS, ownBackendOf } from "./cli/backend_flags.ts";
import { parseDurationMs, parseListen, parsePlan } from "./cli/values.ts";
import { witnessLine } from "./observe/witnessed.ts";
import {
  type BackendServerPlan,
  resolveBackendServer,
  startBackendServer,
} from "./parties/backend_server.ts";

/** The command, as a function: see {@linkcode Main}. Returns 0 once `signal` has stopped it. */
export const main: Main = mainOf({
  name: "backend",
  summary: [
    "Runs a keep-alive HTTP/1.1 server that gives every request the same answer, and ends connections as told.",
    "",
    "Upon SIGUSR2 it prints a line `witness {…}`: what it has seen of its connections since the last one, as JSON.",
  ].join("\n"),
  flags: {
    listen: valueFlag("HOST:PORT", "address to listen on (default 127.0.0.1:8081)", parseListen, undefined),
    ...BACKEND_FLAGS,
    countEvery: valueFlag(
      "DURATION",
      "time between two lines `requests N` (default: none)",
      parseDurationMs,
      0,
    ),
    plan: { ...valueFlag("JSON", "", parsePlan<BackendServerPlan>, undefined), hidden: true },
  },
  examples: [
    "deno task backend --listen 127.0.0.1:8081 --latency 70ms --body-bytes 4KiB",
    "deno task backend --idle-timeout 5s --status 200=99%,503=1% --close-on-status 503 --close-by rst",
  ],
  async run({ plan, countEvery, listen, ...flags }, { signal }) {
    const backend = startBackendServer(plan ?? resolveBackendServer({ listen, ...ownBackendOf(flags) }));
    const printCount = () => console.log(`requests ${backend.requests}`);
    const printWitness = () => {
      // Whoever asks need not wait for the next count.
      if (countEvery > 0) printCount();
      console.log(witnessLine(backend.witness()));
    };
    Deno.addSignalListener("SIGUSR2", printWitness);
    {
      await using _ended = backend;
      console.log(`listening on ${backend.url}`);
      const timer = countEvery === 0 ? undefined : setInterval(printCount, countEvery);
      await aborted(signal);
      clearInterval(timer);
    }
    Deno.removeSignalListener("SIGUSR2", printWitness);
    // What came since the last line, the requests in flight at the stop among it.
    if (countEvery > 0) printCount();
    return 0;
  },
});

if (import.meta.main) {
  await runAsScript(main);
  // What the stop could not end, such as a client that does not read, must not keep the process. The exit
  // code is set.
  Deno.exit();
}
