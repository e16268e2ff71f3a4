import assert from "node:assert/strict";

import { run } from "../../local/exec.ts";
import { kubectl, Program } from "./support.ts";

describe("the dashboard's token on a real API server", () => {
  let program: Program;
  let asReader: (...args: string[]) => Promise<string>;

  before(async () => {
    // The image is not there to be pulled: the rights are the same, and the update succeeds.
    const dashboardImage = `localhost:5001/e2e/headlamp@sha256:${"0".repeat(64)}`;
    program = await Program.create({ dashboardImage, store: false });
    await program.up();
    const command = await program.output("dashboardTokenCommand");
    const [kubectlProgram = "", ...words] = command.split(" ");
    const token = (await run(kubectlProgram, words)).trim();
    const [, claims = ""] = token.split(".");
    const { exp, iat } = JSON.parse(Buffer.from(claims, "base64url").toString()) as { exp: number; iat: number };
    assert.equal(exp - iat, 3600, "the token ends after an hour");
    const view = (path: string) =>
      kubectl("config", "view", "--raw", "--minify", "-o", `jsonpath={.clusters[0].cluster.${path}}`);
    const server = await view("server");
    // Without the administrator's certificate, which would win over the token.
    const plain = ["--kubeconfig", "/dev/null", "--server", server, "--token", token, "--insecure-skip-tls-verify"];
    asReader = (...args) => run("kubectl", [...plain, "-n", program.namespace, ...args]);
  });
  after(() => program.remove());

  it("can list pods and read their logs", async () => {
    assert.match(await asReader("get", "pods", "-o", "name"), /pod\/hello-/);
    assert.match(await asReader("get", "deployments,services,events", "-o", "name"), /deployment\.apps\/hello-/);
    const [pod = ""] = (await asReader("get", "pods", "-l", "app.kubernetes.io/name=hello", "-o", "name")).split("\n");
    assert.match(await asReader("logs", pod), /"msg":"listening"/);
  });

  it("cannot delete a pod, read a Secret, run a program in a pod, nor make a token", async () => {
    const [pod = ""] = (await asReader("get", "pods", "-l", "app.kubernetes.io/name=hello", "-o", "name")).split("\n");
    for (const [args, what] of [
      [["delete", pod], /cannot delete resource "pods"/],
      [["get", "secrets"], /cannot list resource "secrets"/],
      [["exec", pod, "--", "true"], /cannot (create|get) resource "pods\/exec"/],
      [["create", "token", "default"], /cannot create resource "serviceaccounts\/token"/],
      [["scale", "deployment", "--all", "--replicas=0"], /cannot (patch|update) resource "deployments\/scale"/],
    ] as const) {
      await assert.rejects(asReader(...args), what);
    }
  });

  it("sees nothing outside of its namespace", async () => {
    await assert.rejects(asReader("get", "pods", "-n", "kube-system"), /cannot list resource "pods"/);
    await assert.rejects(asReader("get", "nodes"), /cannot list resource "nodes"/);
  });
});
