/** A Pulumi program that declares nothing, on a stack of its own: what `pulumi` takes for it is the floor of every other. */
import { execFileSync } from "node:child_process";
import { mkdtempSync, rmSync, symlinkSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { repository } from "../../local/paths.ts";
import { environment } from "../../local/pulumi.ts";

export class EmptyProgram {
  readonly #folder = mkdtempSync(join(tmpdir(), "meridian-bench-"));

  constructor() {
    const runtime = "{name: nodejs, options: {typescript: false}}";
    writeFileSync(join(this.#folder, "Pulumi.yaml"), `name: empty\nruntime: ${runtime}\nmain: index.ts\n`);
    writeFileSync(join(this.#folder, "package.json"), '{"type": "module"}\n');
    writeFileSync(join(this.#folder, "index.ts"), "export {};\n");
    symlinkSync(join(repository, "node_modules"), join(this.#folder, "node_modules"));
    this.pulumi("stack", "init", "floor");
  }

  pulumi(...args: string[]): void {
    const own = { PULUMI_BACKEND_URL: `file://${this.#folder}`, PULUMI_STACK: "floor" };
    const env = { ...process.env, ...environment(), ...own };
    execFileSync("pulumi", [...args, "--non-interactive"], { cwd: this.#folder, env, stdio: "pipe" });
  }

  remove(): void {
    rmSync(this.#folder, { recursive: true, force: true });
  }
}
