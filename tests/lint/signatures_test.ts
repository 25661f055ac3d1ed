import { assertEquals } from "@std/assert";
import { findBooleans } from "./signatures.ts";

Deno.test("a boolean by its position is found in functions and methods; one among options is none", async () => {
  const file = await Deno.makeTempFile({ suffix: ".ts" });
  try {
    await Deno.writeTextFile(
      file,
      `export function plain(a: string, b: boolean): void {}
       export function perhaps(a?: boolean | undefined): void {}
       export function standard(a = false, { b }: { b: boolean }): void {}
       export function fine(options: { b: boolean }, each: (b: boolean) => void): boolean { return true; }
       export interface Face { method(a: boolean): void }
       export class Thing { constructor(a: boolean) {} method(a: boolean): void {} }`,
    );
    const found = await findBooleans(file);
    assertEquals(found.map((offence) => offence.split(" takes ")[0]), [
      "plain",
      "perhaps",
      "standard",
      "Face.method",
      "new Thing",
      "Thing.method",
    ]);
  } finally {
    await Deno.remove(file);
  }
});
