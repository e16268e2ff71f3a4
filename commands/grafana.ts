/** `npm run grafana`: the dashboard that `Monitoring` gives to Grafana, as JSON to be imported by hand. */

import { Command, CommanderError } from "commander";

import { grafanaDashboard } from "../components/grafana-dashboard.ts";
import { asProgram } from "./as-program.ts";

/** What the command line asks for. @throws CommanderError for help and wrong usage */
export function parseArguments(args: readonly string[]): { service: string; cdn: boolean } {
  return new Command("grafana")
    .description("Prints the Grafana dashboard of the app as JSON.")
    .option("--service <name>", "the service that it is called after", "hello")
    .option("--no-cdn", "without the panels of the CDN's edges")
    .option("--quiet", "changes nothing: it prints the dashboard only")
    .configureOutput({ writeErr: () => {} })
    .exitOverride()
    .parse(args, { from: "user" })
    .opts();
}

await asProgram(import.meta.url, async () => {
  try {
    const { service, cdn } = parseArguments(process.argv.slice(2));
    console.log(grafanaDashboard(service, { withCdn: cdn }));
    return 0;
  } catch (error) {
    if (!(error instanceof CommanderError)) throw error;
    if (error.exitCode === 0) return 0;
    console.error(error.message);
    return 2;
  }
});
