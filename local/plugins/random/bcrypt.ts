/**
 * The bcrypt hash of a password (version 2a), which RandomPassword has as an output. Node has no bcrypt, and this is
 * the only place that needs it; it is made once per password.
 *
 * @see https://www.usenix.org/legacy/events/usenix99/provos.html
 */

import { randomBytes } from "node:crypto";

/** Rounds as a power of two: the official provider's. */
const cost = 10;
const alphabet = "./ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz0123456789";
const keyWords = 18;
const boxWords = 4 * 256;

export function bcryptHash(password: string, salt: Uint8Array = randomBytes(16)): string {
  // The algorithm ends the password with a zero byte and ignores what is beyond 72.
  const key = Buffer.from(`${password}\0`).subarray(0, 72);
  const cipher = new Blowfish();
  cipher.expand(key, salt);
  const none = new Uint8Array(16);
  for (let round = 0; round < 2 ** cost; round++) {
    cipher.expand(key, none);
    cipher.expand(salt, none);
  }
  const text = Buffer.from("OrpheanBeholderScryDoubt");
  const words = Array.from({ length: 6 }, (_, index) => text.readInt32BE(index * 4));
  const result = Buffer.alloc(24);
  for (let pair = 0; pair < 6; pair += 2) {
    let [left, right] = [words[pair] ?? 0, words[pair + 1] ?? 0];
    for (let time = 0; time < 64; time++) [left, right] = cipher.encrypt(left, right);
    result.writeInt32BE(left, pair * 4);
    result.writeInt32BE(right, pair * 4 + 4);
  }
  return `$2a$${String(cost).padStart(2, "0")}$${encode(salt)}${encode(result.subarray(0, 23))}`;
}

/** Blowfish with a key schedule that a salt takes part in. */
class Blowfish {
  readonly #words: Int32Array;

  constructor() {
    this.#words = digitsOfPi().slice();
  }

  encrypt(left: number, right: number): [number, number] {
    const words = this.#words;
    const word = (index: number) => words[index] ?? 0;
    let [l, r] = [left ^ word(0), right];
    for (let round = 1; round <= 16; round++) {
      const a = word(keyWords + (l >>> 24));
      const b = word(keyWords + 256 + ((l >>> 16) & 255));
      const c = word(keyWords + 512 + ((l >>> 8) & 255));
      const d = word(keyWords + 768 + (l & 255));
      [l, r] = [r ^ ((((a + b) | 0) ^ c) + d) ^ word(round), l];
    }
    return [r ^ word(keyWords - 1), l];
  }

  expand(key: Uint8Array, salt: Uint8Array): void {
    const words = this.#words;
    const keyStream = cyclicWords(key);
    for (let index = 0; index < keyWords; index++) words[index] = (words[index] ?? 0) ^ keyStream();
    const saltStream = cyclicWords(salt);
    let [left, right] = [0, 0];
    for (let index = 0; index < keyWords + boxWords; index += 2) {
      [left, right] = this.encrypt(left ^ saltStream(), right ^ saltStream());
      words[index] = left;
      words[index + 1] = right;
    }
  }
}

/** Reads 32-bit words from bytes, starting over at their end. */
function cyclicWords(bytes: Uint8Array): () => number {
  let position = 0;
  return () => {
    let word = 0;
    for (let count = 0; count < 4; count++) word = (word << 8) | (bytes[position++ % bytes.length] ?? 0);
    return word;
  };
}

let pi: Int32Array | undefined;

/** Blowfish starts with the fraction of pi; computing it (Machin's formula) is shorter than listing it. */
function digitsOfPi(): Int32Array {
  if (pi) return pi;
  const count = keyWords + boxWords;
  const guard = 64n;
  const one = 1n << (BigInt(count) * 32n + guard);
  const arctanOfInverse = (value: bigint) => {
    let sum = 0n;
    let term = one / value;
    for (let divisor = 1n, sign = 1n; term !== 0n; divisor += 2n, sign = -sign) {
      sum += (sign * term) / divisor;
      term /= value * value;
    }
    return sum;
  };
  const fraction = (16n * arctanOfInverse(5n) - 4n * arctanOfInverse(239n)) % one;
  const hex = (fraction >> guard).toString(16).padStart(count * 8, "0");
  pi = Int32Array.from({ length: count }, (_, index) => Number.parseInt(hex.slice(index * 8, index * 8 + 8), 16));
  return pi;
}

/** Base64 with bcrypt's own alphabet and without padding. */
function encode(bytes: Uint8Array): string {
  const bits = [...bytes].map((byte) => byte.toString(2).padStart(8, "0")).join("");
  const groups = bits.match(/.{1,6}/g) ?? [];
  return groups.map((group) => alphabet[Number.parseInt(group.padEnd(6, "0"), 2)]).join("");
}
