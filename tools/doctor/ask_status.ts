/**
 * Asks a URL twice and prints what it answers: a process of its own, because the doctor's has no permission
 * to connect, and this one has it for one host. It imports nothing.
 *
 * @module
 */

/** Longest wait for an answer, in milliseconds. */
const ANSWER_MS = 5_000;

/**
 * Prints `--- asked SECONDS` and the answer, twice, `seconds` apart; `--- failed` and why where there is
 * none.
 */
async function ask(url: string, seconds: number): Promise<void> {
  for (const last of [false, true]) {
    try {
      const response = await fetch(url, { redirect: "error", signal: AbortSignal.timeout(ANSWER_MS) });
      const body = await response.text();
      if (!response.ok) throw new Error(`HTTP status ${response.status}`);
      console.log(`--- asked ${performance.now() / 1000}\n${body}`);
    } catch (error) {
      console.log(`--- failed\n${wordsOf(error)}`);
      return;
    }
    if (!last) await new Promise((resolve) => setTimeout(resolve, seconds * 1000));
  }
  console.log("--- end");
}

/** The reason that is innermost: those around it say that fetch failed. */
function wordsOf(error: unknown): string {
  if (!(error instanceof Error)) return String(error);
  if (error.name === "TimeoutError") return `no answer within ${ANSWER_MS / 1000} s`;
  return error.cause === undefined ? error.message : wordsOf(error.cause);
}

if (import.meta.main) {
  await ask(Deno.args[0]!, Number(Deno.args[1]));
  // The connection is kept for the second question, and would keep the process.
  Deno.exit();
}
