/**
 * Types for what npm delivers without any: the parts of the Deno standard library that Timewait uses (with
 * JSR in reach, those go and the import map in deno.json points there), autocannon, and of the tests ws.
 */

declare module "@std/async/abortable" {
  export function abortable<T>(promise: Promise<T>, signal: AbortSignal): Promise<T>;
}

declare module "@std/async/deadline" {
  export function deadline<T>(
    promise: Promise<T>,
    ms: number,
    options?: { signal?: AbortSignal | undefined },
  ): Promise<T>;
}

declare module "@std/async/delay" {
  export function delay(
    ms: number,
    options?: { signal?: AbortSignal | undefined; persistent?: boolean },
  ): Promise<void>;
}

declare module "@std/cli" {
  export interface ParseOptions {
    boolean?: readonly string[];
    string?: readonly string[];
    collect?: readonly string[];
    alias?: Record<string, string>;
    stopEarly?: boolean;
    "--"?: boolean;
    unknown?: (arg: string, key?: string, value?: unknown) => unknown;
  }
  export function parseArgs(
    args: readonly string[],
    options?: ParseOptions,
  ): { _: (string | number)[]; "--"?: string[]; [flag: string]: unknown };
}

declare module "@std/fmt/bytes" {
  export function format(
    bytes: number,
    options?: { binary?: boolean; maximumFractionDigits?: number },
  ): string;
}

declare module "@std/fmt/colors" {
  export function bold(text: string): string;
  export function dim(text: string): string;
  export function red(text: string): string;
  export function yellow(text: string): string;
  export function stripAnsiCode(text: string): string;
  export function setColorEnabled(enabled: boolean): void;
}

declare module "@std/fmt/duration" {
  export function format(
    ms: number,
    options?: { style?: "narrow" | "full" | "digital"; ignoreZero?: boolean },
  ): string;
}

declare module "@std/text" {
  export function closestString(word: string, possible: readonly string[]): string;
  export function levenshteinDistance(a: string, b: string): number;
  export function toKebabCase(text: string): string;
}

declare module "@std/yaml" {
  export function parse(text: string): unknown;
}

declare module "autocannon" {
  export interface Client {
    rate?: number;
    reqsMadeThisSecond: number;
  }
  export interface Instance {
    on(
      event: "response",
      listener: (client: Client, status: number, bytes: number, latencyMs: number) => void,
    ): void;
    on(event: "reqError", listener: (error: Error) => void): void;
  }
  export default function autocannon(
    options: {
      url: string;
      connections?: number;
      duration?: number;
      timeout?: number;
      headers?: Record<string, string>;
      method?: string;
      body?: string;
      setupClient?: (client: Client) => void;
    },
    done: (error: Error | null, result: unknown) => void,
  ): Instance;
}

declare module "@std/assert" {
  export class AssertionError extends Error {}
  export function assert(condition: unknown, message?: string): asserts condition;
  export function assertAlmostEquals(
    actual: number,
    expected: number,
    tolerance?: number,
    message?: string,
  ): void;
  export function assertArrayIncludes<T>(
    actual: readonly T[],
    expected: readonly T[],
    message?: string,
  ): void;
  export function assertEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertExists<T>(actual: T, message?: string): asserts actual is NonNullable<T>;
  export function assertFalse(condition: unknown, message?: string): void;
  export function assertGreater<T>(actual: T, expected: T, message?: string): void;
  export function assertGreaterOrEqual<T>(actual: T, expected: T, message?: string): void;
  // deno-lint-ignore no-explicit-any
  export function assertInstanceOf<T extends abstract new (...args: any[]) => unknown>(
    actual: unknown,
    expected: T,
    message?: string,
  ): asserts actual is InstanceType<T>;
  export function assertLess<T>(actual: T, expected: T, message?: string): void;
  export function assertLessOrEqual<T>(actual: T, expected: T, message?: string): void;
  export function assertMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertNotEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertNotMatch(actual: string, expected: RegExp, message?: string): void;
  export function assertObjectMatch(
    actual: Record<PropertyKey, unknown>,
    expected: Record<PropertyKey, unknown>,
    message?: string,
  ): void;
  export function assertRejects<E extends Error = Error>(
    run: () => PromiseLike<unknown>,
    // deno-lint-ignore no-explicit-any
    errorClass?: abstract new (...args: any[]) => E,
    includes?: string,
    message?: string,
  ): Promise<E>;
  export function assertStrictEquals<T>(actual: T, expected: T, message?: string): void;
  export function assertStringIncludes(actual: string, expected: string, message?: string): void;
  export function assertThrows<E extends Error = Error>(
    run: () => unknown,
    // deno-lint-ignore no-explicit-any
    errorClass?: abstract new (...args: any[]) => E,
    includes?: string,
    message?: string,
  ): E;
  export function equal(a: unknown, b: unknown): boolean;
  export function fail(message?: string): never;
  export function unreachable(): never;
}

declare module "ws" {
  import type { Buffer } from "node:buffer";
  import type { IncomingMessage } from "node:http";
  import type { Duplex } from "node:stream";

  export interface WebSocket {
    send(bytes: Uint8Array, done?: (error?: Error) => void): void;
    pause(): void;
    resume(): void;
    close(code: number): void;
    on(event: "message", listener: (bytes: Buffer) => void): void;
    on(event: "close" | "error", listener: () => void): void;
  }
  export class WebSocketServer {
    constructor(options: { noServer: true; handleProtocols: () => string });
    handleUpgrade(
      request: IncomingMessage,
      socket: Duplex,
      head: Buffer,
      onOpen: (client: WebSocket) => void,
    ): void;
  }
}
