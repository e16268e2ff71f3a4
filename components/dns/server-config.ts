import type { NearestDns } from "./options.ts";
import { nearestFirst } from "./options.ts";

/** Unprivileged ports of a name server's pod. */
export const dnsPorts = { dns: 5353, coreDnsReady: 8181, health: 8081 } as const;

/** The clients that belong to no region. */
const anyone = "others";

/** The Corefile: a server for the clients of each region, and one for all others. */
export function corefile({ hostname, clients }: NearestDns): string {
  const server = (name: string, networks: readonly string[]): string => {
    const view =
      networks.length === 0
        ? ""
        : `  view ${name} {
    expr ${networks.map((network) => `incidr(client_ip(), '${network}')`).join(" || ")}
  }
`;
    return `${hostname}:${dnsPorts.dns} {
${view}  errors
  file /zones/${name}.zone {
    reload 250ms
  }
}
`;
  };
  const regional = Object.entries(clients).filter(([, networks]) => networks.length > 0);
  return `# Generated. Who asks decides which zone answers; the zones are written by the container beside this one.
${regional.map(([region, networks]) => server(`region-${region}`, networks)).join("")}${server(anyone, [])}.:${dnsPorts.dns} {
  ready
  template ANY ANY {
    rcode REFUSED
  }
}
`;
}

/** What health.js has to know. */
export function regionsFile(
  { hostname, ttlSeconds = 1, latency, clients }: NearestDns,
  locations: readonly { readonly name: string; readonly url: string }[],
  nameServers: readonly string[],
): string {
  const names = locations.map(({ name }) => name);
  const regional = Object.keys(clients).map((region) => [`region-${region}`, nearestFirst(latency, names, region)]);
  return JSON.stringify({
    hostname,
    ttlSeconds,
    nameServers,
    regions: Object.fromEntries(
      locations.map(({ name, url }) => [name, { url, address: new URL(url).hostname }] as const),
    ),
    orders: { ...Object.fromEntries(regional), [anyone]: names },
  });
}

/** nginx.conf of the container that asks the edges. */
export const checkerConfig = `# Generated: asks the edges of all regions four times a second whether they can serve.
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
worker_processes 1;
pid /tmp/nginx.pid;
error_log stderr warn;
events {
  worker_connections 1024;
}
http {
  js_import health from /etc/dns/health.js;
  js_shared_dict_zone zone=failures:64k type=number;
  js_shared_dict_zone zone=chosen:64k;
  # Once around the world and back, twice.
  js_fetch_timeout 750ms;
  access_log off;
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
  server {
    listen ${dnsPorts.health};
    location @check {
      js_periodic health.check interval=250ms;
    }
    location = /readyz {
      js_content health.ready;
    }
    location / {
      return 404;
    }
  }
}
`;
