import assert from "node:assert/strict";
import { mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { tmpdir } from "node:os";
import { join } from "node:path";
import { changes } from "../plugins/kubernetes/diff.ts";
import { ApiError, explained, immutableFields, isNamespaceMissing } from "../plugins/kubernetes/errors.ts";
import { parsePath, withoutIgnored } from "../plugins/kubernetes/ignore.ts";
import { findTarget } from "../plugins/kubernetes/kubeconfig.ts";
import { adoption, needsAdoption } from "../plugins/kubernetes/managers.ts";
import { comparable } from "../plugins/kubernetes/resource.ts";
import { diffSettings, readSettings } from "../plugins/kubernetes/settings.ts";
import { at, type Bag } from "../plugins/serve.ts";

const entry = (manager: string, operation: string, fieldsV1: Bag, more: Bag = {}): Bag => ({
  manager,
  operation,
  fieldsV1,
  ...more,
});
const withManagers = (...managedFields: Bag[]): Bag => ({ metadata: { resourceVersion: "7", managedFields } });

describe("kubernetes plugin: field managers", () => {
  const own = "pulumi-kubernetes-1a2b3c4d";

  it("makes the fields that an object was created with its own", () => {
    const live = withManagers(
      entry(own, "Update", { "f:spec": { "f:a": {} } }),
      entry("kube-controller-manager", "Update", { "f:status": {} }, { subresource: "status" }),
    );
    assert.ok(needsAdoption(live));
    const [managers, version] = adoption(live, own) ?? [];
    assert.deepEqual(managers?.["value"], [
      entry("kube-controller-manager", "Update", { "f:status": {} }, { subresource: "status" }),
      entry(own, "Apply", { "f:spec": { "f:a": {} } }),
    ]);
    assert.deepEqual(version, { op: "replace", path: "/metadata/resourceVersion", value: "7" });
  });

  it("adds what kubectl wrote to what it has applied", () => {
    const live = withManagers(
      entry(own, "Apply", { "f:spec": { "f:a": {} } }),
      entry("kubectl-edit", "Update", { "f:spec": { "f:b": {} } }),
    );
    const [managers] = adoption(live, own) ?? [];
    assert.deepEqual(managers?.["value"], [entry(own, "Apply", { "f:spec": { "f:a": {}, "f:b": {} } })]);
  });

  it("leaves alone what a controller or a subresource wrote", () => {
    const live = withManagers(
      entry(own, "Apply", {}),
      entry("helm", "Update", {}),
      entry("kubectl", "Update", {}, { subresource: "scale" }),
    );
    assert.equal(adoption(live, own), undefined);
    assert.equal(needsAdoption(live), false);
  });
});

describe("kubernetes plugin: ignoreChanges", () => {
  const inputs = { spec: { replicas: 3, list: [{ image: "a" }] } };
  const fields = { "f:spec": { "f:replicas": {} } };
  const live = (...managers: string[]): Bag => ({
    spec: { replicas: 7, list: [{ image: "b" }] },
    ...withManagers(...managers.map((manager) => entry(manager, "Apply", fields))),
  });

  it("leaves out what others own alone", () => {
    const left = withoutIgnored(inputs, live("autoscaler"), ["spec.replicas"], "own");
    assert.deepEqual(left, { spec: { list: [{ image: "a" }] } });
  });

  it("applies what it owns itself with the value of now", () => {
    assert.equal(
      at(withoutIgnored(inputs, live("autoscaler", "own"), ["spec.replicas"], "own"), "spec", "replicas"),
      7,
    );
    const image = withoutIgnored(inputs, live(), ["spec.list[0].image"], "own");
    assert.equal(at(image, "spec", "list", 0, "image"), "b");
  });

  it("reads paths", () => {
    assert.deepEqual(parsePath('metadata.annotations["a.b/c"].d[0]'), ["metadata", "annotations", "a.b/c", "d", 0]);
    assert.deepEqual(parsePath("spec.containers[*].image"), ["spec", "containers", "*", "image"]);
  });
});

describe("kubernetes plugin: errors", () => {
  const refusal = (status: number, reason: string, message: string, causes: Bag[] = []) =>
    new ApiError(status, { reason, message, details: { causes } });

  it("knows a field that can never change from one that has a wrong value", () => {
    const invalid = (message: string) =>
      immutableFields(
        refusal(422, "Invalid", "x is invalid", [{ field: "spec.x", message, reason: "FieldValueInvalid" }]),
      );
    for (const message of [
      "Invalid value: {}: field is immutable",
      "Forbidden: updates to statefulset spec for fields other than 'replicas' are forbidden",
      "Forbidden: pod updates may not change fields other than `spec.containers[*].image`",
      'Invalid value: "b": may not change once set',
      "cannot change roleRef",
    ]) {
      assert.deepEqual(invalid(message), ["spec.x"], message);
    }
    for (const message of [
      "Forbidden: may not be specified when strategy `type` is 'Recreate'",
      "Invalid value: 99999: must be between 1 and 65535, inclusive",
    ]) {
      assert.deepEqual(invalid(message), [], message);
    }
  });

  it("knows a namespace that is still to come", () => {
    assert.ok(isNamespaceMissing(refusal(404, "NotFound", 'namespaces "a" not found')));
    assert.ok(!isNamespaceMissing(refusal(404, "NotFound", 'services "a" not found')));
  });

  it("says who owns a field and what to do", () => {
    const message = 'conflict with "kubectl" with subresource "scale" using apps/v1';
    const causes = [{ field: ".spec.replicas", reason: "FieldManagerConflict", message }];
    const conflict = refusal(409, "Conflict", "Apply failed with 1 conflict", causes);
    assert.equal(
      explained(conflict, "Deployment a/b was not updated").message,
      `Deployment a/b was not updated: another field manager owns spec.replicas (${message}); ` +
        `take the field out of the program or list it in ignoreChanges to leave it to that manager, ` +
        `or set the annotation pulumi.com/patchForce: "true" to take it over`,
    );
    const other = refusal(403, "Forbidden", "violates PodSecurity");
    assert.equal(explained(other, "Pod a was not created").message, "Pod a was not created: violates PodSecurity");
  });
});

describe("kubernetes plugin: what an object is called", () => {
  const compare = (oldInputs: Bag, news: Bag, live: Bag) => {
    const { olds, news: now } = comparable({ oldInputs, oldOutputs: { metadata: live, __inputs: { data: 1 } }, news });
    return changes(olds, now).map(({ path }) => path.join("."));
  };

  it("is known from the live object where the inputs do not say", () => {
    const named = { metadata: { name: "a", namespace: "b" } };
    assert.deepEqual(compare({ spec: 1 }, { ...named, spec: 1 }, named.metadata), []);
    assert.deepEqual(compare({ spec: 1 }, { metadata: { name: "a", namespace: "c" }, spec: 1 }, named.metadata), [
      "metadata.namespace",
    ]);
  });

  it("has no namespace outside of namespaces, whatever the inputs say", () => {
    const inputs = { metadata: { name: "a", namespace: "b" } };
    assert.deepEqual(compare(inputs, { metadata: { name: "a" } }, { name: "a" }), []);
  });

  it("is compared with what the state has kept if the engine sends no old inputs", () => {
    assert.deepEqual(compare({}, { metadata: { name: "a" }, data: 2 }, { name: "a" }), ["data"]);
  });
});

describe("kubernetes plugin: configuration", () => {
  const kubeconfig = (server: string, token = "t") =>
    JSON.stringify({
      "current-context": "one",
      clusters: [{ name: "c", cluster: { server } }],
      users: [{ name: "u", user: { token } }],
      contexts: [
        { name: "one", context: { cluster: "c", user: "u", namespace: "shop" } },
        { name: "two", context: { cluster: "none", user: "u" } },
      ],
    });
  let folder = "";
  before(() => (folder = mkdtempSync(join(tmpdir(), "kubeconfig-"))));
  after(() => rmSync(folder, { recursive: true }));

  it("takes the kubeconfig as content, as a path, and from KUBECONFIG", () => {
    const path = join(folder, "config");
    writeFileSync(path, kubeconfig("https://a/"));
    for (const target of [
      findTarget({ kubeconfig: kubeconfig("https://a/") }, {}),
      findTarget({ kubeconfig: path }, {}),
      findTarget({}, { KUBECONFIG: `${join(folder, "missing")}:${path}` }),
    ]) {
      assert.deepEqual([target.server, target.user, target.namespace], ["https://a", { token: "t" }, "shop"]);
    }
  });

  it("says what is missing", () => {
    const message = (selection: Parameters<typeof findTarget>[0], env = {}) => {
      try {
        return String(findTarget(selection, env).server);
      } catch (error) {
        return (error as Error).message;
      }
    };
    const prefix = "configured Kubernetes cluster is unreachable: ";
    const suffix = "; check the kubeconfig and its context";
    assert.equal(message({ kubeconfig: "nowhere" }), `${prefix}the kubeconfig nowhere does not exist${suffix}`);
    const content = kubeconfig("https://a");
    assert.equal(message({ kubeconfig: content, context: "x" }), `${prefix}the kubeconfig has no context x${suffix}`);
    assert.equal(
      message({ kubeconfig: content, context: "two" }),
      `${prefix}the kubeconfig has no cluster none${suffix}`,
    );
    assert.match(message({}, { KUBECONFIG: join(folder, "missing") }), /there is no kubeconfig/);
  });

  it("replaces the provider only when it is another cluster", () => {
    const [old, sameCluster] = [{ kubeconfig: kubeconfig("https://a") }, { kubeconfig: kubeconfig("https://a", "t2") }];
    const other = { kubeconfig: kubeconfig("https://b") };
    assert.deepEqual(diffSettings(old, old).detailed, {});
    assert.deepEqual(diffSettings(old, sameCluster).detailed, { kubeconfig: "update" });
    assert.deepEqual(diffSettings(old, other).detailed, { kubeconfig: "update-replace" });
    const known = { clusterIdentifier: "x" };
    assert.deepEqual(diffSettings({ ...old, ...known }, { ...other, ...known }).detailed, { kubeconfig: "update" });
  });

  it("reads flags as the SDK and the environment write them", () => {
    assert.equal(readSettings({ enableConfigMapMutable: "true" }, {}).configMapMutable, true);
    assert.equal(readSettings({}, { PULUMI_K8S_DELETE_UNREACHABLE: "true" }).deleteUnreachable, true);
    assert.equal(
      readSettings({ deleteUnreachable: false }, { PULUMI_K8S_DELETE_UNREACHABLE: "true" }).deleteUnreachable,
      false,
    );
    assert.throws(() => readSettings({ renderYamlToDirectory: "out" }), /has no renderYamlToDirectory/);
  });
});
