/** Traces of requests as the web's are, and what caches make of them. */

/** Numbers from 0 up to 1 that are the same in every run (mulberry32). */
function random(seed: number): () => number {
  let state = seed;
  return () => {
    state = (state + 0x6d2b79f5) | 0;
    let mixed = Math.imul(state ^ (state >>> 15), 1 | state);
    mixed = (mixed + Math.imul(mixed ^ (mixed >>> 7), 61 | mixed)) ^ mixed;
    return ((mixed ^ (mixed >>> 14)) >>> 0) / 2 ** 32;
  };
}

/** Which object each request is for: the n-th most popular has a weight of 1 / n^exponent. */
export function zipfTrace(requests: number, objects: number, exponent: number, seed = 1): number[] {
  const sums: number[] = [];
  for (let rank = 1; rank <= objects; rank++) sums.push((sums.at(-1) ?? 0) + rank ** -exponent);
  const next = random(seed);
  return Array.from({ length: requests }, () => {
    const target = next() * sums.at(-1)!;
    let low = 0;
    let high = objects - 1;
    while (low < high) {
      const middle = (low + high) >> 1;
      if (sums[middle]! < target) low = middle + 1;
      else high = middle;
    }
    return low;
  });
}

/** The share of hits of a cache of `size` objects that drops the one that was not used for longest. */
export function lruHitRatio(trace: readonly number[], size: number): number {
  const kept = new Set<number>();
  let hits = 0;
  for (const object of trace) {
    if (kept.delete(object)) hits++;
    else if (kept.size === size) kept.delete(kept.values().next().value!);
    kept.add(object);
  }
  return hits / trace.length;
}

/** The share of hits of the best cache of `size` objects, which knows the future and drops what is used last (Belady). */
export function bestHitRatio(trace: readonly number[], size: number): number {
  const nextUse = new Array<number>(trace.length);
  const seen = new Map<number, number>();
  for (let at = trace.length - 1; at >= 0; at--) {
    nextUse[at] = seen.get(trace[at]!) ?? Infinity;
    seen.set(trace[at]!, at);
  }
  const kept = new Map<number, number>();
  let hits = 0;
  for (const [at, object] of trace.entries()) {
    if (kept.has(object)) hits++;
    else if (kept.size === size) {
      let last = -1;
      let latest = nextUse[at]!;
      for (const [candidate, use] of kept) {
        if (use <= latest) continue;
        latest = use;
        last = candidate;
      }
      // What comes is itself used last: it is not kept.
      if (last === -1) continue;
      kept.delete(last);
    }
    kept.set(object, nextUse[at]!);
  }
  return hits / trace.length;
}
