/**
 * Loaded ahead of each test file (`deno test --preload`): shares the lock of lock.ts, so that a file that is
 * alone is alone.
 */

import { share } from "./lock.ts";

await share();
