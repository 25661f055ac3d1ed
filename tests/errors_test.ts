import { assertEquals } from "@std/assert";
import { messageOf, TimewaitError } from "../tools/errors.ts";

Deno.test("an error on the way out hides no error that came before it", () => {
  const first = new TimewaitError("must be so", { field: "it" });
  const second = new SuppressedError(new Error("could not\nclose"), first);
  const third = new SuppressedError(new Error("nor that"), second);
  assertEquals(messageOf(second), "it must be so; while that ended: could not; close");
  assertEquals(
    messageOf(third),
    "it must be so; while that ended: could not; close; while that ended: nor that",
  );
});
