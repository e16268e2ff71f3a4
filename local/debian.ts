/** The programs that come from Debian's (or Ubuntu's) signed packages. */
import { existsSync, rmSync, writeFileSync } from "node:fs";
import { join } from "node:path";
import { run, UserError } from "./exec.ts";
import { say, step } from "./progress.ts";

/** A file of each package tells whether it is there. */
const packages: Readonly<Record<string, string>> = {
  "etcd-server": "etcd",
  runc: "runc",
  "containernetworking-plugins": "/usr/lib/cni/bridge",
  nftables: "nft",
  conntrack: "conntrack",
  "docker-registry": "docker-registry",
  debootstrap: "debootstrap",
  iproute2: "ip",
  openssl: "openssl",
  "ca-certificates": "/etc/ssl/certs/ca-certificates.crt",
};

/** What only the tests use: a browser, and letters for it. */
const testPackages: Readonly<Record<string, string>> = {
  chromium: "chromium",
  "fonts-dejavu-core": "/usr/share/fonts/truetype/dejavu/DejaVuSans.ttf",
};

/** What the kit's Docker engine calls or is linked to. */
const dockerPackages: Readonly<Record<string, string>> = {
  iptables: "iptables",
  "libdevmapper1.02.1": "/usr/share/doc/libdevmapper1.02.1",
};

/** System programs live in sbin, which an ordinary user's PATH lacks. */
export const systemPath = [process.env["PATH"], "/usr/local/sbin", "/usr/sbin", "/sbin", "/usr/bin", "/bin"].join(":");

/** The path of an installed program, or undefined. */
export function which(program: string): string | undefined {
  if (program.startsWith("/")) return existsSync(program) ? program : undefined;
  return systemPath
    .split(":")
    .map((folder) => join(folder, program))
    .find((file) => existsSync(file));
}

export function missingPackages(wanted = packages): string[] {
  return Object.entries(wanted)
    .filter(([, file]) => which(file) === undefined)
    .map(([name]) => name);
}

/** With this file in place, packages that are being installed do not start the services that they bring. */
const policy = "/usr/sbin/policy-rc.d";

/** Installs what is missing, after saying so. @throws UserError with the command to run where that is not possible. */
export async function installPackages({ forTests = false, forDocker = false } = {}): Promise<void> {
  const missing = missingPackages({ ...packages, ...(forTests && testPackages), ...(forDocker && dockerPackages) });
  if (missing.length === 0) return;
  const command = `apt-get install --yes --no-install-recommends ${missing.join(" ")}`;
  if (which("apt-get") === undefined) {
    throw new UserError(
      `the local cluster needs the programs of these Debian packages, and there is no apt-get here to install them: ${missing.join(", ")}; install them in your distribution's way and try again.`,
    );
  }
  if (process.getuid?.() !== 0)
    throw new UserError(`Debian packages are missing; run \`sudo ${command}\` and try again.`);
  say(`• installing Debian packages: ${missing.join(" ")}`);
  const env = { ...process.env, DEBIAN_FRONTEND: "noninteractive" };
  const ours = !existsSync(policy);
  if (ours) writeFileSync(policy, "#!/bin/sh\nexit 101\n", { mode: 0o755 });
  try {
    await step("installing Debian packages", async ({ note }) => {
      await run("apt-get", ["update"], { env, onLine: note });
      await run("apt-get", command.split(" ").slice(1), { env, onLine: note });
    });
  } finally {
    if (ours) rmSync(policy, { force: true });
  }
}
