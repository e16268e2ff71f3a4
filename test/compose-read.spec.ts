import assert from "node:assert/strict";

import type { Project } from "../components/compose/model.ts";
import { parseCompose } from "../components/compose/parse.ts";

const files: Record<string, string> = { "web.env": "A=file\nB=file\n", "more.env": "E=more\n", "motto.txt": "hello" };
const variables = { KEY: "s3cret", D: "outside" };
const read = (text: string) =>
  parseCompose(text, "compose.yaml", { folder: "shop", variables, read: (path) => files[path], target: "swarm" })
    .project;

/** A service of which the file says no more than its image. */
const bare = {
  image: "a",
  build: undefined,
  entrypoint: undefined,
  command: undefined,
  environment: {},
  ports: [],
  mounts: [],
  files: [],
  dependsOn: [],
  networks: { default: [] },
  healthcheck: undefined,
  isAwaited: false,
  deploy: {
    replicas: 1,
    isGlobal: false,
    limits: { cpus: undefined, memory: undefined },
    reservations: { cpus: undefined, memory: undefined },
    restart: {},
    update: undefined,
    rollback: undefined,
    constraints: [],
    spreadOver: [],
    maxPerNode: undefined,
    endpointMode: undefined,
  },
  labels: {},
  user: undefined,
  workingDir: undefined,
  hostname: undefined,
  readOnly: undefined,
  init: undefined,
  capAdd: [],
  capDrop: [],
  securityOpt: [],
  stopSignal: undefined,
  stopGraceSeconds: undefined,
  logging: undefined,
  ulimits: [],
  swapLimit: undefined,
};

const everyKey = `
services:
  web:
    image: registry.example/web:1
    build: { context: ./web, dockerfile: Dockerfile.web, args: { VERSION: 1, EMPTY: }, target: final }
    entrypoint: [/bin/web]
    command: [serve, --port, "80"]
    environment: { B: own, C: 5, D: }
    env_file: [web.env, { path: more.env }, { path: none.env, required: false }]
    ports:
      - { target: 80, published: 8080, protocol: udp, host_ip: 127.0.0.1, mode: host }
    volumes:
      - { type: volume, source: data, target: /data, read_only: true }
      - { type: bind, source: ./html, target: /html }
      - { type: tmpfs, target: /cache, tmpfs: { size: 1k } }
      - { target: /logs }
    tmpfs: ["/tmp:mode=1777,size=2k", /run]
    depends_on:
      db: { condition: service_healthy }
      api: { condition: service_started }
    links: [api:backend, db]
    networks:
      inner: { aliases: [www, web] }
      outer:
    healthcheck: { test: [CMD, check], interval: 1m, timeout: 1500ms, retries: 4, start_period: 1h }
    deploy:
      mode: global
      replicas: 3
      resources:
        limits: { cpus: "0.5", memory: 64m }
        reservations: { cpus: 0.25, memory: 32m }
      restart_policy: { condition: on-failure, delay: 1s, max_attempts: 2, window: 3s }
      update_config:
        { parallelism: 2, delay: 4s, order: start-first, failure_action: rollback, monitor: 5s, max_failure_ratio: 0.5 }
      rollback_config: { order: stop-first, failure_action: pause }
      placement:
        constraints: [node.role==worker]
        preferences: [{ spread: node.labels.zone }]
        max_replicas_per_node: 1
      endpoint_mode: dnsrr
    restart: always
    cpus: 4
    mem_limit: 4g
    labels: { team: shop, note: }
    user: "1:2"
    working_dir: /srv
    hostname: www
    read_only: true
    init: false
    cap_add: [NET_BIND_SERVICE]
    cap_drop: [ALL]
    security_opt: ["no-new-privileges:true"]
    stop_signal: SIGQUIT
    stop_grace_period: 1m30s
    logging: { driver: local, options: { max-size: 1m } }
    configs: [{ source: motto, target: /etc/motto, uid: "1", gid: "2", mode: 0440 }]
    secrets: [{ source: key, target: api-key, mode: "0400" }, key]
    ulimits: { nofile: 1024, nproc: { soft: 1, hard: 2 } }
    memswap_limit: 128m
  api: { image: a, networks: [inner] }
  db: { image: a, networks: { inner: }, links: [api] }
networks:
  inner: { driver: overlay }
  outer:
  unused:
volumes:
  data:
configs:
  motto: { file: motto.txt }
secrets:
  key: { environment: KEY }
`;

describe("a Compose file that says all there is to say", () => {
  let project: Project;
  beforeEach(() => {
    project = read(everyKey);
  });

  it("has networks that are used, with their drivers, and volumes", () => {
    assert.deepEqual(project.networks, { inner: "overlay", outer: undefined });
    assert.deepEqual(project.volumes, ["data"]);
  });

  it("has services that say little as they are under Compose", () => {
    assert.deepEqual(project.services.slice(0, 2), [
      { ...bare, name: "api", networks: { inner: ["backend"] } },
      { ...bare, name: "db", networks: { inner: [] }, isAwaited: true, dependsOn: [{ name: "api", isHealthy: false }] },
    ]);
  });

  it("has every key of a service in one form", () => {
    const tmpfs = { type: "tmpfs", readOnly: false };
    const file = { uid: undefined, gid: undefined };
    assert.deepEqual(project.services[2], {
      name: "web",
      image: "registry.example/web:1",
      build: {
        context: "shop/web",
        dockerfile: "shop/web/Dockerfile.web",
        args: { VERSION: "1", EMPTY: "" },
        target: "final",
      },
      entrypoint: ["/bin/web"],
      command: ["serve", "--port", "80"],
      environment: { A: "file", B: "own", E: "more", C: "5", D: "outside" },
      ports: [{ target: 80, published: 8080, protocol: "udp", hostIp: "127.0.0.1", mode: "host" }],
      mounts: [
        { type: "volume", source: "data", target: "/data", readOnly: true, size: undefined },
        { type: "bind", source: `${process.cwd()}/shop/html`, target: "/html", readOnly: false, size: undefined },
        { ...tmpfs, source: undefined, target: "/cache", size: 1024 },
        { type: "volume", source: undefined, target: "/logs", readOnly: false, size: undefined },
        { ...tmpfs, target: "/tmp", size: 2048 },
        { ...tmpfs, target: "/run", size: undefined },
      ],
      files: [
        { key: "motto", text: "hello", target: "/etc/motto", isSecret: false, uid: "1", gid: "2", mode: 0o440 },
        { ...file, key: "key", text: "s3cret", target: "/run/secrets/api-key", isSecret: true, mode: 0o400 },
        { ...file, key: "key", text: "s3cret", target: "/run/secrets/key", isSecret: true, mode: 0o444 },
      ],
      dependsOn: [
        { name: "db", isHealthy: true },
        { name: "api", isHealthy: false },
        { name: "api", isHealthy: false },
        { name: "db", isHealthy: false },
      ],
      networks: { inner: ["www"], outer: [] },
      healthcheck: {
        test: ["CMD", "check"],
        intervalSeconds: 60,
        timeoutSeconds: 1.5,
        retries: 4,
        startPeriodSeconds: 3600,
      },
      isAwaited: false,
      deploy: {
        replicas: 3,
        isGlobal: true,
        limits: { cpus: 0.5, memory: 64 * 2 ** 20 },
        reservations: { cpus: 0.25, memory: 32 * 2 ** 20 },
        restart: { condition: "on-failure", delaySeconds: 1, maxAttempts: 2, windowSeconds: 3 },
        update: {
          parallelism: 2,
          delaySeconds: 4,
          order: "start-first",
          failureAction: "rollback",
          monitorSeconds: 5,
          maxFailureRatio: 0.5,
        },
        rollback: {
          parallelism: undefined,
          delaySeconds: undefined,
          order: "stop-first",
          failureAction: "pause",
          monitorSeconds: undefined,
          maxFailureRatio: undefined,
        },
        constraints: ["node.role==worker"],
        spreadOver: ["node.labels.zone"],
        maxPerNode: 1,
        endpointMode: "dnsrr",
      },
      labels: { team: "shop", note: "" },
      user: "1:2",
      workingDir: "/srv",
      hostname: "www",
      readOnly: true,
      init: false,
      capAdd: ["NET_BIND_SERVICE"],
      capDrop: ["ALL"],
      securityOpt: ["no-new-privileges:true"],
      stopSignal: "SIGQUIT",
      stopGraceSeconds: 90,
      logging: { driver: "local", options: { "max-size": "1m" } },
      ulimits: [
        { name: "nofile", soft: 1024, hard: 1024 },
        { name: "nproc", soft: 1, hard: 2 },
      ],
      swapLimit: 128 * 2 ** 20,
    });
  });
});

describe("a service of a Compose file", () => {
  const around = "volumes: { data: }\nnetworks: { inner: }\nconfigs: { motto: { content: hello } }\n";
  const serviceOf = (yaml: string) => read(`services:\n  web:\n    image: a\n    ${yaml}\n${around}`).services[0];

  const noSize = { type: "volume", readOnly: false };
  const port = { hostIp: undefined, published: undefined, protocol: "tcp", mode: "ingress" };
  for (const [yaml, expected] of [
    [
      "build: ./web",
      { build: { context: "shop/web", dockerfile: "shop/web/Dockerfile", args: {}, target: undefined } },
    ],
    [
      "build: { args: [A=1, B, D] }",
      {
        build: {
          context: "shop",
          dockerfile: "shop/Dockerfile",
          args: { A: "1", B: "", D: "outside" },
          target: undefined,
        },
      },
    ],
    ["environment: [A=1=2, =x, D]", { environment: { A: "1=2", "": "x", D: "outside" } }],
    ["env_file: web.env", { environment: { A: "file", B: "file" } }],
    [
      "ports: ['[::1]:80:81/udp']",
      { ports: [{ ...port, target: 81, published: 80, protocol: "udp", hostIp: "[::1]" }] },
    ],
    ["ports: ['127.0.0.1::81']", { ports: [{ ...port, target: 81, hostIp: "127.0.0.1" }] }],
    ["ports: [1, 65535, 1-2]", { ports: [1, 65535, 1, 2].map((target) => ({ ...port, target })) }],
    [
      "volumes: [/cache, 'data:/data:rw', '/logs:ro']",
      {
        mounts: [
          { ...noSize, source: undefined, target: "/cache" },
          { ...noSize, source: "data", target: "/data" },
          { ...noSize, source: undefined, target: "/logs", readOnly: true },
        ],
      },
    ],
    [
      "volumes: ['../up:/up', '/abs:/abs']",
      {
        mounts: [
          { type: "bind", source: `${process.cwd()}/up`, target: "/up", readOnly: false },
          { type: "bind", source: "/abs", target: "/abs", readOnly: false },
        ],
      },
    ],
    [
      "volumes: [{ source: data, target: /data, read_only: 'false' }]",
      { mounts: [{ ...noSize, source: "data", target: "/data", size: undefined }] },
    ],
    [
      "tmpfs: '/tmp:noexec,xsize=1,size=1k'",
      { mounts: [{ type: "tmpfs", target: "/tmp", readOnly: false, size: 1024 }] },
    ],
    [
      "configs: [motto]",
      {
        files: [
          {
            key: "motto",
            text: "hello",
            target: "/motto",
            isSecret: false,
            uid: undefined,
            gid: undefined,
            mode: 0o444,
          },
        ],
      },
    ],
    ["networks: [inner]", { networks: { inner: [] } }],
    ["networks: { inner: { aliases: [web, www, www] } }", { networks: { inner: ["www"] } }],
    ["networks:", { networks: { default: [] } }],
    [
      "healthcheck: { test: check all }",
      {
        healthcheck: {
          test: ["CMD-SHELL", "check all"],
          intervalSeconds: undefined,
          timeoutSeconds: undefined,
          retries: undefined,
          startPeriodSeconds: undefined,
        },
      },
    ],
    [
      "healthcheck: { test: [CMD, a], disable: 'true', retries: '5' }",
      {
        healthcheck: {
          test: ["NONE"],
          intervalSeconds: undefined,
          timeoutSeconds: undefined,
          retries: 5,
          startPeriodSeconds: undefined,
        },
      },
    ],
    [
      "healthcheck: { interval: 1h1m1s500ms100us }",
      {
        healthcheck: {
          test: undefined,
          intervalSeconds: 3661.5001,
          timeoutSeconds: undefined,
          retries: undefined,
          startPeriodSeconds: undefined,
        },
      },
    ],
    ["restart: no", { deploy: { ...bare.deploy, restart: { condition: "none", maxAttempts: undefined } } }],
    ["restart: always", { deploy: { ...bare.deploy, restart: { condition: "any", maxAttempts: undefined } } }],
    ["restart: unless-stopped", { deploy: { ...bare.deploy, restart: { condition: "any", maxAttempts: undefined } } }],
    ["restart: on-failure:12", { deploy: { ...bare.deploy, restart: { condition: "on-failure", maxAttempts: 12 } } }],
    [
      "deploy: { restart_policy: {} }",
      {
        deploy: {
          ...bare.deploy,
          restart: { condition: "any", delaySeconds: undefined, maxAttempts: undefined, windowSeconds: undefined },
        },
      },
    ],
    [
      "deploy: { mode: replicated, placement: { preferences: [{}] } }",
      { deploy: { ...bare.deploy, spreadOver: [""] } },
    ],
    ["cpus: '0.5'", { deploy: { ...bare.deploy, limits: { cpus: 0.5, memory: undefined } } }],
    ["labels: [a=1, b]", { labels: { a: "1", b: "" } }],
    ["logging: {}", { logging: { driver: "json-file", options: {} } }],
    ["stop_grace_period: 0.25s", { stopGraceSeconds: 0.25 }],
    ["user: 1000", { user: "1000" }],
    ["hostname: true", { hostname: "true" }],
    [
      String.raw`command: a 'b c' "d \"e\" \$$f \g" h\ i "" 'j"k'l`,
      { command: ["a", "b c", String.raw`d "e" $f \g`, "h i", "", 'j"kl'] },
    ],
    ["command: ''", { command: [] }],
  ] as const) {
    it(`may say ${yaml}`, () => assert.deepEqual(serviceOf(yaml), { ...bare, name: "web", ...expected }));
  }

  for (const [size, bytes] of [
    ["1024", 1024],
    ["'10'", 10],
    ["10b", 10],
    ["10k", 10 * 2 ** 10],
    ["10KB", 10 * 2 ** 10],
    ["1.5MiB", 1.5 * 2 ** 20],
    ["2gb", 2 * 2 ** 30],
  ] as const) {
    it(`may take ${size} of memory`, () => assert.equal(serviceOf(`mem_limit: ${size}`)?.deploy.limits.memory, bytes));
  }
});
