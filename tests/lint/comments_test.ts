import { assertEquals } from "@std/assert";
import { breakWide, findWide } from "./comments.ts";

const wide = "word ".repeat(30).trim();

Deno.test("a comment wider than the code may be is found, and a table, an address and code are not", () => {
  for (const line of [`// ${wide}`, `  /** ${wide} */`, ` * ${wide}`]) {
    assertEquals(findWide("a.ts", line).length, 1, line);
  }
  for (const line of [` * | ${wide} |`, `// http://a.example/${"x".repeat(120)}`, `const a = "${wide}";`]) {
    assertEquals(findWide("a.ts", line), [], line);
  }
});

Deno.test("a broken comment has the same words, in lines that fit, and its lists and tags stay", () => {
  const text = [
    `  /** ${wide} */`,
    "/**",
    ` * ${wide}`,
    " * goes on",
    " *",
    ` * - ${wide}`,
    " * - another",
    " *",
    ` * @param ${wide}`,
    " * @returns nothing",
    " */",
    `// ${wide} ${wide} ${wide}`,
    "code();",
  ].join("\n");
  const broken = breakWide(text);
  const wordsOf = (text: string) =>
    text.replace(/^ *(\/\*\*|\*\/|\*(?!\/)|\/\/)|\*\/$/gm, "").split(/\s+/).filter(Boolean);
  assertEquals(findWide("a.ts", broken), []);
  assertEquals(wordsOf(broken), wordsOf(text));
  assertEquals(broken.match(/^ \* (- another|@returns nothing|.*goes on)$/gm)?.length, 3);
  assertEquals(broken.split("\n").at(-1), "code();");
});
