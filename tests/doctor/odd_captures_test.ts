/** Captures with oddities: each is read and judged, or refused in one line. */

import { assert, assertEquals } from "@std/assert";
import { createAnonymiser } from "../../tools/doctor/anonymise.ts";
import { createCaptureReader } from "../../tools/doctor/capture.ts";
import { diagnose, type Diagnosis } from "../../tools/doctor/diagnosis.ts";
import { takeCapture } from "../../tools/doctor/take_capture.ts";
import { TimewaitError } from "../../tools/errors.ts";
import { renderMetrics } from "../../tools/report/doctor/metrics.ts";
import { renderDoctorReport } from "../../tools/report/doctor/report.ts";
import { captureText } from "../support/made_up_capture.ts";
import { ROOT } from "../support/root.ts";
import { parsePromText } from "../support/prom_text.ts";

const { signal } = new AbortController();

/** Reads, judges and renders; the message where the capture is refused. */
function judged(bytes: Uint8Array): Diagnosis | string {
  const reader = createCaptureReader("odd.capture");
  try {
    reader.push(bytes);
    const diagnosis = diagnose(reader.finish());
    const report = renderDoctorReport(diagnosis, { name: "odd.capture", judgedSec: 0 });
    assert(!/\b(?:NaN|undefined|Infinity)\b/.test(report), report);
    parsePromText(renderMetrics(diagnosis));
    return diagnosis;
  } catch (error) {
    if (!(error instanceof TimewaitError)) throw error;
    assertEquals(error.message.split("\n").length, 1);
    return error.message;
  }
}

async function ofThisMachine(): Promise<string> {
  const decoder = new TextDecoder();
  let text = "";
  const onChunk = (chunk: Uint8Array) => void (text += decoder.decode(chunk, { stream: true }));
  await takeCapture({ seconds: 1, signal, onChunk });
  return shortened(text);
}

/**
 * A capture without most of what repeats. A machine that a load has just left has thousands of sockets in
 * TIME_WAIT, and each of the hundreds of judgments would read them all: what is odd there, is odd in a few.
 */
function shortened(text: string): string {
  const sections = text.split(/^(?=--- )/m);
  const kinds = new Map<string, number>();
  return sections.flatMap((section) => {
    const [kind] = /^(?:--- \w+)?/.exec(section)!;
    const count = (kinds.get(kind) ?? 0) + 1;
    kinds.set(kind, count);
    return count > 20 ? [] : section.split(/^/m).slice(0, 20);
  }).join("");
}

const kept = (name: string) => Deno.readTextFileSync(`${ROOT}tests/doctor/kept/${name}.capture`);

const SAMPLES: Readonly<Record<string, string>> = {
  "made up": captureText({
    readings: [{}, {
      counters: { "Tcp.ActiveOpens": 90, "Tcp.PassiveOpens": 4 },
      tcp: [
        { local: "0.0.0.0:80", remote: "0.0.0.0:0", state: "0A", inode: 3 },
        { local: "10.0.0.1", remote: "10.0.0.2:80", state: "06", count: 12, left: [59, 1] },
        { local: "10.0.0.1:80", remote: "10.0.0.3:40000", state: "08", count: 2, inode: 9 },
      ],
    }],
    after:
      "--- process 6 nginx\n= nginx: master\n--- descriptors 6 3\nx 64 x 1 -> socket:[3]\n--- limits 6\n" +
      "Max open files            1024                 524288               files     \n",
  }),
  "Linux 4.19": kept("linux_4_19"),
  "Linux 5.15": kept("linux_5_15"),
  "this machine": await ofThisMachine(),
};

/** The same numbers each time, so that a fault that was found is found again. */
function* numbers(seed = 1): Generator<number> {
  for (let x = seed;; x = (x * 48_271) % 2_147_483_647) yield x;
}

for (const [name, text] of Object.entries(SAMPLES)) {
  const bytes = new TextEncoder().encode(text);
  const step = Math.max(1, Math.floor(bytes.length / 250));

  Deno.test(`a capture that is cut off anywhere is read or refused in one line: ${name}`, () => {
    const seen = { read: 0, refused: 0 };
    for (let end = 0; end < bytes.length; end += step) {
      const result = judged(bytes.subarray(0, end));
      if (typeof result === "string") seen.refused++;
      else {
        seen.read++;
        assertEquals(result.capture.complete, end >= text.lastIndexOf("--- end") + 7);
      }
    }
    assert(seen.read > 0 && seen.refused > 0, JSON.stringify(seen));
  });

  Deno.test(`a capture with bytes or lines that were changed is read or refused in one line: ${name}`, () => {
    const random = numbers();
    const next = (below: number) => random.next().value! % below;
    for (let i = 0; i < 60; i++) {
      const changed = bytes.slice();
      for (let k = 0; k < 1 + i % 20; k++) changed[next(bytes.length)] = next(256);
      judged(changed);
      const lines = text.split("\n");
      for (let k = 0; k < 1 + i % 5; k++) {
        lines.splice(next(lines.length), next(4), lines[next(lines.length)]!);
      }
      judged(new TextEncoder().encode(lines.join("\n")));
    }
  });

  Deno.test(`no address is left in an anonymised capture, and it shows the same: ${name}`, () => {
    const anonymiser = createAnonymiser();
    const hidden = anonymiser.push(bytes) + anonymiser.finish();
    const addresses = (text: string) =>
      new Set([...text.matchAll(/ ([0-9A-F]{32}|[0-9A-F]{8}):[0-9A-F]{4}(?= )/g)].map(([, hex]) => hex!));
    const isOwn = (hex: string) =>
      /^0*$/.test(hex) || hex.endsWith("7F") || hex === "00000000000000000000000001000000";
    const left = addresses(hidden);
    for (const hex of left) {
      assert(isOwn(hex) || /^(?:0{16}FFFF0000)?[0-9A-F]{6}0A$|^000000FD0{16}/.test(hex), hex);
    }
    assertEquals(left.size, addresses(text).size);
    const shown = (bytes: Uint8Array) => {
      const { facts, verdict, causes } = judged(bytes) as Diagnosis;
      return {
        verdict,
        causes,
        states: facts?.states,
        destinations: facts?.destinations.map((one) => one.portsUsed),
      };
    };
    assertEquals(shown(new TextEncoder().encode(hidden)), shown(bytes));
    // What is anonymised once more is as anonymous: numbers stay numbers.
    assertEquals(hidden.split("\n").length, text.split("\n").length);
  });
}

Deno.test("a machine without IPv6 is read", () => {
  const text = captureText({ before: "--- note\nno IPv6: there is no /proc/net/tcp6\n" });
  assert(!text.includes("--- tcp6"));
  const diagnosis = judged(new TextEncoder().encode(text)) as Diagnosis;
  assertEquals([diagnosis.verdict, diagnosis.facts?.notes.map(({ kind }) => kind)], ["nothing wrong", [
    "no IPv6",
  ]]);
});
