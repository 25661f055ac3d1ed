/**
 * The statistics of a comparison: exact rank tests, intervals, corrections for several comparisons.
 *
 * @module
 */

export * from "./intervals.ts";
export * from "./rank_tests.ts";
