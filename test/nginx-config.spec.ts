import assert from "node:assert/strict";

import { nginxConfig } from "../components/edge/nginx-config.ts";
import { clientServer } from "../components/edge/nginx-servers.ts";
import { fetchServer } from "../components/edge/nginx-fetch.ts";
import { changesOf, linesOf, nginxOptions } from "./nginx-lines.ts";

const beforeServers = String.raw`
  load_module /usr/lib/nginx/modules/ngx_http_js_module.so;
  worker_processes 1;
  worker_shutdown_timeout 20s;
  pid /tmp/edge/nginx.pid;
  error_log stderr warn;
  env EDGE_TOKEN;
  events {
    worker_connections 4096;
  }
  http {
    js_import edge from /etc/edge/edge.js;
    js_set $edge_generation edge.generation;
    js_shared_dict_zone zone=marks:1m;
    js_shared_dict_zone zone=paths:4m timeout=90000s;
    js_shared_dict_zone zone=tags:8m;
    js_shared_dict_zone zone=tagPurges:1m timeout=3600s;
    js_shared_dict_zone zone=counters:1m type=number;
    proxy_cache_path /var/cache/edge/objects levels=1:2 keys_zone=objects:16m max_size=268435456 inactive=86400s use_temp_path=off;
    proxy_temp_path /var/cache/edge/proxy;
    client_body_temp_path /tmp/edge/body;
    fastcgi_temp_path /tmp/edge/fastcgi;
    uwsgi_temp_path /tmp/edge/uwsgi;
    scgi_temp_path /tmp/edge/scgi;
    server_tokens off;
    default_type application/octet-stream;
    output_buffers 1 32k;
    access_log off;
    map $request_time $edge_milliseconds {
      "~^0\.0*(?<small>[0-9]+)$" $small;
      "~^(?<whole>[0-9]+)\.(?<rest>[0-9]+)$" $whole$rest;
    }
    log_format json escape=json '{"time":"$time_iso8601","level":"info","msg":"request","method":"$request_method",'
      '"path":"$uri","status":$status,"durationMs":$edge_milliseconds,"requestId":"$edge_request_id",'
      '"cache":"$upstream_cache_status","region":"$edge_region","name":"$hostname"}';
    keepalive_timeout 75s;
    keepalive_requests 100000;
    client_header_timeout 10s;
    client_body_timeout 10s;
    send_timeout 30s;
    reset_timedout_connection on;
    large_client_header_buffers 4 8k;
    gzip on;
    gzip_vary on;
    gzip_proxied any;
    gzip_comp_level 4;
    gzip_min_length 512;
    gzip_types text/plain text/css text/javascript application/javascript application/json application/xml application/wasm image/svg+xml;
    map $http_accept_encoding $edge_encoding {
      "~*(^|[\s,])br(?!\s*;\s*q=0(\.0*)?\s*(,|$))(\s*[;,]|\s*$)" "br, gzip";
      "~*(^|[\s,])gzip(?!\s*;\s*q=0(\.0*)?\s*(,|$))(\s*[;,]|\s*$)" "gzip";
      default "";
    }
    map $http_accept $edge_accept {
      "" "*/*";
      "~*^text/html\s*(,|$)" "text/html,application/xhtml+xml,*/*;q=0.8";
      "~*^text/css\s*,\s*\*/\*;q=0\.1$" "*/*";
      default $http_accept;
    }
    map $upstream_cache_status $edge_answer {
      volatile;
      default "$edge_name $upstream_cache_status $request_method $request_time $sent_http_content_length $upstream_http_x_edge_times";
    }
    map $http_x_request_id $edge_request_id {
      "~^[A-Za-z0-9._-]{1,128}$" $http_x_request_id;
      default $request_id;
    }
    map $http_authorization $edge_is_personal {
      "" "";
      default 1;
    }
`;

const afterServers = String.raw`
    server {
      listen 8081;
      default_type text/plain;
      location = /healthz {
        return 200 "alive\n";
      }
      location = /readyz {
        return 200 "ready\n";
      }
      location = /metrics {
        set $edge_region eu;
        js_content edge.metrics;
      }
      location / {
        return 404;
      }
    }
  }
`;

describe("nginx.conf of an edge", () => {
  it("is this around its servers", () => {
    const options = nginxOptions();
    const servers = [clientServer(options), fetchServer(options)];
    assert.deepEqual(linesOf(nginxConfig(options)), [beforeServers, ...servers, afterServers].flatMap(linesOf));
  });

  for (const [args, gone, come] of [
    [{ resources: { limits: { cpu: "2500m" } } }, ["worker_processes 1;"], ["worker_processes 3;"]],
    [{ resources: { limits: { cpu: "100m" } } }, [], []],
    [
      { keepSeconds: 60 },
      [
        "js_shared_dict_zone zone=paths:4m timeout=90000s;",
        "proxy_cache_path /var/cache/edge/objects levels=1:2 keys_zone=objects:16m max_size=268435456 inactive=86400s use_temp_path=off;",
      ],
      [
        "js_shared_dict_zone zone=paths:4m timeout=3660s;",
        "proxy_cache_path /var/cache/edge/objects levels=1:2 keys_zone=objects:16m max_size=268435456 inactive=60s use_temp_path=off;",
      ],
    ],
    [
      { limits: { requestsPerSecond: 20, connections: 7 } },
      [],
      [
        "limit_req_zone $binary_remote_addr zone=requests:8m rate=20r/s;",
        "limit_req_status 429;",
        "limit_conn_zone $binary_remote_addr zone=connections:8m;",
        "limit_conn_status 429;",
        "limit_req zone=requests burst=20 nodelay;",
        "limit_conn connections 7;",
      ],
    ],
    [
      { limits: { requestsPerSecond: 20, burst: 5 } },
      [],
      [
        "limit_req_zone $binary_remote_addr zone=requests:8m rate=20r/s;",
        "limit_req_status 429;",
        "limit_req zone=requests burst=5 nodelay;",
      ],
    ],
    [
      { limits: { connections: 7 } },
      [],
      [
        "limit_conn_zone $binary_remote_addr zone=connections:8m;",
        "limit_conn_status 429;",
        "limit_conn connections 7;",
      ],
    ],
  ] as const) {
    it(`has other lines with ${JSON.stringify(args)}`, () => {
      const changes = changesOf(nginxConfig(nginxOptions()), nginxConfig(nginxOptions(args)));
      assert.deepEqual(changes, { gone, come });
    });
  }

  const release = { path: "/version", header: "X-App-Version" };

  it("asks the origin once a second which release it is, which nobody else can", () => {
    const watch = String.raw`
    location @watch {
      js_periodic edge.watch interval=1s;
    }
    location = /release {
      allow 127.0.0.1;
      deny all;
      add_header X-Edge-Release $upstream_http_x_app_version;
      proxy_set_header X-Edge-Probe 1;
      proxy_pass http://unix:/tmp/edge/fetch.sock:/version;
    }`;
    const text = linesOf(nginxConfig(nginxOptions({ release }))).join("\n");
    assert.ok(text.includes(linesOf(watch).join("\n")), text);
    assert.doesNotMatch(nginxConfig(nginxOptions()), /release \{|watch/);
  });

  it("asks the origin, not the shield, which release it is", () => {
    const text = nginxConfig(nginxOptions({ release, shield: "http://www-us-shield.shop.svc:8082" }));
    assert.match(text, /proxy_pass http:\/\/unix:\/tmp\/edge\/origin\.sock:\/version;/);
  });

  it("is a text of sections with one blank line between them", () => {
    const text = nginxConfig(nginxOptions({ limits: { connections: 7 } }));
    assert.match(text, /^# Generated: an edge in front of an origin\./);
    assert.match(text, /\n  \}\n\n\}\n$/);
    assert.doesNotMatch(text, /\n[ \t]*\n[ \t]*\n|[ \t]\n/);
    assert.match(text, /worker_connections 4096;\n\}\n\nhttp \{\n/);
    assert.match(text, /\n\n  limit_conn_zone \S+ \S+;\n  limit_conn_status 429;\n\n  # Clients\.\n/);
  });
});
