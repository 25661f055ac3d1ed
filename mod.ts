/**
 * Timewait: why does my gateway pile up TIME_WAIT sockets, what does it cost, and which knob really fixes it?
 *
 * Everything that `deno task bench` does, as functions:
 *
 * - a lab of three hosts: {@linkcode chooseLab}, {@linkcode startLab}
 * - the parties in it: {@linkcode startBackendIn}, {@linkcode startGatewayIn}
 * - a load: {@linkcode chooseGenerator}, {@linkcode startLoad}
 * - what the kernel saw: {@linkcode startSampler}, {@linkcode readCounters}, {@linkcode parseTcpTable}
 * - all of it together: {@linkcode runScenario}, and {@linkcode renderReport}
 *
 * @module
 */

export { type BackendOptions, type RunningBackend, startBackend } from "./tools/backend.ts";
export {
  type CommonGatewayOptions,
  type GatewayOptions,
  type HttpClientGatewayOptions,
  type NetHttpGatewayOptions,
  type RunningGateway,
  startGateway,
  type TransportName,
} from "./tools/gateway.ts";
export type { RunningServer } from "./tools/server/http_server.ts";
export * from "./tools/lab/file_limit.ts";
export * from "./tools/lab/host.ts";
export * from "./tools/lab/machine_knobs.ts";
export * from "./tools/lab/lab.ts";
export * from "./tools/lab/start_lab.ts";
export * from "./tools/lab/process.ts";
export * from "./tools/lab/knobs.ts";
export * from "./tools/lab/knob_facts.ts";
export * from "./tools/load/latency.ts";
export * from "./tools/load/latency_histogram.ts";
export * from "./tools/load/load.ts";
export * from "./tools/load/start_load.ts";
export * from "./tools/observe/connect_probe.ts";
export * from "./tools/observe/machine.ts";
export * from "./tools/observe/process_usage.ts";
export * from "./tools/observe/sampler.ts";
export * from "./tools/observe/tcp_counters.ts";
export * from "./tools/observe/tcp_table.ts";
export * from "./tools/run/parties.ts";
export * from "./tools/report/sections/advice.ts";
export * from "./tools/report/sections/ports.ts";
export * from "./tools/report/sections/knobs.ts";
export * from "./tools/report/comparison_report.ts";
export * from "./tools/report/report.ts";
export * from "./tools/run/repetition.ts";
export * from "./tools/verdict/comparison.ts";
export * from "./tools/verdict/gate.ts";
export * from "./tools/verdict/intervals.ts";
export * from "./tools/verdict/rank_tests.ts";
export * from "./tools/results/read.ts";
export * from "./tools/results/results.ts";
export * from "./tools/results/write.ts";
export * from "./tools/verdict/self_check.ts";
export * from "./tools/observe/upstream_failures.ts";
export * from "./tools/run/rounds.ts";
export * from "./tools/run/runner.ts";
export * from "./tools/scenario/scenario.ts";
export * from "./tools/transport/net_http/net_http.ts";
export * from "./tools/transport/pool/pool.ts";
export * from "./tools/transport/pool/limits.ts";
export * from "./tools/transport/pool/counters.ts";
export type { ProxyCounters } from "./tools/transport/net_http/proxy.ts";
export type { ProxyTimeoutOptions, ProxyTimeouts } from "./tools/transport/net_http/proxy_context.ts";
