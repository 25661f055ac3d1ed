import { assertEquals } from "@std/assert";
import { pathOf, sourcePermission } from "../tools/paths.ts";

Deno.test("the path of a folder has its characters as they are, whatever they are", () => {
  for (const path of ["/a b", "/it's", "/#1", "/what?", "/%41", "/ü", "/a;b", "/"]) {
    const url = new URL(`file://${path.split("/").map(encodeURIComponent).join("/")}`);
    assertEquals(pathOf(url), path);
    const { flag, descriptor } = sourcePermission(url);
    assertEquals([flag, descriptor], [`--allow-read=${path}`, { name: "read", path }]);
  }
});

Deno.test("sources in a folder with a comma need leave for all files, and those of a server for that", () => {
  assertEquals(sourcePermission(new URL("file:///a,b/tools/")).flag, "--allow-read");
  const { flag, descriptor } = sourcePermission(new URL("http://127.0.0.1:8000/tools/"));
  assertEquals(flag, "--allow-import=127.0.0.1:8000");
  assertEquals(descriptor, { name: "import", host: "127.0.0.1:8000" });
});
