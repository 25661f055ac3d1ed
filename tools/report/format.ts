/**
 * Figures as the report writes them.
 *
 * @module
 */

const whole = digits(0);
const oneDigit = digits(1);
const twoDigits = digits(2);
const fourDigits = digits(4);

/**
 * Formats with so many digits behind the point. A figure that is beyond all measure, because a document is
 * damaged, is no figure.
 */
function digits(count: number): { format(value: number): string } {
  const numbers = new Intl.NumberFormat("en-US", {
    minimumFractionDigits: count,
    maximumFractionDigits: count,
  });
  return { format: (value) => Number.isFinite(value) ? numbers.format(value) : "–" };
}

/** A whole number with separators: `12,900`. */
export function formatCount(value: number): string {
  return whole.format(value);
}

/** A share as a percentage with one digit: 0.334 is `33.4%`. */
export function formatShare(value: number): string {
  const share = oneDigit.format(value * 100).replace(/^-(0\.0)$/, "$1");
  return share === "–" ? share : `${share}%`;
}

/** A share for a sentence: whole percents from 10% on, one digit below. */
export function formatRough(value: number): string {
  return value < 0.0995 || !Number.isFinite(value * 100)
    ? formatShare(value)
    : `${whole.format(value * 100)}%`;
}

/** Microseconds as milliseconds with one digit. */
export function formatMs(us: number): string {
  return oneDigit.format(us / 1000);
}

/** A small ratio, such as connections per request, with the digits that matter. */
export function formatRatio(value: number): string {
  if (value > 0 && value < 0.00005) return "under 0.0001";
  return value === 0 ? "0" : value < 0.01 ? fourDigits.format(value) : twoDigits.format(value);
}

/** Seconds, with one digit below ten. */
export function formatSeconds(value: number): string {
  return value < 10 ? oneDigit.format(value) : whole.format(value);
}

/** A change as a signed percentage with one digit: -0.051 is `-5.1%`. */
export function formatChange(value: number): string {
  const share = formatShare(value);
  return value > 0 && share !== "0.0%" && share !== "–" ? `+${share}` : share;
}
