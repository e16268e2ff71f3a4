/** The load balancer of a Docker host or a Swarm: the edges' nginx, without a cache. */

/** Where the balancer listens, and where its container sees what it needs. */
export const balancerPort = 8080;
export const balancerPaths = { config: "/etc/balancer", release: "/release", scratch: "/tmp" } as const;
/** The user that the official image runs as. */
export const balancerUser = "101:101";

/** nginx's arguments. */
export const balancerCommand = [
  "nginx",
  "-e",
  "stderr",
  "-c",
  `${balancerPaths.config}/nginx.conf`,
  "-g",
  "daemon off;",
] as const;

/** Whether nginx listens; the official image has `nc`, images with bash need nothing. */
export const balancerCheck = {
  tests: [
    "CMD-SHELL",
    `if command -v bash >/dev/null; then bash -c 'exec 3<>/dev/tcp/127.0.0.1/${balancerPort}'; else nc -z 127.0.0.1 ${balancerPort}; fi`,
  ],
  interval: "2s",
  timeout: "30s",
  retries: 3,
  startPeriod: "10s",
};

/**
 * nginx.conf. Docker's DNS gives the addresses of all replicas with the name, in any order, anew each second.
 *
 * @param name the replicas' name; undefined if a file tells it, so that it can change without a restart
 */
export function balancerConfig(name: string | undefined, containerPort: number): string {
  const { config, scratch } = balancerPaths;
  const fromFile = `
  js_import balancer from ${config}/balancer.js;
  js_shared_dict_zone zone=release:32k;
  js_set $balancer_name balancer.name nocache;`;
  return `# Generated: a load balancer in front of the replicas.
${name === undefined ? "load_module /usr/lib/nginx/modules/ngx_http_js_module.so;" : ""}
worker_processes 2;
# A request that is running gets its time when the balancer stops.
worker_shutdown_timeout 20s;
pid ${scratch}/nginx.pid;
error_log stderr warn;
events {
  worker_connections 4096;
}
http {${name === undefined ? fromFile : ""}
  client_body_temp_path ${scratch}/body;
  proxy_temp_path ${scratch}/proxy;
  fastcgi_temp_path ${scratch}/fastcgi;
  uwsgi_temp_path ${scratch}/uwsgi;
  scgi_temp_path ${scratch}/scgi;
  server_tokens off;
  access_log off;
  keepalive_timeout 75s;
  keepalive_requests 100000;
  client_header_timeout 10s;
  client_body_timeout 10s;
  send_timeout 30s;
  resolver 127.0.0.11 valid=1s ipv6=off;
  resolver_timeout 5s;
  server {
    listen ${balancerPort};
    client_max_body_size 1m;
    absolute_redirect off;
    location / {
      set $balancer_upstream ${name ?? "$balancer_name"};
      proxy_pass http://$balancer_upstream:${containerPort};
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_connect_timeout 1s;
      proxy_read_timeout 60s;
      # A replica that is gone: another one is asked, unless the request may have had its effect.
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 4;
    }
  }
}
`;
}

/** Reads which release has the traffic. While the file is being written, what it said before counts. */
export const balancerScript = `import fs from "fs";

function name() {
  let text = "";
  try {
    text = fs.readFileSync("${balancerPaths.release}/name", "utf8").trim();
  } catch (error) {
    // Not there yet, or just being replaced.
  }
  const known = ngx.shared.release.get("name");
  if (text === "") return known || "no-release-yet";
  if (text !== known) ngx.shared.release.set("name", text);
  return text;
}

export default { name };
`;
