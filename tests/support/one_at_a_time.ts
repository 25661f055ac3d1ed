/**
 * Imported by a test file that must not run beside another of its kind: because it puts the machine under
 * load, or because it changes the environment, which all files of one `deno test` share. Of such files one
 * runs at a time, whoever started them, and other files run beside it.
 *
 * `run_tests.ts` knows such a file by this import, and runs them in a process of their own, in which nothing
 * is parallel.
 *
 * @module
 */

/**
 * flock(2) asks for no right to write, so any file will do, and the lock goes with the test file's worker.
 */
const file = await Deno.open(new URL(import.meta.url));
await file.lock(true);
