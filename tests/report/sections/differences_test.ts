import { assertEquals } from "@std/assert";
import { differencesOf } from "../../../tools/report/sections/differences.ts";
import { pool, repetition, results, run } from "../../support/made_up_results.ts";

const direct = run("direct", [repetition(1)], null);
const named = (name: string, limit = 100) => run(name, [repetition(1)], pool(limit));

Deno.test("a run that some results lack is named once, whatever it is called, and the others by what differs", () => {
  const a = results([direct, named("my pool"), named("my", 10)]);
  const b = results([direct, named("my", 20)], { environment: { ...a.environment, kernel: "6.19.0" } });
  assertEquals(differencesOf([{ name: "A", results: a }, { name: "B", results: b }]), [
    "kernel: 6.18.0 in A, 6.19.0 in B",
    "run my gateway poolMaxIdlePerHost: 10 in A, 20 in B",
    "run my pool: not in B",
  ]);
});

Deno.test("results that are alike differ in nothing", () => {
  const a = results([direct]);
  assertEquals(differencesOf([{ name: "A", results: a }, { name: "B", results: a }]), []);
});
