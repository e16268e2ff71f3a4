import assert from "node:assert/strict";
import { kubectl, Program } from "./support.ts";

describe("a wrong configuration", () => {
  let program: Program;

  before(async () => {
    program = await Program.create();
  });
  after(() => program.remove());

  const replicas = (got: string): string =>
    `\n      replicas must be an integer from 1 to 100, got ${got}; for example: pulumi config set replicas 3\n`;
  const wrong: [string, string, string][] = [
    ["no replicas at all", "replicas: 0", replicas("0")],
    ["fewer than none", "replicas: -1", replicas("-1")],
    ["more than there can be", "replicas: 1e9", replicas("1000000000")],
    // Pulumi itself refuses what is not of the type that Pulumi.yaml declares.
    ["a word for a number", "replicas: three", "configuration key 'replicas' must be of type 'integer'\n"],
    [
      "a key that does not exist",
      "replica: 3",
      "\n      replica is not a key of this program: did you mean replicas? pulumi config rm replica removes it\n",
    ],
  ];
  for (const [what, line, sentence] of wrong) {
    it(`is refused with one sentence, before anything is created: ${what}`, async () => {
      program.configure({ namespace: program.namespace });
      program.edit("Pulumi.e2e.yaml", "config:\n", `config:\n  meridian:${line}\n`);
      assertRefused(await program.attempt("preview"), sentence);
    });
  }

  it("is refused if the cluster does not have what a CDN needs", async () => {
    const cdn = { cdn: true, cdnCacheSize: "900Ti", cdnTlsSecret: "www-tls", regions: ["eu", "mars"] };
    program.configure({ namespace: program.namespace, ...cdn });
    assertRefused(
      await program.attempt("preview"),
      'got "mars", which no node\'s label topology.kubernetes.io/region says; ',
      '      cdnCacheSize must fit region "eu", got "900Ti": its nodes have ',
      `in namespace "${program.namespace}", got "www-tls", and there is none; `,
    );
  });

  it("is refused by an update as well, with a sentence for each mistake", async () => {
    program.configure({ namespace: program.namespace, replicas: 101, port: 0 });
    const port = "port must be an integer from 1 to 65535, got 0; for example: pulumi config set port 8888";
    const result = await program.attempt("up", "--yes", "--skip-preview");
    assertRefused(result, replicas("101"), `      ${port}\n`);
    assert.equal(await kubectl("get", "namespace", program.namespace, "--ignore-not-found"), "");
  });
});

function assertRefused({ code, output }: { code: number | null; output: string }, ...sentences: string[]): void {
  assert.ok(code !== 0, `it is not refused:\n${output}`);
  for (const sentence of sentences) assert.ok(output.includes(sentence), `${sentence}\nis not in:\n${output}`);
  assert.doesNotMatch(output, /\n +at |Error: |file:\/\//);
}
