/**
 * What a test file imports that must be alone: run_tests.ts runs it after all others, and by itself. Test
 * files that run beside each other are threads of one process, so a file must be alone that sets the
 * environment of its process, kills processes that its process has started, or watches everything that the
 * machine does.
 *
 * @module
 */

export {};
