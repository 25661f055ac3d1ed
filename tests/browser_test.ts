import { assert, assertEquals, assertGreater, assertLessOrEqual } from "@std/assert";
import { chromium, privateLab } from "./support/requirements.ts";
import { readResults } from "../tools/results/read.ts";
import { plotsOf } from "../tools/report/plots/plots.ts";
import { startBrowser, type View } from "./support/browser.ts";
import { ROOT } from "./support/root.ts";

const VIEWS: readonly View[] = [1280, 390].flatMap((width) => [
  { width, scheme: "light" },
  { width, scheme: "dark" },
]);

/** How bright a colour such as `rgb(13, 17, 23)` is, from 0 to 255. */
function brightness(colour: string): number {
  const parts = colour.match(/\d+/g)!.slice(0, 3).map(Number);
  return parts.reduce((sum, part) => sum + part) / 3;
}

/** Colours of the lines in a canvas that are not grey, each with enough pixels to be seen. */
const COLOURS_SEEN = `[...document.querySelectorAll(".plot canvas")].map((canvas) => {
  // Below the legend.
  const { data } = canvas.getContext("2d").getImageData(0, 60, canvas.width, canvas.height - 60);
  const seen = new Map();
  for (let i = 0; i < data.length; i += 4) {
    const [r, g, b, a] = data.subarray(i, i + 4);
    if (a < 250 || Math.max(r, g, b) - Math.min(r, g, b) < 60) continue;
    const colour = [r, g, b].join();
    seen.set(colour, (seen.get(colour) ?? 0) + 1);
  }
  return [...seen.values()].filter((pixels) => pixels > 30).length;
})`;

/** Texts of a page or a drawing that lie, in part, outside of its width. */
const CUT_OFF = `[...document.querySelectorAll("h1, h2, h3, p, li, text")].filter((one) => {
  const { left, right } = one.getBoundingClientRect();
  return left < -1 || right > innerWidth + 1;
}).map((one) => one.textContent)`;

Deno.test({
  name:
    "the page and the drawings of a bench are seen whole in a browser: light and dark, on a desktop and a phone",
  ignore: chromium.ignore || privateLab.ignore,
  async fn() {
    const directory = await Deno.makeTempDir();
    try {
      const page = `${directory}/page.html`;
      const { code, stderr } = await new Deno.Command(Deno.execPath(), {
        args: [
          "run",
          "--no-prompt",
          "--allow-run",
          "--allow-read",
          "--allow-write",
          "--allow-env",
          "--allow-sys",
        ]
          .concat([
            `${ROOT}tools/bench.ts`,
            "--quick",
            "--duration",
            "1s",
            "--connections",
            "100",
            "--latency",
            "20ms",
          ])
          .concat(["--lab", "private", "--out", directory, "--html", page]),
        stdin: "null",
        stdout: "null",
        cwd: ROOT,
      }).output();
      assertEquals(code, 0, new TextDecoder().decode(stderr));
      const results = await readResults(`${directory}/results.json`);
      const plots = plotsOf(results);
      assertGreater(plots.length, 3);

      await using browser = await startBrowser();
      for (const view of VIEWS) {
        const where = `${view.width} ${view.scheme}`;
        const seen = await browser.open(`file://${page}`, view);
        assertEquals([seen.complaints, seen.requests], [[], []], where);
        const { wide, title, colours } = await seen.evaluate<
          { wide: number; title: string; colours: string[] }
        >(`({
          wide: document.documentElement.scrollWidth,
          title: document.title,
          colours: [getComputedStyle(document.body).color, getComputedStyle(document.body).backgroundColor],
        })`);
        assertEquals(title, results.question);
        assertLessOrEqual(wide, view.width, `${where}: it must not scroll sideways`);
        assertEquals(await seen.evaluate(CUT_OFF), [], where);
        const [ink, paper] = colours.map(brightness) as [number, number];
        assert(
          view.scheme === "dark" ? ink > 200 && paper < 50 : ink < 60 && paper > 240,
          `${where}: ${colours}`,
        );
        const lines = await seen.evaluate<number[]>(COLOURS_SEEN);
        assertEquals(lines.length, plots.length, where);
        for (const [i, { name }] of plots.entries()) {
          assertGreater(lines[i]!, 0, `${where}: ${name} is empty`);
        }
      }
      for (const { name } of plots) {
        for (const scheme of ["light", "dark"] as const) {
          const seen = await browser.open(`file://${directory}/${name}.svg`, { width: 900, scheme });
          assertEquals([seen.complaints, seen.requests], [[], []], name);
          assertEquals(await seen.evaluate(CUT_OFF), [], name);
          const ink = await seen.evaluate<string>(`getComputedStyle(document.querySelector("text")).fill`);
          assertEquals(brightness(ink) > 200, scheme === "dark", `${name} ${scheme}: ${ink}`);
          const strokes =
            `[...document.querySelectorAll("path")].filter((path) => path.getTotalLength() > 50).length`;
          assertGreater(await seen.evaluate<number>(strokes), 3, name);
        }
      }
    } finally {
      await Deno.remove(directory, { recursive: true });
    }
  },
});
