/**
 * Timewait: why does my gateway pile up TIME_WAIT sockets, what does it cost, and which knob really fixes it?
 *
 * For a script: {@linkcode startLab}, a lab of three hosts with a `$` on each. For a comparison with
 * repetitions and a report: {@linkcode runScenario} and {@linkcode renderReport}.
 *
 * Durations and sizes are numbers in the unit that the option documents, or text: `"70ms"`, `"64KiB"`.
 *
 * @module
 */

export { TimewaitError, type TimewaitErrorOptions } from "./tools/errors.ts";
export type { Host, LocalHost } from "./tools/lab/host.ts";
export type { Dollar } from "./tools/lab/host_dollar.ts";
export type { LabKind, LocalLabKind } from "./tools/lab/lab.ts";
export type { ClockOffset } from "./tools/lab/remote/clock.ts";
export type { FarEnd } from "./tools/lab/remote/far_facts.ts";
export type { Pushed } from "./tools/lab/remote/push.ts";
export type { RemoteHost } from "./tools/lab/remote/remote_host.ts";
export type { RemoteLab } from "./tools/lab/remote/remote_lab.ts";
export type { ExitStatus, ProcessOptions, RunningProcess } from "./tools/lab/process.ts";
export type { LoadGenerator, LoadResult } from "./tools/load/load.ts";
export { type BackendOptions, type RunningBackend, startBackend } from "./tools/parties/backend_server.ts";
export {
  type GatewayOptions,
  type GatewayPlace,
  type GatewayServerOptions,
  type RunningGateway,
  startGateway,
} from "./tools/parties/gateway_server.ts";
export { type NamedResults, renderComparison } from "./tools/report/comparison_report.ts";
export { type PlotFile, renderReport } from "./tools/report/report.ts";
export { readResults } from "./tools/results/read.ts";
export type { Measured, Repetition, Results, UntilPlan } from "./tools/results/results.ts";
export { writeResults } from "./tools/results/write.ts";
export { runScenario, type RunScenarioOptions } from "./tools/run/run_scenario.ts";
export type { Progress } from "./tools/run/repetition.ts";
export type { BenchProgress } from "./tools/run/runner.ts";
export {
  type LabParty,
  type LoadSummary,
  type RunLoadOptions,
  type ScriptLab,
  type StartGatewayOptions,
  startLab,
  type StartLabOptions,
  type StartRemoteLabOptions,
} from "./tools/run/script_lab.ts";
export type {
  Backend,
  CommandGateway,
  Duration,
  ExistingBackend,
  ExistingGateway,
  Gateway,
  Hosts,
  HttpClientGateway,
  Load,
  NetHttpGateway,
  Run,
  Scenario,
  Size,
  Sweep,
  Sysctls,
} from "./tools/scenario/scenario.ts";
export type { ListenAddress } from "./tools/server/address.ts";
export type { RunningServer } from "./tools/server/http_server.ts";
export type { ProxyCounters } from "./tools/transport/net_http/proxy.ts";
export type { RunningTransport } from "./tools/transport/transport.ts";
export { type Gate, parseGate } from "./tools/verdict/gate.ts";
export { checkGates, type GateCheck, type GateVerdict } from "./tools/verdict/gate_check.ts";
export type { GatedRun } from "./tools/verdict/gate_runs.ts";
