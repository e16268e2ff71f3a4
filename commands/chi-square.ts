/** What a chi-square test says about counts that should all be the same but for chance. */
export interface Evenness {
  readonly chiSquare: number;
  readonly degreesOfFreedom: number;
  /** How often chance alone gives counts at least as uneven as these. */
  readonly p: number;
}

/** Tests whether counts differ by more than chance; undefined if there are fewer than two, or nothing was counted. */
export function evenness(counts: readonly number[]): Evenness | undefined {
  const total = counts.reduce((sum, count) => sum + count, 0);
  if (counts.length < 2 || total === 0) return undefined;
  const expected = total / counts.length;
  const chiSquare = counts.reduce((sum, count) => sum + (count - expected) ** 2 / expected, 0);
  const degreesOfFreedom = counts.length - 1;
  return { chiSquare, degreesOfFreedom, p: upperGamma(degreesOfFreedom / 2, chiSquare / 2) };
}

/**
 * The regularized upper incomplete gamma function Q(a, x): by the series of 1 - Q where that converges fast, by the
 * continued fraction of Q elsewhere.
 * @see https://dlmf.nist.gov/8
 */
export function upperGamma(a: number, x: number): number {
  if (x <= 0) return 1;
  const factor = Math.exp(a * Math.log(x) - x - logGamma(a));
  return x < a + 1 ? 1 - factor * series(a, x) : factor * continuedFraction(a, x);
}

const precision = 1e-15;
const mostTerms = 10_000;

/** DLMF 8.7.1. */
function series(a: number, x: number): number {
  let term = 1 / a;
  let sum = term;
  for (let n = 1; n < mostTerms && term > sum * precision; n++) {
    term *= x / (a + n);
    sum += term;
  }
  return sum;
}

/** DLMF 8.9.2, by Lentz's method. */
function continuedFraction(a: number, x: number): number {
  const tiny = 1e-300;
  let b = x + 1 - a;
  let c = 1 / tiny;
  let d = 1 / b;
  let result = d;
  for (let n = 1; n < mostTerms; n++) {
    const numerator = -n * (n - a);
    b += 2;
    d = 1 / (numerator * d + b || tiny);
    c = b + numerator / c || tiny;
    const change = c * d;
    result *= change;
    if (Math.abs(change - 1) < precision) break;
  }
  return result;
}

/** Stirling's series, after the recurrence has brought the argument to where it is exact to 15 digits. */
function logGamma(value: number): number {
  let x = value;
  let shift = 0;
  while (x < 15) shift += Math.log(x++);
  const inverse = 1 / (x * x);
  const correction = (1 / 12 - inverse * (1 / 360 - inverse * (1 / 1260 - inverse * (1 / 1680)))) / x;
  return (x - 0.5) * Math.log(x) - x + 0.5 * Math.log(2 * Math.PI) + correction - shift;
}
