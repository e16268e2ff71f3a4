/** What the pure parts of health.js take and give. */
export interface ZoneConfig {
  readonly hostname: string;
  readonly ttlSeconds: number;
  readonly nameServers: readonly string[];
}
declare const health: {
  choose(order: readonly string[], lost: readonly string[]): string;
  zone(config: ZoneConfig, address: string, serial: number): string;
};
export default health;
