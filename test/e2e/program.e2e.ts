import assert from "node:assert/strict";
import { spread } from "../../commands/spread.ts";
import { network } from "../../local/paths.ts";
import { ask } from "./cdn-site.ts";
import { apply, kubectl, Program, requestsDuring } from "./support.ts";

const regions = ["eu", "us", "ap"];

describe("the program on a cluster", () => {
  let program: Program;
  let url: string;
  const up: string[] = ["up", "--yes", "--skip-preview"];

  before(async () => {
    program = await Program.create({ regions });
    await program.up();
    url = await program.output("url");
  });
  after(() => program.remove());

  const images = () => program.list("pods", ".spec.containers[0].image");

  it("runs one replica in each region, from the image that it names by its digest", async () => {
    const ref = await program.output("imageRef");
    assert.match(ref, /^localhost:5001\/e2e\/e2e-[0-9a-f]{8}@sha256:[0-9a-f]{64}$/);
    assert.deepEqual(await images(), [ref, ref, ref]);
    assert.deepEqual(await program.list("pods", ".spec.nodeName"), regions.toSorted());
  });

  it("answers 100 requests, each replica its share of them", async () => {
    const { answered, failures, replicas } = await spread({ url });
    assert.deepEqual({ answered, failures }, { answered: 100, failures: [] });
    assert.deepEqual(replicas.map(({ region }) => region).sort(), regions.toSorted());
    // Chance alone leaves this range once in 500 runs.
    for (const { name, count } of replicas) assert.ok(count >= 18 && count <= 49, `${name} answered ${count} of 100`);
  });

  it("answers those who asked before their load balancer was ready", async () => {
    const address = network.loadBalancerAddress(254);
    const early = ask(`http://${address}:8080/version`);
    const ports = [{ port: 8080, targetPort: "http" }];
    const selector = { "app.kubernetes.io/name": "hello" };
    const spec = { type: "LoadBalancer", loadBalancerIP: address, ports, selector };
    const service = { apiVersion: "v1", kind: "Service", metadata: { name: "early" }, spec };
    await apply(program.namespace, service);
    assert.equal((await early).status, 200);
    await kubectl("-n", program.namespace, "delete", "service", "early");
  });

  it("lets no pod into its namespace that could become root", async () => {
    const rootPod = ["run", "root", "--image=localhost:5001/none", "--dry-run=server", "-n", program.namespace];
    await assert.rejects(
      kubectl(...rootPod),
      /violates PodSecurity "restricted:latest": allowPrivilegeEscalation != false/,
    );
  });

  it("has no changes in a second preview and update, not even from another folder", async () => {
    const preview = await program.pulumi("preview", "--expect-no-changes");
    assert.match(preview, /^ +\d+ unchanged$/m);
    const before = await program.specs();
    const elsewhere = program.copy();
    for (const each of [program, elsewhere]) {
      assert.match(await each.pulumi(...up, "--expect-no-changes"), /^ +\d+ unchanged$/m);
    }
    assert.deepEqual(await program.specs(), before);
  });

  it("shows field by field what it would change, and changes nothing yet", async () => {
    const changed = program.copy();
    changed.edit(
      "Pulumi.e2e.yaml",
      "meridian:port: ",
      "meridian:maxSurge: 2\n  meridian:minReadySeconds: 1\n  meridian:port: ",
    );
    const preview = await changed.pulumi("preview", "--diff");
    assert.match(preview, /~ maxSurge: 1 => 2\n/);
    assert.match(preview, /~ minReadySeconds: 0 => 1\n/);
    assert.match(preview, /~ 1 to update\n/);
    await program.pulumi("preview", "--expect-no-changes");
  });

  it("releases a changed source without losing a request", async () => {
    const before = await program.output("imageRef");
    program.edit("app/src/service.js", 'hello: "world"', 'hello: "e2e"');
    program.edit("Pulumi.e2e.yaml", "meridian:port: ", "meridian:version: v0.0.2\n  meridian:port: ");
    const preview = await program.pulumi("preview", "--diff");
    assert.match(preview, /~ image *: "localhost:5001\/e2e\/[^"]+" => (output<string>|\[unknown\])\n/);
    assert.doesNotMatch(preview, /error|warning/);
    const outcomes = await requestsDuring(url, program.up());
    const failures = outcomes.filter(({ kind }) => kind === "failed");
    assert.deepEqual(failures, [], `of ${outcomes.length} requests, ${failures.length} failed`);
    const ref = await program.output("imageRef");
    assert.notEqual(ref, before);
    await program.settled(3);
    assert.deepEqual(await images(), [ref, ref, ref]);
    const answer = await fetch(url, { headers: { accept: "application/json", connection: "close" } });
    const { hello } = (await answer.json()) as { hello: string };
    assert.deepEqual([hello, answer.headers.get("x-version")], ["e2e", "v0.0.2"]);
  });

  it("sees on a refresh what others have changed, names them, and mends it when told to", async () => {
    const [name = ""] = await program.list("deployments", ".metadata.name");
    await kubectl("-n", program.namespace, "scale", `deployment/${name}`, "--replicas=1");
    const { code, output } = await program.attempt("preview", "--refresh", "--diff");
    assert.notEqual(code, 0);
    assert.match(output, /~ replicas *: 3 => 1\n[^]*~ replicas: 1 => 3\n/);
    assert.match(output, /another field manager owns spec.replicas \(conflict with "kubectl" with subresource "scale"/);
    program.env["PULUMI_K8S_ENABLE_PATCH_FORCE"] = "true";
    await program.up("--refresh");
    assert.deepEqual(await program.list("deployments", ".spec.replicas"), ["3"]);
    assert.deepEqual(await program.list("deployments", ".status.availableReplicas"), ["3"]);
  });

  it("takes over an object that exists, as a program would write it", async () => {
    const { namespace } = program;
    await kubectl("-n", namespace, "create", "configmap", "settings", "--from-literal=color=blue");
    const type = "kubernetes:core/v1:ConfigMap";
    const id = `${namespace}/settings`;
    await program.pulumi(
      "import",
      type,
      "settings",
      id,
      "--yes",
      "--generate-code=false",
      "--protect=false",
      "--skip-preview",
    );
    const { deployment } = JSON.parse(await program.pulumi("stack", "export")) as {
      deployment: { resources: { id?: string; inputs: object }[] };
    };
    const { inputs } = deployment.resources.find((resource) => resource.id === id) ?? {};
    const expected = {
      apiVersion: "v1",
      kind: "ConfigMap",
      data: { color: "blue" },
      metadata: { name: "settings", namespace },
    };
    assert.deepEqual(inputs, expected);
  });

  it("leaves nothing in the cluster when it is destroyed", async () => {
    await program.pulumi("destroy", "--yes", "--skip-preview");
    const lists = ["--namespaced=true", "--namespaced=false"].map(async (scope) => {
      const kinds = (await kubectl("api-resources", "--verbs=list", scope, "-o", "name")).trim().split("\n");
      return kubectl(
        "get",
        kinds.join(","),
        "-A",
        "--ignore-not-found",
        "-o",
        "custom-columns=:.kind,:.metadata.namespace,:.metadata.name",
      );
    });
    const all = (await Promise.all(lists)).join("\n").split("\n");
    assert.ok(all.length > 50, "the listing is not of a whole cluster");
    assert.deepEqual(
      all.filter((line) => line.includes(program.namespace)),
      [],
    );
    assert.doesNotMatch(await program.pulumi("stack", "export"), /"urn":/);
    await assert.rejects(fetch(url, { signal: AbortSignal.timeout(2000) }), "the address still answers");
  });
});
