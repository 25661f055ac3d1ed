import {
  assert,
  assertEquals,
  assertGreater,
  assertLess,
  assertRejects,
  assertStringIncludes,
} from "@std/assert";
import { UnavailableError } from "../../tools/errors.ts";
import { takeCapture } from "../../tools/doctor/take_capture.ts";
import { privateLab } from "../support/requirements.ts";

const { signal } = new AbortController();

Deno.test("this machine is read by a shell of its own, and its capture comes through as it is printed", async () => {
  let text = "";
  const decoder = new TextDecoder();
  const capture = await takeCapture({
    seconds: 0,
    signal,
    onChunk: (chunk) => void (text += decoder.decode(chunk, { stream: true })),
  });
  assert(capture.complete);
  assertEquals(capture.namespaceOf, undefined);
  assertEquals(new TextEncoder().encode(text).length, capture.bytes);
  assertStringIncludes(text, "\n--- end\n");
});

Deno.test("a prefix leads to another host, quotes of a shell included", privateLab, async () => {
  const capture = await takeCapture({ host: `env 'A=b c' unshare -Urn --`, seconds: 0, signal });
  assertEquals(capture.readings[0]?.sockets?.count, 0);
  assertGreater(capture.others.length, 0);
});

Deno.test("a host that cannot be reached, or ends early, is one line with what it said", async () => {
  const refused = await assertRejects(
    () => takeCapture({ host: "sh -c 'echo no such pod >&2; exit 0' x", seconds: 0, signal }),
    UnavailableError,
  );
  assertStringIncludes(refused.message, "sh has ended ahead of the capture's last line: no such pod");
  const cut = await assertRejects(
    () => takeCapture({ host: `sh -c '"$@" | head -c 3000' x`, seconds: 0, signal }),
    UnavailableError,
  );
  assertStringIncludes(cut.message, "has ended ahead of the capture's last line");
  const other = await assertRejects(
    () => takeCapture({ host: "echo hello;", seconds: 0, signal }),
    UnavailableError,
  );
  assertStringIncludes(other.message, "is no capture");
});

Deno.test("a watch that is interrupted ends at once, though the shell sleeps", async () => {
  const controller = new AbortController();
  let startMs = Infinity;
  let text = "";
  let timer: ReturnType<typeof setTimeout> | undefined;
  await assertRejects(() =>
    takeCapture({
      seconds: 600,
      signal: controller.signal,
      onChunk(chunk) {
        text += new TextDecoder().decode(chunk);
        if (!text.includes("--- tcp6\n") || timer !== undefined) return;
        timer = setTimeout(() => {
          startMs = performance.now();
          controller.abort(new DOMException("interrupted", "AbortError"));
        }, 300);
      },
    }), DOMException);
  assertLess(performance.now() - startMs, 5_000);
});
