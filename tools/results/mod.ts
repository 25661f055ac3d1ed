/**
 * The results document: its types, and how it is read and written.
 *
 * @module
 */

export * from "./read.ts";
export * from "./results.ts";
export { writeResults } from "./write.ts";
