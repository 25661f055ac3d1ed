import { assertEquals, assertRejects } from "@std/assert";
import { writeWhole } from "../../tools/results/write.ts";

Deno.test("a file that cannot be written keeps what it held, and nothing is left beside it", async () => {
  const directory = await Deno.makeTempDir();
  try {
    const path = `${directory}/results.json`;
    await writeWhole(path, "first");
    const writeTextFile = Deno.writeTextFile;
    Deno.writeTextFile = async (to, text, options) => {
      await writeTextFile(to, String(text).slice(0, 2), options);
      throw new Error("No space left on device (os error 28)");
    };
    try {
      await assertRejects(
        () => writeWhole(path, "second"),
        Error,
        `${path} cannot be written: No space left on device`,
      );
    } finally {
      Deno.writeTextFile = writeTextFile;
    }
    assertEquals(await Deno.readTextFile(path), "first");
    assertEquals([...Deno.readDirSync(directory)].map((entry) => entry.name), ["results.json"]);
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
});

Deno.test("the reason is the system's, without what Deno puts around it", async () => {
  await assertRejects(
    () => writeWhole("/no/such/file", ""),
    Error,
    "/no/such/file cannot be written: No such file or directory",
  );
  await assertRejects(
    () => writeWhole("/proc/file", ""),
    Error,
    "/proc/file cannot be written: Deno lets no script",
  );
});
