/**
 * What a gateway writes and what a scenario says reach the terminal and the report as text, and as nothing
 * else.
 */

import { assert, assertEquals, assertStringIncludes } from "@std/assert";
import { Marked } from "marked";
import { BENCH, inDirectory, run } from "./support/bench.ts";
import { wrkInPrivateLab } from "./support/requirements.ts";

/** Colours, a cleared screen, text that runs backwards, and everything that Markdown takes for its own. */
const HOSTILE = "\x1b[2J\x1b]0;t\x07\x9b31m\u202e # h | `c` ``` <script> **s** ![p](plot:nope) $& $' \\";

/** Forwards, and logs a failure of ports in every tenth of a second. */
const GATEWAY = `
const [hostname, port, upstream, text] = Deno.args;
if (text.startsWith("error")) { console.error(text); Deno.exit(3); }
setInterval(() => console.error("dial tcp: connect: cannot assign requested address " + text), 100);
Deno.serve({ hostname, port: Number(port), onListen() {} }, async (request) => {
  const { pathname } = new URL(request.url);
  return new Response(await (await fetch(upstream + pathname)).text());
});`;

// deno-lint-ignore no-control-regex
const CONTROLS = /[\x00-\x08\x0b-\x1f\x7f-\x9f\u2028-\u202e]/;

/** The kinds of blocks that a report is made of, in their order. */
const blocksOf = (markdown: string) => new Marked().lexer(markdown).map(({ type }) => type);

Deno.test({
  name:
    "a gateway and a scenario that are hostile in every text move no cursor, and add nothing to the report",
  ...wrkInPrivateLab,
  async fn() {
    await inDirectory(async (directory) => {
      await Deno.writeTextFile(`${directory}/gateway.ts`, GATEWAY);
      const reportOf = async (text: string) => {
        const command = (text: string) =>
          `${Deno.execPath()} run --no-prompt --allow-net ${directory}/gateway.ts {listen_host} {listen_port} {upstream} ` +
          `'${text.replaceAll("'", "'\\''")}'`;
        const line = text.replaceAll(/[\p{Cc}`]/gu, "");
        const scenario = {
          question: `What is ${line}?`,
          expectation: text,
          load: { connections: 10, threads: 1, duration: 1_000, warmUp: 0 },
          backend: { latency: 20 },
          runs: [
            { name: "direct" },
            { name: `logs ${line}`, gateway: { command: command(text) } },
            { name: `ends ${line}`, gateway: { command: command(`error: ${text}`) } },
          ],
        };
        await Deno.writeTextFile(`${directory}/one.ts`, `export default ${JSON.stringify(scenario)};`);
        const { code, stdout, stderr } = await run([...BENCH, `${directory}/one.ts`, "--repeat", "1"]);
        assertEquals(code, 1, stderr);
        assert(!CONTROLS.test(stdout + stderr), JSON.stringify(CONTROLS.exec(stdout + stderr)));
        assertEquals(stderr.trimEnd().split("\n").length, 3, stderr);
        return stdout;
      };
      const hostile = await reportOf(HOSTILE);
      assertStringIncludes(hostile, "EADDRNOTAVAIL");
      assertEquals(blocksOf(hostile), blocksOf(await reportOf("text")));
    });
  },
});
