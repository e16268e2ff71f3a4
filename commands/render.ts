/**
 * `npm run render`: the manifests that the program makes, as YAML, without a cluster. For scanners, and for reading.
 * Where the official Kubernetes provider is at hand, its own renderYamlToDirectory does the like. With `--format compose` or
 * `stack`, the file that `docker compose` or `docker stack deploy` would take instead, in a folder with what it names.
 */
import { existsSync, mkdirSync, writeFileSync } from "node:fs";
import { dirname, join, relative } from "node:path";
import { fileURLToPath } from "node:url";

import { Command, CommanderError, InvalidArgumentError, Option } from "commander";
import { stringify } from "yaml";

import { asProgram } from "./as-program.ts";
import { compose } from "./compose.ts";
import type { Compose } from "./compose.ts";
import { concealed, manifests, stackConfig } from "./manifests.ts";
import type { Manifest } from "./manifests.ts";

/** The manifests as one stream of YAML documents. */
export function toYaml(objects: readonly Manifest[]): string {
  return objects.map((object) => `---\n${stringify(object, { lineWidth: 0 })}`).join("");
}

export type Format = "kubernetes" | "compose" | "stack";

/** What the command line asks for. */
export interface Wanted {
  readonly stack: string;
  readonly config: Record<string, string>;
  readonly format: Format;
  /** Where the files of a Compose file go. */
  readonly out?: string;
  readonly quiet: boolean;
}

/** What the command line asks for. @throws CommanderError for help and wrong usage */
export function parseArguments(args: readonly string[]): Wanted {
  const formats = ["kubernetes", "compose", "stack"] satisfies Format[];
  const command = new Command("render")
    .description("Prints the manifests that the program makes, without a cluster. Secrets are left out.")
    .option("--stack <name>", "whose configuration it is, Pulumi.NAME.yaml", "dev")
    .option("--config <key=value>", "a value on top of the stack's configuration", collect, {})
    .addOption(
      new Option("--format <format>", "compose.yaml for one Docker host or stack.yaml for a Swarm instead")
        .choices(formats)
        .default("kubernetes"),
    )
    .option(
      "--out <folder>",
      "where compose.yaml or stack.yaml goes, and the files that it names (default: out/FORMAT)",
    )
    .option("--quiet", "of written files, name only those in which something is to be replaced", false)
    .configureOutput({ writeErr: () => {} })
    .exitOverride();
  return command.parse(args, { from: "user" }).opts();
}

/**
 * Writes a Compose file and the files that it names. A secret that is there already stays, since the user has put it there.
 *
 * @returns what was done, a sentence for each file
 */
export function writeCompose(folder: string, file: string, { document, files }: Compose): string[] {
  mkdirSync(folder, { recursive: true });
  writeFileSync(join(folder, file), stringify(document, { lineWidth: 0 }));
  const sentences = [...files].map(([path, { text, isSecret }]) => {
    const full = join(folder, path);
    if (isSecret && existsSync(full)) return `${full} is kept as it is`;
    mkdirSync(dirname(full), { recursive: true });
    writeFileSync(full, text, { mode: isSecret ? 0o600 : 0o644 });
    return isSecret ? `${full} is written: replace ${concealed} in it` : `${full} is written`;
  });
  return [`${join(folder, file)} is written`, ...sentences];
}

function collect(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, key, value] = /^(?:meridian:)?(\w+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) {
    throw new InvalidArgumentError("must be a key of Pulumi.yaml and a value, such as replicas=6.");
  }
  return { ...before, [key]: value };
}

await asProgram(import.meta.url, async () => {
  try {
    const { stack, config, format, quiet, out = join("out", format) } = parseArguments(process.argv.slice(2));
    const settings = stackConfig(stack, config);
    if (format === "kubernetes") {
      process.stdout.write(toYaml(await manifests(settings)));
    } else {
      const repository = fileURLToPath(new URL("..", import.meta.url));
      const rendered = await compose(format, settings, relative(out, repository));
      const sentences = writeCompose(out, `${format}.yaml`, rendered);
      for (const sentence of sentences) if (!quiet || sentence.includes(": replace ")) console.log(sentence);
    }
    return 0;
  } catch (error) {
    if (error instanceof CommanderError && error.exitCode === 0) return 0;
    console.error(`error: ${(error as Error).message.replace(/^error: /, "")}`);
    return error instanceof CommanderError ? 2 : 1;
  }
});
