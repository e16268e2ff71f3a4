import assert from "node:assert/strict";

import { balancerConfig } from "../components/edge/balancer.ts";
import { changesOf, linesOf } from "./nginx-lines.ts";

const byName = `
worker_processes 2;
worker_shutdown_timeout 20s;
pid /tmp/nginx.pid;
error_log stderr warn;
events {
  worker_connections 4096;
}
http {
  client_body_temp_path /tmp/body;
  proxy_temp_path /tmp/proxy;
  fastcgi_temp_path /tmp/fastcgi;
  uwsgi_temp_path /tmp/uwsgi;
  scgi_temp_path /tmp/scgi;
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
    listen 8080;
    client_max_body_size 1m;
    absolute_redirect off;
    location / {
      set $balancer_upstream hello;
      proxy_pass http://$balancer_upstream:3000;
      proxy_http_version 1.1;
      proxy_set_header Connection "";
      proxy_set_header Host $http_host;
      proxy_set_header X-Forwarded-For $remote_addr;
      proxy_set_header X-Forwarded-Host $http_host;
      proxy_set_header X-Forwarded-Proto $scheme;
      proxy_connect_timeout 1s;
      proxy_read_timeout 60s;
      proxy_next_upstream error timeout;
      proxy_next_upstream_tries 4;
    }
  }
}`;

describe("the configuration of a load balancer", () => {
  it("asks Docker's DNS for the replicas again each second, and another replica where one is gone", () => {
    assert.deepEqual(linesOf(balancerConfig("hello", 3000)), linesOf(byName));
  });

  it("reads the replicas' name from a file where that can change", () => {
    assert.deepEqual(changesOf(balancerConfig("hello", 3000), balancerConfig(undefined, 3000)), {
      gone: ["set $balancer_upstream hello;"],
      come: [
        "load_module /usr/lib/nginx/modules/ngx_http_js_module.so;",
        "js_import balancer from /etc/balancer/balancer.js;",
        "js_shared_dict_zone zone=release:32k;",
        "js_set $balancer_name balancer.name nocache;",
        "set $balancer_upstream $balancer_name;",
      ],
    });
  });
});
