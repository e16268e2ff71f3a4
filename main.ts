/** Which program runs: the stack's target decides. */
import { readConfig } from "./config.ts";

const { target } = readConfig();

export default async () => ({
  ...(target === "kubernetes" ? await import("./index.ts") : await import("./on-docker.ts")),
});
