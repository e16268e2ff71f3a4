import assert from "node:assert/strict";

import type * as pulumi from "@pulumi/pulumi";

import { WebService } from "../components/index.ts";
import type { Transform, WebServiceArgs } from "../components/index.ts";
import { all, digest, specOf, useMocks } from "./mocks.ts";

const everything: WebServiceArgs = {
  image: `registry.example/hello@${digest}`,
  secretEnv: { TOKEN: "x" },
  autoscaling: { maxReplicas: 9 },
  ingress: { host: "hello.example.com" },
  migration: { command: ["migrate"] },
};

describe("a transform", () => {
  beforeEach(() => useMocks());

  it("changes a child in what there is no argument for", async () => {
    const deployment: Transform["deployment"] = (args) => ({
      ...args,
      spec: { ...(args.spec as pulumi.Unwrap<typeof args.spec>), revisionHistoryLimit: 3 } as typeof args.spec & object,
    });
    new WebService("hello", { ...everything, transform: { deployment } });

    assert.equal((await specOf("kubernetes:apps/v1:Deployment"))["revisionHistoryLimit"], 3);
  });

  it("reaches every child, by its name, and only those of its kind", async () => {
    const seen: string[] = [];
    const see =
      (kind: string) =>
      <Args>(args: Args, name: string): Args => {
        seen.push(`${kind} ${name}`);
        return args;
      };
    const transform: Required<Transform> = {
      deployment: see("deployment"),
      service: see("service"),
      serviceAccount: see("serviceAccount"),
      secret: see("secret"),
      job: see("job"),
      podDisruptionBudget: see("podDisruptionBudget"),
      networkPolicy: see("networkPolicy"),
      horizontalPodAutoscaler: see("horizontalPodAutoscaler"),
      ingress: see("ingress"),
      httpRoute: see("httpRoute"),
    };
    new WebService("hello", { ...everything, transform });
    const route = { host: "hello.example.com", gateway: { name: "public" } };
    new WebService("other", { image: everything.image, route, transform });

    const children = (await all()).filter(({ type }) => type.startsWith("kubernetes:"));
    assert.deepEqual(
      seen.toSorted(),
      children
        .map(({ type, name }) => [type.split(":")[2]!, name] as const)
        .map(([kind, name]) => `${kind === "HTTPRoute" ? "httpRoute" : kind[0]!.toLowerCase() + kind.slice(1)} ${name}`)
        .toSorted(),
    );
  });

  it("comes before the transformations of whoever uses the component", async () => {
    const setReplicas = (replicas: number) => (args: { spec?: unknown }) => ({
      ...args,
      spec: { ...(args.spec as object), replicas: Number((args.spec as { replicas?: number }).replicas) + replicas },
    });
    const add: pulumi.ResourceTransformation = ({ type, props, opts }) =>
      type.endsWith(":Deployment") ? { props: setReplicas(10)(props), opts } : undefined;
    const deployment = setReplicas(100) as unknown as NonNullable<Transform["deployment"]>;
    new WebService("hello", { image: everything.image, transform: { deployment } }, { transformations: [add] });

    assert.equal((await specOf("kubernetes:apps/v1:Deployment"))["replicas"], 113);
  });
});
