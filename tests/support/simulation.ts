/**
 * Simulated benches: the noise of machines, in eight models, with random numbers that are the same in each
 * run of the tests.
 *
 * @module
 */

import { uniformFloat64 } from "pure-rand/distribution/uniformFloat64";
import { xoroshiro128plus } from "pure-rand/generator/xoroshiro128plus";
import type { ComparedValues } from "../../tools/verdict/intervals.ts";

/** A source of random numbers. */
export interface Random {
  /** From 0 to 1. */
  uniform(): number;
  /** Of mean 0 and deviation 1. */
  normal(): number;
}

/** Uniform numbers from 0 to 1, and normal ones of mean 0 and deviation 1 (Box and Muller's). */
export function normalRandom(seed: number): Random {
  const random = xoroshiro128plus(seed);
  const uniform = () => uniformFloat64(random);
  return {
    uniform,
    normal: () => Math.sqrt(-2 * Math.log(1 - uniform())) * Math.cos(2 * Math.PI * uniform()),
  };
}

/** The factor by which a repetition's rate is off, by its place in its round and the round's number. */
type Noise = (place: number, round: number) => number;

/** The noise models: each makes the noise of one bench, whose repetitions it is asked for in their order. */
export const NOISE_MODELS: Readonly<Record<string, (random: Random) => Noise>> = {
  "normal": ({ normal }) => () => 1 + 0.03 * normal(),
  "lognormal": ({ normal }) => () => Math.exp(0.1 * normal()),
  // Student's t with 3 degrees of freedom.
  "heavy tails": ({ normal }) => () => {
    const squares = normal() ** 2 + normal() ** 2 + normal() ** 2;
    return Math.exp(0.03 * normal() / Math.sqrt(squares / 3));
  },
  "one in ten disturbed": ({ normal, uniform }) => () =>
    Math.exp(0.03 * normal()) * (uniform() < 0.1 ? 1 - 0.4 * uniform() : 1),
  "drift": ({ normal, uniform }) => {
    const phase = uniform() * 2 * Math.PI;
    return (_, round) => (1 + 0.1 * Math.sin(phase + round)) * Math.exp(0.03 * normal());
  },
  "AR(1) 0.8": ({ normal }) => {
    let state = normal();
    return () => {
      state = 0.8 * state + 0.6 * normal();
      return Math.exp(0.05 * state);
    };
  },
  "host phases": ({ normal, uniform }) => {
    let slow = uniform() < 0.5;
    return () => {
      if (uniform() < 0.2) slow = !slow;
      return Math.exp(0.03 * normal()) * (slow ? 0.85 : 1);
    };
  },
  "later in the round slower": ({ normal }) => (place) => (1 - 0.04 * place) * Math.exp(0.03 * normal()),
};

/**
 * Simulates the rounds of a bench: `truths[0]` is the true rate of the baseline, the others those of the runs
 * that are compared with it. The runs take turns in a random order. Rounds go on without end.
 */
export function* simulatedRounds(
  model: string,
  random: Random,
  truths: readonly number[],
): Generator<readonly number[], never> {
  const noise = NOISE_MODELS[model]!(random);
  for (let round = 0;; round++) {
    const order = truths.map((_, run) => ({ run, key: random.uniform() })).sort((a, b) => a.key - b.key);
    const values = new Array<number>(truths.length);
    for (const [place, { run }] of order.entries()) {
      values[run] = 10_000 * truths[run]! * noise(place, round);
    }
    yield values;
  }
}

/** What a bench of so many rounds compares: each run but the first with the first. */
export function simulateBench(
  model: string,
  random: Random,
  truths: readonly number[],
  repetitions: number,
): ComparedValues[] {
  const rounds = simulatedRounds(model, random, truths);
  const values = Array.from({ length: repetitions }, () => rounds.next().value);
  const of = (run: number) => values.map((round) => round[run]!);
  return truths.slice(1).map((_, i) => ({ baseline: of(0), candidate: of(i + 1), paired: true }));
}
