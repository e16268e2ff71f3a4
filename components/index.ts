export { Cdn } from "./cdn.ts";
export type { CdnArgs, CdnLocation, CdnRegion } from "./cdn.ts";
export { CdnDns } from "./cdn-dns.ts";
export type { CdnDnsArgs, NameServer } from "./cdn-dns.ts";
export type { Continent, DnsOptions, GeoDns, LatencyDns, LatencyMatrix, NearestDns } from "./dns/options.ts";
export { EdgeLocation } from "./edge-location.ts";
export type { EdgeLocationArgs } from "./edge-location.ts";
export type { ClientLimits, EdgeOptions, LargeObjects, ReleaseWatch, StaleBounds } from "./edge/settings.ts";
export { ContainerImage } from "./container-image.ts";
export type { ContainerImageArgs, Registry } from "./container-image.ts";
export { Dashboard } from "./dashboard.ts";
export type { DashboardArgs } from "./dashboard.ts";
export { ComposeApp } from "./compose-app.ts";
export type { ComposeAppArgs } from "./compose-app.ts";
export { DockerApp } from "./docker-app.ts";
export type { DockerAppArgs } from "./docker-app.ts";
export type { AppArgs, ContainerAppArgs, HealthCheck, StoreOptions } from "./app-args.ts";
export { SwarmApp } from "./swarm-app.ts";
export type { SwarmAppArgs, SwarmUpdate } from "./swarm-app.ts";
export { KeyValueStore } from "./key-value-store.ts";
export type { KeyValueStoreArgs } from "./key-value-store.ts";
export { Monitoring, scrapeAnnotations } from "./monitoring.ts";
export type { MonitoringArgs } from "./monitoring.ts";
export { WebService } from "./web-service.ts";
export type { WebServiceArgs } from "./web-service-args.ts";
export type { AssetStore } from "./asset-store.ts";
export type { Autoscaling } from "./autoscaling.ts";
export type { EnvSource } from "./environment.ts";
export type { IngressOptions } from "./ingress.ts";
export type { Migration } from "./migration.ts";
export type { Port } from "./port.ts";
export type { Probe, Probes, ProbeTiming } from "./probe.ts";
export type {
  BlueGreenRelease,
  CanaryRelease,
  PreviousRelease,
  Release,
  ReleaseTiming,
  RollingRelease,
} from "./release.ts";
export type { Bytes, Cpu, Quantities, Resources } from "./resources.ts";
export type { RouteOptions } from "./route.ts";
export type { ServiceOptions, ServiceType } from "./service.ts";
export type { HttpExpectation, SmokeTest, SmokeTestCommand, SmokeTestExpectations } from "./smoke-test.ts";
export type { Change, Transform } from "./transform.ts";
export type { Volume } from "./volume.ts";
