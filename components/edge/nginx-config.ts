import { parseQuantity } from "../resources.ts";
import { fetchServer } from "./nginx-fetch.ts";
import { edgePaths, edgePorts } from "./nginx-options.ts";
import type { NginxOptions } from "./nginx-options.ts";
import { clientServer, otherHosts, shieldServer } from "./nginx-servers.ts";

/** nginx.conf of an edge, with comments on why. */
export function nginxConfig(options: NginxOptions): string {
  const sections = [
    mainSection(options),
    httpSection(options),
    normalSection(),
    limitSection(options),
    clientServer(options),
    otherHosts(options),
    shieldServer(options),
    fetchServer(options),
    internalServer(options),
    "}",
  ];
  const text = `${sections.join("\n\n")}\n`;
  // Lines and sections that are left out leave nothing but blanks.
  return text.replace(/\n(?:[ \t]*\n)+/g, "\n\n");
}

function mainSection({ resources }: NginxOptions): string {
  const workers = Math.max(1, Math.ceil(parseQuantity(resources.limits.cpu) ?? 1));
  return `# Generated: an edge in front of an origin. It has two halves. The servers for clients and for other edges hold the cache;
# what they lack they ask of the server at fetch.sock, which asks the origin and translates its answer for the cache.
load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
worker_processes ${workers};
# A request that is running gets its time when the edge stops.
worker_shutdown_timeout 20s;
pid ${edgePaths.scratch}/nginx.pid;
error_log stderr warn;
env EDGE_TOKEN;
events {
  worker_connections 4096;
}`;
}

function httpSection({ cacheSize, keepSeconds }: NginxOptions): string {
  const { scratch, cache } = edgePaths;
  return `http {
  js_import edge from ${edgePaths.config}/edge.js;
  js_set $edge_generation edge.generation;
  # Marks of purges: for good, and for single paths as long as anything can lie in the cache without being asked for.
  js_shared_dict_zone zone=marks:1m;
  js_shared_dict_zone zone=paths:4m timeout=${keepSeconds + 3600}s;
  # The tags of what is stored, by path, and when a tag was purged while an answer may have been on its way.
  js_shared_dict_zone zone=tags:8m;
  js_shared_dict_zone zone=tagPurges:1m timeout=3600s;
  js_shared_dict_zone zone=counters:1m type=number;

  proxy_cache_path ${cache}/objects levels=1:2 keys_zone=objects:16m max_size=${parseQuantity(cacheSize)} inactive=${keepSeconds}s use_temp_path=off;
  proxy_temp_path ${cache}/proxy;
  client_body_temp_path ${scratch}/body;
  fastcgi_temp_path ${scratch}/fastcgi;
  uwsgi_temp_path ${scratch}/uwsgi;
  scgi_temp_path ${scratch}/scgi;

  server_tokens off;
  default_type application/octet-stream;
  # No sendfile: most of what is kept is small, and goes out faster together with its header. One buffer for each client.
  output_buffers 1 32k;
  access_log off;
  # Seconds such as 1.234 as milliseconds.
  map $request_time $edge_milliseconds {
    "~^0\\.0*(?<small>[0-9]+)$" $small;
    "~^(?<whole>[0-9]+)\\.(?<rest>[0-9]+)$" $whole$rest;
  }
  # One JSON object a line, with the request id that the origin logs as well.
  log_format json escape=json '{"time":"$time_iso8601","level":"info","msg":"request","method":"$request_method",'
    '"path":"$uri","status":$status,"durationMs":$edge_milliseconds,"requestId":"$edge_request_id",'
    '"cache":"$upstream_cache_status","region":"$edge_region","name":"$hostname"}';
  # Longer than load balancers keep an idle connection, so that it is never this side that closes one in use.
  keepalive_timeout 75s;
  keepalive_requests 100000;
  # Clients that are slow on purpose.
  client_header_timeout 10s;
  client_body_timeout 10s;
  send_timeout 30s;
  reset_timedout_connection on;
  large_client_header_buffers 4 8k;

  # What the origin has compressed is kept as it is; the rest is compressed on the way out.
  gzip on;
  gzip_vary on;
  gzip_proxied any;
  gzip_comp_level 4;
  gzip_min_length 512;
  gzip_types text/plain text/css text/javascript application/javascript application/json application/xml application/wasm image/svg+xml;`;
}

function normalSection(): string {
  return `  # A few classes of clients instead of as many variants as there are browsers. The origin sees the class as well, so
  # that what it answers is right for all who share it.
  map $http_accept_encoding $edge_encoding {
    "~*(^|[\\s,])br(?!\\s*;\\s*q=0(\\.0*)?\\s*(,|$))(\\s*[;,]|\\s*$)" "br, gzip";
    "~*(^|[\\s,])gzip(?!\\s*;\\s*q=0(\\.0*)?\\s*(,|$))(\\s*[;,]|\\s*$)" "gzip";
    default "";
  }
  map $http_accept $edge_accept {
    "" "*/*";
    "~*^text/html\\s*(,|$)" "text/html,application/xhtml+xml,*/*;q=0.8";
    "~*^text/css\\s*,\\s*\\*/\\*;q=0\\.1$" "*/*";
    default $http_accept;
  }
  # What the script that answers has to know, in one piece, since each piece costs.
  map $upstream_cache_status $edge_answer {
    volatile;
    default "$edge_name $upstream_cache_status $request_method $request_time $sent_http_content_length $upstream_http_x_edge_times";
  }
  map $http_x_request_id $edge_request_id {
    "~^[A-Za-z0-9._-]{1,128}$" $http_x_request_id;
    default $request_id;
  }
  # What one user is allowed to see is nobody else's.
  map $http_authorization $edge_is_personal {
    "" "";
    default 1;
  }`;
}

function limitSection({ limits }: NginxOptions): string {
  const zones = [];
  if (limits.requestsPerSecond !== undefined) {
    zones.push(`  limit_req_zone $binary_remote_addr zone=requests:8m rate=${limits.requestsPerSecond}r/s;
  limit_req_status 429;`);
  }
  if (limits.connections !== undefined) {
    zones.push(`  limit_conn_zone $binary_remote_addr zone=connections:8m;
  limit_conn_status 429;`);
  }
  return zones.join("\n");
}

function internalServer({ region, release, shield }: NginxOptions): string {
  const watch =
    release === undefined
      ? ""
      : `
    # Asks the origin, not the shield, which release it is.
    location @watch {
      js_periodic edge.watch interval=1s;
    }
    location = /release {
      allow 127.0.0.1;
      deny all;
      add_header X-Edge-Release $upstream_http_${release.header.toLowerCase().replaceAll("-", "_")};
      proxy_set_header X-Edge-Probe 1;
      proxy_pass http://unix:${edgePaths.scratch}/${shield === undefined ? "fetch" : "origin"}.sock:${release.path};
    }`;
  return `  # Inside the cluster only. Being able to answer is what counts, also from the cache alone: the origin is not asked.
  server {
    listen ${edgePorts.internal};
    default_type text/plain;
    location = /healthz {
      return 200 "alive\\n";
    }
    location = /readyz {
      return 200 "ready\\n";
    }
    location = /metrics {
      set $edge_region ${region};
      js_content edge.metrics;
    }${watch}
    location / {
      return 404;
    }
  }`;
}
