/** Control groups of both versions: version 1 has a tree per controller, version 2 a single one. */
import { existsSync, mkdirSync, readdirSync, readFileSync, rmdirSync, writeFileSync } from "node:fs";
import { join } from "node:path";

const mount = "/sys/fs/cgroup";
const unified = existsSync(join(mount, "cgroup.controllers"));

/** Everything of the kit's is below this group. */
export const rootGroup = "meridian";

function trees(): string[] {
  if (unified) return [mount];
  return readdirSync(mount)
    .map((name) => join(mount, name))
    .filter((folder) => existsSync(join(folder, "cgroup.procs")));
}

/** Folder of the tree that tells which processes are in a group. */
export function processTree(group: string): string {
  return join(unified ? mount : join(mount, "pids"), group);
}

/** Makes a group, with every controller handed down to it. */
export function createGroup(group: string): void {
  for (const tree of trees()) mkdirSync(join(tree, group), { recursive: true });
  if (!unified) return;
  const parts = group.split("/");
  for (let depth = 0; depth < parts.length; depth++) {
    const folder = join(mount, ...parts.slice(0, depth));
    const controllers = readFileSync(join(folder, "cgroup.controllers"), "utf8").trim().split(" ");
    for (const controller of controllers) writeFileSync(join(folder, "cgroup.subtree_control"), `+${controller}`);
  }
}

function below(folder: string): string[] {
  if (!existsSync(folder)) return [];
  const children = readdirSync(folder, { withFileTypes: true }).filter((entry) => entry.isDirectory());
  return [...children.flatMap(({ name }) => below(join(folder, name))), folder];
}

/** The processes in a group and in all groups below it. */
export function processesIn(group: string): number[] {
  return below(processTree(group)).flatMap((folder) => {
    try {
      return readFileSync(join(folder, "cgroup.procs"), "utf8").split("\n").filter(Boolean).map(Number);
    } catch (error) {
      // The group ended between the listing and the reading.
      if (["ENOENT", "ENODEV"].includes((error as NodeJS.ErrnoException).code ?? "")) return [];
      throw error;
    }
  });
}

/** Removes a group with all groups below it; false while it still has processes. */
export function removeGroup(group: string): boolean {
  for (const tree of trees()) {
    for (const folder of below(join(tree, group))) {
      try {
        rmdirSync(folder);
      } catch (error) {
        if ((error as NodeJS.ErrnoException).code === "EBUSY") return false;
        if ((error as NodeJS.ErrnoException).code !== "ENOENT") throw error;
      }
    }
  }
  return true;
}
