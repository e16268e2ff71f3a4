import assert from "node:assert/strict";
import { type Deployment, recovered } from "../recover.ts";

const urn = "urn:pulumi:dev::meridian::kubernetes:apps/v1:Deployment::hello";
const inputs = { apiVersion: "apps/v1", kind: "Deployment", metadata: { name: "hello-1", namespace: "web" } };
const resource = { urn, type: "kubernetes:apps/v1:Deployment", custom: true, inputs };
const old = { ...resource, id: "web/hello-0" };

const live = { __initialApiVersion: "apps/v1", __fieldManager: "pulumi-kubernetes-1" };
const yes = async (): Promise<typeof live> => live;
const no = async (): Promise<undefined> => undefined;

describe("recovered", () => {
  it("takes over an object that was being created and exists, to be awaited again", async () => {
    const state: Deployment = { resources: [], pending_operations: [{ type: "creating", resource }] };
    const initErrors = ["the update that created it was interrupted"];
    assert.deepEqual(await recovered(state, yes), {
      resources: [{ ...resource, id: "web/hello-1", outputs: { ...inputs, ...live }, initErrors }],
      pending_operations: [],
    });
  });

  it("deletes what was to replace an object that is still in use", async () => {
    const state: Deployment = { resources: [old], pending_operations: [{ type: "creating", resource }] };
    assert.deepEqual((await recovered(state, yes)).resources, [
      old,
      { ...resource, id: "web/hello-1", outputs: { ...inputs, ...live }, delete: true },
    ]);
  });

  it("forgets what was never created", async () => {
    const state: Deployment = { resources: [old], pending_operations: [{ type: "creating", resource }] };
    assert.deepEqual(await recovered(state, no), { resources: [old], pending_operations: [] });
  });

  it("forgets what was being deleted and is gone, and only that", async () => {
    const newer = { ...resource, id: "web/hello-1" };
    const state: Deployment = { resources: [old, newer], pending_operations: [{ type: "deleting", resource: old }] };
    assert.deepEqual(await recovered(state, no), { resources: [newer], pending_operations: [] });
    assert.deepEqual(await recovered(state, yes), { resources: [old, newer], pending_operations: [] });
  });

  it("leaves interrupted updates to the next one", async () => {
    for (const type of ["updating", "reading", "importing"] as const) {
      const state: Deployment = { resources: [old], pending_operations: [{ type, resource: old }] };
      assert.deepEqual(await recovered(state, yes), { resources: [old], pending_operations: [] });
    }
  });

  it("names cluster-scoped objects without a namespace and skips other providers", async () => {
    const namespace = { urn: "urn:n", type: "kubernetes:core/v1:Namespace", inputs: { metadata: { name: "web" } } };
    const image = { urn: "urn:i", type: "docker-build:index:Image", inputs: {} };
    const pending = [namespace, image].map((resource) => ({ type: "creating" as const, resource }));
    const { resources } = await recovered<Deployment>({ pending_operations: pending }, yes);
    assert.deepEqual(
      resources?.map(({ id }) => id),
      ["web"],
    );
  });
});
