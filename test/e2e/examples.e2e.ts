import assert from "node:assert/strict";

import { Program } from "./support.ts";

describe("an example program", () => {
  const example = "examples/one-service";
  const file = `${example}/index.ts`;
  let program: Program;
  const inExample = (...args: string[]) => program.pulumi("-C", example, ...args);

  before(async () => {
    program = await Program.create({ replicas: 1 });
    await program.up();
  });
  after(async () => {
    await inExample("destroy", "--yes", "--skip-preview");
    await program.remove();
  });

  it("brings one web app with its own Pulumi.yaml, with an image and ports that there are", async () => {
    const image = `ghcr.io/me/hello@sha256:${"1".padStart(64, "0")}`;
    const port = 20_000 + Math.floor(Math.random() * 10_000);
    program.edit(file, image, await program.output("imageRef"));
    program.edit(file, "containerPort: 8080, port: 80 ", `containerPort: 3000, port: ${port} `);
    await inExample("stack", "init", "e2e", "--no-select");
    await inExample("up", "--yes", "--skip-preview");
    const url = (await inExample("stack", "output", "url")).trim();
    assert.equal(new URL(url).port, String(port));
    assert.equal(((await (await fetch(url)).json()) as { hello: string }).hello, "world");
    await inExample("preview", "--expect-no-changes");
  });
});
