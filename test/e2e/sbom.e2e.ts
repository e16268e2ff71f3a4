import assert from "node:assert/strict";

import { registry } from "../../local/paths.ts";
import { kubectl, Program } from "./support.ts";

describe("the list of what the image is made of", () => {
  let program: Program;
  before(async () => {
    program = await Program.create({ replicas: 1 });
    await program.up();
  });
  after(() => program.remove());

  it("is where the image's label says, in CycloneDX's form", async () => {
    const [, repository = "", digest = ""] = /^[^/]+\/(.*)@(.*)$/.exec(await program.output("imageRef")) ?? [];
    const get = async (path: string, accept: string) => {
      const answer = await fetch(`http://${registry}/v2/${repository}/${path}`, { headers: { accept } });
      return (await answer.json()) as { config: { digest?: string; Labels?: Record<string, string> } };
    };
    const manifest = await get(`manifests/${digest}`, "application/vnd.oci.image.manifest.v1+json");
    const { config } = await get(`blobs/${manifest.config.digest}`, "*/*");
    const file = config.Labels?.["org.cyclonedx.sbom"];
    assert.equal(file, "/app/sbom.cdx.json");
    const [pod = ""] = await program.list("pods", ".metadata.name");
    const print = `process.stdout.write(fs.readFileSync("${file}"))`;
    const text = await kubectl("-n", program.namespace, "exec", pod, "--", "node", "-e", print);
    assert.deepEqual((JSON.parse(text) as { bomFormat: string }).bomFormat, "CycloneDX");
    assert.match(text, /"purl": "pkg:generic\/node@\d+\.\d+\.\d+"/);
  });
});
