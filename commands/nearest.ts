/** The name that somebody who wrote `word` has most likely meant. */
export function nearest(word: string, names: readonly string[]): string | undefined {
  return names.toSorted((a, b) => distance(word, a) - distance(word, b))[0];
}

/** A sentence on a name that there is not: what there is, and what was likely meant, if that can be told. */
export function unknown(what: string, word: string, names: readonly string[]): string {
  if (names.length === 0) return `there is no ${what} ${JSON.stringify(word)}; there are none at all.`;
  const guess = nearest(word, names)!;
  const isLikely = distance(word, guess) <= Math.max(1, word.length / 2);
  const end = isLikely ? `, did you mean ${guess}? There are ` : "; there are ";
  return `there is no ${what} ${JSON.stringify(word)}${end}${names.join(", ")}.`;
}

/** How many letters have to be put in, left out or changed to make `b` of `a`. */
function distance(a: string, b: string): number {
  let row = Array.from({ length: b.length + 1 }, (_, index) => index);
  for (const [i, letter] of [...a].entries()) {
    const next = [i + 1];
    for (const [j, other] of [...b].entries()) {
      next.push(
        Math.min(next[j]! + 1, row[j + 1]! + 1, row[j]! + (letter.toLowerCase() === other.toLowerCase() ? 0 : 1)),
      );
    }
    row = next;
  }
  return row.at(-1)!;
}
