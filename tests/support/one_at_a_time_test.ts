import { assert, assertEquals } from "@std/assert";
import { ROOT } from "./root.ts";

/** A test file that says when its test began and ended. */
const file = (top: string) =>
  `${top}
   Deno.test("it", async () => {
     const beganMs = Date.now();
     await new Promise((resolve) => setTimeout(resolve, 300));
     console.log(JSON.stringify({ loads: ${top !== ""}, beganMs, endedMs: Date.now() }));
   });`;

interface Told {
  readonly loads: boolean;
  readonly beganMs: number;
  readonly endedMs: number;
}

Deno.test("of the files that ask for it one runs at a time, beside the others", async () => {
  const directory = await Deno.makeTempDir();
  try {
    // A copy, so that this test waits for nobody who holds the lock of the checkout.
    await Deno.copyFile(`${ROOT}tests/support/one_at_a_time.ts`, `${directory}/one_at_a_time.ts`);
    const loads = file('import "./one_at_a_time.ts";');
    const files = [file(""), loads, file(""), loads, loads, file("")];
    for (const [i, text] of files.entries()) await Deno.writeTextFile(`${directory}/${i}_test.ts`, text);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: ["test", "--no-check", "--allow-read", "--parallel", directory],
      env: { DENO_JOBS: "6", NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    const told = [...text.matchAll(/\{.*\}/g)].map(([json]): Told => JSON.parse(json));
    assertEquals(told.length, files.length, text + new TextDecoder().decode(stderr));
    const overlap = (a: Told, b: Told) => a !== b && a.beganMs < b.endedMs && b.beganMs < a.endedMs;
    const loaders = told.filter(({ loads }) => loads);
    assertEquals(loaders.filter((one) => loaders.some((other) => overlap(one, other))), []);
    assert(told.some((one) => told.some((other) => overlap(one, other))), "nobody ran beside another");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
