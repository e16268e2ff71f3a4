import assert from "node:assert/strict";

import type * as pulumi from "@pulumi/pulumi";

import { WebService } from "../components/index.ts";
import type { WebServiceArgs } from "../components/index.ts";
import { digest, graph, only, recordOptions, specOf, useMocks } from "./mocks.ts";

const baseArgs: WebServiceArgs = {
  image: `registry.example/hello@${digest}`,
  namespace: "shop",
  secretEnv: { DB_PASSWORD: "open sesame" },
  migration: { command: ["node", "migrate.js"] },
};
const labels = { "app.kubernetes.io/name": "hello-migration", "app.kubernetes.io/managed-by": "pulumi" };

describe("a migration", () => {
  beforeEach(() => useMocks());

  it("is one Job more, which nobody may connect to", async () => {
    new WebService("hello", baseArgs);

    assert.deepEqual(await graph(), [
      "kubernetes:apps/v1:Deployment hello",
      "kubernetes:batch/v1:Job hello-migration",
      "kubernetes:core/v1:Secret hello-env",
      "kubernetes:core/v1:Service hello",
      "kubernetes:core/v1:ServiceAccount hello",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy hello",
      "kubernetes:networking.k8s.io/v1:NetworkPolicy hello-migration",
      "kubernetes:policy/v1:PodDisruptionBudget hello",
      "meridian:index:WebService hello",
    ]);
    assert.deepEqual(await specOf("kubernetes:networking.k8s.io/v1:NetworkPolicy", "hello-migration"), {
      podSelector: { matchLabels: labels },
      policyTypes: ["Ingress", "Egress"],
      egress: [{}],
    });
  });

  it("runs the release's image with the replicas' environment and no more rights", async () => {
    new WebService("hello", { ...baseArgs, env: { DB_HOST: "db" }, imagePullSecrets: ["registry"] });

    const { metadata } = (await only("kubernetes:batch/v1:Job")).inputs;
    assert.deepEqual(metadata, { namespace: "shop", labels });
    const spec = (await specOf("kubernetes:batch/v1:Job")) as {
      activeDeadlineSeconds: number;
      backoffLimit: number;
      template: { metadata: object; spec: Record<string, unknown> & { containers: Record<string, unknown>[] } };
    };
    assert.deepEqual([spec.activeDeadlineSeconds, spec.backoffLimit], [300, 2]);
    const { containers, ...pod } = spec.template.spec;
    const container = containers[0]!;
    assert.deepEqual(spec.template.metadata, { labels });
    assert.deepEqual(pod, {
      automountServiceAccountToken: false,
      securityContext: {
        runAsNonRoot: true,
        runAsUser: 10001,
        runAsGroup: 10001,
        fsGroup: 10001,
        seccompProfile: { type: "RuntimeDefault" },
      },
      serviceAccountName: "hello-1a2b3c4d",
      imagePullSecrets: [{ name: "registry" }],
      restartPolicy: "Never",
    });
    assert.equal(container["name"], "migration");
    assert.deepEqual(container["command"], ["node", "migrate.js"]);
    assert.equal(container["image"], baseArgs.image);
    assert.deepEqual(container["envFrom"], [{ secretRef: { name: "hello-env-1a2b3c4d" } }]);
    assert.deepEqual((container["env"] as unknown[]).at(-1), { name: "DB_HOST", value: "db" });
    assert.deepEqual(container["securityContext"], {
      allowPrivilegeEscalation: false,
      readOnlyRootFilesystem: true,
      capabilities: { drop: ["ALL"] },
    });
  });

  for (const release of [{ kind: "rolling" }, { kind: "blueGreen" }] as const) {
    it(`comes before the replicas of a ${release.kind} release`, async () => {
      const { options, transformations } = recordOptions();
      new WebService("hello", { ...baseArgs, release }, { transformations });
      await graph();

      const [first] = options.get("kubernetes:apps/v1:Deployment hello")!.dependsOn as pulumi.Resource[];
      assert.equal((first as unknown as { __pulumiType: string }).__pulumiType, "kubernetes:batch/v1:Job");
    });
  }

  it("can be another image's, and take its time", async () => {
    new WebService("hello", {
      ...baseArgs,
      migration: { command: ["migrate"], image: `migrate@${digest}`, timeoutSeconds: 3600 },
    });

    const { activeDeadlineSeconds, template } = await specOf("kubernetes:batch/v1:Job");
    assert.equal(activeDeadlineSeconds, 3600);
    assert.match(JSON.stringify(template), new RegExp(`"image":"migrate@${digest}"`));
  });

  it("is refused without a program or time", () => {
    assert.throws(() => new WebService("hello", { ...baseArgs, migration: { command: [], timeoutSeconds: 0 } }), {
      message: [
        "migration.command must name a program, got []",
        "migration.timeoutSeconds must be an integer from 1 to 86400, got 0",
      ].join("\n"),
    });
  });
});
