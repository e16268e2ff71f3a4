import assert from "node:assert/strict";

import { clientServer, otherHosts, shieldServer } from "../components/edge/nginx-servers.ts";
import { changesOf, linesOf, nginxOptions } from "./nginx-lines.ts";

/** A shield passes them on to the edges, which hide them from clients. */
const hiddenTags = "proxy_hide_header Surrogate-Key;\nproxy_hide_header Cache-Tag;";
const cache = String.raw`
      set $edge_name www-eu;
      set $edge_region eu;
      set $edge_negative 5;
      set $edge_max_swr 86400;
      set $edge_max_sie 86400;
      set $edge_cache_folder /var/cache/edge/objects;
      set $edge_release_header "";
      set $edge_release_keep "";
      set $edge_is_sliced "";
      add_header X-Request-Id $edge_request_id always;
      access_log /dev/stdout json buffer=4k flush=1s;
      proxy_cache objects;
      open_file_cache max=256 inactive=10s;
      open_file_cache_valid 10s;
      open_file_cache_min_uses 2;
      set $edge_key "";
      proxy_cache_lock on;
      proxy_cache_lock_timeout 10s;
      proxy_cache_lock_age 10s;
      proxy_cache_background_update on;
      proxy_cache_revalidate on;
      proxy_cache_bypass $edge_is_personal;
      proxy_no_cache $edge_is_personal;
      proxy_force_ranges on;
      proxy_next_upstream http_504;
      proxy_http_version 1.1;
      proxy_buffers 16 16k;
      proxy_connect_timeout 2s;
      proxy_read_timeout 3600s;
      proxy_hide_header X-Request-Id;
      proxy_hide_header X-Edge-Times;
      proxy_hide_header Cache-Control;
      proxy_hide_header X-Edge-Cache-Control;
      add_header Cache-Control $upstream_http_x_edge_cache_control always;
      proxy_hide_header Vary;
      proxy_hide_header X-Edge-Vary;
      add_header Vary $upstream_http_x_edge_vary always;
      proxy_hide_header Cache-Status;
      proxy_pass_header Date;
      error_page 429 @limited;
      error_page 502 504 @failed;
`;

const locations = String.raw`
      location / {
        if ($http_cdn_loop ~ "(^|[\s,])www-eu($|[\s,;])") {
          return 508 "The origin of this CDN leads back to the CDN.\n";
        }
        set $edge_key "$edge_generation|$edge_key_host|$edge_encoding|$edge_accept|$request_uri";
        proxy_cache_key "$edge_key";
        proxy_set_header X-Edge-Key "$edge_key";
        proxy_set_header X-Edge-Outcome $upstream_cache_status;
        proxy_set_header X-Edge-Probe "";
        proxy_set_header Host hello.shop.svc:8888;
        proxy_set_header Connection "";
        proxy_set_header Accept $edge_accept;
        proxy_set_header Accept-Encoding $edge_encoding;
        proxy_set_header X-Request-Id $edge_request_id;
        proxy_set_header X-Forwarded-For $edge_client;
        proxy_set_header X-Forwarded-Host $edge_client_host;
        proxy_set_header X-Forwarded-Proto $edge_client_scheme;
        proxy_set_header X-Forwarded-Port $edge_client_port;
        proxy_set_header Forwarded "";
        proxy_set_header X-Real-IP "";
        proxy_set_header X-Forwarded-Scheme "";
        proxy_set_header X-Forwarded-Prefix "";
        proxy_set_header X-Original-URL "";
        proxy_set_header X-Rewrite-URL "";
        proxy_set_header X-HTTP-Method-Override "";
        js_header_filter edge.answer;
        proxy_pass http://fetch;
      }
      location @limited {
        internal;
        js_header_filter edge.answer;
        default_type text/plain;
        add_header X-Request-Id $edge_request_id always;
        add_header Retry-After 1 always;
        return 429 "Too many requests from your address: try again in a second.\n";
      }
      location @failed {
        internal;
        js_header_filter edge.answer;
        default_type text/plain;
        return 502 "This edge cannot reach its other half.\n";
      }
`;

const ownPaths = String.raw`
      location = /.meridian/healthz {
        default_type text/plain;
        return 200 "serving\n";
      }
      location = /.meridian/purge {
        client_max_body_size 8k;
        client_body_buffer_size 8k;
        js_content edge.purge;
      }
      location = /.meridian/status {
        js_content edge.status;
      }
      location /.meridian/ {
        return 404;
      }
`;

const client = String.raw`
    server {
      listen 8080 default_server;
      server_name _;
      client_max_body_size 1048576;
      absolute_redirect off;
${cache}
    ${hiddenTags}
      set $edge_client $remote_addr;
      set $edge_client_host hello.shop.svc:8888;
      set $edge_client_scheme $scheme;
      set $edge_key_host "";
      set $edge_client_port 80;
${locations}
${ownPaths}
  }
`;

const tls = [
  "listen 8443 ssl;",
  "http2 on;",
  "ssl_certificate /etc/edge-tls/tls.crt;",
  "ssl_certificate_key /etc/edge-tls/tls.key;",
  "ssl_protocols TLSv1.2 TLSv1.3;",
  "ssl_session_cache shared:tls:4m;",
];

describe("the servers of an edge", () => {
  it("serve clients of any host name like this", () => {
    assert.deepEqual(linesOf(clientServer(nginxOptions())), linesOf(client));
  });

  for (const [args, gone, come] of [
    [
      { hosts: ["www.example.com", "example.com"] },
      [
        "listen 8080 default_server;",
        "server_name _;",
        "set $edge_client_host hello.shop.svc:8888;",
        'set $edge_key_host "";',
      ],
      [
        "listen 8080;",
        "server_name www.example.com example.com;",
        "set $edge_client_host $host;",
        'set $edge_key_host "$host";',
      ],
    ],
    [{ tlsSecretName: "www-tls" }, ["set $edge_client_port 80;"], [...tls, "set $edge_client_port 443;"]],
    [{ port: 8000 }, ["set $edge_client_port 80;"], ["set $edge_client_port 8000;"]],
    [{ maxBodySize: "1Ki" }, ["client_max_body_size 1048576;"], ["client_max_body_size 1024;"]],
    [
      { negativeSeconds: 7, stale: { maxWhileRevalidateSeconds: 8, maxIfErrorSeconds: 9 } },
      ["set $edge_negative 5;", "set $edge_max_swr 86400;", "set $edge_max_sie 86400;"],
      ["set $edge_negative 7;", "set $edge_max_swr 8;", "set $edge_max_sie 9;"],
    ],
    [
      { release: { path: "/version", header: "X-App-Version", keep: ["/assets/", "/fonts/"] } },
      ['set $edge_release_header "";', 'set $edge_release_keep "";'],
      ['set $edge_release_header "X-App-Version";', 'set $edge_release_keep "/assets/ /fonts/";'],
    ],
    [
      { release: { path: "/version", header: "X-App-Version" } },
      ['set $edge_release_header "";'],
      ['set $edge_release_header "X-App-Version";'],
    ],
  ] as const) {
    it(`serve clients with ${JSON.stringify(args)} by other lines`, () => {
      const changes = changesOf(clientServer(nginxOptions()), clientServer(nginxOptions(args)));
      assert.deepEqual(changes, { gone, come });
    });
  }

  it("fetch and keep large objects in slices, each under a key of its own", () => {
    const options = nginxOptions({ largeObjects: { prefixes: ["/films/", "/music/"], sliceSize: "2Mi" } });
    const sliced = (prefix: string) => {
      const all = locations.replaceAll('"$edge_key"', '"$edge_key|$slice_range"');
      const pass = all.slice(all.indexOf("if ("), all.indexOf("location @limited"));
      const slice =
        "slice 2097152;\nsendfile on;\ntcp_nopush on;\nset $edge_is_sliced 1;\nproxy_set_header Range $slice_range;";
      return `location ^~ ${prefix} {\n${slice}\n${pass}`;
    };
    const large = [sliced("/films/"), sliced("/music/")].join("\n");
    assert.deepEqual(linesOf(clientServer(options)), linesOf(client.replace(locations, () => large + locations)));
  });

  it("answer other host names with 421, if there are names", () => {
    assert.equal(otherHosts(nginxOptions()), "");
    const expected = (tlsLines: readonly string[]) => String.raw`
    server {
      listen 8080 default_server;
    ${tlsLines.join("\n")}
    add_header X-Request-Id $edge_request_id always;
    default_type text/plain;
    set $edge_region eu;
    ${ownPaths}
    location / {
      return 421 "This host name is not served here.\n";
    }
  }`;
    const hosts = ["www.example.com"];
    assert.deepEqual(linesOf(otherHosts(nginxOptions({ hosts }))), linesOf(expected([])));
    assert.deepEqual(
      linesOf(otherHosts(nginxOptions({ hosts, tlsSecretName: "www-tls" }))),
      linesOf(expected(["listen 8443 ssl default_server;", ...tls.slice(1)])),
    );
  });

  it("believe what other edges say of the client, if this one is their shield", () => {
    assert.equal(shieldServer(nginxOptions()), "");
    const expected = (keyHost: string) => String.raw`
  server {
    listen 8082;
    client_max_body_size 1048576;
    absolute_redirect off;
    ${cache}
    set $edge_client $http_x_forwarded_for;
    set $edge_client_host $http_x_forwarded_host;
    set $edge_client_scheme $http_x_forwarded_proto;
    set $edge_client_port $http_x_forwarded_port;
    set $edge_key_host "${keyHost}";
    ${locations}
  }`;
    assert.deepEqual(linesOf(shieldServer(nginxOptions({ isShield: true }))), linesOf(expected("")));
    assert.deepEqual(
      linesOf(shieldServer(nginxOptions({ isShield: true, hosts: ["www.example.com"] }))),
      linesOf(expected("$http_x_forwarded_host")),
    );
  });
});
