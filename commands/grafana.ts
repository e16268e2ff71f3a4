/** `npm run grafana`: the dashboard that `Monitoring` gives to Grafana, as JSON to be imported by hand. */
import { realpathSync } from "node:fs";
import { fileURLToPath } from "node:url";

import { Command, CommanderError } from "commander";

import { grafanaDashboard } from "../components/grafana-dashboard.ts";

/** What the command line asks for. @throws CommanderError for help and wrong usage */
export function parseArguments(args: readonly string[]): { service: string; cdn: boolean } {
  return new Command("grafana")
    .description("Prints the Grafana dashboard of the app as JSON.")
    .option("--service <name>", "the service that it is called after", "hello")
    .option("--no-cdn", "without the panels of the CDN's edges")
    .exitOverride()
    .parse(args, { from: "user" })
    .opts();
}

if (process.argv[1] !== undefined && realpathSync(process.argv[1]) === fileURLToPath(import.meta.url)) {
  try {
    const { service, cdn } = parseArguments(process.argv.slice(2));
    console.log(grafanaDashboard(service, { withCdn: cdn }));
  } catch (error) {
    // Commander has said already what is wrong.
    if (!(error instanceof CommanderError)) throw error;
    process.exitCode = error.exitCode;
  }
}
