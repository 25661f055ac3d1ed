/**
 * Predictions: what a gateway would do with its connections, without measuring it.
 *
 * @module
 */

export {
  type Bunching,
  type Calibration,
  type KnownGateway,
  knownGateway,
  openedPerRequest,
} from "./calibration.ts";
export type { Band, Plan } from "./ensemble.ts";
export { type PortCourse, SLOW_PER_SEC } from "./port_course.ts";
export { type Beside, type PredictedRun, type PredictedRuns, predictRuns } from "./predict_runs.ts";
export {
  type AssumedLoad,
  type CapturedDestination,
  type KnownLoad,
  predictCapture,
  type PredictedDestination,
} from "./predict_capture.ts";
export {
  type EnoughPool,
  type Formula,
  type HardCap,
  NAT_TIME_WAIT_SEC,
  predict,
  type Prediction,
} from "./prediction.ts";
export { DEFAULT_PORTS, modelOf, type Question } from "./question.ts";
