/**
 * The results document: its types, and how it is read and written.
 *
 * @module
 */

export type { Knob, KnobStatus } from "../lab/knobs.ts";
export type { LabChoice, LabKind } from "../lab/lab.ts";
export type { Latency } from "../load/latency.ts";
export type { LatencyHistogram } from "../load/latency_histogram.ts";
export type { Arrivals, GeneratorChoice, LoadErrors, LoadGenerator } from "../load/load.ts";
export type { ConnectTimes } from "../observe/connect_probe.ts";
export type { MachineUse } from "../observe/machine.ts";
export type { Processes, ProcessUsage } from "../observe/process_usage.ts";
export * from "../observe/series.ts";
export type { UpstreamFailure } from "../observe/upstream_failures.ts";
export type { HostName } from "../scenario/host_names.ts";
export * from "../scenario/plan.ts";
export * from "./read.ts";
export * from "./results.ts";
export { writeResults } from "./write.ts";
