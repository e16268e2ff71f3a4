/** What must hold on a machine before anything is installed, built or started there. */
import { existsSync, readFileSync } from "node:fs";
import { createServer } from "node:net";
import { join } from "node:path";
import { controlPlaneStarted } from "./control-plane.ts";
import { runDirectory, runningPid } from "./daemon.ts";
import { UserError } from "./exec.ts";
import { cache, ports } from "./paths.ts";

export const hostDaemons = ["registry", "buildkitd", "load-balancer-proxy", "load-balancer"] as const;
/** Names the cache of the kit whose cluster runs, of which a machine has one. */
export const ownerFile = join(runDirectory, "owner");

export function checkRights(): void {
  if (process.platform !== "linux") {
    throw new UserError(
      `the local cluster needs Linux, this is ${process.platform}; use \`pulumi up\` with a cluster of your own (README: "Your own cluster").`,
    );
  }
  if (process.getuid?.() !== 0) {
    throw new UserError(
      "the local cluster needs root (it makes network namespaces and containers); run `sudo npm start`, or use `pulumi up` with a cluster of your own.",
    );
  }
}

export function checkOwner(): void {
  const owner = existsSync(ownerFile) ? readFileSync(ownerFile, "utf8") : cache;
  if (owner !== cache) {
    throw new UserError(
      `another local cluster runs on this machine, from ${owner}; stop it with \`XDG_CACHE_HOME=${join(owner, "..")} npm run cluster -- down\` and try again.`,
    );
  }
}

async function portIsFree(port: number, host: string): Promise<boolean> {
  return await new Promise((resolve) => {
    const server = createServer().once("error", () => resolve(false));
    server.listen(port, host, () => server.close(() => resolve(true)));
  });
}

/** Ports that something else listens on, before anything is started. */
export async function checkPorts(servicePorts: readonly number[]): Promise<void> {
  for (const port of [...Object.values(ports), ...servicePorts]) {
    if (!(await portIsFree(port, "127.0.0.1")) || !(await portIsFree(port, "0.0.0.0"))) {
      throw new UserError(
        `port ${port} is taken by another program (\`ss -ltnp 'sport = :${port}'\` names it); stop that program and try again.`,
      );
    }
  }
}

/** Whether no part of the cluster runs, so that all of its ports have to be free. */
export const nothingRuns = (): boolean =>
  !controlPlaneStarted() && hostDaemons.every((name) => runningPid(name) === undefined);

/** What must hold before anything is installed, built or started. @throws UserError */
export async function preflight(servicePorts: readonly number[] = []): Promise<void> {
  checkRights();
  checkOwner();
  if (nothingRuns()) await checkPorts(servicePorts);
}
