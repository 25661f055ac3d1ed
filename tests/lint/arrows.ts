/**
 * Holds the order of the rooms: `deno task lint:arrows` fails on an import against it, on a circle of files,
 * on an import from the tests, and on a scenario that imports anything but types from "timewait".
 *
 * @module
 */

import { readSources, report } from "./sources.ts";

/**
 * The rooms, lowest first, and why there is each. A file imports from its own room and from those above its
 * own in this list.
 */
const ROOMS: readonly (readonly [room: string, reason: string])[] = [
  ["tools/errors.ts", "the one class of errors that a caller can act on"],
  ["tools/paths.ts", "where our files are"],
  ["tools/figures.ts", "the kinds of figures"],
  ["tools/server/", "servers of ours listen alike"],
  ["tools/http1/", "gateway, backend and open loop speak the same HTTP/1.1"],
  ["tools/transport/", "what a gateway does with a request, and its pool"],
  ["tools/scenario/", "what is asked, as data with every default"],
  ["tools/lab/", "where it is measured"],
  ["tools/load/", "what drives it"],
  ["tools/observe/", "what is seen meanwhile"],
  ["tools/parties/", "backend and gateway, in this process and in a lab"],
  ["tools/results/", "what was measured, as data"],
  ["tools/verdict/", "what it shows, as data"],
  ["tools/predict/", "what was not measured, from what was; it shows what a verdict shows, and runs nothing"],
  ["tools/run/", "rounds and repetitions, which may stop at a verdict"],
  [
    "tools/doctor/",
    "a live machine, read; its facts meet the verdict's causes, and the report has words for both",
  ],
  ["tools/report/", "the words and pictures"],
  ["tools/cli/", "every flag, for commands only"],
  ["tools/", "commands: flags in, exit code out"],
  ["mod.ts", "what a script imports"],
];

/** Specifiers of static imports and exports, and of dynamic imports and import types that are literals. */
const IMPORT =
  /^(?:import|export)\b[^;"]*?\bfrom "([^"]+)"|^import "([^"]+)"|^(?! *(?:\*|\/\/)).*?\bimport\("([^"]+)"/gm;

/** What offends against the order, one line each. */
export function findOffences(sources: ReadonlyMap<string, string>): string[] {
  const arrows = new Map([...sources].map(([file, text]) => [file, importsOf(file, text)]));
  const offences: string[] = [];
  for (const [file, imports] of arrows) {
    for (const to of imports) {
      if (file.startsWith("scenarios/")) {
        if (to !== "timewait") offences.push(`${file} imports ${to}: a scenario imports "timewait" only`);
      } else if (to.startsWith("tests/")) {
        offences.push(`${file} imports ${to}: what is published has no tests`);
      } else if (roomOf(to) > roomOf(file)) offences.push(`${file} imports ${to}, from a later room`);
      else if (file !== to && roomOf(to) === COMMANDS && roomOf(file) === COMMANDS) {
        offences.push(`${file} imports ${to}: a command imports no other command`);
      }
    }
    const values = sources.get(file)!.match(/^import (?!type ).*/m);
    if (file.startsWith("scenarios/") && values) {
      offences.push(`${file}: ${values[0]}: imports more than types`);
    }
  }
  return [...offences, ...findCircles(arrows)];
}

const COMMANDS = ROOMS.findIndex(([room]) => room === "tools/");

function importsOf(file: string, text: string): string[] {
  return [...text.matchAll(IMPORT)].map(([, from, bare, dynamic]) => from ?? bare ?? dynamic!)
    .map((specifier) =>
      specifier.startsWith(".") ? new URL(specifier, `file:///${file}`).pathname.slice(1) : specifier
    );
}

/** The place of a file's room in the order; -1 for a package, from which every room may import. */
function roomOf(file: string): number {
  if (file === "timewait") return ROOMS.length;
  return ROOMS.findIndex(([room]) => file === room || (room.endsWith("/") && file.startsWith(room)));
}

/** Each circle once, from where it was entered. */
function findCircles(arrows: ReadonlyMap<string, readonly string[]>): string[] {
  const circles: string[] = [];
  const done = new Set<string>();
  const visit = (file: string, way: readonly string[]) => {
    if (way.includes(file)) circles.push(`circle: ${[...way.slice(way.indexOf(file)), file].join(" → ")}`);
    else if (!done.has(file)) { for (const to of arrows.get(file) ?? []) visit(to, [...way, file]); }
    done.add(file);
  };
  for (const file of arrows.keys()) visit(file, []);
  return circles;
}

if (import.meta.main) Deno.exitCode = report(findOffences(readSources("tools", "scenarios")));
