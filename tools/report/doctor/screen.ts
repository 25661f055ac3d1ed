/**
 * The doctor's screen: what `--watch` shows in a terminal, as much of it as there is room for. The answer
 * stands first, so a small terminal loses what matters least.
 *
 * @module
 */

import type { Diagnosis } from "../../doctor/diagnosis.ts";
import type { Destination, Facts, Listener } from "../../doctor/facts.ts";
import { showControls } from "../../errors.ts";
import { formatCount, formatRough, formatSeconds } from "../format.ts";
import { sparkline } from "../plots/sparkline.ts";
import { sayCause } from "../sections/cause_words.ts";
import { formatPerSec, renderAnswer } from "./headline.ts";

/** The room that there is, in characters. */
export interface ScreenSize {
  /** Characters of a line. */
  readonly columns: number;
  /** Lines. */
  readonly rows: number;
}

/**
 * Renders the screen: at most `rows` lines of at most `columns` characters, without a line end behind the
 * last.
 */
export function renderScreen(diagnosis: Diagnosis, name: string, { columns, rows }: ScreenSize): string {
  const { facts, capture: { notes } } = diagnosis;
  const lines = facts === undefined ? [`${name}: ${notes.at(0)?.text ?? "nothing could be read"}`] : [
    ...wrapped(plain(renderAnswer(diagnosis)), columns),
    "",
    ...saySides(facts),
    ...sayCauses(diagnosis),
    "",
    ...facts.destinations.flatMap((one) => sayDestination(one, facts)),
    ...facts.listeners.filter(({ listening, states }) => listening || states.timeWait > 0).flatMap(
      sayListener,
    ),
  ];
  const title = `${name} · ${formatCount(facts?.states.timeWait ?? 0)} in TIME_WAIT · Ctrl-C ends`;
  const all = [title, "", ...lines];
  const shown = all.length <= rows
    ? all
    : [...all.slice(0, Math.max(1, rows - 1)), `… ${formatCount(all.length - rows + 1)} more lines`].slice(
      0,
      rows,
    );
  return shown.map((line) => cut(showControls(line), columns)).join("\n");
}

/** Words of the report without its Markdown. */
function plain(markdown: string): string {
  return markdown.replaceAll("**", "").replaceAll("`", "");
}

function saySides({ rates, closers, lastMinute }: Facts): string[] {
  if (rates === undefined || closers === undefined) {
    return [
      `closed here first: opened ${formatPerSec(lastMinute.openedPerSec)}/s, accepted ${
        formatPerSec(lastMinute.acceptedPerSec)
      }/s`,
    ];
  }
  return (["opened", "accepted"] as const).map((side) => {
    const { newPerSec, herePerSec, otherwisePerSec } = closers[side];
    return `${side.padEnd(8)} ${formatPerSec(newPerSec)}/s new, ${
      formatPerSec(herePerSec)
    }/s closed here first, ${formatPerSec(otherwisePerSec)}/s by others`;
  });
}

function sayCauses({ causes }: Diagnosis): string[] {
  return causes.map((cause) => `${cause.sure}: ${sayCause(cause)}`);
}

function sayDestination(destination: Destination, { usable }: Facts): string[] {
  const { service, portsUsed, pool, states, madePerSec, outlook, reusable, madeAgo } = destination;
  const gone = reusable || outlook.goneInSec === undefined
    ? ""
    : `, all gone in ${formatSeconds(outlook.goneInSec)} s`;
  return [
    `to ${service}: ${formatCount(portsUsed)} of ${formatCount(usable.count)} ports (${
      formatRough(portsUsed / usable.count)
    })${gone}; ${formatCount(pool.ceiling)} established, ${formatCount(states.timeWait)} TIME_WAIT, ${
      formatPerSec(madePerSec)
    }/s made, ${formatCount(states.closeWait)} CLOSE_WAIT`,
    ...line(madeAgo),
  ];
}

function sayListener({ port, pool, states, madePerSec, queue, madeAgo }: Listener): string[] {
  return [
    `on port ${port}: ${formatCount(pool.ceiling)} established, ${formatCount(states.timeWait)} TIME_WAIT, ${
      formatPerSec(madePerSec)
    }/s made, ${formatCount(states.closeWait)} CLOSE_WAIT, ${formatCount(queue)} not yet accepted`,
    ...line(madeAgo),
  ];
}

/** The closes of the last minute; empty where there are none. */
function line(madeAgo: readonly number[]): string[] {
  const most = Math.max(0, ...madeAgo);
  return most === 0 ? [] : [`  ${sparkline(madeAgo.toReversed())} at most ${formatCount(most)}/s`];
}

function cut(line: string, columns: number): string {
  const characters = [...line];
  return characters.length <= columns ? line : `${characters.slice(0, Math.max(0, columns - 1)).join("")}…`;
}

/** Breaks a text between words. A word that is longer than a line is cut later. */
function wrapped(text: string, columns: number): string[] {
  const lines: string[] = [];
  for (const word of text.split(" ")) {
    const last = lines.at(-1);
    if (last === undefined || last.length + 1 + word.length > columns) lines.push(word);
    else lines[lines.length - 1] = `${last} ${word}`;
  }
  return lines;
}
