// A results document that is hostile in every text that the schema lets it have.

import { assert, assertEquals, assertStringIncludes, assertThrows } from "@std/assert";
import { messageOf, TimewaitError } from "../../tools/errors.ts";
import { Marked, type MarkedToken, type Token } from "marked";
import { renderComparison } from "../../tools/report/comparison_report.ts";
import { renderFindings } from "../../tools/verdict/findings_document.ts";
import { code, prose } from "../../tools/report/markdown.ts";
import { renderPage } from "../../tools/report/page.ts";
import { plotsOf } from "../../tools/report/plots/plots.ts";
import { renderSvg } from "../../tools/report/plots/svg.ts";
import { renderReport } from "../../tools/report/report.ts";
import { writeReport } from "../../tools/report/report_files.ts";
import { renderRows } from "../../tools/report/table.ts";
import schema from "../../tools/results/results.schema.json" with { type: "json" };
import { writeResults } from "../../tools/results/write.ts";
import { parseResults } from "../../tools/results/read.ts";
import type { HostResult } from "../../tools/observe/series.ts";
import type { Measured, Results } from "../../tools/results/results.ts";
import { showProgress } from "../../tools/run/progress.ts";
import { checkDocuments } from "../../tools/verdict/documents.ts";
import { parseGate } from "../../tools/verdict/gate.ts";
import { ended, witness } from "../support/made_up_evidence.ts";
import { repetition, results, run } from "../support/made_up_results.ts";
import { at, opening, sweepResults } from "../support/made_up_sweep.ts";

/** What a name may hold: one line without backticks. */
const NAME = String
  .raw`# a$'b$&c$1 {baseline} \|| ![p](plot:nope) [l](http://h) <script>x</script> **s** _e_ ~~d~~ ]]>&lt; a@b.cc ` +
  "\x1b[2J\x07\x9b\u202e\u2028\\";
const TEXT =
  `${NAME}\r\n\r\n# heading\n\n## heading\n\n- item\n1. item\n\n    code\n> quote\n\`\`\`\n\`\`\`\`\`sh\n~~~\n` +
  "| a | b |\n| - | - |\n| c | d |\n\n`x` ``y`` </main></script><!--\n===\n---\n";

/** Texts that are one of a few words, or a time: no document with another one is read. */
const FIXED = /^(party|notWatched|schema|startedAt|kind|transport|side|host|status|step|by|how|at)$/;

/** Where a text stood in a document, by the names of the properties. */
const PLACES = new Set<string>();

/** A document with a text in every place where one may stand. */
function documentOf(
  name: (i: number) => string,
  text: (i: number) => string,
): Results {
  const knob = { host: "gateway", key: "k", before: "b", asked: "a" } as const;
  const knobs = [
    { ...knob, inForce: "a", status: "applied", reason: "r" } as const,
    { ...knob, inForce: null, status: "denied", reason: "r" } as const,
  ];
  const command = { command: "c" };
  const upstreamFailures = [{ code: "c", step: "connect", count: 3, firstMs: 1, example: "e" }] as never;
  const group = {
    side: "opened",
    opening: 0,
    established: 9,
    closeWait: 0,
    closing: 0,
    finWait2: 0,
  } as const;
  const witnesses = [witness({ backend: "b", accepted: 900, ended: [ended(800)] })];
  const one = run("direct", [repetition(5_000, { opened: 40_000, timeWait: 30_000, knobs })], null);
  const runs = [
    { ...one, options: { ...one.options, sysctls: { k: "v" } } },
    run(
      "two",
      [
        grouped(repetition(100, { opened: 800, timeWait: 700, knobs, upstreamFailures, witnesses }), {
          connectionGroups: [{ ...group, service: "s", timeWait: 700 }],
        }),
        { failed: "f" },
      ],
      command,
    ),
    run("three", [{ failed: "f" }], command),
    run("four", [repetition(90, { opened: 700 })]),
  ].map((run, i) => ({
    ...run,
    options: {
      ...run.options,
      load: { ...run.options.load, headers: ["h"], script: "s", connections: 10 + i },
      url: "u",
      backendUrl: "u",
      ...(i === 3 ? { backend: { ...run.options.backend, command: "c" } } : {}),
    },
  }));
  const made = results(runs, {
    method: { repeat: 3, until: null, decide: { maxTimeMs: 1, gates: ["g"] } },
    products: [{ run: "two", id: "i", version: "v" }],
    environment: {
      ...results([]).environment,
      governors: ["g", "h"],
      load: { name: "autocannon", version: "v", reason: "r" },
      lab: { kind: "host", reason: "r" },
      sysctls: { a: "v", b: "w" },
      machineSysctls: { a: "x", b: "y" },
      machines: [{ party: "gateway", prefix: "p", kernel: "k", cpus: 2, proxies: ["p"] }],
      notWatched: ["backend"],
    },
  });
  return withTexts(made, name, text);
}

/** A sweep with such texts. */
function sweepOf(name: (i: number) => string, text: (i: number) => string): Results {
  const runs = ["direct", "mine"].flatMap((series) =>
    [10, 20, 40].map((value) =>
      at(series, "connections", value, [opening(0.1), opening(0.2)], { direct: series === "direct" })
    )
  );
  return withTexts(sweepResults(runs), name, text);
}

/** The document with other texts in place of its own, as it is read back. */
function withTexts(made: Results, name: (i: number) => string, text: (i: number) => string): Results {
  let i = 0;
  const replaced = (value: unknown, key: string): unknown => {
    if (typeof value === "string") {
      // The name of a setting: no document with another one is read.
      if (value === "connections") return value;
      PLACES.add(key);
      if (FIXED.test(key) || /^(autocannon|wrk)$/.test(value)) return value;
      // The runs of one series are still those of one.
      if (key === "series") return name(value.length);
      if (key === "gates") return `${name(i++).replaceAll(/[:<>=]/g, "")}:requestsPerSec>=-5%`;
      return key === "name" || key === "scenario" || key === "question" ? name(i++) : text(i++);
    }
    if (typeof value !== "object" || value === null) return value;
    if (Array.isArray(value)) return value.map((inner) => replaced(inner, key));
    const named = /^(sysctls|machineSysctls)$/.test(key);
    return Object.fromEntries(
      Object.entries(value).map(([inner, of]) =>
        named ? [text(inner.charCodeAt(0)), replaced(of, key)] : [inner, replaced(of, inner)]
      ),
    );
  };
  return parseResults(JSON.stringify(replaced(made, "")), "made up");
}

function grouped(measured: Measured, more: Partial<HostResult>): Measured {
  const { hosts } = measured;
  return { ...measured, hosts: { ...hosts, gateway: { ...hosts.gateway!, ...more } } };
}

const HOSTILE = documentOf((i) => `${i}${NAME}`, (i) => `${TEXT}${i}`);
const TAME = documentOf((i) => `name${i}`, (i) => `text${i}`);

/** What the Markdown is made of, without its words. */
function skeletonOf(markdown: string): unknown[] {
  const walk = (tokens: readonly Token[] = []): unknown[] =>
    (tokens as MarkedToken[]).flatMap((token): unknown[] => {
      switch (token.type) {
        case "text":
          return "tokens" in token ? walk(token.tokens) : [];
        case "escape":
        case "space":
          return [];
        case "heading":
          return [[`h${token.depth}`, walk(token.tokens)]];
        case "table":
          return [[
            "table",
            [token.header, ...token.rows].map((row) => row.map((cell) => walk(cell.tokens))),
          ]];
        case "list":
          return [["list", token.items.map((item) => walk(item.tokens))]];
        default:
          return [[token.type, "tokens" in token ? walk(token.tokens) : []]];
      }
    });
  return walk(new Marked().lexer(markdown));
}

// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]/;

function assertTame(hostile: string, tame: string): void {
  assert(!CONTROLS.test(hostile), `a control character: ${JSON.stringify(CONTROLS.exec(hostile))}`);
  assertEquals(skeletonOf(hostile), skeletonOf(tame));
}

Deno.test("a hostile document has the headings, tables, lists and code of any other in its report, and no more", () => {
  assertTame(renderReport(HOSTILE), renderReport(TAME));
  const plots = [{ title: "a", path: "a.svg" }];
  assertTame(renderReport(HOSTILE, plots), renderReport(TAME, plots));
});

Deno.test("so it has where it was measured on given hosts", () => {
  const there = (document: Results): Results => ({
    ...document,
    environment: { ...document.environment, lab: { kind: "remote" } },
  });
  assertTame(renderReport(there(HOSTILE)), renderReport(there(TAME)));
});

Deno.test("so it has where the document is a sweep", () => {
  const [hostile, tame] = [
    sweepOf((i) => `${i}${NAME}`, () => TEXT),
    sweepOf((i) => `name${i}`, () => "text"),
  ];
  assertTame(renderReport(hostile), renderReport(tame));
});

Deno.test("every text that the schema lets a document have was a hostile one", () => {
  const texts = new Set<string>();
  const collect = (value: unknown, name: string) => {
    if (typeof value !== "object" || value === null) return;
    const of = value as Record<string, unknown>;
    if ([of.type].flat().includes("string") && of.enum === undefined && of.const === undefined) {
      texts.add(name);
    }
    for (const [key, inner] of Object.entries(of)) {
      collect(inner, ["items", "additionalProperties", "anyOf"].includes(key) || !isNaN(+key) ? name : key);
    }
  };
  collect(schema, "");
  // An alias is met at the property that has it.
  for (const alias of ["GateText"]) texts.delete(alias);
  assertEquals([...texts].filter((name) => !PLACES.has(name)), []);
});

Deno.test("so it has in a comparison, with hostile names of files and gates besides", () => {
  const compared = (document: Results, name: (i: number) => string) => {
    const documents = [
      { name: name(1), results: { ...document, seed: 2 } },
      { name: name(2), results: { ...document, runs: document.runs.slice(0, 3) } },
      { name: name(3), results: { ...document, environment: { ...document.environment, kernel: name(4) } } },
    ];
    const gate = { ...parseGate("requestsPerSec>=-5%", "--gate"), text: name(5) };
    return renderComparison(documents, checkDocuments([gate], documents));
  };
  assertTame(compared(HOSTILE, (i) => `${TEXT}${i}`), compared(TAME, (i) => `text${i}`));
});

Deno.test("the page of a hostile document has the tags of any other, and all of its plots", async () => {
  const tagsOf = async (document: Results) => {
    const page = await renderPage(document);
    const main = /<main>[^]*<\/main>/.exec(page)![0];
    assert(!CONTROLS.test(main.replaceAll("\r", "")));
    return { tags: main.match(/<\/?[a-z][a-z0-9]*/g), scripts: page.split("<script").length };
  };
  const [hostile, tame] = [await tagsOf(HOSTILE), await tagsOf(TAME)];
  assertEquals(hostile, tame);
});

/** Whether a text is XML as far as tags, their attributes and entities go. */
function assertWellFormed(svg: string): void {
  const open: string[] = [];
  const rest = svg.replaceAll(/<!\[CDATA\[[^]*?\]\]>/g, "").replaceAll(
    /<(\/?)([a-zA-Z][\w:-]*)((?:\s+[\w:-]+="[^"<]*")*)\s*(\/?)>/g,
    (_, end, tag, __, empty) => {
      if (end) assertEquals(open.pop(), tag);
      else if (!empty) open.push(tag);
      return "";
    },
  );
  assertEquals(open, []);
  assert(!rest.includes("<"), `a tag that is none: ${rest.slice(rest.indexOf("<"), rest.indexOf("<") + 80)}`);
  assert(!/&(?!#?\w+;)/.test(svg), "an ampersand");
  assert(!CONTROLS.test(svg.replaceAll("\n", "")), "a control character");
}

Deno.test("the plots of a hostile document are well-formed SVG", async () => {
  const directory = await Deno.makeTempDir();
  try {
    await writeReport(directory, HOSTILE);
    const files = Array.from(Deno.readDirSync(directory), ({ name }) => name).filter((name) =>
      name.endsWith(".svg")
    );
    assert(files.length > 1);
    for (const file of files) assertWellFormed(await Deno.readTextFile(`${directory}/${file}`));
  } finally {
    await Deno.remove(directory, { recursive: true });
  }
  const [plot] = plotsOf(TAME);
  assertWellFormed(await renderSvg({ ...plot!, title: "a$'b$&c <\"&" }));
});

Deno.test("a hostile run writes one line of progress, and moves no cursor", () => {
  let written = "";
  const output = { write: (text: string) => void (written += text), columns: () => undefined };
  const [, , failing] = HOSTILE.runs;
  const { onRepetition } = showProgress(output, {});
  onRepetition(TEXT, 1, failing!.repetitions[0]!);
  assertEquals(written.split("\n").length, 2);
  assert(!CONTROLS.test(written));
});

Deno.test("text of any kind is itself again once Markdown is read", () => {
  for (
    const text of [
      "a`b",
      "`",
      "``a` b``",
      String.raw`a\|b`,
      "*a* _b_ <i> &lt; [x](y) ~~z~~",
      "# a",
      "1. a",
      "- a",
      "a_b_c",
    ]
  ) {
    const html = new Marked().parse(`x ${prose(text)} ${code(text)}`, { async: false });
    const plain = html.replaceAll(/<[^>]*>/g, "").replaceAll("&lt;", "<").replaceAll("&gt;", ">").replaceAll(
      "&quot;",
      '"',
    )
      .replaceAll("&#39;", "'").replaceAll("&amp;", "&").trim();
    assertEquals(plain, `x ${text} ${text}`);
  }
});

Deno.test("a bar behind a backslash does not end its cell", () => {
  const [header] = new Marked().lexer(
    renderRows(["a", code(String.raw`b\|c`)], [["d", "e"]]).join("\n"),
  ) as MarkedToken[];
  assert(header!.type === "table");
  assertEquals([header.header.length, header.rows[0]!.length], [2, 2]);
});

Deno.test("the findings and the results of a hostile document are JSON without a control character", async () => {
  const findings = renderFindings([{ results: HOSTILE }]);
  assert(!CONTROLS.test(findings));
  assertEquals(JSON.parse(findings).runs[0].name, HOSTILE.runs[0]!.name);
  const file = await Deno.makeTempFile();
  try {
    await writeResults(file, HOSTILE);
    const written = await Deno.readTextFile(file);
    assert(!CONTROLS.test(written));
    assertEquals(JSON.parse(written), HOSTILE);
  } finally {
    await Deno.remove(file);
  }
});

Deno.test("a name with half of a surrogate pair is damage, with its file and place", () => {
  const { environment } = TAME;
  const document = { ...TAME, environment: { ...environment, sysctls: { "a\ud800b": "1" } } };
  const error = assertThrows(() => parseResults(JSON.stringify(document), "r.json"), TimewaitError);
  assertEquals(
    messageOf(error),
    "r.json is damaged at environment.sysctls.a\\ud800b: a name that is no Unicode",
  );
});

Deno.test("a setting or a gate that is none is damage, with its file and place", () => {
  const [one, ...more] = TAME.runs;
  const swept = { ...TAME, runs: [{ ...one!, swept: [{ name: "a|b", value: 1 }] }, ...more] };
  const gated = { ...TAME, method: { ...TAME.method, decide: { maxTimeMs: 1, gates: ["fast"] } } };
  for (
    const [document, place] of [[swept, "runs[0].swept[0].name"], [gated, "method.decide.gates[0]"]] as const
  ) {
    const error = assertThrows(() => parseResults(JSON.stringify(document), "r.json"), TimewaitError);
    assertStringIncludes(messageOf(error), `r.json is damaged at ${place}: `);
  }
});

Deno.test("an empty name of a scenario leaves a report", () => {
  const report = renderReport({ ...TAME, scenario: "" });
  assert(!report.includes("Scenario ``,"));
});
