/** Which program runs: the stack's target decides. */
import { checkOnCluster } from "./config-cluster.ts";
import { readConfig } from "./config.ts";

const config = readConfig();

export default async () => {
  await checkOnCluster(config);
  return { ...(config.target === "kubernetes" ? await import("./index.ts") : await import("./on-docker.ts")) };
};
