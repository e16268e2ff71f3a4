import assert from "node:assert/strict";

import { impossible } from "../components/compose/carry.ts";
import { interpolate } from "../components/compose/interpolate.ts";
import type { ComposeService, Target } from "../components/compose/model.ts";
import { parseCompose, readComposeFile } from "../components/compose/parse.ts";

const files: Record<string, string> = { "web.env": "A=file\nB=file\n", "motto.txt": "hello" };
const parse = (text: string, target: Target = "docker", variables: Record<string, string> = {}) =>
  parseCompose(text, "compose.yaml", { folder: "shop", variables, read: (path) => files[path], target });

/** The only service of a file, which is right. */
function service(yaml: string, more = "", target: Target = "docker"): ComposeService {
  const { project, problems } = parse(`services:\n  web:\n    image: a\n${yaml}\n${more}`, target);
  assert.deepEqual(problems, []);
  return project.services[0]!;
}

/** What is wrong with a service. */
const wrong = (yaml: string, target: Target = "docker"): readonly string[] => {
  const { project, problems } = parse(`services:\n  web:\n    image: a\n${yaml}\nvolumes: {data: }\n`, target);
  return problems.length > 0 ? problems : impossible(project, target);
};

describe("variables in a Compose file", () => {
  const variables = { SET: "value", EMPTY: "" };
  for (const [text, expected] of [
    ["$SET and ${SET}", "value and value"],
    ["$$SET costs $$5", "$SET costs $5"],
    ["${UNSET:-other} ${EMPTY:-other} ${SET:-other}", "other other value"],
    ["${UNSET-other} ${EMPTY-other}|${UNSET:-}", "other |"],
    ["${SET:+yes} ${UNSET:+yes}|${EMPTY+yes}", "yes |yes"],
    ["${UNSET:-${SET}}", "value"],
    ["${SET:?needed}", "value"],
  ] as const) {
    it(`read ${text} as ${expected}`, () => {
      assert.equal(
        interpolate(text, variables, (sentence) => assert.fail(sentence)),
        expected,
      );
    });
  }

  for (const [text, expected] of [
    ["${UNSET}", "the variable UNSET is not set; set it, or write ${UNSET:-…} with a value for that case"],
    ["$UNSET", "the variable UNSET is not set; set it, or write ${UNSET:-…} with a value for that case"],
    ["${UNSET:?say which}", "the variable UNSET is required: say which"],
    ["${EMPTY:?}", "the variable EMPTY is required: it is not set"],
    ["5 $ each", '"5 $ each" holds a $ that begins no variable; write $$ for the character itself'],
  ] as const) {
    it(`refuse ${text}`, () => {
      const problems: string[] = [];
      interpolate(text, variables, (sentence) => problems.push(sentence));
      assert.deepEqual(problems, [expected]);
    });
  }
});

describe("a Compose file", () => {
  it("has its syntax errors named by line and column", () => {
    const { problems } = parse("services:\n  web:\n    image: a\n   ports: [80\n");
    assert.match(problems[0]!, /^compose\.yaml:\d+:\d+: /);
    assert.match(
      parse("services:\n\tweb: {}\n").problems[0]!,
      /^compose\.yaml:2:1: Tabs are not allowed as indentation/,
    );
    assert.match(parse("services: {}\nservices: {}\n").problems[0]!, /^compose\.yaml:2:1: Map keys must be unique/);
  });

  it("has its unset variables named by line and column, all of them", () => {
    const text = "services:\n  web:\n    image: shop:${TAG}\n    command: [run, $MODE]\n";
    assert.deepEqual(parse(text).problems, [
      "compose.yaml:3:12: the variable TAG is not set; set it, or write ${TAG:-…} with a value for that case",
      "compose.yaml:4:20: the variable MODE is not set; set it, or write ${MODE:-…} with a value for that case",
    ]);
    assert.equal(parse(text, "docker", { TAG: "1", MODE: "x" }).project.services[0]?.image, "shop:1");
  });

  it("has a cycle of depends_on named", () => {
    const text =
      "services: {a: {image: a, depends_on: [b]}, b: {image: a, depends_on: [c]}, c: {image: a, links: [b:x]}}";
    assert.deepEqual(parse(text).problems, ["depends_on must not lead back to where it began, got b → c → b"]);
  });

  it("gives services in the order in which they start", () => {
    const text =
      "services: {a: {image: a, depends_on: {c: {condition: service_healthy}}}, b: {image: a, links: [a]}, c: {image: a}}";
    const { services } = parse(text).project;
    assert.deepEqual(
      services.map(({ name, isAwaited }) => [name, isAwaited]),
      [
        ["c", true],
        ["a", false],
        ["b", false],
      ],
    );
  });

  it("that is not there is told by its path", () => {
    assert.deepEqual(readComposeFile("nowhere/compose.yaml", {}, "docker").problems, [
      "there is no Compose file nowhere/compose.yaml; file must be the path of one",
    ]);
  });

  it("may leave to others what begins with x-, and repeat itself by anchors", () => {
    const text = "x-base: &base {image: a, user: '1'}\nservices: {web: {<<: *base, x-note: b}, api: *base}";
    const { project, problems } = parse(text);
    assert.deepEqual(problems, []);
    assert.deepEqual(
      project.services.map(({ image, user }) => [image, user]),
      [
        ["a", "1"],
        ["a", "1"],
      ],
    );
  });
});

describe("a service of a Compose file", () => {
  const port = { protocol: "tcp", mode: "ingress", hostIp: undefined };
  for (const [text, expected] of [
    ["3000", [{ ...port, target: 3000, published: undefined }]],
    ['"8888:3000"', [{ ...port, target: 3000, published: 8888 }]],
    ['"127.0.0.1:53:53/udp"', [{ ...port, target: 53, published: 53, protocol: "udp", hostIp: "127.0.0.1" }]],
    ["{target: 80, published: '8080', mode: host}", [{ ...port, target: 80, published: 8080, mode: "host" }]],
    [
      '"9000-9001:80-81"',
      [
        { ...port, target: 80, published: 9000 },
        { ...port, target: 81, published: 9001 },
      ],
    ],
  ] as const) {
    it(`has ports such as ${text}`, () => assert.deepEqual(service(`    ports: [${text}]`).ports, expected));
  }

  it("has the variables of its files, and its own on top", () => {
    const yaml = "    env_file: [web.env, {path: none.env, required: false}]\n    environment: [B=own, C=1=2]";
    assert.deepEqual(service(yaml).environment, { A: "file", B: "own", C: "1=2" });
    assert.deepEqual(service("    environment: {N: 5, T: true}").environment, { N: "5", T: "true" });
  });

  it("has a command as a list or as words in quotes", () => {
    assert.deepEqual(service("    command: [a, 'b c']").command, ["a", "b c"]);
    assert.deepEqual(service(`    command: sh -c "echo 'it is' \\"so\\""`).command, ["sh", "-c", `echo 'it is' "so"`]);
    assert.deepEqual(wrong("    command: sh -c 'never ends"), [
      `services.web.command must be a command whose quotes are closed, got "sh -c 'never ends"`,
    ]);
  });

  it("has volumes by name, folders beside the file, and memory", () => {
    const { mounts } = service('    volumes: ["data:/data", "./html:/html:ro", /cache]\n    tmpfs: /tmp:size=1m');
    assert.deepEqual(mounts, [
      { type: "volume", source: "data", target: "/data", readOnly: false },
      { type: "bind", source: `${process.cwd()}/shop/html`, target: "/html", readOnly: true },
      { type: "volume", source: undefined, target: "/cache", readOnly: false },
      { type: "tmpfs", target: "/tmp", readOnly: false, size: 2 ** 20 },
    ]);
  });

  it("has configs and secrets with their content and place", () => {
    const yaml = "    configs: [{source: motto, target: /etc/motto, mode: 256}]\n    secrets: [key]";
    const { files: found } = service(yaml, "configs: {motto: {file: motto.txt}}\nsecrets: {key: {file: motto.txt}}");
    assert.deepEqual(
      found.map(({ target, text, isSecret, mode }) => [target, text, isSecret, mode]),
      [
        ["/etc/motto", "hello", false, 0o400],
        ["/run/secrets/key", "hello", true, 0o444],
      ],
    );
  });

  it("is known by the names that links and aliases give it", () => {
    const text =
      "services: {web: {image: a, links: [api:backend]}, api: {image: a, networks: {inner: {aliases: [x]}}}}\nnetworks: {inner: }";
    const api = parse(text).project.services.find(({ name }) => name === "api");
    assert.deepEqual(api?.networks, { inner: ["x", "backend"] });
  });

  it("has a health check in seconds, and limits in bytes", () => {
    const yaml =
      "    healthcheck: {test: curl localhost, interval: 1m30s, retries: 4}\n    mem_limit: 512m\n    cpus: '0.5'";
    const { healthcheck, deploy } = service(yaml);
    assert.deepEqual(healthcheck?.test, ["CMD-SHELL", "curl localhost"]);
    assert.equal(healthcheck?.intervalSeconds, 90);
    assert.deepEqual(deploy.limits, { cpus: 0.5, memory: 512 * 2 ** 20 });
    assert.deepEqual(service("    healthcheck: {disable: true}").healthcheck?.test, ["NONE"]);
  });

  it("has deploy before what restart says", () => {
    assert.equal(service("    restart: always").deploy.restart.condition, "any");
    assert.deepEqual(service("    restart: on-failure:3").deploy.restart, { condition: "on-failure", maxAttempts: 3 });
    const yaml = "    restart: 'no'\n    deploy: {restart_policy: {condition: any, delay: 5s}}";
    const { condition, delaySeconds } = service(yaml, "", "swarm").deploy.restart;
    assert.deepEqual({ condition, delaySeconds }, { condition: "any", delaySeconds: 5 });
  });

  for (const [yaml, expected] of [
    [
      "    ports: [a]",
      'services.web.ports[0] must be a port such as 3000, "8888:3000" or "127.0.0.1:8888:3000/tcp", got "a"',
    ],
    ["    read_only: maybe", 'services.web.read_only must be true or false, got "maybe"'],
    ["    mem_limit: much", 'services.web.mem_limit must be a size such as "512m" or "1gb", got "much"'],
    ["    stop_grace_period: 10", 'services.web.stop_grace_period must be a duration such as "1m30s", got "10"'],
    ["    env_file: none.env", "services.web.env_file[0] names none.env, which is not there"],
    [
      "    environment: [NOWHERE]",
      "services.web.environment.NOWHERE has no value, and the variable NOWHERE is not set",
    ],
    ["    depends_on: [db]", "services.web.depends_on names db, which is no service"],
    ["    networks: [inner]", "services.web.networks names inner, which is not in networks"],
    ["    configs: [motto]", "services.web.configs[0] names motto, which is not in configs"],
    ['    volumes: ["other:/data"]', "services.web.volumes names other, which is not in volumes"],
  ] as const) {
    it(`is refused: ${expected}`, () => assert.equal(wrong(yaml)[0], expected));
  }
});

describe("what a target cannot carry over", () => {
  it("is named key by key, all at once", () => {
    const yaml =
      "    privileged: true\n    build: {context: ., cache_from: [a]}\n    deploy: {labels: {a: b}}\n    dns: 1.1.1.1";
    assert.deepEqual(wrong(yaml), [
      "services.web.privileged is not carried over to docker, got true; leave it out",
      'services.web.build.cache_from is not carried over to docker, got ["a"]; leave it out',
      'services.web.deploy.labels is not carried over to docker, got {"a":"b"}; leave it out',
      'services.web.dns is not carried over to docker, got "1.1.1.1"; leave it out',
    ]);
  });

  for (const [target, yaml, expected] of [
    [
      "kubernetes",
      "    stop_signal: SIGQUIT",
      'services.web.stop_signal is not carried over to kubernetes, got "SIGQUIT"; leave it out',
    ],
    ["swarm", "    init: true", "services.web.init is not carried over to swarm, got true; leave it out"],
    [
      "docker",
      "    deploy: {placement: {constraints: [a]}}",
      'services.web.deploy.placement.constraints is not carried over to docker, got ["a"]; leave it out',
    ],
    [
      "kubernetes",
      '    volumes: ["/srv:/srv"]',
      "services.web.volumes holds /srv, a path of one machine, which kubernetes does not carry over; use a volume, configs or an image",
    ],
    [
      "kubernetes",
      "    restart: 'no'",
      "services.web.restart is always on kubernetes; leave it out, or say unless-stopped",
    ],
    [
      "kubernetes",
      "    restart: on-failure",
      "services.web.restart is always on kubernetes; leave it out, or say unless-stopped",
    ],
    ["kubernetes", "    user: u1", 'services.web.user must be a number such as "1000:1000" on kubernetes, got "u1"'],
    [
      "kubernetes",
      "    user: '1:2:3'",
      'services.web.user must be a number such as "1000:1000" on kubernetes, got "1:2:3"',
    ],
    ["kubernetes", "    ports: [53, 53/udp]", "services.web.ports must all be tcp or all be udp on kubernetes"],
    [
      "kubernetes",
      "    networks: {default: {aliases: [my_web]}}",
      'services.web.networks.aliases must be lower-case letters, digits and "-" on kubernetes, got "my_web"',
    ],
    [
      "kubernetes",
      '    security_opt: [no-new-privileges, "no-new-privileges=true", "no-new-privileges:false", x-no-new-privileges]',
      'services.web.security_opt holds ["no-new-privileges:false","x-no-new-privileges"], which kubernetes does not carry over',
    ],
    [
      "kubernetes",
      "    healthcheck: {interval: 5s}",
      "services.web.healthcheck.test is missing, and kubernetes does not know the image's; write it here",
    ],
    [
      "kubernetes",
      "    security_opt: [apparmor:unconfined]",
      'services.web.security_opt holds ["apparmor:unconfined"], which kubernetes does not carry over',
    ],
    [
      "kubernetes",
      '    volumes: ["data:/data"]\n    deploy: {replicas: 2}',
      "services.web.deploy.replicas must be 1 with a volume on kubernetes, which one node has at a time, got 2",
    ],
    [
      "docker",
      '    ports: ["80:80"]\n    deploy: {replicas: 2}',
      "services.web.ports publishes a port of the host, which only one of 2 replicas can have; leave out what is published, or set deploy.replicas to 1",
    ],
  ] as const) {
    it(`is refused on ${target}: ${expected}`, () => assert.deepEqual(wrong(yaml, target), [expected]));
  }

  const found = (text: string, target: Target): string[] => {
    const { project, problems } = parse(text, target);
    assert.deepEqual(problems, []);
    return impossible(project, target);
  };

  it("is a network's driver that is not the target's own", () => {
    const sentences = { docker: ["overlay"], swarm: ["bridge"], kubernetes: ["overlay", "bridge"] };
    for (const [target, drivers] of Object.entries(sentences) as [Target, string[]][]) {
      const networks = "inner: {driver: overlay}, outer: {driver: bridge}, any: ";
      assert.deepEqual(
        found(`services: {web: {image: a, networks: [inner, outer, any]}}\nnetworks: {${networks}}`, target),
        drivers.map((driver) => {
          const name = driver === "overlay" ? "inner" : "outer";
          return `networks.${name}.driver is not carried over to ${target}, got "${driver}"; leave it out`;
        }),
      );
    }
  });

  it("is a service's name that Kubernetes would not take, or that two services have", () => {
    for (const name of ["Web", "my_web", "1web", "web-", "a".repeat(43)]) {
      assert.deepEqual(found(`services: {${name}: {image: a}}`, "kubernetes"), [
        `services.${name}.name must be lower-case letters, digits and "-" on kubernetes, got "${name}"`,
      ]);
    }
    for (const name of ["w", "web-2", "a".repeat(42)]) {
      assert.deepEqual(found(`services: {${name}: {image: a}}`, "kubernetes"), []);
    }
    const text = "services: {web: {image: a}, api: {image: a, networks: {default: {aliases: [web]}}}}";
    assert.deepEqual(found(text, "kubernetes"), [
      "services.api is called web as web is, which only one service can be on kubernetes",
    ]);
    assert.deepEqual(found(text, "docker"), []);
  });

  it("is a file in a root folder that Docker cannot write to", () => {
    const text = (where: string) =>
      `services: {web: {image: a, ${where}}}\nconfigs: {b: {content: c}}\nsecrets: {b: {file: motto.txt}}`;
    assert.deepEqual(found(text("read_only: true, configs: [b], secrets: [b, {source: b, target: /b}]"), "docker"), [
      "services.web.configs puts b at /b, which is read-only on docker; set its target to a path in a folder",
      "services.web.secrets puts b at /b, which is read-only on docker; set its target to a path in a folder",
    ]);
    assert.deepEqual(found(text("configs: [b]"), "docker"), []);
  });

  it("is nothing where a key means the same", () => {
    const volume = '    volumes: ["data:/data"]';
    for (const [target, yaml] of [
      ["kubernetes", volume],
      ["kubernetes", "    volumes: [/cache]\n    tmpfs: /tmp\n    deploy: {replicas: 2}"],
      ["docker", `${volume}\n    deploy: {replicas: 2}`],
      ["docker", '    ports: ["80:80"]'],
      ["docker", "    ports: [80]\n    deploy: {replicas: 2}"],
    ] as const) {
      assert.deepEqual(wrong(yaml, target), [], yaml);
    }
    const yaml =
      "    restart: unless-stopped\n    cap_drop: [ALL]\n    user: '1:1'\n    deploy: {replicas: 2, resources: {limits: {cpus: '1'}}}";
    for (const target of ["kubernetes", "docker", "swarm"] as const) assert.deepEqual(wrong(yaml, target), [], target);
  });
});
