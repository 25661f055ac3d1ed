/**
 * How a bench may look at its repetitions after each round and stop once they show something, without raising
 * more false alarms than a bench that looks once.
 *
 * A test at 5% after each round would raise far more: each look is another chance. So each look tests at a
 * smaller level, and these levels together spend the 5% (S. J. Pocock, Biometrika 64 (1977) 191–199). Here
 * the level of the n-th round falls with √n. The shape, one of many (S. K. Wang, A. A. Tsiatis, Biometrics 43
 * (1987) 193–199), was chosen by simulation under the noise models of `tests/support/simulation.ts`: levels
 * that are the same at all looks, or that grow, need one to three rounds more for a true loss of 5%; levels
 * that fall with n find fewer losses within 60 rounds of much noise.
 *
 * The levels are exact in the sense of the rank tests. Without a difference, each order of magnitude of the
 * ratios and each set of their signs is equally likely, so that the p-values of all looks together have one
 * distribution, whatever the noise. {@linkcode levelAt} has the levels that it gives.
 *
 * The limits that the test of a look does not reject are its interval. Because the levels hold over all looks
 * together, so does the coverage of these intervals: they hold the truth in 95% of benches, whenever a bench
 * stops and why (the repeated confidence intervals of C. Jennison, B. W. Turnbull, Journal of the Royal
 * Statistical Society B 51 (1989) 305–361).
 *
 * Several comparisons share the 5% by Holm's procedure at each look: what a comparison has shown gives its
 * share to the others from this look on (W. Maurer, F. Bretz, Statistics in Biopharmaceutical Research 5
 * (2013) 311–320).
 *
 * @module
 */

/** The first round after which a bench that decides looks. */
export const FIRST_LOOK = 6;

/** The last round of a bench that decides. */
export const LAST_LOOK = 60;

/**
 * The n-th: the largest factor with which p ≤ factor ÷ √round comes true at one of the looks in at most 5% ÷
 * n of benches without a difference. From 8 million simulated benches; `tests/verdict/looks_test.ts`
 * simulates some again.
 */
// deno-fmt-ignore
const FACTORS = [
  0.034882, 0.016193, 0.011042, 0.008069, 0.005952, 0.005212, 0.004338, 0.003739,
  0.003237, 0.003088, 0.002761, 0.002526, 0.002283, 0.002195, 0.001970, 0.001770,
  0.001690, 0.001618, 0.001618, 0.001542, 0.001424, 0.001361, 0.001319, 0.001222,
];

/** With how great a power of the parts the factors fall beyond the last: more than they do before it. */
const STEEPNESS = 1.2;

/**
 * The level of a one-sided test after a round, of which all looks together err in at most 5% ÷ `parts`.
 *
 * @param round the number of repetitions that are looked at; before {@linkcode FIRST_LOOK} and after
 * {@linkcode LAST_LOOK} the level is 0.
 * @param parts how many one-sided tests share the 5%: 2 for a two-sided test.
 */
export function levelAt(round: number, parts: number): number {
  if (round < FIRST_LOOK || round > LAST_LOOK) return 0;
  const last = FACTORS.length;
  const factor = parts <= last ? FACTORS[parts - 1]! : FACTORS[last - 1]! * (last / parts) ** STEEPNESS;
  return factor / Math.sqrt(round);
}

/** The fewest repetitions of which a rank test can reach its level, however clear they are. */
export function earliestDecision(parts: number): number {
  let round = FIRST_LOOK;
  while (round < LAST_LOOK && 0.5 ** round > levelAt(round, parts)) round++;
  return round;
}
