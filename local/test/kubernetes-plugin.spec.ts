import assert from "node:assert/strict";
import { changes, detailed, forcesNew, immutablePatterns, isAbout } from "../plugins/kubernetes/diff.ts";
import {
  asPreview,
  cleaned,
  importedInputs,
  parseQuantity,
  refreshedInputs,
  stateOf,
} from "../plugins/kubernetes/live.ts";
import { fieldManager, idOf, kindOfToken, parseId, unsupported, withName } from "../plugins/kubernetes/names.ts";
import { at, type Bag, type CheckRequest, type Value, unknownValue } from "../plugins/serve.ts";

const mutable = { configMapMutable: false, secretMutable: false };

/** The diff of two specs of a kind, as the engine gets it. */
function diff(apiVersion: string, kind: string, olds: Bag, news: Bag, settings = mutable) {
  const full = { apiVersion, kind, ...news };
  const patterns = immutablePatterns(full, settings);
  return detailed(changes({ apiVersion, kind, ...olds }, full), (change) => forcesNew(change, full, patterns));
}

describe("kubernetes plugin: diff", () => {
  const pod = (image: string, more: Bag = {}): Bag => ({
    spec: { replicas: 3, template: { spec: { containers: [{ name: "a", image, ...more }] } } },
  });

  it("finds nothing where nothing changes, null and absent being the same", () => {
    assert.deepEqual(diff("apps/v1", "Deployment", pod("a:1"), pod("a:1", { env: null })), {});
  });

  it("names the field that changes, not what it is in", () => {
    const changed = pod("a:2", { ports: [{ containerPort: 80 }] });
    assert.deepEqual(diff("apps/v1", "Deployment", pod("a:1"), changed), {
      "spec.template.spec.containers[0].image": "update",
      "spec.template.spec.containers[0].ports": "add",
    });
  });

  it("quotes keys that hold dots", () => {
    const labels = (value: string): Bag => ({ metadata: { labels: { "app.kubernetes.io/name": value } } });
    assert.deepEqual(diff("v1", "Service", labels("a"), labels("b")), {
      'metadata.labels["app.kubernetes.io/name"]': "update",
    });
  });

  const replaced: [string, string, string, Bag, Bag, string, string][] = [
    ["a Deployment's selector", "apps/v1", "Deployment", { s: 1 }, { s: 2 }, "spec.selector.matchLabels", "update"],
    ["a StatefulSet's volumes", "apps/v1", "StatefulSet", { s: 1 }, { s: 2 }, "spec.volumeClaimTemplates", "update"],
    ["a Job's template", "batch/v1", "Job", { s: 1 }, { s: 2 }, "spec.template.spec", "update"],
    ["a claim's class", "v1", "PersistentVolumeClaim", { s: "a" }, { s: "b" }, "spec.storageClassName", "update"],
    ["a ConfigMap's data", "v1", "ConfigMap", { s: "a" }, { s: "b" }, "data.key", "update"],
    ["a Secret's data", "v1", "Secret", { s: "a" }, { s: "b" }, "stringData.key", "update"],
    [
      "a binding's role",
      "rbac.authorization.k8s.io/v1",
      "RoleBinding",
      { s: "a" },
      { s: "b" },
      "roleRef.name",
      "update",
    ],
    ["the name", "v1", "Service", { s: "a" }, { s: "b" }, "metadata.name", "update"],
    ["the namespace", "v1", "Service", { s: "a" }, { s: "b" }, "metadata.namespace", "update"],
  ];
  for (const [what, apiVersion, kind, olds, news, path, change] of replaced) {
    it(`replaces for ${what}`, () => {
      const nest = (leaf: Bag) =>
        path.split(".").reduceRight<Value>((value, key) => ({ [key]: value }), leaf["s"] ?? null);
      assert.deepEqual(diff(apiVersion, kind, nest(olds) as Bag, nest(news) as Bag), { [path]: `${change}-replace` });
    });
  }

  it("replaces when a whole subtree comes that holds an immutable field", () => {
    assert.deepEqual(diff("apps/v1", "Deployment", {}, { spec: { selector: {} } }), { spec: "add-replace" });
    assert.deepEqual(diff("apps/v1", "Deployment", {}, { spec: { replicas: 1 } }), { spec: "add" });
  });

  it("replaces a Pod for its image, found in any container", () => {
    const one = (image: string): Bag => ({ spec: { containers: [{ image: "x" }, { image }] } });
    assert.deepEqual(diff("v1", "Pod", one("a"), one("b")), { "spec.containers[1].image": "update-replace" });
  });

  it("updates ConfigMaps and Secrets in place when the provider says so, unless they are immutable", () => {
    const settings = { configMapMutable: true, secretMutable: true };
    assert.deepEqual(diff("v1", "ConfigMap", { data: { a: "1" } }, { data: { a: "2" } }, settings), {
      "data.a": "update",
    });
    const frozen = (value: string): Bag => ({ immutable: true, data: { a: value } });
    assert.deepEqual(diff("v1", "Secret", frozen("1"), frozen("2"), settings), { "data.a": "update-replace" });
    assert.deepEqual(diff("v1", "Secret", { type: "a" }, { type: "b" }, settings), { type: "update-replace" });
  });

  it("matches complaints of the API server with changes", () => {
    const change = { path: ["spec", "template", "spec"], kind: "update" } as const;
    assert.ok(isAbout(change, "spec") && isAbout(change, "spec.template.spec.containers[0]"));
    assert.ok(!isAbout(change, "spec.templates") && !isAbout(change, "metadata"));
  });
});

describe("kubernetes plugin: names", () => {
  const request = (more: Partial<CheckRequest> = {}) => ({ olds: {}, randomSeed: Buffer.from("seed"), ...more });
  const nameOf = (inputs: Bag) => at(inputs, "metadata", "name");

  it("reads type tokens", () => {
    assert.deepEqual(kindOfToken("kubernetes:core/v1:Service"), { apiVersion: "v1", kind: "Service" });
    assert.deepEqual(kindOfToken("kubernetes:apps/v1:Deployment"), { apiVersion: "apps/v1", kind: "Deployment" });
    assert.deepEqual(kindOfToken("kubernetes:a.b.c/v1:Thing"), { apiVersion: "a.b.c/v1", kind: "Thing" });
  });

  it("says what it cannot do", () => {
    for (const token of ["kubernetes:helm.sh/v3:Release", "kubernetes:apps/v1:DeploymentPatch"]) {
      assert.equal(
        unsupported(token),
        `the stand-in plugin of the local kit has no ${token}: use the official Kubernetes plugin for it`,
      );
    }
    assert.match(unsupported("kubernetes:core/v1:ServiceList") ?? "", /one by one/);
    assert.equal(unsupported("kubernetes:core/v1:Service"), undefined);
  });

  it("gives the same name in the preview and in the update, and marks it", () => {
    const [one, two] = [withName({}, request(), "web"), withName({ metadata: {} }, request(), "web")];
    assert.match(String(nameOf(one)), /^web-[0-9a-f]{8}$/);
    assert.deepEqual(one, two);
    assert.equal(at(one, "metadata", "annotations", "pulumi.com/autonamed"), "true");
  });

  it("keeps the name of the last update, but not one that the user had given", () => {
    const olds = withName({}, request(), "web");
    assert.equal(nameOf(withName({}, request({ olds, randomSeed: Buffer.from("other") }), "web")), nameOf(olds));
    const given = { metadata: { name: "fixed" } };
    assert.notEqual(nameOf(withName({}, request({ olds: given }), "web")), "fixed");
    assert.deepEqual(withName(given, request(), "web"), given);
    assert.deepEqual(withName({ metadata: { name: unknownValue } }, request(), "web"), {
      metadata: { name: unknownValue },
    });
  });

  it("follows the stack's autonaming", () => {
    const autonaming = { mode: "propose", proposedName: "web-dev" } as const;
    assert.equal(nameOf(withName({}, request({ autonaming }), "web")), "web-dev");
    const disabled = request({ autonaming: { mode: "disable", proposedName: "" } });
    assert.throws(() => withName({}, disabled, "web"), /metadata.name must be set/);
  });

  it("makes ids and takes them apart", () => {
    assert.equal(idOf({ metadata: { namespace: "a", name: "b" } }), "a/b");
    assert.equal(idOf({ metadata: { name: "b" } }), "b");
    assert.deepEqual(parseId("a/b"), { namespace: "a", name: "b" });
    assert.deepEqual(parseId("system:node"), { name: "system:node" });
  });

  it("keeps the field manager of the state", () => {
    assert.equal(fieldManager({}, { __fieldManager: "pulumi-kubernetes-1" }), "pulumi-kubernetes-1");
    assert.match(fieldManager({}, {}), /^pulumi-kubernetes-[0-9a-f]{8}$/);
    const annotations = { "pulumi.com/patchFieldManager": "mine" };
    assert.equal(fieldManager({ metadata: { annotations } }, { __fieldManager: "x" }), "mine");
  });
});

describe("kubernetes plugin: state", () => {
  it("keeps what the next update needs, and nothing of the managers", () => {
    const live = { apiVersion: "v1", kind: "Secret", metadata: { name: "s", managedFields: [] }, data: { a: "eA==" } };
    const inputs = { apiVersion: "v1", kind: "Secret", stringData: { a: "x" } };
    const { outputs, secrets } = stateOf(live, inputs, "m", [["metadata", "labels", "l"]]);
    assert.deepEqual(outputs["metadata"], { name: "s" });
    assert.deepEqual([outputs["__fieldManager"], outputs["__initialApiVersion"]], ["m", "v1"]);
    assert.deepEqual(outputs["__inputs"], inputs);
    for (const path of [["data"], ["__inputs", "stringData"], ["__inputs", "metadata", "labels", "l"]]) {
      assert.ok(
        secrets?.some((secret) => JSON.stringify(secret) === JSON.stringify(path)),
        path.join("."),
      );
    }
  });

  it("does not promise what a dry run made up", () => {
    const live = { metadata: { name: "s", uid: "u" }, spec: { clusterIP: "10.0.0.1" }, status: {} };
    const expected = { metadata: { name: "s", uid: unknownValue }, spec: { clusterIP: unknownValue } };
    assert.deepEqual(asPreview(live, {}, true), expected);
    assert.equal(asPreview(live, {}, false), live);
    assert.deepEqual(asPreview({ spec: { clusterIP: "None" } }, { spec: { clusterIP: "None" } }, true), {
      spec: { clusterIP: "None" },
    });
  });

  it("leaves out null and what only the server sets", () => {
    const inputs = { metadata: { name: "a", uid: "u", labels: null }, spec: { list: [{ a: null, b: 1 }] } };
    assert.deepEqual(cleaned(inputs), { metadata: { name: "a" }, spec: { list: [{ b: 1 }] } });
  });

  it("imports what a user could have written", () => {
    const annotations = { "deployment.kubernetes.io/revision": "3" };
    const live = { metadata: { name: "a", uid: "u", annotations }, spec: { replicas: 1 }, status: { replicas: 1 } };
    assert.deepEqual(importedInputs(live), { metadata: { name: "a" }, spec: { replicas: 1 } });
  });

  const refreshes: [string, Bag, Bag, Bag][] = [
    ["takes over what has changed", { spec: { a: 1 } }, { spec: { a: 2, b: 3 } }, { spec: { a: 2 } }],
    ["drops what is gone", { spec: { a: 1, b: 2 } }, { spec: { a: 1 } }, { spec: { a: 1 } }],
    ["keeps what says nothing", { spec: { env: [], a: 1 } }, { spec: { a: 1 } }, { spec: { env: [], a: 1 } }],
    [
      "keeps the spelling of quantities",
      { limits: { cpu: "1000m" } },
      { limits: { cpu: "1" } },
      { limits: { cpu: "1000m" } },
    ],
    ["knows text from quantities", { labels: { v: "1.0" } }, { labels: { v: "1" } }, { labels: { v: "1" } }],
    [
      "shows items that others added",
      { l: [{ a: 1 }] },
      { l: [{ a: 1, d: 1 }, { a: 2 }] },
      { l: [{ a: 1 }, { a: 2 }] },
    ],
    [
      "finds stringData again in data",
      { kind: "Secret", stringData: { a: "x", b: "y" } },
      { kind: "Secret", data: { a: "eA==", b: "eg==" } },
      { kind: "Secret", stringData: { a: "x", b: "z" } },
    ],
  ];
  for (const [what, olds, live, expected] of refreshes) {
    it(`${what} on refresh`, () => assert.deepEqual(refreshedInputs(olds, live), expected));
  }

  it("reads quantities", () => {
    for (const [text, number] of [
      ["1", 1],
      ["1000m", 1],
      ["0.5Gi", 2 ** 29],
      ["2k", 2000],
      ["1e3", 1000],
      [2, 2],
    ] as const) {
      assert.equal(parseQuantity(text), number);
    }
    for (const text of ["", "a", "1mi", "v1"]) assert.equal(parseQuantity(text), undefined);
  });
});
