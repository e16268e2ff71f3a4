import assert from "node:assert/strict";

import { DockerApp } from "../components/index.ts";
import { checkApp } from "../components/app-args.ts";
import type { ContainerAppArgs } from "../components/app-args.ts";
import { created, digest, graph, only, recordOptions, useMocks, valueOf } from "./mocks.ts";

const baseArgs = { image: `ghcr.io/me/hello@${digest}` };
const container = "docker:index/container:Container";

describe("DockerApp", () => {
  beforeEach(() => useMocks());

  it("makes three replicas, a balancer and what moves the traffic", async () => {
    new DockerApp("hello", baseArgs);

    assert.deepEqual(
      (await graph()).filter((line) => !line.startsWith("meridian:")),
      [
        `${container} hello-1`,
        `${container} hello-2`,
        `${container} hello-3`,
        `${container} hello-balancer`,
        `${container} hello-release`,
        "docker:index/network:Network hello",
        "docker:index/remoteImage:RemoteImage hello",
        "docker:index/remoteImage:RemoteImage hello-balancer",
        "docker:index/volume:Volume hello-release",
        "random:index/randomId:RandomId hello-release",
      ],
    );
  });

  it("answers on the host's port 8888", async () => {
    const app = new DockerApp("hello", { ...baseArgs, host: "apps.example.com" });

    assert.equal(await valueOf(app.url), "http://apps.example.com:8888");
    assert.deepEqual((await only(container, "hello-balancer")).inputs["ports"], [{ internal: 8080, external: 8888 }]);
  });

  it("takes root, new powers and a writable root file system from every container that runs", async () => {
    const image = `ghcr.io/me/store@${digest}`;
    new DockerApp("hello", { ...baseArgs, replicas: 1, store: { image } });

    const running = (await created(container)).filter(({ inputs }) => inputs["start"] !== false);
    assert.deepEqual(running.map(({ name }) => name).toSorted(), ["hello-1", "hello-balancer", "hello-store"]);
    for (const { inputs } of running) {
      assert.equal(inputs["readOnly"], true);
      assert.deepEqual(inputs["capabilities"], { drops: ["ALL"] });
      assert.deepEqual(inputs["securityOpts"], ["no-new-privileges:true"]);
      assert.match(String(inputs["user"]), /^[1-9]\d*:[1-9]\d*$/);
      assert.deepEqual(inputs["logOpts"], { "max-size": "10m", "max-file": "3" });
      assert.equal(inputs["restart"], "unless-stopped");
      assert.equal(inputs["wait"], true);
    }
  });

  it("turns limits into cores and MiB, without swap on top", async () => {
    const resources = { limits: { cpu: "250m", memory: "512Mi" } } as const;
    new DockerApp("hello", { ...baseArgs, replicas: 1, resources });

    const { cpus, memory, memorySwap } = (await only(container, "hello-1")).inputs;
    assert.deepEqual({ cpus, memory, memorySwap }, { cpus: "0.25", memory: 512, memorySwap: 512 });
  });

  it("gives secrets as files that only the app's user can read", async () => {
    new DockerApp("hello", { ...baseArgs, replicas: 1, secrets: { API_KEY: "s3cret" } });

    const { envs, uploads } = (await only(container, "hello-1")).inputs;
    assert.ok((envs as string[]).includes("API_KEY_FILE=/run/secrets/API_KEY"));
    assert.match(JSON.stringify(uploads), /"owner":"10001","permissions":"0400"/);
    assert.doesNotMatch(JSON.stringify(envs), /s3cret/);
  });

  it("starts replicas under a name that no other release has", async () => {
    new DockerApp("hello", { ...baseArgs, replicas: 1 });

    const { networksAdvanced } = (await only(container, "hello-1")).inputs as {
      networksAdvanced: { aliases: string[] }[];
    };
    assert.deepEqual(networksAdvanced[0]?.aliases, ["hello-c0ffee00"]);
    const { uploads } = (await only(container, "hello-release")).inputs;
    assert.deepEqual(uploads, [{ file: "/release/name", content: "hello-c0ffee00\n" }]);
  });

  it("protects the store's volume unless told otherwise, and never runs two stores on it", async () => {
    const { options, transformations } = recordOptions();
    new DockerApp("hello", { ...baseArgs, store: { image: `ghcr.io/me/store@${digest}` } }, { transformations });
    await graph();

    assert.equal(options.get("docker:index/volume:Volume hello-store")?.protect, true);
    assert.equal(options.get(`${container} hello-store`)?.deleteBeforeReplace, true);
  });

  const two = [
    { name: "http", containerPort: 3000, port: 80 },
    { name: "admin", containerPort: 3001 },
  ];
  const wrong: [Partial<ContainerAppArgs>, string][] = [
    [{ replicas: 0 }, "replicas must be an integer from 1 to 100, got 0"],
    [{ ports: two }, "ports must hold one port, which the load balancer serves, got 2"],
    [{ drainSeconds: 301 }, "drainSeconds must be an integer from 0 to 300, got 301"],
    [{ runAsUser: 0 }, "runAsUser must be an integer from 1 to 2147483647, got 0"],
    ...(
      [
        ["intervalSeconds", "1 to 300"],
        ["timeoutSeconds", "1 to 300"],
        ["retries", "1 to 100"],
        ["startPeriodSeconds", "0 to 3600"],
      ] as const
    ).map(([key, range]): [Partial<ContainerAppArgs>, string] => [
      { healthCheck: { [key]: -1 } },
      `healthCheck.${key} must be an integer from ${range}, got -1`,
    ]),
    [{ healthCheck: { command: [] } }, "healthCheck.command must hold a program, got []"],
  ];
  for (const [args, message] of wrong) {
    it(`refuses: ${message}`, () => assert.deepEqual(checkApp("hello", { ...baseArgs, ...args }), [message]));
  }

  it("refuses a name that is none", () => {
    assert.match(checkApp("Hello", baseArgs).join(), /^name must .*, got "Hello"$/);
  });
});
