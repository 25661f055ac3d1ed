/** `net-http` on Deno's own sockets and on epoll, at all that the machine can do: what epoll saves. */

import { type Scenario } from "../../tools/scenario/scenario.ts";

const NET_HTTP = { transport: "net-http", maxIdleConns: 2000, maxIdleConnsPerHost: 2000 } as const;

export default {
  question: "What does net-http save with its sockets on epoll?",
  expectation: "A tenth of the CPU time of a request, or more.",
  baseline: "deno",
  load: { connections: 64, warmUp: "3s", duration: "2s" },
  backend: { latency: 0 },
  runs: [{ name: "deno", gateway: NET_HTTP }, { name: "epoll", gateway: { ...NET_HTTP, sockets: "epoll" } }],
} satisfies Scenario;
