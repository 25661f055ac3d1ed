/**
 * The settings of a sweep in words.
 *
 * @module
 */

import { optionOf } from "../scenario/settings.ts";
import { formatCount } from "./format.ts";

/** The header of a column, or the name of an axis: `connections`, `latency, ms`. */
export function headSetting(name: string): string {
  const option = optionOf(name);
  if (name.endsWith("Ms")) return `${option}, ms`;
  return name === "ratePerSec" ? "requests/s asked for" : option;
}

/** A setting with its value: `100 connections`, `latency 20 ms`. */
export function saySetting(name: string, value: number): string {
  if (name === "connections") return `${formatCount(value)} connection${value === 1 ? "" : "s"}`;
  if (name === "ratePerSec") return `${formatCount(value)} requests/s`;
  return `${optionOf(name)} ${formatCount(value)}${name.endsWith("Ms") ? " ms" : ""}`;
}
