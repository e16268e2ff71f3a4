import assert from "node:assert/strict";
import { mkdirSync, mkdtempSync, rmSync, writeFileSync } from "node:fs";
import { join, resolve } from "node:path";

import { ComposeApp } from "../components/index.ts";
import type { ComposeAppArgs } from "../components/index.ts";
import { created, dependencies, graph, only, recordOptions, secret, useMocks } from "./mocks.ts";

const container = "docker:index/container:Container";
const swarmService = "docker:index/service:Service";
const deployment = "kubernetes:apps/v1:Deployment";
const k8sService = "kubernetes:core/v1:Service";
const policy = "kubernetes:networking.k8s.io/v1:NetworkPolicy";

/** What a service may say on every target, and what only on one. */
const fileWith = (own: string, driver = "bridge"): string => `
services:
  web:
    image: registry.example/web:1
    entrypoint: [/bin/web]
    command: [serve]
    environment: { B: own }
    depends_on: { db: { condition: service_healthy } }
    networks: { inner: { aliases: [www] }, outer: }
    healthcheck: { test: [CMD, check], interval: 1m, timeout: 2s, retries: 4, start_period: 5s }
    labels: { team: shop }
    user: "1:2"
    hostname: www
    read_only: true
    cap_drop: [ALL]
    stop_grace_period: 1500ms
    configs: [{ source: motto, target: /etc/motto, uid: "1", gid: "2", mode: 0440 }]
    secrets: [key]
    tmpfs: ["/tmp:size=1m", /run]
    ${own.trim()}
  db: { image: db, tmpfs: /run, healthcheck: { test: ping } }
networks: { inner: ${driver === "" ? "" : `{ driver: ${driver} }`}, outer: }
volumes: { data: , Up_Loads: }
configs: { motto: { content: hello } }
secrets: { key: { environment: KEY } }
`;

describe("what a ComposeApp makes of a file", () => {
  let folder: string;
  let file: string;
  before(() => {
    mkdirSync("out", { recursive: true });
    folder = mkdtempSync("out/compose-");
    file = join(folder, "compose.yaml");
  });
  after(() => rmSync(folder, { recursive: true }));
  beforeEach(() => useMocks());

  function make(text: string, args: Omit<ComposeAppArgs, "file">, opts = {}): void {
    writeFileSync(file, text);
    new ComposeApp("shop", { file, variables: { KEY: "s3cret" }, ...args }, opts);
  }
  const inputs = async (type: string, name: string) => (await only(type, name)).inputs;

  describe("on one Docker host", () => {
    const own = `
    ports: ["127.0.0.1:8080:80", "53:53/udp", "9000"]
    volumes: ["data:/data", "./html:/html:ro", /cache]
    restart: on-failure:3
    cpus: 0.5
    mem_limit: 99.5m
    memswap_limit: 199.5m
    working_dir: /srv
    init: true
    cap_add: [NET_BIND_SERVICE]
    security_opt: ["no-new-privileges:true"]
    stop_signal: SIGQUIT
    logging: { driver: local, options: { max-size: 1m } }
    ulimits: { nofile: 1024 }`;

    it("is a container that has all that the file says", async () => {
      make(fileWith(own), { target: "docker" });
      assert.deepEqual(await inputs(container, "shop-web"), {
        image: "registry.example/web:1",
        entrypoints: ["/bin/web"],
        command: ["serve"],
        envs: ["B=own"],
        ports: [
          { internal: 80, external: 8080, protocol: "tcp", ip: "127.0.0.1" },
          { internal: 53, external: 53, protocol: "udp" },
          { internal: 9000, protocol: "tcp" },
        ],
        networksAdvanced: [
          { name: "shop-inner-1a2b3c4d", aliases: ["web", "www"] },
          { name: "shop-outer-1a2b3c4d", aliases: ["web"] },
        ],
        volumes: [
          { volumeName: "shop-data-1a2b3c4d", containerPath: "/data", readOnly: false },
          { hostPath: resolve(folder, "html"), containerPath: "/html", readOnly: true },
          { containerPath: "/cache" },
          { containerPath: "/etc" },
          { containerPath: "/run/secrets" },
        ],
        uploads: secret([
          { file: "/etc/motto", content: "hello", owner: "1", group: "2", permissions: "0440" },
          { file: "/run/secrets/key", content: "s3cret", permissions: "0444" },
        ]),
        tmpfs: { "/tmp": "rw,noexec,nosuid,mode=1777,size=1048576", "/run": "rw,noexec,nosuid,mode=1777" },
        healthcheck: { tests: ["CMD", "check"], interval: "60s", timeout: "2s", retries: 4, startPeriod: "5s" },
        wait: true,
        waitTimeout: 300,
        restart: "on-failure",
        maxRetryCount: 3,
        cpus: "0.5",
        memory: 100,
        memorySwap: 200,
        labels: [{ label: "team", value: "shop" }],
        user: "1:2",
        workingDir: "/srv",
        hostname: "www",
        readOnly: true,
        init: true,
        capabilities: { adds: ["NET_BIND_SERVICE"], drops: ["ALL"] },
        securityOpts: ["no-new-privileges:true"],
        stopSignal: "SIGQUIT",
        destroyGraceSeconds: 2,
        logDriver: "local",
        logOpts: { "max-size": "1m" },
        ulimits: [{ name: "nofile", soft: 1024, hard: 1024 }],
      });
    });

    it("is a container as Docker would make it, where the file says nothing", async () => {
      make("services: { web: { image: a, restart: always, configs: [motto] } }\nconfigs: { motto: { content: hi } }", {
        target: "docker",
      });
      assert.deepEqual(await inputs("docker:index/network:Network", "shop-default"), { driver: "bridge" });
      assert.deepEqual(await inputs(container, "shop-web"), {
        image: "a",
        envs: [],
        ports: [],
        networksAdvanced: [{ name: "shop-default-1a2b3c4d", aliases: ["web"] }],
        volumes: [],
        uploads: [{ file: "/motto", content: "hi", permissions: "0444" }],
        tmpfs: {},
        wait: false,
        waitTimeout: 300,
        restart: "unless-stopped",
        labels: [],
        capabilities: { adds: [], drops: [] },
        securityOpts: [],
        destroyGraceSeconds: 10,
        ulimits: [],
      });
    });

    it("belongs to the component, comes after what it needs, and has ports and data alone", async () => {
      const { options, transformations } = recordOptions();
      make(fileWith(own), { target: "docker" }, { transformations });
      assert.deepEqual(await graph(), [...options.keys()].toSorted());
      assert.deepEqual(await dependencies(options, `${container} shop-web`), [
        "docker:index/remoteImage:RemoteImage::shop-web",
        `${container}::shop-db`,
      ]);
      assert.equal(options.get(`${container} shop-web`)?.deleteBeforeReplace, true);
      assert.deepEqual(await inputs("docker:index/remoteImage:RemoteImage", "shop-web"), {
        name: "registry.example/web:1",
        keepLocally: true,
        forceRemove: true,
      });
    });

    for (const [yaml, is] of [
      ["ports: [80]", { deleteBeforeReplace: true, wait: false }],
      ["tmpfs: /run", { deleteBeforeReplace: true, wait: false }],
      ["user: '1'", { deleteBeforeReplace: false, wait: false }],
      ["healthcheck: { test: [NONE] }", { deleteBeforeReplace: false, wait: false }],
      ["healthcheck: { interval: 1s }", { deleteBeforeReplace: false, wait: false }],
      ["healthcheck: { test: check }", { deleteBeforeReplace: false, wait: true }],
    ] as const) {
      it(`with ${yaml} is ${JSON.stringify(is)}`, async () => {
        const { options, transformations } = recordOptions();
        make(`services:\n  web:\n    image: a\n    ${yaml}`, { target: "docker" }, { transformations });
        const { wait } = await inputs(container, "shop-web");
        const { deleteBeforeReplace } = options.get(`${container} shop-web`)!;
        assert.deepEqual({ deleteBeforeReplace, wait }, is);
      });
    }
  });

  describe("on a Swarm", () => {
    const own = `
    ports: ["8080:80", { target: 53, published: 53, protocol: udp, mode: host }]
    volumes: ["data:/data:ro", "./html:/html", /cache]
    logging: { driver: local, options: { max-size: 1m } }
    deploy:
      replicas: 2
      resources: { limits: { cpus: 0.5, memory: 100m }, reservations: { cpus: 0.25, memory: 50m } }
      restart_policy: { condition: on-failure, delay: 1s, max_attempts: 2, window: 3s }
      update_config: { parallelism: 2, delay: 4s, order: start-first, failure_action: rollback, monitor: 5s, max_failure_ratio: 0.5 }
      rollback_config: { order: stop-first }
      placement: { constraints: [node.role==worker], preferences: [{ spread: node.labels.zone }], max_replicas_per_node: 1 }
      endpoint_mode: vip`;

    it("is a service that has all that the file says", async () => {
      make(fileWith(own, "overlay"), { target: "swarm" });
      const { taskSpec, ...service } = await inputs(swarmService, "shop-web");
      const { containerSpec, ...task } = taskSpec as Record<string, unknown>;
      assert.deepEqual(containerSpec, {
        image: "registry.example/web:1",
        commands: ["/bin/web"],
        args: ["serve"],
        env: { B: "own" },
        user: "1:2",
        hostname: "www",
        readOnly: true,
        capDrops: ["ALL"],
        labels: [{ label: "team", value: "shop" }],
        stopGracePeriod: "1.5s",
        mounts: [
          { type: "volume", source: "shop-data-1a2b3c4d", target: "/data", readOnly: true },
          { type: "bind", source: resolve(folder, "html"), target: "/html", readOnly: false },
          { type: "volume", target: "/cache", readOnly: false },
          { type: "tmpfs", target: "/tmp", readOnly: false, tmpfsOptions: { sizeBytes: 2 ** 20, mode: 0o1777 } },
          { type: "tmpfs", target: "/run", readOnly: false },
        ],
        configs: [
          {
            configId: "shop-web-motto-id",
            configName: "shop-web-motto-1a2b3c4d",
            fileName: "/etc/motto",
            fileUid: "1",
            fileGid: "2",
            fileMode: 0o440,
          },
        ],
        secrets: [
          {
            secretId: "shop-web-key-id",
            secretName: "shop-web-key-1a2b3c4d",
            fileName: "/run/secrets/key",
            fileMode: 0o444,
          },
        ],
        healthcheck: { tests: ["CMD", "check"], interval: "60s", timeout: "2s", retries: 4, startPeriod: "5s" },
      });
      assert.deepEqual(task, {
        networksAdvanceds: [
          { name: "shop-inner-id", aliases: ["web", "www"] },
          { name: "shop-outer-id", aliases: ["web"] },
        ],
        placement: { constraints: ["node.role==worker"], prefs: ["spread=node.labels.zone"], maxReplicas: 1 },
        resources: {
          limits: { nanoCpus: 5e8, memoryBytes: 100 * 2 ** 20 },
          reservation: { nanoCpus: 25e7, memoryBytes: 50 * 2 ** 20 },
        },
        restartPolicy: { condition: "on-failure", delay: "1s", maxAttempts: 2, window: "3s" },
        logDriver: { name: "local", options: { "max-size": "1m" } },
      });
      assert.deepEqual(service, {
        mode: { replicated: { replicas: 2 } },
        updateConfig: {
          parallelism: 2,
          delay: "4s",
          order: "start-first",
          failureAction: "rollback",
          monitor: "5s",
          maxFailureRatio: "0.5",
        },
        rollbackConfig: { order: "stop-first" },
        endpointSpec: {
          mode: "vip",
          ports: [
            { targetPort: 80, publishedPort: 8080, protocol: "tcp", publishMode: "ingress" },
            { targetPort: 53, publishedPort: 53, protocol: "udp", publishMode: "host" },
          ],
        },
        // Two tasks, there and back: 5 s, four checks a minute apart, monitor 5 s, delay 4 s; and three minutes.
        convergeConfig: { delay: "1s", timeout: "1196s" },
      });
      const base64 = (text: string) => Buffer.from(text).toString("base64");
      assert.deepEqual((await only("docker:index/secret:Secret")).inputs, { data: secret(base64("s3cret")) });
      assert.deepEqual((await only("docker:index/serviceConfig:ServiceConfig")).inputs, { data: base64("hello") });
    });

    it("is a service as Swarm would make it, where the file says nothing, or one task for each node", async () => {
      make("services: { web: { image: a }, all: { image: a, deploy: { mode: global } } }", { target: "swarm" });
      assert.deepEqual(await inputs("docker:index/network:Network", "shop-default"), { driver: "overlay" });
      const expected = {
        taskSpec: {
          containerSpec: { image: "a", env: {}, capDrops: [], labels: [], mounts: [], configs: [], secrets: [] },
          networksAdvanceds: [{ name: "shop-default-id", aliases: ["web"] }],
          placement: { constraints: [], prefs: [] },
          resources: { limits: {}, reservation: {} },
          restartPolicy: { condition: "any" },
        },
        mode: { replicated: { replicas: 1 } },
        endpointSpec: { ports: [] },
        convergeConfig: { delay: "1s", timeout: "370s" },
      };
      assert.deepEqual(await inputs(swarmService, "shop-web"), expected);
      const { mode, convergeConfig } = await inputs(swarmService, "shop-all");
      assert.deepEqual([mode, convergeConfig], [{ global: true }, undefined]);
    });

    it("belongs to the component, and comes after what it needs", async () => {
      const { options, transformations } = recordOptions();
      make(fileWith(own, "overlay"), { target: "swarm" }, { transformations });
      assert.deepEqual(await graph(), [...options.keys()].toSorted());
      assert.deepEqual(await dependencies(options, `${swarmService} shop-web`), [`${swarmService}::shop-db`]);
    });
  });

  describe("on Kubernetes", () => {
    const own = `
    ports: ["8080:80", "9000"]
    volumes: [/cache]
    working_dir: /srv
    cap_add: [NET_BIND_SERVICE]
    security_opt: ["no-new-privileges:true"]
    deploy:
      replicas: 2
      resources: { limits: { cpus: 0.5, memory: 100m }, reservations: { cpus: 0.25, memory: 50m } }
      update_config: { parallelism: 2, order: start-first }`;
    const text = fileWith(own, "").replace(', uid: "1", gid: "2"', "");
    const namespace = "shop";
    const labels = (name: string) => ({ "app.kubernetes.io/part-of": "shop", "app.kubernetes.io/name": name });
    const skipAwait = { "pulumi.com/skipAwait": "true" };

    it("is a Deployment that has all that the file says", async () => {
      make(text, { target: "kubernetes", namespace });
      const { metadata, spec } = await inputs(deployment, "shop-web");
      assert.deepEqual(metadata, { namespace, labels: labels("web") });
      const { template, ...rest } = spec as { template: { metadata: object; spec: { containers: object[] } } };
      assert.deepEqual(rest, {
        replicas: 2,
        strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 2, maxUnavailable: 0 } },
        selector: { matchLabels: labels("web") },
      });
      assert.deepEqual(template.metadata, {
        labels: { ...labels("web"), "compose.network/inner": "in", "compose.network/outer": "in" },
        annotations: { team: "shop" },
      });
      const { containers, ...pod } = template.spec;
      assert.deepEqual(pod, {
        automountServiceAccountToken: false,
        enableServiceLinks: false,
        hostname: "www",
        terminationGracePeriodSeconds: 2,
        securityContext: {
          runAsUser: 1,
          runAsGroup: 2,
          fsGroup: 2,
          runAsNonRoot: true,
          seccompProfile: { type: "RuntimeDefault" },
        },
        volumes: [
          { name: "mount-0", emptyDir: {} },
          { name: "mount-1", emptyDir: { medium: "Memory", sizeLimit: "1048576" } },
          { name: "mount-2", emptyDir: { medium: "Memory" } },
          {
            name: "file-0",
            configMap: { name: "shop-web-motto-1a2b3c4d", items: [{ key: "file", path: "file", mode: 0o440 }] },
          },
          {
            name: "file-1",
            secret: { secretName: "shop-web-key-1a2b3c4d", items: [{ key: "file", path: "file", mode: 0o444 }] },
          },
        ],
      });
      assert.deepEqual(containers, [
        {
          name: "web",
          image: "registry.example/web:1",
          command: ["/bin/web"],
          args: ["serve"],
          workingDir: "/srv",
          env: [{ name: "B", value: "own" }],
          ports: [
            { containerPort: 80, protocol: "TCP" },
            { containerPort: 9000, protocol: "TCP" },
          ],
          readinessProbe: { exec: { command: ["check"] }, periodSeconds: 60, timeoutSeconds: 2, failureThreshold: 4 },
          resources: { limits: { cpu: "0.5", memory: "104857600" }, requests: { cpu: "0.25", memory: "52428800" } },
          securityContext: {
            allowPrivilegeEscalation: false,
            readOnlyRootFilesystem: true,
            capabilities: { add: ["NET_BIND_SERVICE"], drop: ["ALL"] },
          },
          volumeMounts: [
            { name: "mount-0", mountPath: "/cache", readOnly: false },
            { name: "mount-1", mountPath: "/tmp", readOnly: false },
            { name: "mount-2", mountPath: "/run", readOnly: false },
            { name: "file-0", mountPath: "/etc/motto", subPath: "file", readOnly: true },
            { name: "file-1", mountPath: "/run/secrets/key", subPath: "file", readOnly: true },
          ],
        },
      ]);
    });

    it("is found by its names on any port, and from outside at its published ports", async () => {
      make(text, { target: "kubernetes", namespace });
      const found = (await created(k8sService)).map(({ name, inputs: { metadata, spec } }) => [name, metadata, spec]);
      const own = (name: string, service: string) => [
        { name, namespace, labels: labels(service), annotations: skipAwait },
        { clusterIP: "None", selector: labels(service) },
      ];
      assert.deepEqual(
        found.toSorted(([a], [b]) => String(a).localeCompare(String(b))),
        [
          ["shop-db", ...own("db", "db")],
          ["shop-web", ...own("web", "web")],
          [
            "shop-web-published",
            { name: "web-published", namespace, labels: labels("web") },
            {
              type: "LoadBalancer",
              selector: labels("web"),
              ports: [
                { name: "tcp-8080", port: 8080, targetPort: 80, protocol: "TCP" },
                { name: "tcp-9000", port: 9000, targetPort: 9000, protocol: "TCP" },
              ],
            },
          ],
          ["shop-web-www", ...own("www", "web")],
        ],
      );
      const inner = { matchLabels: { "compose.network/inner": "in" } };
      const policyTypes = ["Ingress"];
      assert.deepEqual(await inputs(policy, "shop-inner"), {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { namespace },
        spec: { podSelector: inner, policyTypes, ingress: [{ from: [{ podSelector: inner }] }] },
      });
      assert.deepEqual(await inputs(policy, "shop-web-published"), {
        apiVersion: "networking.k8s.io/v1",
        kind: "NetworkPolicy",
        metadata: { namespace },
        spec: {
          podSelector: { matchLabels: labels("web") },
          policyTypes,
          ingress: [
            {
              ports: [
                { port: 80, protocol: "TCP" },
                { port: 9000, protocol: "TCP" },
              ],
            },
          ],
        },
      });
    });

    it("keeps volumes in claims, and files in what nobody changes", async () => {
      make(text, { target: "kubernetes", namespace, volumeSize: "2Gi" });
      assert.deepEqual(await inputs("kubernetes:core/v1:PersistentVolumeClaim", "shop-up-loads"), {
        apiVersion: "v1",
        kind: "PersistentVolumeClaim",
        metadata: { namespace, annotations: skipAwait },
        spec: { accessModes: ["ReadWriteOnce"], resources: { requests: { storage: "2Gi" } } },
      });
      assert.deepEqual(await inputs("kubernetes:core/v1:ConfigMap", "shop-web-motto"), {
        apiVersion: "v1",
        kind: "ConfigMap",
        metadata: { namespace },
        data: { file: "hello" },
        immutable: true,
      });
      assert.deepEqual(await inputs("kubernetes:core/v1:Secret", "shop-web-key"), {
        apiVersion: "v1",
        kind: "Secret",
        metadata: { namespace },
        stringData: secret({ file: "s3cret" }),
        immutable: true,
      });
    });

    it("belongs to the component, and comes after what it needs", async () => {
      const { options, transformations } = recordOptions();
      make(text, { target: "kubernetes" }, { transformations });
      assert.deepEqual(await graph(), [...options.keys()].toSorted());
      assert.deepEqual(await dependencies(options, `${deployment} shop-web`), [`${deployment}::shop-db`]);
      assert.deepEqual(await dependencies(options, `${k8sService} shop-web-published`), [`${deployment}::shop-web`]);
    });

    const podOf = async (yaml: string) => {
      make(`services:\n  web:\n    image: a\n    ${yaml}\nvolumes: { data: }`, { target: "kubernetes" });
      const { spec } = await inputs(deployment, "shop-web");
      const { strategy, template } = spec as {
        strategy: object;
        template: { spec: { securityContext: object; volumes: object[]; containers: [Record<string, unknown>] } };
      };
      return { strategy, ...template.spec, ...template.spec.containers[0], pod: template.spec.securityContext };
    };
    const seccompProfile = { type: "RuntimeDefault" };
    for (const [yaml, expected] of [
      [
        "working_dir: /",
        { terminationGracePeriodSeconds: 10, pod: { seccompProfile }, volumes: [], env: [], ports: [] },
      ],
      [
        "hostname: a",
        { securityContext: { capabilities: { add: [], drop: [] } }, resources: { limits: {}, requests: {} } },
      ],
      ["user: '5'", { pod: { runAsUser: 5, fsGroup: 5, runAsNonRoot: true, seccompProfile } }],
      ["user: '0:0'", { pod: { runAsUser: 0, runAsGroup: 0, fsGroup: 0, runAsNonRoot: false, seccompProfile } }],
      ["healthcheck: { test: [NONE] }", { readinessProbe: undefined }],
      [
        "healthcheck: { test: ping all }",
        {
          readinessProbe: {
            exec: { command: ["/bin/sh", "-c", "ping all"] },
            periodSeconds: 30,
            timeoutSeconds: 30,
            failureThreshold: 3,
          },
        },
      ],
      [
        "healthcheck: { test: [CMD, a], interval: 100ms, timeout: 1600ms }",
        {
          readinessProbe: { exec: { command: ["a"] }, periodSeconds: 1, timeoutSeconds: 2, failureThreshold: 3 },
        },
      ],
      [
        "volumes: ['data:/data:ro']",
        {
          strategy: { type: "Recreate" },
          volumes: [{ name: "mount-0", persistentVolumeClaim: { claimName: "shop-data-1a2b3c4d" } }],
          volumeMounts: [{ name: "mount-0", mountPath: "/data", readOnly: true }],
        },
      ],
      ["volumes: [/cache]", { strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 1 } } }],
      [
        "deploy: { update_config: { parallelism: 3 } }",
        {
          strategy: { type: "RollingUpdate", rollingUpdate: { maxSurge: 0, maxUnavailable: 3 } },
        },
      ],
    ] as const) {
      it(`with ${yaml} is a pod with ${Object.keys(expected).join(", ")}`, async () => {
        const pod = await podOf(yaml);
        const same = Object.keys(expected).map((key) => [key, pod[key as keyof typeof pod]]);
        assert.deepEqual(Object.fromEntries(same), expected);
      });
    }
  });

  describe("that builds images", () => {
    const image = "docker-build:index:Image";
    const imageOf = async (service: string, repository?: string) => {
      make(`services: { web: ${service} }`, { target: "docker", repository });
      const { inputs } = await only(image, "shop-web");
      return inputs as { tags: string[]; context: unknown; dockerfile: unknown; buildArgs: object; target?: string };
    };

    for (const [service, repository, tags] of [
      ["{ build: web }", "ghcr.io/me", ["ghcr.io/me/web:compose"]],
      ["{ build: web, image: 'localhost:5001/shop:2' }", undefined, ["localhost:5001/shop:2"]],
      ["{ build: web, image: 'localhost:5001/shop' }", "ghcr.io/me", ["localhost:5001/shop:compose"]],
    ] as const) {
      it(`pushes ${service} to ${tags[0]}`, async () => {
        assert.deepEqual((await imageOf(service, repository)).tags, tags);
      });
    }

    it("builds as the file says, and runs what was built by its digest", async () => {
      const { options, transformations } = recordOptions();
      make(
        "services: { web: { build: { context: web, args: { A: 1 }, target: final } } }",
        {
          target: "docker",
          repository: "ghcr.io/me",
        },
        { transformations },
      );
      const built = await inputs(image, "shop-web");
      assert.equal((built["buildArgs"] as Record<string, string>)["A"], "1");
      assert.equal(built["target"], "final");
      assert.equal((built["context"] as { location: string }).location, join(folder, "web"));
      assert.match(String((await inputs(container, "shop-web"))["image"]), /^ghcr\.io\/me\/web(:compose)?@sha256:/);
      // What was built for the app goes with it.
      assert.equal((await inputs("docker:index/remoteImage:RemoteImage", "shop-web"))["keepLocally"], false);
      assert.deepEqual(await graph(), [...options.keys()].toSorted());
    });
  });

  for (const [text, args, expected] of [
    [
      "services: { web: { build: . } }",
      { target: "docker" },
      "services.web has build and no image; set the component's repository",
    ],
    ["services: { web: { image: a } }", { target: "docker", repository: "Not a repository" }, "repository must be"],
    [
      "services: { web: { image: a, volumes: ['x:/x'] } }",
      { target: "docker" },
      "services.web.volumes names x, which is not in volumes",
    ],
  ] as const) {
    it(`is nothing, since ${expected}`, async () => {
      assert.throws(() => make(text, args), new RegExp(expected.replaceAll(".", "\\.")));
      assert.deepEqual(await graph(), ["meridian:index:ComposeApp shop"]);
    });
  }

  it("is nothing for a name that is none, and tells what is wrong with the file before what cannot be carried over", () => {
    writeFileSync(file, "services: { web: { image: a, volumes: ['x:/x'], user: [] } }");
    assert.throws(() => new ComposeApp("Shop", { file, target: "docker" }), /name must .*got "Shop"/s);
    assert.throws(
      () => new ComposeApp("shop", { file, target: "docker" }),
      ({ message }: Error) => message.includes("web.user must be a text") && !message.includes("names x"),
    );
  });
});
