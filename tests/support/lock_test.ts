import { assert, assertEquals } from "@std/assert";
import { ROOT } from "./root.ts";

/** A test file that says when its test began and ended. */
const file = (top: string, inside: string) =>
  `import { alone } from "./lock.ts";
   ${top}
   Deno.test("it", async () => {
     ${inside}
     const beganMs = Date.now();
     await new Promise((resolve) => setTimeout(resolve, 300));
     console.log(JSON.stringify({ alone: ${top + inside !== ""}, beganMs, endedMs: Date.now() }));
   });`;

interface Told {
  readonly alone: boolean;
  readonly beganMs: number;
  readonly endedMs: number;
}

Deno.test("who is alone is alone, from the top of a file or in a test, and others run beside each other", async () => {
  const directory = await Deno.makeTempDir();
  try {
    // Copies, because the file of this test holds its own share of the lock meanwhile.
    for (const name of ["lock.ts", "share_lock.ts"]) {
      await Deno.copyFile(`${ROOT}tests/support/${name}`, `${directory}/${name}`);
    }
    const shared = file("", "");
    const files = [
      shared,
      file("await alone();", ""),
      shared,
      file("", "await using _ = await alone();"),
      shared,
      shared,
    ];
    for (const [i, text] of files.entries()) await Deno.writeTextFile(`${directory}/${i}_test.ts`, text);
    const { stdout, stderr } = await new Deno.Command(Deno.execPath(), {
      args: [
        "test",
        "--no-check",
        "--allow-read",
        "--parallel",
        "--preload",
        `${directory}/share_lock.ts`,
        directory,
      ],
      env: { DENO_JOBS: "6", NO_COLOR: "1" },
    }).output();
    const text = new TextDecoder().decode(stdout);
    const told = [...text.matchAll(/\{.*\}/g)].map(([json]): Told => JSON.parse(json));
    assertEquals(told.length, files.length, text + new TextDecoder().decode(stderr));
    const overlap = (a: Told, b: Told) => a !== b && a.beganMs < b.endedMs && b.beganMs < a.endedMs;
    const [loners, crowd] = [told.filter(({ alone }) => alone), told.filter(({ alone }) => !alone)];
    for (const loner of loners) assertEquals(told.filter((other) => overlap(loner, other)), []);
    assert(crowd.some((one) => crowd.some((other) => overlap(one, other))), "nobody ran beside another");
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});
