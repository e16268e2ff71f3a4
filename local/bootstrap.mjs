// The one file that must run on whatever Node a machine happens to have: it installs the npm dependencies of the lockfile
// when they are missing or out of date (a current Node is among them) and hands over to `main.ts` under that Node.
import { spawn, spawnSync } from "node:child_process";
import { copyFileSync, existsSync, readFileSync } from "node:fs";
import { delimiter, join } from "node:path";
import { fileURLToPath } from "node:url";

const root = fileURLToPath(new URL("..", import.meta.url));
const modules = join(root, "node_modules");
const lockfile = join(root, "package-lock.json");
// Written last, so that an interrupted install is never taken for a whole one.
const installed = join(modules, ".meridian-lock.json");

function upToDate() {
  return existsSync(installed) && readFileSync(installed, "utf8") === readFileSync(lockfile, "utf8");
}

function fail(sentence) {
  console.error(`error: ${sentence}`);
  process.exit(1);
}

if (!upToDate()) {
  if (process.stderr.isTTY || !process.argv.includes("--dependencies-only"))
    console.error("• installing npm dependencies");
  // Install scripts only fetch things which the kit brings itself (provider plugins).
  const npm = spawnSync("npm", ["ci", "--ignore-scripts", "--no-audit", "--no-fund", "--loglevel=error"], {
    cwd: root,
    stdio: ["ignore", 2, 2],
  });
  if (npm.error) fail(`npm could not be run (${npm.error.message}); install Node.js with npm and try again.`);
  if (npm.signal) process.exit(130);
  if (npm.status !== 0) {
    fail(
      "npm ci failed, see above; check the network connection to the npm registry and the free disk space, and try again.",
    );
  }
  copyFileSync(lockfile, installed);
}

if (process.argv[2] === "--dependencies-only") process.exit(0);

const bundled = join(modules, ".bin", "node");
const node = existsSync(bundled) ? bundled : process.execPath;
const main = spawn(node, ["--no-warnings", join(root, "local", "main.ts"), ...process.argv.slice(2)], {
  stdio: "inherit",
  env: { ...process.env, PATH: `${join(modules, ".bin")}${delimiter}${process.env.PATH ?? ""}` },
});
// Ctrl-C reaches the whole process group: main.ts cleans up and decides the exit code. Other signals are handed on.
process.on("SIGINT", () => {});
for (const signal of ["SIGTERM", "SIGHUP"]) process.on(signal, () => main.kill(signal));
main.once("error", ({ message }) => fail(`${node} could not be run: ${message}.`));
main.once("exit", (code) => process.exit(code ?? 130));
