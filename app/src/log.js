/**
 * Writes one JSON object per line to the standard output, each with what tells this replica from the others.
 * @param {{name: string, region: string, version: string}} settings
 */
export function logger({ name, region, version }) {
  // A reader that has gone away must not take the service with it.
  process.stdout.on("error", () => {});
  return (level, msg, fields = {}) => {
    const entry = { time: new Date().toISOString(), level, msg, ...fields, version, region, name };
    process.stdout.write(`${JSON.stringify(entry)}\n`);
  };
}
