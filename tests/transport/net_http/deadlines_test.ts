import { assert, assertEquals } from "@std/assert";
import { Deadline, Deadlines } from "../../../tools/transport/net_http/deadlines.ts";

Deno.test("a deadline that is neither stopped nor started anew is over, not before its time and not long after", async () => {
  using deadlines = new Deadlines(40);
  const start = Date.now();
  const over = Promise.withResolvers<number>();
  const stopped = new Deadline(deadlines, () => over.reject(new Error("the stopped one expired")));
  const deadline = new Deadline(deadlines, () => over.resolve(Date.now() - start));
  deadline.start();
  stopped.start();
  stopped.stop();
  const keepAlive = setTimeout(() => over.reject(new Error("not within 5 s")), 5000);
  const ms = await over.promise;
  clearTimeout(keepAlive);
  assert(ms >= 40, `${ms} ms`);
});

Deno.test("a deadline of 0 is none, and disposing stops them all", () => {
  const never = new Deadlines(0);
  const deadline = new Deadline(never, () => {});
  deadline.start();
  assertEquals(deadline.node.ring, undefined);
  const deadlines = new Deadlines(5);
  new Deadline(deadlines, () => assert(false, "disposed")).start();
  deadlines[Symbol.dispose]();
});
