/** The text format of Prometheus, strictly: what promtool check metrics refuses is refused. */

/** One series of a metric. */
export interface PromSample {
  readonly name: string;
  readonly labels: Readonly<Record<string, string>>;
  readonly value: number;
}

/**
 * Parses metrics: each with HELP, then TYPE, then its samples together, no series twice, and a line feed at
 * the end.
 *
 * @throws {Error} for the first line that is not as the format has it.
 */
export function parsePromText(text: string): PromSample[] {
  if (!text.endsWith("\n")) throw new Error("no line feed at the end");
  const samples: PromSample[] = [];
  const series = new Set<string>();
  const types = new Map<string, string>();
  let helped: string | undefined;
  let current: string | undefined;
  for (const line of text.slice(0, -1).split("\n")) {
    const refuse = (why: string): never => {
      throw new Error(`${why}: ${JSON.stringify(line)}`);
    };
    const comment = /^# (HELP|TYPE) ([a-zA-Z_:][a-zA-Z0-9_:]*) (.+)$/.exec(line);
    if (comment !== null) {
      const [, kind, name, rest] = comment;
      if (types.has(name!)) refuse("a metric begins twice");
      if (kind === "HELP") {
        if (/\\(?![\\n])/.test(rest!)) refuse("a backslash that escapes nothing");
        helped = name!;
      } else {
        if (helped !== name) refuse("TYPE without its HELP");
        if (!["counter", "gauge", "histogram", "summary", "untyped"].includes(rest!)) refuse("no type");
        types.set(name!, rest!);
        current = name!;
      }
      continue;
    }
    const sample = /^([a-zA-Z_:][a-zA-Z0-9_:]*)(?:\{(.*)\})? (\S+)$/.exec(line) ?? refuse("no sample");
    const [, name, text = "", number] = sample;
    if (name !== current) refuse("a sample away from its metric");
    const labels: Record<string, string> = {};
    const label = /([a-zA-Z_][a-zA-Z0-9_]*)="((?:[^"\\]|\\[\\"n])*)"(?:,|$)/y;
    for (label.lastIndex = 0; label.lastIndex < text.length;) {
      const [, key, value] = label.exec(text) ?? refuse("no label");
      if (Object.hasOwn(labels, key!)) refuse("a label twice");
      labels[key!] = value!;
    }
    const value = Number(number);
    if (!/^[-+]?\d+(?:\.\d+)?(?:e[-+]?\d+)?$/i.test(number!) || !Number.isFinite(value)) refuse("no number");
    const key = `${name}${JSON.stringify(Object.entries(labels).toSorted())}`;
    if (series.has(key)) refuse("a series twice");
    series.add(key);
    samples.push({ name: name!, labels, value });
  }
  return samples;
}
