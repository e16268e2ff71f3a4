import assert from "node:assert/strict";

import { DockerApp } from "../components/index.ts";
import type { DockerAppArgs } from "../components/index.ts";
import { balancerConfig, balancerScript } from "../components/edge/balancer.ts";
import { appArgs } from "./app-args.ts";
import { dependencies, graph, only, recordOptions, secret, useMocks } from "./mocks.ts";

const { image } = appArgs;
const container = "docker:index/container:Container";
const network = "hello-1a2b3c4d";

/** What every container that runs has. */
const running = {
  readOnly: true,
  capabilities: { drops: ["ALL"] },
  securityOpts: ["no-new-privileges:true"],
  init: false,
  restart: "unless-stopped",
  ulimits: [{ name: "nproc", soft: 4096, hard: 4096 }],
  logDriver: "json-file",
  logOpts: { "max-size": "10m", "max-file": "3" },
  wait: true,
};

const inputs = async (type: string, name: string) => (await only(type, name)).inputs;

describe("the containers of a DockerApp", () => {
  beforeEach(() => useMocks());

  it("are, for the image alone, a replica as Docker finds it, with the image's own health check", async () => {
    new DockerApp("hello", { image, replicas: 1 });

    assert.deepEqual(await inputs("docker:index/network:Network", "hello"), { driver: "bridge" });
    assert.deepEqual(await inputs("docker:index/remoteImage:RemoteImage", "hello"), { name: image, forceRemove: true });
    assert.deepEqual(await inputs(container, "hello-1"), {
      ...running,
      image,
      envs: ["PORT=3000", "DRAIN_SECONDS=5"],
      user: "10001:10001",
      cpus: "1",
      memory: 128,
      memorySwap: 128,
      networksAdvanced: [{ name: network, aliases: ["hello-c0ffee00"] }],
      healthcheck: { tests: [], interval: "2s", timeout: "30s", retries: 3, startPeriod: "10s" },
      // 10 s in which it may fail, three checks of 2 + 30 s, and a minute.
      waitTimeout: 166,
      destroyGraceSeconds: 25,
    });
  });

  it("are not made of arguments that are wrong", async () => {
    assert.throws(
      () => new DockerApp("hello", { image, replicas: 0 }),
      /replicas must be an integer from 1 to 100, got 0/,
    );
    assert.deepEqual(await graph(), ["meridian:index:DockerApp hello"]);
  });

  it("are replicas that have all that is asked for, and read secrets from files of their user", async () => {
    new DockerApp("hello", appArgs);

    const file = (name: string, content: string) => ({
      file: `/run/secrets/${name}`,
      content,
      owner: "1234",
      group: "1234",
      permissions: "0400",
    });
    for (const name of ["hello-1", "hello-2"]) {
      assert.deepEqual(await inputs(container, name), {
        ...running,
        image,
        entrypoints: ["node"],
        command: ["server.js"],
        envs: [
          "PORT=8000",
          "DRAIN_SECONDS=7",
          "STORE_URL=redis://hello-store:6379",
          "API_KEY_FILE=/run/secrets/API_KEY",
          "STORE_PASSWORD_FILE=/run/secrets/STORE_PASSWORD",
          "LOG_LEVEL=debug",
        ],
        user: "1234:1234",
        cpus: "0.25",
        memory: 65,
        memorySwap: 65,
        networksAdvanced: [{ name: network, aliases: ["hello-c0ffee00"] }],
        volumes: [{ containerPath: "/run/secrets" }],
        uploads: secret([file("API_KEY", "s3cret"), file("STORE_PASSWORD", "random password")]),
        healthcheck: {
          tests: ["CMD", "/check", "--fast"],
          interval: "3s",
          timeout: "4s",
          retries: 5,
          startPeriod: "6s",
        },
        waitTimeout: 101,
        destroyGraceSeconds: 27,
      });
    }
  });

  it("are a balancer that keeps the port, and one that never starts and tells it which release has the traffic", async () => {
    new DockerApp("hello", appArgs);

    const balancerImage = "registry.example/nginx:1";
    assert.deepEqual(await inputs("docker:index/remoteImage:RemoteImage", "hello-balancer"), {
      name: balancerImage,
      keepLocally: true,
    });
    const { entrypoints, healthcheck, ...balancer } = await inputs(container, "hello-balancer");
    assert.equal((entrypoints as string[]).join(" "), "nginx -e stderr -c /etc/balancer/nginx.conf -g daemon off;");
    assert.match(JSON.stringify(healthcheck), /nc -z 127\.0\.0\.1 8080/);
    assert.deepEqual(balancer, {
      ...running,
      image: balancerImage,
      user: "101:101",
      cpus: "1",
      memory: 256,
      memorySwap: 256,
      stopSignal: "SIGQUIT",
      destroyGraceSeconds: 25,
      ports: [{ internal: 8080, external: 80 }],
      networksAdvanced: [{ name: network }],
      tmpfs: { "/tmp": "rw,noexec,nosuid,size=64m,mode=1777" },
      volumes: [
        { containerPath: "/etc/balancer" },
        { volumeName: "hello-release-1a2b3c4d", containerPath: "/release", readOnly: true },
      ],
      uploads: [
        { file: "/etc/balancer/nginx.conf", content: balancerConfig(undefined, 8000) },
        { file: "/etc/balancer/balancer.js", content: balancerScript },
      ],
    });
    assert.deepEqual(await inputs(container, "hello-release"), {
      image: balancerImage,
      start: false,
      mustRun: false,
      volumes: [{ volumeName: "hello-release-1a2b3c4d", containerPath: "/release" }],
      uploads: [{ file: "/release/name", content: "hello-c0ffee00\n" }],
    });
  });

  it("are a store with a password that only its own user can read, and data that outlive it", async () => {
    new DockerApp("hello", appArgs);

    assert.deepEqual(await inputs("random:index/randomPassword:RandomPassword", "hello-store"), {
      length: 32,
      special: false,
      keepers: { version: "2" },
    });
    const { healthcheck, ...store } = await inputs(container, "hello-store");
    assert.match(JSON.stringify(healthcheck), /valkey-cli ping/);
    assert.deepEqual(store, {
      ...running,
      image: "ghcr.io/me/store:8",
      entrypoints: ["valkey-server", "/etc/store/valkey.conf"],
      user: "10001:10001",
      cpus: "1",
      memory: 256,
      memorySwap: 256,
      networksAdvanced: [{ name: network, aliases: ["hello-store"] }],
      volumes: [{ volumeName: "hello-store-1a2b3c4d", containerPath: "/data" }, { containerPath: "/etc/store" }],
      uploads: secret([
        {
          file: "/etc/store/valkey.conf",
          content:
            "bind * -::*\nport 6379\ndir /data\nappendonly yes\nappendfsync everysec\n" +
            "maxmemory 134217728\nmaxmemory-policy noeviction\nrequirepass random password\n",
          owner: "10001",
          group: "10001",
          permissions: "0400",
        },
      ]),
      destroyGraceSeconds: 30,
    });
  });

  it("come one after the other, the traffic last", async () => {
    const { options, transformations } = recordOptions();
    new DockerApp("hello", appArgs, { transformations });
    // A user's transformation reaches all of them.
    assert.deepEqual(await graph(), [...options.keys()].toSorted());

    const images = "docker:index/remoteImage:RemoteImage";
    for (const [name, ...before] of [
      ["balancer", `${images}::hello-balancer`],
      ["store", `${images}::hello-store`],
      ["1", `${container}::hello-balancer`, `${images}::hello`, `${container}::hello-store`],
      ["2", `${container}::hello-balancer`, `${images}::hello`, `${container}::hello-store`, `${container}::hello-1`],
      ["release", `${container}::hello-1`, `${container}::hello-2`],
    ] as const) {
      assert.deepEqual(await dependencies(options, `${container} hello-${name}`), before, name);
    }
    assert.equal(options.get(`${container} hello-balancer`)?.deleteBeforeReplace, true);
    assert.equal(options.get("docker:index/volume:Volume hello-store")?.protect, false);
  });

  it("are another release when the image, or what it runs with, is another", async () => {
    const keepersOf = async (args: DockerAppArgs) => {
      await useMocks();
      new DockerApp("hello", args);
      return inputs("random:index/randomId:RandomId", "hello-release");
    };
    const plain = await keepersOf({ image });
    assert.deepEqual(plain, {
      byteLength: 4,
      keepers: { image, rest: '[[{"PORT":"3000","DRAIN_SECONDS":"5"},{}],null,null,{},10001]' },
    });
    for (const change of [
      { image: "ghcr.io/me/hello:2" },
      { env: { LOG_LEVEL: "debug" } },
      { command: ["node"] },
      { args: ["server.js"] },
      { resources: { limits: { memory: "64Mi" } } },
      { runAsUser: 1234 },
      { drainSeconds: 7 },
    ] as const) {
      assert.notDeepEqual(await keepersOf({ image, ...change }), plain, JSON.stringify(change));
    }
    assert.deepEqual(await keepersOf({ image, replicas: 1, host: "apps.example.com" }), plain);
    // The state keeps what it was made of, and the values of secrets are among it.
    const { keepers } = await keepersOf({ image, secrets: { API_KEY: "s3cret" } });
    assert.deepEqual(
      keepers,
      secret({
        image,
        rest: '[[{"PORT":"3000","DRAIN_SECONDS":"5","API_KEY_FILE":"/run/secrets/API_KEY"},{"API_KEY":"s3cret"}],null,null,{},10001]',
      }),
    );
  });
});
