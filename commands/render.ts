/**
 * `npm run render`: the manifests that the program makes, as YAML, without a cluster. For scanners, and for reading.
 * Where the official Kubernetes provider is at hand, its own renderYamlToDirectory does the like.
 */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Command, CommanderError, InvalidArgumentError } from "commander";
import { stringify } from "yaml";

import { manifests, stackConfig } from "./manifests.ts";
import type { Manifest } from "./manifests.ts";

const isMain = process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url);

/** The manifests as one stream of YAML documents. */
export function toYaml(objects: readonly Manifest[]): string {
  return objects.map((object) => `---\n${stringify(object, { lineWidth: 0 })}`).join("");
}

/** What the command line asks for. @throws CommanderError for help and wrong usage */
export function parseArguments(args: readonly string[]): { stack: string; config: Record<string, string> } {
  const command = new Command("render")
    .description("Prints the manifests that the program makes, without a cluster. Secrets are left out.")
    .option("--stack <name>", "whose configuration it is, Pulumi.NAME.yaml", "dev")
    .option("--config <key=value>", "a value on top of the stack's configuration", collect, {})
    .configureOutput({ writeErr: (text) => void (isMain && process.stderr.write(text)) })
    .exitOverride();
  return command.parse(args, { from: "user" }).opts();
}

function collect(text: string, before: Readonly<Record<string, string>>): Record<string, string> {
  const [, key, value] = /^(?:meridian:)?(\w+)=(.*)$/s.exec(text) ?? [];
  if (key === undefined || value === undefined) {
    throw new InvalidArgumentError("must be a key of Pulumi.yaml and a value, such as replicas=6.");
  }
  return { ...before, [key]: value };
}

if (isMain) {
  try {
    const { stack, config } = parseArguments(process.argv.slice(2));
    process.stdout.write(toYaml(await manifests(stackConfig(stack, config))));
  } catch (error) {
    // Commander has said already what is wrong; of other errors the sentence is enough.
    if (!(error instanceof CommanderError)) console.error(`error: ${(error as Error).message}`);
    process.exitCode = error instanceof CommanderError ? error.exitCode : 1;
  }
}
