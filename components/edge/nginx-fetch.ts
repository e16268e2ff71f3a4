import { edgePaths, releaseLines } from "./nginx-options.ts";
import type { NginxOptions } from "./nginx-options.ts";

/** Whether a host is found by its name once, when nginx starts: the cluster's own Services keep their addresses. */
function isStatic(host: string): boolean {
  return /^[\d.]+$|^\[|\.svc(\.|$)/.test(host);
}

/** The servers that ask the origin, or the shield. */
export function fetchServer(options: NginxOptions): string {
  const { origin, shield, connectTimeoutSeconds, answerTimeoutSeconds } = options;
  const { scratch } = edgePaths;
  const url = new URL(origin);
  const address = `${url.hostname}:${url.port || (url.protocol === "https:" ? 443 : 80)}`;
  const pass = isStatic(url.hostname)
    ? `proxy_pass ${url.protocol}//${options.release === undefined ? "origin" : "$edge_upstream"};`
    : `# Asked for again when the name's time is over, so that the origin can move.
      set $edge_origin ${address};
      proxy_pass ${url.protocol}//$edge_origin$request_uri;`;
  const tls =
    url.protocol === "https:"
      ? `
    proxy_ssl_server_name on;
    proxy_ssl_name ${url.hostname};
    proxy_ssl_verify on;
    proxy_ssl_verify_depth 4;
    proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;`
      : "";
  const common = `    proxy_http_version 1.1;
    proxy_set_header Host ${url.host};
    proxy_set_header Connection "";
    proxy_set_header CDN-Loop $edge_loop;
    proxy_set_header Via $edge_via;
    proxy_connect_timeout ${connectTimeoutSeconds}s;
    proxy_read_timeout ${answerTimeoutSeconds}s;
    proxy_send_timeout ${answerTimeoutSeconds}s;
    # What is slow to arrive is passed on as it arrives.
    proxy_buffering off;
    proxy_request_buffering off;
    client_max_body_size 0;
    # The cache's key, which is longer than the longest path that clients are allowed, is among the headers.
    large_client_header_buffers 8 32k;
    # The origin steers the cache by HTTP, not by the words of nginx.
    proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;
    proxy_pass_header Date;
    gzip off;
    proxy_set_header X-Edge-Outcome "";
    proxy_set_header X-Edge-Key "";
    proxy_set_header X-Edge-Probe "";
    set $edge_negative ${options.negativeSeconds};
    set $edge_max_swr ${options.stale.maxWhileRevalidateSeconds};
    set $edge_max_sie ${options.stale.maxIfErrorSeconds};
    set $edge_cache_folder ${edgePaths.cache}/objects;
${releaseLines(options.release)}
    set $edge_is_gone "";
    error_page 502 504 =502 @gone;`;
  const gone = (filter: string): string => `    location @gone {
      internal;
      ${filter}
      default_type text/plain;
      add_header Retry-After 5 always;
      set $edge_is_gone 1;
      return 502 "The origin does not answer, and this page is not in the cache. Try again in a moment.\\n";
    }`;
  const translate = "js_header_filter edge.fetched;";
  const relay =
    shield === undefined
      ? ""
      : `

  # The shield is asked first. When it does not answer, the origin itself is, for some seconds without another try.
  upstream shield {
    server ${new URL(shield).host} max_fails=1 fail_timeout=5s;
    server unix:${scratch}/origin.sock backup;
    keepalive 32;
  }
  server {
    listen unix:${scratch}/fetch.sock;
${common}
${gone(translate)}
    location / {
      ${translate}
      proxy_next_upstream error timeout http_502;
      proxy_next_upstream_timeout ${connectTimeoutSeconds * 2 + answerTimeoutSeconds}s;
      proxy_pass http://shield;
    }
  }`;
  return `  upstream fetch {
    server unix:${scratch}/fetch.sock max_fails=0;
    # Nobody listens there: what it is sent to fails, and so is answered with what is stale, as far as that is allowed.
    server unix:${scratch}/nobody.sock backup max_fails=0;
    keepalive 64;
  }
  map $http_cdn_loop $edge_loop {
    "" "${options.cdn}-${options.region}";
    default "$http_cdn_loop, ${options.cdn}-${options.region}";
  }
  map $http_via $edge_via {
    "" "1.1 ${options.cdn}-${options.region}";
    default "$http_via, 1.1 ${options.cdn}-${options.region}";
  }${
    isStatic(url.hostname)
      ? `
  upstream origin {
    server ${address} max_fails=0;
    keepalive 32;
    keepalive_timeout 30s;
    # A new connection now and then finds new replicas.
    keepalive_time 10s;
  }
  # Without lasting connections, since those lead to replicas on their way out when there is a new release.
  upstream origin_now {
    server ${address} max_fails=0;
  }
  js_set $edge_upstream edge.upstream;`
      : `
  resolver ${options.resolver} valid=10s ipv6=off;`
  }

  # The other half: asks the origin.
  server {
    listen unix:${scratch}/${shield === undefined ? "fetch" : "origin"}.sock;${tls}
${common}
${gone(shield === undefined ? translate : "")}
    location / {
      ${shield === undefined ? translate : ""}
      ${pass}
    }
  }${relay}`;
}
