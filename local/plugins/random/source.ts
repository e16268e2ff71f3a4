/** Where random bytes come from: the system's generator, or a seed for those who want the same value twice. */

import { createHash, randomBytes } from "node:crypto";

export type ByteSource = (count: number) => Buffer;

export const systemBytes: ByteSource = (count) => randomBytes(count);

/**
 * Always the same bytes for the same seed. They are not those that the official provider makes of it, which follow from
 * the inside of Go's generator; a value that is in the state already is kept by either.
 */
export function seededBytes(seed: string): ByteSource {
  let counter = 0;
  return (count) => {
    const blocks: Buffer[] = [];
    for (let length = 0; length < count; length += 32) {
      blocks.push(createHash("sha256").update(`${counter++}:${seed}`).digest());
    }
    return Buffer.concat(blocks).subarray(0, count);
  };
}

/** A number from 0 to `limit` - 1, each equally likely: what would make some likelier is thrown away. */
export function below(limit: number, bytes: ByteSource): number {
  const size = BigInt(limit);
  const space = 1n << 64n;
  const usable = space - (space % size);
  for (;;) {
    const value = bytes(8).readBigUInt64BE();
    if (value < usable) return Number(value % size);
  }
}

export function pick<Item>(items: readonly Item[], bytes: ByteSource): Item {
  const item = items[below(items.length, bytes)];
  if (item === undefined) throw new RangeError("there is nothing to choose from");
  return item;
}

/** A new list in random order (Fisher and Yates). */
export function shuffle<Item>(items: readonly Item[], bytes: ByteSource): Item[] {
  const result = [...items];
  for (let last = result.length - 1; last > 0; last--) {
    const other = below(last + 1, bytes);
    const [a, b] = [result[last], result[other]];
    if (a !== undefined && b !== undefined) [result[last], result[other]] = [b, a];
  }
  return result;
}
