import { parseQuantity } from "../resources.ts";
import { edgePaths, edgePorts, releaseLines } from "./nginx-options.ts";
import type { NginxOptions } from "./nginx-options.ts";

/** The server for clients. */
export function clientServer(options: NginxOptions): string {
  const { hosts, limits, tlsSecretName, maxBodySize, port } = options;
  const { requestsPerSecond, burst = requestsPerSecond, connections } = limits;
  const names = hosts.length > 0 ? hosts.join(" ") : "_";
  return `  # Clients.
  server {
    listen ${edgePorts.http}${hosts.length > 0 ? "" : " default_server"};
${tlsSecretName === undefined ? "" : tlsLines}    server_name ${names};
    client_max_body_size ${parseQuantity(maxBodySize)};
    absolute_redirect off;
    ${requestsPerSecond === undefined ? "" : `limit_req zone=requests burst=${burst} nodelay;`}
    ${connections === undefined ? "" : `limit_conn connections ${connections};`}
${cacheLines(options)}
    # For the purge of a tag, and nobody else's business.
    proxy_hide_header Surrogate-Key;
    proxy_hide_header Cache-Tag;
    # What clients say about where they come from is not believed.
    set $edge_client $remote_addr;
    set $edge_client_host ${hosts.length > 0 ? "$host" : new URL(options.origin).host};
    set $edge_client_scheme $scheme;
    set $edge_key_host "${hosts.length > 0 ? "$host" : ""}";
    set $edge_client_port ${port};
${locations(options)}
${ownPaths}
  }`;
}

/** The edge's own paths: its health, for DNS and clouds, and those that the token opens. */
const ownPaths = `    location = /.meridian/healthz {
      # Being able to answer is what counts, also from the cache alone: the origin is not asked.
      default_type text/plain;
      return 200 "serving\\n";
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
    }`;

const tlsLines = `    listen ${edgePorts.https} ssl;
    http2 on;
    ssl_certificate ${edgePaths.tls}/tls.crt;
    ssl_certificate_key ${edgePaths.tls}/tls.key;
    ssl_protocols TLSv1.2 TLSv1.3;
    ssl_session_cache shared:tls:4m;
`;

/** The server for all other host names, if there are any. */
export function otherHosts({ hosts, region, tlsSecretName }: NginxOptions): string {
  if (hosts.length === 0) return "";
  return `  # Any other host name, or none.
  server {
    listen ${edgePorts.http} default_server;
${tlsSecretName === undefined ? "" : tlsLines.replace(" ssl;", " ssl default_server;")}    add_header X-Request-Id $edge_request_id always;
    default_type text/plain;
    set $edge_region ${region};
${ownPaths}
    location / {
      return 421 "This host name is not served here.\\n";
    }
  }`;
}

/** The server for other edges, if this one is their shield. */
export function shieldServer(options: NginxOptions): string {
  if (!options.isShield) return "";
  return `  # Other edges of this CDN, inside the cluster only: these are believed.
  server {
    listen ${edgePorts.shield};
    client_max_body_size ${parseQuantity(options.maxBodySize)};
    absolute_redirect off;
${cacheLines(options)}
    set $edge_client $http_x_forwarded_for;
    set $edge_client_host $http_x_forwarded_host;
    set $edge_client_scheme $http_x_forwarded_proto;
    set $edge_client_port $http_x_forwarded_port;
    set $edge_key_host "${options.hosts.length > 0 ? "$http_x_forwarded_host" : ""}";
${locations(options)}
  }`;
}

/** How the cache works, the same for clients and for other edges. */
function cacheLines({ cdn, region, release, stale, negativeSeconds }: NginxOptions): string {
  const { maxWhileRevalidateSeconds, maxIfErrorSeconds } = stale;
  return `
    set $edge_name ${cdn}-${region};
    set $edge_region ${region};
    set $edge_negative ${negativeSeconds};
    set $edge_max_swr ${maxWhileRevalidateSeconds};
    set $edge_max_sie ${maxIfErrorSeconds};
    set $edge_cache_folder ${edgePaths.cache}/objects;
${releaseLines(release)}
    set $edge_is_sliced "";
    add_header X-Request-Id $edge_request_id always;
    # A pipe takes so much in one piece: lines of several workers do not mix.
    access_log /dev/stdout json buffer=4k flush=1s;

    proxy_cache objects;
    # Files that are asked for again and again stay open; nginx looks for another one when it has stored one anew.
    open_file_cache max=256 inactive=10s;
    open_file_cache_valid 10s;
    open_file_cache_min_uses 2;
    set $edge_key "";
    # One request at a time fetches what is missing, and the others wait for it.
    proxy_cache_lock on;
    proxy_cache_lock_timeout 10s;
    proxy_cache_lock_age 10s;
    # Stale answers as long as the origin allows: no proxy_cache_use_stale, which knows no end.
    proxy_cache_background_update on;
    proxy_cache_revalidate on;
    proxy_cache_bypass $edge_is_personal;
    proxy_no_cache $edge_is_personal;
    # A range of something that is not in the cache yet.
    proxy_force_ranges on;
    # Not on other errors: those are answered by the origin once.
    proxy_next_upstream http_504;
    proxy_http_version 1.1;
    proxy_buffers 16 16k;
    proxy_connect_timeout 2s;
    proxy_read_timeout 3600s;
    proxy_hide_header X-Request-Id;
    proxy_hide_header X-Edge-Times;
    # What the origin said instead of what the cache was told.
    proxy_hide_header Cache-Control;
    proxy_hide_header X-Edge-Cache-Control;
    add_header Cache-Control $upstream_http_x_edge_cache_control always;
    proxy_hide_header Vary;
    proxy_hide_header X-Edge-Vary;
    add_header Vary $upstream_http_x_edge_vary always;
    proxy_hide_header Cache-Status;
    proxy_pass_header Date;
    error_page 429 @limited;
    error_page 502 504 @failed;`;
}

function locations({ largeObjects, cdn, region, origin }: NginxOptions): string {
  const pass = (
    key: string,
  ): string => `      # A request that this edge has sent itself must not go round for ever (RFC 8586).
      if ($http_cdn_loop ~ "(^|[\\s,])${cdn}-${region}($|[\\s,;])") {
        return 508 "The origin of this CDN leads back to the CDN.\\n";
      }
      set $edge_key "$edge_generation|$edge_key_host|$edge_encoding|$edge_accept|$request_uri";
      proxy_cache_key "${key}";
      proxy_set_header X-Edge-Key "${key}";
      proxy_set_header X-Edge-Outcome $upstream_cache_status;
      proxy_set_header X-Edge-Probe "";
      proxy_set_header Host ${new URL(origin).host};
      proxy_set_header Connection "";
      proxy_set_header Accept $edge_accept;
      proxy_set_header Accept-Encoding $edge_encoding;
      proxy_set_header X-Request-Id $edge_request_id;
      proxy_set_header X-Forwarded-For $edge_client;
      proxy_set_header X-Forwarded-Host $edge_client_host;
      proxy_set_header X-Forwarded-Proto $edge_client_scheme;
      proxy_set_header X-Forwarded-Port $edge_client_port;
      # Other ways of saying the same, which no edge vouches for and which are no part of the key.
      proxy_set_header Forwarded "";
      proxy_set_header X-Real-IP "";
      proxy_set_header X-Forwarded-Scheme "";
      proxy_set_header X-Forwarded-Prefix "";
      proxy_set_header X-Original-URL "";
      proxy_set_header X-Rewrite-URL "";
      proxy_set_header X-HTTP-Method-Override "";
      js_header_filter edge.answer;
      proxy_pass http://fetch;`;
  const large = largeObjects.prefixes.map(
    (prefix) => `    # Large objects are fetched and kept in slices.
    location ^~ ${prefix} {
      slice ${parseQuantity(largeObjects.sliceSize)};
      sendfile on;
      tcp_nopush on;
      set $edge_is_sliced 1;
      proxy_set_header Range $slice_range;
${pass("$edge_key|$slice_range")}
    }`,
  );
  return [
    ...large,
    `    location / {
${pass("$edge_key")}
    }
    location @limited {
      internal;
      js_header_filter edge.answer;
      default_type text/plain;
      add_header X-Request-Id $edge_request_id always;
      add_header Retry-After 1 always;
      return 429 "Too many requests from your address: try again in a second.\\n";
    }
    location @failed {
      internal;
      js_header_filter edge.answer;
      default_type text/plain;
      return 502 "This edge cannot reach its other half.\\n";
    }`,
  ].join("\n");
}
