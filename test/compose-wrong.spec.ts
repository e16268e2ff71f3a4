import assert from "node:assert/strict";

import { parseCompose } from "../components/compose/parse.ts";

/** A file whose service `web` has one key that is wrong. */
const fileWith = (yaml: string): string => `
services:
  web:
    ${yaml.startsWith("image") || yaml.startsWith("build") ? "" : "image: a"}
    ${yaml}
  db: { image: a }
networks: { inner: }
configs: { motto: { content: hello }, empty: {}, gone: { file: gone.txt } }
secrets: { unset: { environment: UNSET } }
`;

const problemsOf = (text: string): string[] => {
  const around = { folder: "shop", variables: {}, read: () => undefined, target: "swarm" } as const;
  // What a target cannot do is another question.
  return parseCompose(text, "compose.yaml", around).problems.filter((text) => !text.includes("is not carried over"));
};

describe("a value of a Compose file that is wrong", () => {
  for (const [yaml, ...sentences] of [
    ["image: [a]", 'image must be a text, got ["a"]'],
    ["build: { context: [] }", "build.context must be a text, got []"],
    ["build: { dockerfile: {} }", "build.dockerfile must be a text, got {}"],
    ["build: { args: { A: [] } }", "build.args.A must be a text, got []"],
    ["build: { target: [] }", "build.target must be a text, got []"],
    ["build: 5", "build must be a map, got 5"],
    ["entrypoint: { a: b }", 'entrypoint must be a list, got {"a":"b"}'],
    ['command: ["a", [b]]', 'command[1] must be a text, got ["b"]'],
    ["command: it's never closed", 'command must be a command whose quotes are closed, got "it\'s never closed"'],
    ["environment: [NOWHERE]", "environment.NOWHERE has no value, and the variable NOWHERE is not set"],
    [
      "environment: { A: [] }",
      "environment.A must be a text, got []",
      "environment.A has no value, and the variable A is not set",
    ],
    ["env_file: [{ path: [] }]", "env_file[0].path must be a text, got []", "env_file[0] names , which is not there"],
    [
      "env_file: [{ path: none.env, required: maybe }]",
      'env_file[0].required must be true or false, got "maybe"',
      "env_file[0] names none.env, which is not there",
    ],
    ["env_file: none.env", "env_file[0] names none.env, which is not there"],
    ["env_file: 5", "env_file must be a list, got 5"],
    ["ports: 80", "ports must be a list, got 80"],
    [
      "ports: [{ target: [] }]",
      "ports[0].target must be a text, got []",
      'ports[0] must be a port such as 3000, "8888:3000" or "127.0.0.1:8888:3000/tcp", got {"target":[]}',
    ],
    ["ports: [{ target: 80, published: [] }]", "ports[0].published must be a text, got []"],
    ["ports: [{ target: 80, protocol: sctp }]", 'ports[0].protocol must be one of "tcp", "udp", got "sctp"'],
    ["ports: [{ target: 80, host_ip: [] }]", "ports[0].host_ip must be a text, got []"],
    ["ports: [{ target: 80, mode: vip }]", 'ports[0].mode must be one of "ingress", "host", got "vip"'],
    [
      'ports: ["0"]',
      'ports[0] must be ports from 1 to 65535, got "0"',
      'ports[0] must be a port such as 3000, "8888:3000" or "127.0.0.1:8888:3000/tcp", got "0"',
    ],
    [
      'ports: ["65536"]',
      'ports[0] must be ports from 1 to 65535, got "65536"',
      'ports[0] must be a port such as 3000, "8888:3000" or "127.0.0.1:8888:3000/tcp", got "65536"',
    ],
    ['ports: ["1.5"]', 'ports[0] must be a port such as 3000, "8888:3000" or "127.0.0.1:8888:3000/tcp", got "1.5"'],
    [
      'ports: ["3-1"]',
      'ports[0] must be ports from 1 to 65535, got "3-1"',
      'ports[0] must be a port such as 3000, "8888:3000" or "127.0.0.1:8888:3000/tcp", got "3-1"',
    ],
    ['ports: ["1-1002"]', 'ports[0] must be ports from 1 to 65535, got "1-1002"'],
    ['ports: ["80:90-91"]', 'ports[0] must be as many published ports as there are in the container, got "80:90-91"'],
    [
      'ports: ["x80:80"]',
      'ports[0] must be a port such as 3000, "8888:3000" or "127.0.0.1:8888:3000/tcp", got "x80:80"',
    ],
    [
      'ports: ["80:80/tcp/x"]',
      'ports[0] must be a port such as 3000, "8888:3000" or "127.0.0.1:8888:3000/tcp", got "80:80/tcp/x"',
    ],
    ["ports: [80/sctp]", 'ports[0].protocol must be one of "tcp", "udp", got "sctp"'],
    [
      "volumes: [relative]",
      'volumes[0] must be such as "data:/data", "./folder:/folder:ro" or "/cache", got "relative"',
    ],
    [
      'volumes: ["data:/data:z"]',
      'volumes[0] must be such as "data:/data", "./folder:/folder:ro" or "/cache", got "data:/data:z"',
    ],
    ["volumes: [[]]", "volumes[0] must be a map, got []"],
    ["volumes: [{ type: npipe, target: /a }]", 'volumes[0].type must be one of "volume", "bind", "tmpfs", got "npipe"'],
    ["volumes: [{ source: [], target: /a }]", "volumes[0].source must be a text, got []"],
    ["volumes: [{ target: [] }]", "volumes[0].target must be a text, got []"],
    ["volumes: [{ target: /a, read_only: 1 }]", "volumes[0].read_only must be true or false, got 1"],
    ["volumes: [{ type: tmpfs, target: /a, tmpfs: none }]", 'volumes[0].tmpfs must be a map, got "none"'],
    [
      "volumes: [{ type: tmpfs, target: /a, tmpfs: { size: big } }]",
      'volumes[0].tmpfs.size must be a size such as "512m" or "1gb", got "big"',
    ],
    ['tmpfs: "/tmp:size=huge"', 'tmpfs must be a size such as "512m" or "1gb", got "huge"'],
    ["tmpfs: 5", "tmpfs must be a list, got 5"],
    [
      "depends_on: { db: { condition: ready } }",
      'depends_on.db.condition must be one of "service_started", "service_healthy", got "ready"',
    ],
    ["depends_on: { db: now }", 'depends_on.db must be a map, got "now"'],
    ["depends_on: [[]]", "depends_on[0] must be a text, got []", "depends_on names , which is no service"],
    ["links: api", 'links must be a list, got "api"'],
    ["networks: { inner: { aliases: www } }", 'networks.inner.aliases must be a list, got "www"'],
    ["networks: { inner: on }", 'networks.inner must be a map, got "on"'],
    ["networks: inner", 'networks must be a map, got "inner"'],
    ["healthcheck: text", 'healthcheck must be a map, got "text"'],
    ["healthcheck: { test: { a: b } }", 'healthcheck.test must be a list, got {"a":"b"}'],
    ["healthcheck: { test: [[]] }", "healthcheck.test[0] must be a text, got []"],
    ["healthcheck: { disable: perhaps }", 'healthcheck.disable must be true or false, got "perhaps"'],
    ["healthcheck: { interval: soon }", 'healthcheck.interval must be a duration such as "1m30s", got "soon"'],
    ["healthcheck: { timeout: 5x }", 'healthcheck.timeout must be a duration such as "1m30s", got "5x"'],
    [
      "healthcheck: { timeout: 5s and more }",
      'healthcheck.timeout must be a duration such as "1m30s", got "5s and more"',
    ],
    ["healthcheck: { retries: few }", 'healthcheck.retries must be a number, got "few"'],
    ['healthcheck: { start_period: "10" }', 'healthcheck.start_period must be a duration such as "1m30s", got "10"'],
    ["deploy: text", 'deploy must be a map, got "text"'],
    ["deploy: { mode: some }", 'deploy.mode must be one of "replicated", "global", got "some"'],
    ["deploy: { replicas: many }", 'deploy.replicas must be a number, got "many"'],
    ["deploy: { resources: a }", 'deploy.resources must be a map, got "a"'],
    ["deploy: { resources: { limits: a } }", 'deploy.resources.limits must be a map, got "a"'],
    ["deploy: { resources: { limits: { cpus: half } } }", 'deploy.resources.limits.cpus must be a number, got "half"'],
    [
      "deploy: { resources: { limits: { memory: big } } }",
      'deploy.resources.limits.memory must be a size such as "512m" or "1gb", got "big"',
    ],
    ["deploy: { resources: { reservations: a } }", 'deploy.resources.reservations must be a map, got "a"'],
    [
      'deploy: { resources: { reservations: { cpus: "" } } }',
      'deploy.resources.reservations.cpus must be a number, got ""',
    ],
    [
      "deploy: { resources: { reservations: { memory: [] } } }",
      "deploy.resources.reservations.memory must be a text, got []",
    ],
    ["deploy: { restart_policy: a }", 'deploy.restart_policy must be a map, got "a"'],
    [
      "deploy: { restart_policy: { condition: never } }",
      'deploy.restart_policy.condition must be one of "none", "on-failure", "any", got "never"',
    ],
    [
      "deploy: { restart_policy: { delay: a } }",
      'deploy.restart_policy.delay must be a duration such as "1m30s", got "a"',
    ],
    [
      "deploy: { restart_policy: { max_attempts: .inf } }",
      "deploy.restart_policy.max_attempts must be a number, got Infinity",
    ],
    [
      "deploy: { restart_policy: { window: c } }",
      'deploy.restart_policy.window must be a duration such as "1m30s", got "c"',
    ],
    ["deploy: { update_config: a }", 'deploy.update_config must be a map, got "a"'],
    ["deploy: { update_config: { parallelism: a } }", 'deploy.update_config.parallelism must be a number, got "a"'],
    [
      "deploy: { update_config: { delay: b } }",
      'deploy.update_config.delay must be a duration such as "1m30s", got "b"',
    ],
    [
      "deploy: { update_config: { order: c } }",
      'deploy.update_config.order must be one of "start-first", "stop-first", got "c"',
    ],
    [
      "deploy: { update_config: { failure_action: d } }",
      'deploy.update_config.failure_action must be one of "pause", "continue", "rollback", got "d"',
    ],
    [
      "deploy: { update_config: { monitor: e } }",
      'deploy.update_config.monitor must be a duration such as "1m30s", got "e"',
    ],
    [
      "deploy: { update_config: { max_failure_ratio: f } }",
      'deploy.update_config.max_failure_ratio must be a number, got "f"',
    ],
    ["deploy: { rollback_config: 5 }", "deploy.rollback_config must be a map, got 5"],
    ["deploy: { placement: a }", 'deploy.placement must be a map, got "a"'],
    ["deploy: { placement: { constraints: a } }", 'deploy.placement.constraints must be a list, got "a"'],
    ["deploy: { placement: { constraints: [[]] } }", "deploy.placement.constraints[0] must be a text, got []"],
    ["deploy: { placement: { preferences: a } }", 'deploy.placement.preferences must be a list, got "a"'],
    ["deploy: { placement: { preferences: [b] } }", 'deploy.placement.preferences[0] must be a map, got "b"'],
    [
      "deploy: { placement: { preferences: [{ spread: [] }] } }",
      "deploy.placement.preferences[0].spread must be a text, got []",
    ],
    [
      "deploy: { placement: { max_replicas_per_node: c } }",
      'deploy.placement.max_replicas_per_node must be a number, got "c"',
    ],
    ["deploy: { endpoint_mode: d }", 'deploy.endpoint_mode must be one of "vip", "dnsrr", got "d"'],
    ["restart: sometimes", 'restart must be one of "no", "always", "unless-stopped", "on-failure", got "sometimes"'],
    [
      'restart: "on-failure:x"',
      'restart must be one of "no", "always", "unless-stopped", "on-failure", got "on-failure:x"',
    ],
    ["restart: 5", 'restart must be one of "no", "always", "unless-stopped", "on-failure", got "5"'],
    ["labels: a", 'labels must be a map, got "a"'],
    ["labels: [[]]", "labels[0] must be a text, got []"],
    ["user: []", "user must be a text, got []"],
    ["working_dir: []", "working_dir must be a text, got []"],
    ["hostname: []", "hostname must be a text, got []"],
    ["read_only: maybe", 'read_only must be true or false, got "maybe"'],
    ["init: maybe", 'init must be true or false, got "maybe"'],
    ["cap_add: a", 'cap_add must be a list, got "a"'],
    ["cap_drop: b", 'cap_drop must be a list, got "b"'],
    ["security_opt: c", 'security_opt must be a list, got "c"'],
    ["stop_signal: []", "stop_signal must be a text, got []"],
    ["stop_grace_period: long", 'stop_grace_period must be a duration such as "1m30s", got "long"'],
    ["logging: a", 'logging must be a map, got "a"'],
    ["logging: { driver: [] }", "logging.driver must be a text, got []"],
    ["logging: { options: a }", 'logging.options must be a map, got "a"'],
    ["configs: a", 'configs must be a list, got "a"'],
    ["configs: [[]]", "configs[0] must be a map, got []", "configs[0] names , which is not in configs"],
    [
      "configs: [{ source: [] }]",
      "configs[0].source must be a text, got []",
      "configs[0] names , which is not in configs",
    ],
    ["configs: [{ source: motto, target: [] }]", "configs[0].target must be a text, got []"],
    ["configs: [{ source: motto, uid: [] }]", "configs[0].uid must be a text, got []"],
    ["configs: [{ source: motto, gid: [] }]", "configs[0].gid must be a text, got []"],
    ["configs: [{ source: motto, mode: r }]", 'configs[0].mode must be a mode such as "0444", got "r"'],
    ["configs: [{ source: motto, mode: [] }]", "configs[0].mode must be a number, got []"],
    ["configs: [empty]", "configs.empty has no content: it names no file and no variable"],
    ["configs: [gone]", "configs.gone has no content: the file gone.txt is not there"],
    ["secrets: [unset]", "secrets.unset has no content: UNSET is not set"],
    ["secrets: [nowhere]", "secrets[0] names nowhere, which is not in secrets"],
    ["ulimits: a", 'ulimits must be a map, got "a"'],
    ["ulimits: { nofile: many }", 'ulimits.nofile must be a map, got "many"'],
    ["cpus: a", 'cpus must be a number, got "a"'],
    ["mem_limit: b", 'mem_limit must be a size such as "512m" or "1gb", got "b"'],
    ["mem_limit: 5xb", 'mem_limit must be a size such as "512m" or "1gb", got "5xb"'],
    ["memswap_limit: c", 'memswap_limit must be a size such as "512m" or "1gb", got "c"'],
  ] as const) {
    it(`is named by its place: ${yaml}`, () => {
      assert.deepEqual(
        problemsOf(fileWith(yaml)),
        sentences.map((sentence) => `services.web.${sentence}`.replace(/^services\.web\.(?=(configs|secrets)\.)/, "")),
      );
    });
  }

  for (const [text, ...sentences] of [
    ["services: {}", "services must hold at least one service"],
    ["name: shop", "services must hold at least one service"],
    ["services: [a]", 'services must be a map, got ["a"]', "services must hold at least one service"],
    ["services: { web: text }", 'services.web must be a map, got "text"', "services.web must have image or build"],
    ["services: { web: { image: a } }\nvolumes: [data]", 'volumes must be a map, got ["data"]'],
    ["services: { web: { image: a } }\nnetworks: [inner]", 'networks must be a map, got ["inner"]'],
    ["services: { web: { image: a } }\nnetworks: { inner: text }", 'networks.inner must be a map, got "text"'],
    [
      "services: { web: { image: a } }\nnetworks: { inner: { driver: [] } }",
      "networks.inner.driver must be a text, got []",
    ],
    [
      "services: { web: { image: a, configs: [b] } }\nconfigs: [b]",
      'configs must be a map, got ["b"]',
      "services.web.configs[0] names b, which is not in configs",
    ],
    [
      "services: { web: { image: a, configs: [b] } }\nconfigs: { b: text }",
      'configs.b must be a map, got "text"',
      "configs.b has no content: it names no file and no variable",
    ],
    ["text", 'compose.yaml must be a map, got "text"', "services must hold at least one service"],
  ] as const) {
    it(`is named where it is: ${text.replaceAll("\n", "; ")}`, () => assert.deepEqual(problemsOf(text), sentences));
  }
});
