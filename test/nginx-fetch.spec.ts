import assert from "node:assert/strict";

import { fetchServer } from "../components/edge/nginx-fetch.ts";
import { changesOf, linesOf, nginxOptions } from "./nginx-lines.ts";

const names = String.raw`
    upstream fetch {
      server unix:/tmp/edge/fetch.sock max_fails=0;
      server unix:/tmp/edge/nobody.sock backup max_fails=0;
      keepalive 64;
    }
    map $http_cdn_loop $edge_loop {
      "" "www-eu";
      default "$http_cdn_loop, www-eu";
    }
    map $http_via $edge_via {
      "" "1.1 www-eu";
      default "$http_via, 1.1 www-eu";
    }
`;

const upstreams = String.raw`
    upstream origin {
      server hello.shop.svc:8888 max_fails=0;
      keepalive 32;
      keepalive_timeout 30s;
      keepalive_time 10s;
    }
    upstream origin_now {
      server hello.shop.svc:8888 max_fails=0;
    }
    js_set $edge_upstream edge.upstream;
`;

const common = String.raw`
      proxy_http_version 1.1;
      proxy_set_header Host hello.shop.svc:8888;
      proxy_set_header Connection "";
      proxy_set_header CDN-Loop $edge_loop;
      proxy_set_header Via $edge_via;
      proxy_connect_timeout 2s;
      proxy_read_timeout 30s;
      proxy_send_timeout 30s;
      proxy_buffering off;
      proxy_request_buffering off;
      client_max_body_size 0;
      large_client_header_buffers 8 32k;
      proxy_ignore_headers X-Accel-Redirect X-Accel-Expires X-Accel-Limit-Rate X-Accel-Buffering X-Accel-Charset;
      proxy_pass_header Date;
      gzip off;
      proxy_set_header X-Edge-Outcome "";
      proxy_set_header X-Edge-Key "";
      proxy_set_header X-Edge-Probe "";
      set $edge_negative 5;
      set $edge_max_swr 86400;
      set $edge_max_sie 86400;
      set $edge_cache_folder /var/cache/edge/objects;
      set $edge_release_header "";
      set $edge_release_keep "";
      set $edge_is_gone "";
      error_page 502 504 =502 @gone;
`;

/** What is answered without an origin; `filter` translates the answer for the cache. */
const gone = (filter: string) => String.raw`
    location @gone {
      internal;
      ${filter}
      default_type text/plain;
      add_header Retry-After 5 always;
      set $edge_is_gone 1;
      return 502 "The origin does not answer, and this page is not in the cache. Try again in a moment.\n";
    }`;

const translate = "js_header_filter edge.fetched;";
const tls = (name: string) => [
  "proxy_ssl_server_name on;",
  `proxy_ssl_name ${name};`,
  "proxy_ssl_verify on;",
  "proxy_ssl_verify_depth 4;",
  "proxy_ssl_trusted_certificate /etc/ssl/certs/ca-certificates.crt;",
];

describe("the server of an edge that asks the origin", () => {
  it("asks a Service of the cluster over connections that last some seconds", () => {
    const expected = String.raw`
${names}
${upstreams}
  server {
    listen unix:/tmp/edge/fetch.sock;
    ${common}
    ${gone(translate)}
    location / {
      ${translate}
      proxy_pass http://origin;
    }
  }`;
    assert.deepEqual(linesOf(fetchServer(nginxOptions())), linesOf(expected));
  });

  for (const [origin, address, host] of [
    ["http://hello.shop.svc", "hello.shop.svc:80", "hello.shop.svc"],
    ["http://hello.shop.svc.cluster.local:81", "hello.shop.svc.cluster.local:81", "hello.shop.svc.cluster.local:81"],
    ["http://10.0.0.12", "10.0.0.12:80", "10.0.0.12"],
    ["http://[2001:db8::1]:81", "[2001:db8::1]:81", "[2001:db8::1]:81"],
  ] as const) {
    it(`connects to ${origin} at ${address}, found once`, () => {
      assert.deepEqual(changesOf(fetchServer(nginxOptions()), fetchServer(nginxOptions({ origin }))), {
        gone: [
          "server hello.shop.svc:8888 max_fails=0;",
          "server hello.shop.svc:8888 max_fails=0;",
          "proxy_set_header Host hello.shop.svc:8888;",
        ],
        come: [`server ${address} max_fails=0;`, `server ${address} max_fails=0;`, `proxy_set_header Host ${host};`],
      });
    });
  }

  for (const [origin, address, host] of [
    ["http://www.example.com", "www.example.com:80", "www.example.com"],
    ["http://hello.svcs.example", "hello.svcs.example:80", "hello.svcs.example"],
    ["http://10.example.com", "10.example.com:80", "10.example.com"],
    ["http://www.example.10x:81", "www.example.10x:81", "www.example.10x:81"],
    ["http://a-svc.example", "a-svc.example:80", "a-svc.example"],
  ] as const) {
    it(`asks again and again where ${origin} is`, () => {
      const { gone, come } = changesOf(fetchServer(nginxOptions()), fetchServer(nginxOptions({ origin })));
      assert.deepEqual(come, [
        "resolver kube-dns.kube-system.svc.cluster.local valid=10s ipv6=off;",
        `proxy_set_header Host ${host};`,
        `set $edge_origin ${address};`,
        "proxy_pass http://$edge_origin$request_uri;",
      ]);
      const own = ["proxy_set_header Host hello.shop.svc:8888;", "proxy_pass http://origin;"];
      assert.deepEqual(gone.toSorted(), [...linesOf(upstreams), ...own].toSorted());
    });
  }

  it("asks the DNS server that it is told", () => {
    const text = fetchServer(nginxOptions({ origin: "http://www.example.com", resolver: "192.0.2.53" }));
    assert.ok(linesOf(text).includes("resolver 192.0.2.53 valid=10s ipv6=off;"));
  });

  it("asks over TLS only whoever has the name's certificate", () => {
    const { come } = changesOf(
      fetchServer(nginxOptions()),
      fetchServer(nginxOptions({ origin: "https://hello.shop.svc" })),
    );
    assert.deepEqual(come, [
      "server hello.shop.svc:443 max_fails=0;",
      "server hello.shop.svc:443 max_fails=0;",
      ...tls("hello.shop.svc"),
      "proxy_set_header Host hello.shop.svc;",
      "proxy_pass https://origin;",
    ]);
    const outside = changesOf(
      fetchServer(nginxOptions({ origin: "http://www.example.com" })),
      fetchServer(nginxOptions({ origin: "https://www.example.com" })),
    );
    assert.deepEqual(outside.come, [
      ...tls("www.example.com"),
      "set $edge_origin www.example.com:443;",
      "proxy_pass https://$edge_origin$request_uri;",
    ]);
  });

  for (const [args, gone, come] of [
    [
      { connectTimeoutSeconds: 3, answerTimeoutSeconds: 11 },
      ["proxy_connect_timeout 2s;", "proxy_read_timeout 30s;", "proxy_send_timeout 30s;"],
      ["proxy_connect_timeout 3s;", "proxy_read_timeout 11s;", "proxy_send_timeout 11s;"],
    ],
    [
      { release: { path: "/version", header: "X-App-Version", keep: ["/assets/"] } },
      ['set $edge_release_header "";', 'set $edge_release_keep "";', "proxy_pass http://origin;"],
      [
        'set $edge_release_header "X-App-Version";',
        'set $edge_release_keep "/assets/";',
        "proxy_pass http://$edge_upstream;",
      ],
    ],
  ] as const) {
    it(`asks with ${JSON.stringify(args)} by other lines`, () => {
      assert.deepEqual(changesOf(fetchServer(nginxOptions()), fetchServer(nginxOptions(args))), { gone, come });
    });
  }

  it("asks the shield first, and the origin itself when the shield does not answer", () => {
    const expected = String.raw`
${names}
${upstreams}
  server {
    listen unix:/tmp/edge/origin.sock;
    ${common}
    ${gone("")}
    location / {
      proxy_pass http://origin;
    }
  }
  upstream shield {
    server www-us-shield.shop.svc:8082 max_fails=1 fail_timeout=5s;
    server unix:/tmp/edge/origin.sock backup;
    keepalive 32;
  }
  server {
    listen unix:/tmp/edge/fetch.sock;
    ${common}
    ${gone(translate)}
    location / {
      ${translate}
      proxy_next_upstream error timeout http_502;
      proxy_next_upstream_timeout 34s;
      proxy_pass http://shield;
    }
  }`;
    const shield = "http://www-us-shield.shop.svc:8082";
    assert.deepEqual(linesOf(fetchServer(nginxOptions({ shield }))), linesOf(expected));
  });
});
