/** Which program runs: the stack's target decides. */
import { checkOnCluster } from "./config-cluster.ts";
import { readConfig } from "./config.ts";

const config = readConfig();

export default async () => {
  // The components take as long to load as the cluster takes to answer.
  await Promise.all([checkOnCluster(config), import("./components/index.ts")]);
  return { ...(config.target === "kubernetes" ? await import("./index.ts") : await import("./on-docker.ts")) };
};
