import assert from "node:assert/strict";
import { spawnSync } from "node:child_process";
import { mkdtempSync, rmSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";

import { manifests, stackConfig } from "../../commands/manifests.ts";
import type { Manifest } from "../../commands/manifests.ts";
import { toYaml } from "../../commands/render.ts";
import { buildCheckers, tool } from "../../local/tools.ts";
import { podOf } from "../../policy/pod.ts";
import { schemaLocation, writeSchemas } from "./openapi-schemas.ts";
import { kubectl } from "./support.ts";

/** What kube-score says that this project does not follow, each with its reason. */
const exceptions = {
  "container-image-pull-policy": "an image that is named by its digest is the same whoever has pulled it before",
  "deployment-has-host-podantiaffinity": "topology spread constraints do that, and by regions as well",
  "statefulset-has-host-podantiaffinity": "there is one pod",
};

const everything = { release: "blueGreen", store: "true", dashboardImage: `headlamp@sha256:${"0".repeat(64)}` };
const variants: Readonly<Record<string, Readonly<Record<string, string>>>> = {
  "the dev stack": {},
  "everything that can be switched on": everything,
  "an autoscaled service": { maxReplicas: "9" },
  "an app behind a CDN": { cdn: "true", regions: '["eu","us"]' },
};

describe("the program's manifests", () => {
  const namespace = `conformance-${Date.now().toString(36)}`;
  const folder = mkdtempSync(join(tmpdir(), "meridian-schemas-"));
  before(async function () {
    this.timeout(600_000);
    await buildCheckers();
    await kubectl("create", "namespace", namespace);
    const levels = ["enforce", "warn"].map((mode) => `pod-security.kubernetes.io/${mode}=restricted`);
    await kubectl("label", "namespace", namespace, ...levels);
  });
  after(async () => {
    rmSync(folder, { recursive: true, force: true });
    await kubectl("delete", "namespace", namespace, "--ignore-not-found", "--wait=false");
  });

  /** Runs a checker with these objects as its input; it must have nothing to say. */
  const passes = (program: string, args: readonly string[], objects: readonly Manifest[]) => {
    const { status, stdout, stderr } = spawnSync(program, args, { input: toYaml(objects), encoding: "utf8" });
    assert.equal(status, 0, `${stdout}${stderr}`);
    return { stdout, stderr };
  };

  for (const [name, config] of Object.entries(variants)) {
    describe(`of ${name}`, () => {
      let objects: Manifest[];
      before(async () => {
        objects = await manifests(stackConfig("dev", { namespace, ...config }));
      });

      it("follow the API server's own schemas, with no field too many (kubeconform)", async () => {
        await writeSchemas(folder, new Set(objects.map(({ apiVersion }) => apiVersion)));
        const args = ["-strict", "-summary", "-schema-location", schemaLocation(folder)];
        const { stdout } = passes(tool("kubeconform"), args, objects);
        assert.match(stdout, new RegExp(`Valid: ${objects.length}, Invalid: 0, Errors: 0, Skipped: 0`));
      });

      it("are as kube-score would have them", () => {
        passes(tool("kube-score"), ["score", "--ignore-test", Object.keys(exceptions).join(","), "-"], objects);
      });

      it("are accepted by the API server, without a warning, where Pod Security's level is restricted", () => {
        const dryRun = ["apply", "--dry-run=server", "--server-side", "--filename", "-"];
        assert.equal(passes("kubectl", dryRun, objects).stderr, "");
        // It is pods that the level is enforced on, not what makes them.
        const pods = objects.flatMap((object) => {
          const spec = podOf({ type: `kubernetes::${object.kind}`, name: object.metadata.name, props: object });
          // Its account is in the dry run only.
          const podSpec = { ...spec, serviceAccountName: undefined };
          const metadata = { name: object.metadata.name, namespace };
          return spec === undefined ? [] : [{ apiVersion: "v1", kind: "Pod", metadata, spec: podSpec }];
        });
        assert.ok(pods.length > 0);
        assert.equal(passes("kubectl", dryRun, pods).stderr, "");
      });
    });
  }
});
