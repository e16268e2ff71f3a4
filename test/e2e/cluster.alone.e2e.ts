import assert from "node:assert/strict";
import { execFileSync, spawnSync } from "node:child_process";
import { existsSync, readdirSync, readFileSync } from "node:fs";

const repository = new URL("../..", import.meta.url).pathname;

function sh(command: string): string {
  return execFileSync("sh", ["-c", command], {
    encoding: "utf8",
    env: { ...process.env, PATH: `${process.env["PATH"]}:/usr/sbin:/sbin` },
  });
}

function tryCluster(...args: string[]): { status: number | null; stdout: string; stderr: string } {
  return spawnSync(process.execPath, ["local/bootstrap.mjs", "cluster", ...args], {
    cwd: repository,
    encoding: "utf8",
  });
}

function cluster(...args: string[]): string {
  const { status, stdout, stderr } = tryCluster(...args);
  assert.equal(status, 0, `cluster ${args.join(" ")} failed:\n${stdout}${stderr}`);
  return stdout;
}

/** Everything on the machine that the kit changes, as far as it can be listed. */
function traces(): Record<string, string> {
  const groups = "find /sys/fs/cgroup -mindepth 1 -type d | grep -v -e '^/sys/fs/cgroup/[a-z,_]*$' | sort || true";
  const mounts = "awk '{print $2}' /proc/self/mounts | sort";
  return {
    interfaces: sh("ip -brief link | awk '{print $1}' | sort"),
    routes: sh("ip route | sort"),
    namespaces: sh("ls /run/netns 2>/dev/null | sort || true"),
    rules: sh("nft list ruleset"),
    mounts: sh(mounts),
    groups: sh(groups),
    processes: daemons().join("\n"),
  };
}

/** What is there later and was not before; what others have taken away meanwhile does not count. */
function additions(before: Record<string, string>, after: Record<string, string>): string[] {
  return Object.entries(after).flatMap(([kind, text]) => {
    const known = new Set(before[kind]?.split("\n"));
    return text.split("\n").filter((line) => !known.has(line));
  });
}

/** Command lines of the kit's long-running programs. */
function daemons(): string[] {
  const programs =
    /\/(etcd|kube-[a-z-]+|kubelet|kwok-controller|containerd[a-z0-9-]*|buildkitd|docker-registry|load-balancer\.ts)$/;
  return readdirSync("/proc")
    .filter((name) => /^\d+$/.test(name))
    .flatMap((pid) => {
      try {
        return [readFileSync(`/proc/${pid}/cmdline`, "utf8").split("\0")];
      } catch {
        return []; // ended meanwhile
      }
    })
    .filter((words) => words.slice(0, 3).some((word) => programs.test(word)) && words.join(" ").includes("meridian"))
    .map((words) => words.join(" "))
    .sort();
}

const kubectl = (args: string): string => sh(`kubectl ${args}`);
const ready = (node: string): string =>
  kubectl(`get node ${node} -o 'jsonpath={.status.conditions[?(@.type=="Ready")].status}'`);

describe("the local cluster", () => {
  it("leaves nothing behind when it is down, and comes back with what it held", () => {
    kubectl(
      "create configmap kept --from-literal=key=value -o name --dry-run=client -o yaml | kubectl apply -f - >/dev/null",
    );
    cluster("down");
    const before = traces();
    assert.ok(!JSON.stringify(before).includes("meridian"), `left behind: ${JSON.stringify(before)}`);
    const { status, stdout } = tryCluster("status");
    assert.deepEqual([status, stdout], [1, "The local cluster is down. Start it with `npm run cluster -- up`.\n"]);
    cluster("up");
    const up = traces();
    assert.match(up["interfaces"] ?? "", /meridian0/);
    assert.match(up["processes"] ?? "", /kubelet/);
    cluster("down");
    assert.deepEqual(additions(before, traces()), []);
    cluster("down");
    cluster("up");
    assert.equal(kubectl("get configmap kept -o 'jsonpath={.data.key}'"), "value");
    kubectl("delete configmap kept");
  });

  it("changes nothing when it is up already", () => {
    const before = readdirSync("/run/meridian/pids").map((name) => readFileSync(`/run/meridian/pids/${name}`, "utf8"));
    cluster("up");
    const after = readdirSync("/run/meridian/pids").map((name) => readFileSync(`/run/meridian/pids/${name}`, "utf8"));
    assert.deepEqual(after, before);
  });

  it("names a component that died, with the end of its log, and starts it again", () => {
    const pid = readFileSync("/run/meridian/pids/us-kubelet", "utf8").split(" ")[0] ?? "";
    process.kill(Number(pid), "SIGKILL");
    sh(`while test -d /proc/${pid} && ! grep -q '^State:.Z' /proc/${pid}/status; do :; done`);
    const { status, stdout } = tryCluster("status");
    assert.equal(status, 1);
    assert.match(stdout, /! us-kubelet has ended; the end of .*us-kubelet\.log:\n.+/);
    cluster("up");
    assert.match(cluster("status"), /region us +running/);
  });

  it("loses a region and gets it back", () => {
    // A bridge takes the lowest address of its cables' unless it has one of its own; the others send to what they know.
    const bridge = sh("cat /sys/class/net/meridian0/address");
    sh("ip link set meridian13 address 00:16:3e:00:00:01");
    cluster("region", "stop", "AP");
    assert.equal(sh("cat /sys/class/net/meridian0/address"), bridge);
    assert.match(sh("cat /run/meridian/stopped/ap; ls /run/meridian/stopped"), /ap/);
    assert.equal(existsSync("/run/netns/meridian-ap"), false);
    kubectl("wait --for=condition=Ready=Unknown node/ap --timeout=60s");
    cluster("up");
    assert.equal(existsSync("/run/netns/meridian-ap"), false, "a region that was stopped stays so");
    cluster("region", "start", "ap");
    assert.equal(ready("ap"), "True");
  });

  it("refuses an unknown region with the names that exist, and the one that was likely meant", () => {
    const { status, stderr } = tryCluster("region", "stop", "uss");
    const sentence = 'error: there is no region "uss", did you mean us? There are eu, us, ap.\n';
    assert.deepEqual([status, stderr], [1, sentence]);
  });
});
