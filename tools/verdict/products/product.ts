/**
 * What is known of a product: the settings of its pool, and what else decides whether it keeps connections.
 *
 * @module
 */

/**
 * - `idle cap`: connections beyond it are closed after use. Too small, it makes new connections and
 *   TIME_WAITs.
 * - `hard cap`: requests beyond it wait or fail. Too small, it makes latency and errors, and no TIME_WAIT.
 * - `idle time`: how long an idle connection is kept.
 * - `request limit`: requests after which a connection is closed.
 * - `age`: how long a connection lives.
 * - `reuse`: whether connections are kept at all.
 */
export type SettingKind = "idle cap" | "hard cap" | "idle time" | "request limit" | "age" | "reuse";

/** One setting of a product's pool. */
export interface PoolSetting {
  /** As it is written in the product's configuration or code. */
  readonly name: string;
  /** What it limits. */
  readonly kind: SettingKind;
  /** What holds where nothing is set, in the product's own terms and in the newest version. */
  readonly byDefault: string;
  /** What one such limit is for: the whole process, each worker, each backend. */
  readonly scope: string;
  /** What held before a version. Left out where nothing else is known. */
  readonly before?: { readonly version: string; readonly byDefault: string };
  /** What to set it to, so that connections are kept. Only with `reuse`. */
  readonly keeps?: string;
  /** `true` where its default limits nothing, so that raising it is no remedy. */
  readonly unlimited?: boolean;
}

/** Something to write or to change that is no limit. */
export interface Step {
  /** What: a setting, a call, a header. */
  readonly setting: string;
  /** What to make of it. */
  readonly value: string;
}

/** A product and its pool. */
export interface Product {
  /** What to call it on a command line of ours, such as `nginx`. */
  readonly id: string;
  /** Its name. */
  readonly name: string;
  /** The version that was read. */
  readonly version: string;
  /** In the order in which to look at them. */
  readonly settings: readonly PoolSetting[];
  /** What makes it use each connection once, and what ends that. */
  readonly once: readonly Step[];
  /** What makes it leave connections open that nobody uses. Left out where nothing is known. */
  readonly leak?: readonly Step[];
  /** What ties its connections to a source address. Left out where nothing is known. */
  readonly sourceAddress?: readonly Step[];
  /** What keeps connections of its clients. Left out where nothing is known. */
  readonly listener?: readonly Step[];
  /** What is different in other versions, and what is easily missed. */
  readonly notes: readonly Note[];
  /** Where it was read. */
  readonly source: string;
}

/** A note, and of which settings it is. */
export interface Note {
  /** The note. */
  readonly text: string;
  /** The kinds of settings that it bears on. */
  readonly about: readonly SettingKind[];
  /** The version from which on it does not hold. Left out where it holds for all. */
  readonly until?: string;
}

/** A setting. */
export function setting(
  name: string,
  kind: SettingKind,
  byDefault: string,
  scope: string,
  more: Partial<PoolSetting> = {},
): PoolSetting {
  return { name, kind, byDefault, scope, ...more };
}

/** A note about some kinds of settings. */
export function note(text: string, ...about: SettingKind[]): Note {
  return { text, about };
}
