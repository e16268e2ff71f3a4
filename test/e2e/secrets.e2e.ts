import assert from "node:assert/strict";
import { readdirSync, readFileSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { setTimeout as pause } from "node:timers/promises";
import { kubectl, Program } from "./support.ts";

/** Command lines of all processes. */
function commandLines(): string[] {
  return readdirSync("/proc").flatMap((pid) => {
    try {
      return /^\d+$/.test(pid) ? [readFileSync(`/proc/${pid}/cmdline`, "utf8")] : [];
    } catch {
      return []; // ended meanwhile
    }
  });
}

/** All forms in which a secret could stand somewhere. */
const forms = (secret: string): string[] => [
  secret,
  Buffer.from(secret).toString("base64"),
  Buffer.from(secret).toString("hex"),
  encodeURIComponent(secret),
];

describe("a program with secrets", () => {
  const token = `token/${crypto.randomUUID()}`;
  let program: Program;
  let password: string;
  let output: string;
  const seen = new Set<string>();

  before(async () => {
    program = await Program.create();
    writeFileSync(join(program.folder, "main.ts"), 'export * from "./test/e2e/fixtures/secrets.ts";\n');
    program.edit(
      "app/Dockerfile",
      "RUN node build.js",
      "RUN --mount=type=secret,id=token grep -q ^token/ /run/secrets/token\nRUN node build.js",
    );
    await program.setSecret("token", token);
    const update = program.up();
    let ended = false;
    void update.finally(() => (ended = true)).catch(() => undefined);
    while (!ended) {
      for (const line of commandLines()) seen.add(line);
      await pause(20);
    }
    output = await update;
    password = (await program.pulumi("stack", "output", "databasePassword", "--show-secrets")).trim();
    assert.match(password, /^[A-Za-z0-9]{32}$/);
  });
  after(() => program.remove());

  function assertSecret(place: string, text: string): void {
    for (const secret of [token, password]) {
      for (const form of forms(secret)) assert.ok(!text.includes(form), `${place} holds ${form}:\n${text}`);
    }
  }

  it("gives them to those who need them", async () => {
    const secrets = JSON.parse(await kubectl("-n", program.namespace, "get", "secrets", "-o", "json")) as {
      items: { data: Record<string, string> }[];
    };
    const values = secrets.items.flatMap(({ data }) => Object.values(data)).map((text) => atob(text));
    assert.deepEqual(values.sort(), [password, password, token].sort());
  });

  it("keeps them out of what Pulumi prints, previews and exports, and out of every file of its backend", async () => {
    assertSecret("the output of pulumi up", output);
    assertSecret("the export", await program.pulumi("stack", "export"));
    assertSecret("the outputs", await program.pulumi("stack", "output", "--json"));
    const files = readdirSync(program.backend, { recursive: true, withFileTypes: true }).filter((file) =>
      file.isFile(),
    );
    assert.ok(files.length > 2);
    for (const { name, parentPath } of files) assertSecret(name, readFileSync(join(parentPath, name), "utf8"));
    assertSecret("the stack's file", readFileSync(join(program.folder, "Pulumi.e2e.yaml"), "utf8"));
    // A changed source shows a diff, also of the resources that hold secrets.
    program.edit("app/src/service.js", 'hello: "world"', 'hello: "e2e"');
    assertSecret("a preview", await program.pulumi("preview", "--diff"));
  });

  it("keeps them out of every object that is not a Secret", async () => {
    const kinds = (await kubectl("api-resources", "--verbs=list", "--namespaced", "-o", "name")).trim().split("\n");
    const others = kinds.filter((kind) => kind !== "secrets").join(",");
    const objects = await kubectl("-n", program.namespace, "get", others, "-o", "yaml", "--show-managed-fields");
    assert.match(objects, /kind: Deployment/);
    assertSecret("an object", objects);
    const secrets = await kubectl("-n", program.namespace, "get", "secrets", "-o", "json", "--show-managed-fields");
    const { items } = JSON.parse(secrets) as { items: { metadata: object }[] };
    assertSecret("the metadata of a Secret", JSON.stringify(items.map(({ metadata }) => metadata)));
  });

  it("keeps them out of the image, and out of the list of processes", async () => {
    assert.ok(
      [...seen].some((line) => line.includes("buildctl")),
      "the build has not been seen",
    );
    for (const line of seen) assertSecret("a command line", line);
    assertSecret("the image", await imageConfig(program));
  });
});

/** The configuration of the image, with the commands that made it. */
async function imageConfig(program: Program): Promise<string> {
  const base = `http://${program.image.replace("/", "/v2/")}`;
  const accept = "application/vnd.docker.distribution.manifest.v2+json, application/vnd.oci.image.manifest.v1+json";
  const manifest = (await (await fetch(`${base}/manifests/v0.0.1`, { headers: { accept } })).json()) as {
    config: { digest: string };
  };
  const config = await (await fetch(`${base}/blobs/${manifest.config.digest}`)).text();
  assert.match(config, /"history"/);
  return config;
}
