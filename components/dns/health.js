/**
 * Which region each client is sent to, as njs runs it beside CoreDNS: asks the edges of every region whether they can serve,
 * and writes a zone for the clients of each region. edge.js says what njs lacks.
 */
/* eslint-disable @typescript-eslint/no-unused-vars -- njs wants a name for every error that is caught */
import fs from "fs";

const folder = "/zones";
/** One lost packet is no lost region. */
const failuresUntilLost = 2;

/** The first region of `order` that is not lost. If all are, the nearest: it may be the check that is broken. */
function choose(order, lost) {
  const healthy = order.filter((region) => lost.indexOf(region) < 0);
  return healthy.length > 0 ? healthy[0] : order[0];
}

/** A zone that names one address, and the name servers. */
function zone(config, address, serial) {
  const ttl = config.ttlSeconds;
  const servers = config.nameServers.map((_, index) => "ns" + (index + 1));
  const lines = ["$ORIGIN " + config.hostname + ".", "$TTL " + ttl];
  lines.push("@ IN SOA ns1 hostmaster " + serial + " 60 10 3600 " + ttl);
  servers.forEach((server) => lines.push("@ IN NS " + server));
  config.nameServers.forEach((own, index) => lines.push(servers[index] + " IN A " + own));
  lines.push("@ IN A " + address);
  return lines.join("\n") + "\n";
}

async function isServing(url) {
  try {
    const reply = await ngx.fetch(url + "/.meridian/healthz", { verify: false });
    return reply.status === 200;
  } catch (error) {
    return false;
  }
}

/** All regions at once. What changes is written; CoreDNS looks for new files by itself. */
async function check() {
  const config = JSON.parse(fs.readFileSync("/etc/dns/regions.json", "utf8"));
  const names = Object.keys(config.regions);
  const answers = await Promise.all(names.map((name) => isServing(config.regions[name].url)));
  const failures = ngx.shared.failures;
  names.forEach((name, index) => {
    if (answers[index]) failures.set(name, 0);
    else failures.incr(name, 1, 0);
  });
  const lost = names.filter((name) => failures.get(name) >= failuresUntilLost);
  Object.keys(config.orders).forEach((clients) => {
    const region = choose(config.orders[clients], lost);
    if (ngx.shared.chosen.get(clients) === region) return;
    // Another serial is another zone.
    const serial = Math.floor(Date.now() / 100) % 4294967296;
    const file = folder + "/" + clients + ".zone";
    fs.writeFileSync(file + ".new", zone(config, config.regions[region].address, serial));
    fs.renameSync(file + ".new", file);
    ngx.shared.chosen.set(clients, region);
    ngx.log(ngx.WARN, "clients of " + clients + " are sent to " + region);
  });
}

/** Ready as soon as there are zones. */
function ready(r) {
  const isReady = ngx.shared.chosen.size() > 0;
  r.return(isReady ? 200 : 503, isReady ? "ready\n" : "no zone yet\n");
}

export default { check, choose, ready, zone };
