/** What a Docker host and a Swarm have in common: both are an engine to the provider. */
import * as docker from "@pulumi/docker";

import type { Parts } from "../compose-app.ts";
import type { Healthcheck } from "./model.ts";

/** The app's networks, of this driver unless the file says another one, and its volumes, by their names in the file. */
export function places(name: string, { parent, project }: Parts, ownDriver: string) {
  const networks = Object.entries(project.networks).map(([key, driver = ownDriver]) => {
    return [key, new docker.Network(`${name}-${key}`, { driver }, { parent })] as const;
  });
  const volumes = project.volumes.map((key) => [key, new docker.Volume(`${name}-${key}`, {}, { parent })] as const);
  return { networks: new Map(networks), volumes: new Map(volumes) };
}

/** Seconds as the engine takes them. */
export const duration = (seconds: number | undefined): string | undefined =>
  seconds === undefined ? undefined : `${seconds}s`;

/** A health check as the engine takes it; without a test it is the image's. */
export const engineHealthcheck = (check: Healthcheck) => ({
  tests: [...(check.test ?? [])],
  interval: duration(check.intervalSeconds),
  timeout: duration(check.timeoutSeconds),
  retries: check.retries,
  startPeriod: duration(check.startPeriodSeconds),
});
