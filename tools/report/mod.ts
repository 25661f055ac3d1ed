/**
 * Reports of results documents: Markdown, plots, one page.
 *
 * @module
 */

export { type NamedResults, renderComparison } from "./comparison_report.ts";
export { type PlotFile, renderReport } from "./report.ts";
export { writePage, writeReport } from "./report_files.ts";
