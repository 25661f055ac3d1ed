/** What holds where a scenario, its run and the overrides each say something: properties, on random input. */

import { assertEquals } from "@std/assert";
import { uniformInt } from "pure-rand/distribution/uniformInt";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import {
  type Overrides,
  resolveBackend,
  resolveLoad,
  resolveScenario,
} from "../../tools/scenario/resolve.ts";
import type { Scenario } from "../../tools/scenario/scenario.ts";

const SCENARIOS = 300;

/** The values that an option may be given, the unusual ones among them. */
const LOAD = {
  connections: [1, 7, 1000],
  duration: [0, 1500, "2s", "1m"],
  warmUp: [0, -0, "0", "3s"],
  timeout: ["2s", 0.5],
  headers: [[], ["A: 1"], ["A: 1", "B: 2"]],
  script: ["a.lua", "a b.lua"],
  rate: [1, 400],
};
const BACKEND = { latency: [0, -0, "70ms"], bodyBytes: [0, 12, "64KiB"], status: [200, 204, 599] };
const SYSCTLS = { "net.ipv4.tcp_tw_reuse": [0, "1", 2], "client:net.core.somaxconn": [0, "77"] };
const PROBE = { probeConnects: [true, false] };

type Choices = Readonly<Record<string, readonly unknown[]>>;
type Layer = Readonly<Record<string, unknown>>;

/** A layer in which each option is left out, `undefined`, or one of its values. */
function drawLayer(choices: Choices, draw: (below: number) => number): Layer | undefined {
  if (draw(4) === 0) return undefined;
  const drawn = Object.entries(choices).flatMap(([name, values]) => {
    const kind = draw(3);
    return kind === 0 ? [] : [[name, kind === 1 ? undefined : values[draw(values.length)]]];
  });
  return Object.freeze(Object.fromEntries(drawn));
}

/** The value that each option was given last; those that were never given are left out. */
function lastGiven(...layers: (Layer | undefined)[]): Layer {
  const last: Record<string, unknown> = {};
  for (const layer of layers) {
    for (const [name, value] of Object.entries(layer ?? {})) if (value !== undefined) last[name] = value;
  }
  return last;
}

Deno.test("overrides hold over a run, a run over its scenario, and undefined says nothing: on random input", () => {
  const source = xoroshiro128plus(9);
  const draw = (below: number) => uniformInt(source, 0, below - 1);
  for (let i = 0; i < SCENARIOS; i++) {
    const [load, backend, sysctls, probe] = [LOAD, BACKEND, SYSCTLS, PROBE].map((choices) =>
      Array.from({ length: 3 }, () => drawLayer(choices, draw))
    );
    const scenario = {
      question: "Why?",
      load: load![0],
      backend: backend![0],
      sysctls: sysctls![0],
      ...probe![0],
      runs: [
        { name: "a", gateway: {}, load: load![1], backend: backend![1], sysctls: sysctls![1], ...probe![1] },
        // Says nothing, and so has what the scenario says.
        {
          name: "b",
          gateway: {},
          load: undefined,
          backend: {},
          sysctls: undefined,
          probeConnects: undefined,
        },
      ],
    } as unknown as Scenario;
    const overrides = {
      load: load![2],
      backend: backend![2],
      sysctls: sysctls![2],
      ...probe![2],
    } as Overrides;
    const plan = resolveScenario(scenario, "mine", overrides);
    for (const [run, own] of [[0, 1], [1, undefined]] as const) {
      const layers = (all: (Layer | undefined)[]) =>
        lastGiven(all[0], own === undefined ? undefined : all[own], all[2]);
      const { options } = plan.runs[run]!;
      const shown = JSON.stringify({ scenario, overrides });
      assertEquals(options.load, resolveLoad(layers(load!)), shown);
      assertEquals(options.backend, resolveBackend(layers(backend!)), shown);
      const knobs = Object.entries(layers(sysctls!)).map(([name, value]) => [name, String(value)]);
      assertEquals(options.sysctls ?? {}, Object.fromEntries(knobs), shown);
      const probes = layers(probe!).probeConnects;
      assertEquals(options.probeConnects ?? false, probes ?? false, shown);
    }
    assertEquals(JSON.parse(JSON.stringify(plan)), plan);
  }
});
