import assert from "node:assert/strict";
import type grpc from "@grpc/grpc-js";
import { at, type Bag, openPlain, sealPlain } from "../../local/plugins/bag.ts";
import { Client } from "../../local/plugins/kubernetes/client.ts";
import { findTarget } from "../../local/plugins/kubernetes/kubeconfig.ts";
import { Objects } from "../../local/plugins/kubernetes/objects.ts";
import { leftBehind, Plugin, type Resource } from "./kubernetes-plugin-engine.ts";

/** Kinds of change, as the engine numbers them. */
const [ADD_REPLACE, UPDATE, UPDATE_REPLACE] = [1, 4, 5];

describe("the kubernetes stand-in plugin", function () {
  this.timeout(90_000);
  let plugin: Plugin;
  let home: Resource;
  const objects = new Objects(new Client(findTarget({})));

  const inHome = (name?: string, annotations?: Bag): Bag => ({
    namespace: at(home.outputs, "metadata", "name") ?? "",
    ...(name === undefined ? {} : { name }),
    ...(annotations === undefined ? {} : { annotations }),
  });
  const live = (resource: Resource) => {
    const [namespace, name = ""] = resource.id.split("/");
    const { apiVersion, kind } = resource.inputs;
    return objects.get({ apiVersion: String(apiVersion), kind: String(kind), namespace, name });
  };
  const deployment = (image: string, replicas: number, annotations: Bag): Bag => ({
    metadata: inHome(undefined, annotations),
    spec: {
      replicas,
      selector: { matchLabels: { app: "x" } },
      template: { metadata: { labels: { app: "x" } }, spec: { containers: [{ name: "app", image }] } },
    },
  });

  before(async () => {
    plugin = await Plugin.start();
    home = await plugin.create("kubernetes:core/v1:Namespace", "plugin-e2e", {});
  });
  after(async () => {
    await plugin.delete(home);
    assert.equal((await plugin.read(home)).id, "");
    plugin.stop();
  });

  it("creates, changes and deletes, and finds nothing to change in between", async () => {
    const token = "kubernetes:core/v1:Service";
    const inputs = (port: number, labels: Bag): Bag => ({
      metadata: { ...inHome(), labels },
      spec: { ports: [{ port }], clusterIP: "None" },
    });
    const made = await plugin.create(token, "svc", inputs(80, { a: "1", b: "2" }));
    assert.match(made.id, /^plugin-e2e-[0-9a-f]{8}\/svc-[0-9a-f]{8}$/);
    assert.deepEqual((await plugin.diff(made, inputs(80, { a: "1", b: "2" }))).detailed, {});
    assert.deepEqual(await plugin.diff(made, inputs(81, { a: "1", b: "2" })), {
      detailed: { "spec.ports[0].port": UPDATE },
      deleteFirst: false,
    });
    const preview = await plugin.update(made, inputs(81, { a: "1" }), true);
    assert.equal(at(preview.outputs, "spec", "ports", 0, "port"), 81);
    assert.equal(at(await live(made), "spec", "ports", 0, "port"), 80, "a preview changes nothing");
    const updated = await plugin.update(made, inputs(81, { a: "1" }));
    assert.deepEqual(at(await live(made), "metadata", "labels"), { a: "1" }, "what is taken out is removed");
    assert.equal(at(updated.outputs, "spec", "ports", 0, "port"), 81);
    assert.equal(updated.outputs["__fieldManager"], made.outputs["__fieldManager"]);
    await plugin.delete(updated);
    await plugin.delete(updated);
  });

  it("replaces what cannot be changed, and deletes first if the name is fixed", async () => {
    const fixed = (value: string): Bag => ({ metadata: inHome("fixed"), data: { key: value } });
    const made = await plugin.create("kubernetes:core/v1:ConfigMap", "config", fixed("1"));
    const expected = { detailed: { "data.key": UPDATE_REPLACE }, deleteFirst: true };
    assert.deepEqual(await plugin.diff(made, fixed("2")), expected);
    await assert.rejects(plugin.create("kubernetes:core/v1:ConfigMap", "again", fixed("1")), (error: Error) => {
      assert.match(error.message, /ConfigMap plugin-e2e-\w+\/fixed exists already: take it over with "pulumi import/);
      return true;
    });
    // No list says so, but the API server does.
    const frozen = (value: string): Bag => ({ metadata: inHome(), spec: { controller: value } });
    const ingressClass = await plugin.create(
      "kubernetes:networking.k8s.io/v1:IngressClass",
      "plugin-e2e",
      frozen("a.b/c"),
    );
    try {
      const diff = await plugin.diff(ingressClass, frozen("a.b/d"));
      assert.deepEqual(diff, { detailed: { "spec.controller": UPDATE_REPLACE }, deleteFirst: false });
    } finally {
      await plugin.delete(ingressClass);
    }
  });

  it("shows in the preview what the API server refuses", async () => {
    const inputs: Bag = { metadata: inHome(), spec: { ports: [{ port: 99999 }] } };
    await assert.rejects(
      plugin.create("kubernetes:core/v1:Service", "bad", inputs, true),
      /Service plugin-e2e-\w+\/bad-\w+ cannot be created: .*must be between 1 and 65535/,
    );
    const elsewhere: Bag = { metadata: { namespace: "is-still-to-come" }, spec: { ports: [{ port: 80 }] } };
    const preview = await plugin.create("kubernetes:core/v1:Service", "early", elsewhere, true);
    assert.deepEqual(at(preview.outputs, "spec"), { ports: [{ port: 80 }] });
  });

  it("keeps secrets secret", async () => {
    const inputs = sealPlain({ metadata: inHome(), stringData: { password: "hunter2" } }, [["stringData", "password"]]);
    const made = await plugin.create("kubernetes:core/v1:Secret", "secret", inputs);
    const { value, secrets } = openPlain(made.outputs);
    assert.equal(at(value, "data", "password"), Buffer.from("hunter2").toString("base64"));
    const places = secrets.map((path) => path.join("."));
    assert.deepEqual(places.sort(), ["__inputs.stringData", "data"]);
    const refreshed = await plugin.read(made);
    assert.deepEqual(openPlain(refreshed.inputs).value["stringData"], { password: "hunter2" });
    assert.deepEqual((await plugin.diff(refreshed, inputs)).detailed, {});
  });

  it("finds drift on refresh, and names who else owns a field", async () => {
    const inputs: Bag = { metadata: { ...inHome(), labels: { team: "a" } }, spec: { clusterIP: "None" } };
    const made = await plugin.create("kubernetes:core/v1:Service", "drift", inputs);
    const other = { metadata: { ...(made.inputs["metadata"] as Bag), labels: { team: "b" } } };
    const manager = { fieldManager: "somebody", dryRun: false, force: true };
    await objects.apply({ apiVersion: "v1", kind: "Service", ...other }, manager);
    const refreshed = await plugin.read(made);
    assert.deepEqual((await plugin.diff(refreshed, inputs)).detailed, { "metadata.labels.team": UPDATE });
    await assert.rejects(
      plugin.update(refreshed, inputs),
      /was not updated: another field manager owns metadata.labels.team \(conflict with "somebody"\); take the field out/,
    );
    const forced: Bag = {
      ...inputs,
      metadata: { ...(inputs["metadata"] as Bag), annotations: { "pulumi.com/patchForce": "true" } },
    };
    await plugin.update(refreshed, forced);
    assert.equal(at(await live(made), "metadata", "labels", "team"), "a");
  });

  it("imports what is there, as a program would write it", async () => {
    const made = await plugin.create("kubernetes:core/v1:ConfigMap", "import", {
      metadata: inHome("import"),
      data: { a: "1" },
    });
    const found = await plugin.read({ token: made.token, name: "other", id: made.id });
    assert.deepEqual(found.inputs, {
      apiVersion: "v1",
      kind: "ConfigMap",
      metadata: inHome("import"),
      data: { a: "1" },
    });
    assert.deepEqual((await plugin.diff(found, { metadata: inHome("import"), data: { a: "1", b: "2" } })).detailed, {
      "data.b": ADD_REPLACE,
    });
  });

  it("waits until a Deployment is ready, and says why it is not", async () => {
    const token = "kubernetes:apps/v1:Deployment";
    const none = await plugin.create(token, "none", deployment("localhost:1/none:1", 0, {}));
    assert.equal(at(none.outputs, "status", "observedGeneration"), 1);
    const timeout = { "pulumi.com/timeoutSeconds": "20" };
    await assert.rejects(
      plugin.create(token, "some", deployment("localhost:1/none:1", 1, timeout)),
      (error: grpc.ServiceError) => {
        const { id, reasons } = leftBehind(error);
        assert.match(id, /\/some-/);
        assert.match(reasons[0] ?? "", /was created but is not ready: timed out after 20 s: .*\(0\/1 Pods available\)/);
        assert.match(
          reasons[1] ?? "",
          /^Pod some-.*: (container "app" is waiting: (ErrImagePull|ImagePullBackOff)|it is not scheduled)/,
        );
        return true;
      },
    );
    const skipped = await plugin.create(
      token,
      "skip",
      deployment("localhost:1/none:1", 1, { "pulumi.com/skipAwait": "true" }),
    );
    assert.ok(skipped.id);
  });

  it("stops waiting when it is cancelled, and keeps what it has made", async () => {
    const second = await Plugin.start();
    try {
      const made = second.create("kubernetes:apps/v1:Deployment", "cancel", deployment("localhost:1/none:1", 1, {}));
      await new Promise((resolve) => setTimeout(resolve, 1500));
      const began = Date.now();
      await second.cancel();
      await assert.rejects(made, (error: grpc.ServiceError) => {
        assert.match(leftBehind(error).reasons[0] ?? "", /the operation was cancelled/);
        return true;
      });
      assert.ok(Date.now() - began < 5000);
    } finally {
      second.stop();
    }
  });

  it("says what it does not have", async () => {
    await assert.rejects(
      plugin.check("kubernetes:helm.sh/v3:Release", "chart", {}),
      /the stand-in plugin of the local kit has no kubernetes:helm.sh\/v3:Release: use the official Kubernetes plugin/,
    );
  });
});
