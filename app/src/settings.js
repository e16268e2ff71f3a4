import { randomInt } from "node:crypto";
import { readFileSync } from "node:fs";
import { hostname } from "node:os";

const base62 = "0123456789ABCDEFGHIJKLMNOPQRSTUVWXYZabcdefghijklmnopqrstuvwxyz";

/** The characters that Kubernetes allows in a label's value, so that both can be written to logs and headers as they are. */
const word = /^[A-Za-z0-9]([A-Za-z0-9._-]*[A-Za-z0-9])?$/;

/**
 * Reads what the environment says, and makes up the replica's name.
 * @param {Record<string, string | undefined>} env
 */
export function readSettings(env) {
  // An empty variable counts as unset: that is what Kubernetes makes of a field reference to a missing label.
  const read = (name, fallback) => (env[name] === undefined || env[name] === "" ? fallback : env[name]);

  const number = (name, fallback, pattern, most, rule) => {
    const text = read(name, fallback);
    if (!pattern.test(text) || Number(text) > most) fail(name, rule, text);
    return Number(text);
  };
  const text = (name, fallback, pattern, longest, rule) => {
    const value = read(name, fallback);
    if (!pattern.test(value) || value.length > longest) fail(name, rule, value);
    return value;
  };

  // Where secrets come as files, NAME_FILE says where: https://docs.docker.com/engine/swarm/secrets/
  const secret = (name) => {
    const file = read(`${name}_FILE`, "");
    return file === "" ? read(name, "") : readFileSync(file, "utf8").trimEnd();
  };

  return {
    name: newName(),
    port: number("PORT", "3000", /^\d+$/, 65535, "an integer from 0 to 65535"),
    drainSeconds: number("DRAIN_SECONDS", "5", /^\d+(\.\d+)?$/, 300, "a number from 0 to 300"),
    connectionSeconds: number("CONNECTION_SECONDS", "60", /^\d+(\.\d+)?$/, 86_400, "a number from 0 to 86400"),
    version: text("VERSION", "v0.0.1", /^v\d+\.\d+\.\d+([-+][A-Za-z0-9.+-]+)?$/, 63, "a version such as v0.0.1"),
    region: text("REGION", "local", word, 63, "1 to 63 letters, digits, '-', '_' or '.'"),
    storeUrl: text(
      "STORE_URL",
      "",
      /^(redis:\/\/[A-Za-z0-9.-]+(:\d{1,5})?)?$/,
      300,
      "a URL such as redis://store:6379",
    ),
    assetStoreUrl: text(
      "ASSET_STORE_URL",
      "",
      /^(http:\/\/[A-Za-z0-9.-]+(:\d{1,5})?)?$/,
      300,
      "a URL such as http://assets:8888",
    ),
    assetFolders: text(
      "ASSET_FOLDERS",
      "",
      /^(\/[^:]+(:\/[^:]+)*)?$/,
      4096,
      "absolute paths with a colon between two of them",
    )
      .split(":")
      .filter(Boolean),
    storePassword: secret("STORE_PASSWORD"),
    pod: text("POD_NAME", hostname(), word, 253, "1 to 253 letters, digits, '-', '_' or '.'"),
  };
}

function fail(name, rule, value) {
  throw new Error(`${name} must be ${rule}, got ${JSON.stringify(value)}.`);
}

function newName() {
  return Array.from({ length: 10 }, () => base62[randomInt(base62.length)]).join("");
}

/**
 * Whether a version is v0.0.2 or later, the release that brought the counter. Suffixes are ignored, so that a candidate
 * such as v0.0.2-rc.1 shows what v0.0.2 will.
 * @param {string} version
 */
export function hasCounter(version) {
  const [major, minor, patch] = version.slice(1).split(/[-+]/, 1)[0].split(".").map(Number);
  return major > 0 || minor > 0 || patch >= 2;
}
