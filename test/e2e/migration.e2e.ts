import assert from "node:assert/strict";

import { kubectl, Program, until } from "./support.ts";

describe("a migration on a cluster", function () {
  this.timeout(300_000);
  let program: Program;
  let url: string;
  const plain = "version: config.version,\n  namespace,";
  const withMigration = (code: string) =>
    `migration: { command: ["node", "-e", ${JSON.stringify(code)}], timeoutSeconds: 20 },\n  ${plain}`;
  const versions = async () => {
    const answers = await Promise.all(Array.from({ length: 20 }, () => fetch(`${url}/version?close`)));
    const bodies = (await Promise.all(answers.map((answer) => answer.json()))) as { version: string }[];
    return [...new Set(bodies.map(({ version }) => version))];
  };

  before(async () => {
    program = await Program.create({ version: "v0.0.1" });
    await program.up();
    url = await program.output("url");
  });
  after(() => program.remove());

  it("that fails stops the release, and the replicas of the one before serve on", async () => {
    program.edit("index.ts", plain, withMigration("console.log('no such table'); process.exit(1)"));
    await program.pulumi("config", "set", "version", "v0.0.2");
    const { code, output } = await program.attempt("up", "--yes", "--skip-preview");
    assert.notEqual(code, 0);
    assert.match(output, /Job [^ ]*hello-migration-\w+ was created but (is not ready|did not succeed|failed)/);
    assert.deepEqual(await versions(), ["v0.0.1"]);
  });

  it("that succeeds lets the release go on, with the replicas' environment", async () => {
    program.edit(
      "index.ts",
      "console.log('no such table'); process.exit(1)",
      "process.exit(process.env.POD_NAME ? 0 : 1)",
    );
    await program.up();
    // A Deployment is ready before the last pods of the release before have gone.
    await until("only the new release to answer", async () => (await versions()).join() === "v0.0.2");
    const jobs = await kubectl("-n", program.namespace, "get", "jobs", "-o", "jsonpath={.items[*].status.succeeded}");
    assert.equal(jobs, "1");
  });

  it("does not run again when nothing has changed", async () => {
    const output = await program.up();
    assert.match(output, /\d+ unchanged/);
    assert.doesNotMatch(output, /hello-migration (created|replaced|updated)/);
  });
});
