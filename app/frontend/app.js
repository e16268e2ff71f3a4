import { drawCaches, drawLatency, drawRegions, drawReplicas, milliseconds } from "./bars.js";
import { coloured } from "./colours.js";
import { Link } from "./link.js";
import { ask, askPageCache, burst, steadily } from "./sender.js";
import { drawShare, sayRelease } from "./share.js";
import { Tally } from "./tally.js";

const at = (id) => document.getElementById(id);
const seconds = () => performance.now() / 1000;

let tally = new Tally();
let newest;
let stopSteady;
let changed = false;
let drawnSecond;

/** Said aloud by screen readers, so only for what has begun, ended or broken, and never for each answer. */
function say(text) {
  if (at("status").textContent !== text) at("status").textContent = text;
}

const link = new Link({ check, say, pill: at("link") });

function showAnswer({ name, region, version, cache, milliseconds: took }) {
  at("name").textContent = name;
  at("region").textContent = region;
  coloured(at("region"), "region", region);
  at("version").textContent = version;
  coloured(at("version"), "version", version);
  at("took").textContent = milliseconds(took);
  at("cache").textContent = cache ?? "none on the way";
  if (newest !== undefined && newest !== version && !tally.knows(version)) say(`First answer from ${version}.`);
  newest = version;
}

/** One counted request: whether it was answered. */
async function send() {
  const sentTo = tally;
  sentTo.sent++;
  changed = true;
  try {
    const answer = await ask(at("what").value);
    showAnswer(answer);
    sentTo.add(answer, answer.milliseconds, seconds());
    link.up();
    return true;
  } catch (error) {
    sentTo.fail(error.message, seconds());
    link.down(error.message);
    return false;
  } finally {
    changed = true;
  }
}

/** Looks whether anybody is there, without counting it, unless requests that are counted tell it anyway. */
async function check() {
  if (stopSteady || document.hidden) return false;
  const answer = await ask();
  if (tally.answered === 0 || link.isDown) showAnswer(answer);
  at("page-cache").textContent = (await askPageCache()) ?? "none on the way";
  return true;
}

function draw() {
  if (changed) {
    changed = false;
    for (const count of ["sent", "answered", "failed"]) at(count).textContent = tally[count];
    at("failed").classList.toggle("bad", tally.failed > 0);
    at("failures").hidden = tally.failed === 0;
    at("failures").textContent = [...tally.reasons].map(([why, count]) => `${count} × ${why}`).join(", ");
    at("even").hidden = !drawReplicas(tally, at("replicas"));
    drawRegions(tally, at("regions"));
    drawLatency(tally, at("latency"));
    drawCaches(tally, at("caches"));
  }
  // The chart moves on by a second even if nothing was answered in it.
  if (drawnSecond === Math.floor(seconds())) return;
  drawnSecond = Math.floor(seconds());
  drawShare(tally, seconds(), at("share"), at("versions"));
  at("release").textContent = sayRelease(tally.release(seconds()));
}

async function sendMany(count) {
  const counted = tally;
  let answered = 0;
  at("hundred").disabled = true;
  say(`Sending ${count} requests…`);
  await burst(count, async () => {
    if (await send()) answered++;
  });
  at("hundred").disabled = false;
  if (counted !== tally || link.isDown) return;
  const counts = [...tally.replicas.values()].map((replica) => replica.count).join(" / ");
  const replicas = tally.replicas.size === 1 ? "One replica" : `${tally.replicas.size} replicas`;
  say(`${answered} of ${count} answered. ${replicas} so far: ${counts}.`);
}

function toggleSteady() {
  if (stopSteady) {
    stopSteady();
    stopSteady = undefined;
    say("Stopped.");
  } else {
    stopSteady = steadily(Number(at("rate").value), send);
    say(`Sending ${at("rate").selectedOptions[0].text}.`);
  }
  at("steady").setAttribute("aria-pressed", String(stopSteady !== undefined));
}

at("one").addEventListener("click", send);
at("hundred").addEventListener("click", () => sendMany(100));
at("steady").addEventListener("click", toggleSteady);
at("rate").addEventListener("change", () => {
  if (!stopSteady) return;
  toggleSteady();
  toggleSteady();
});
at("clear").addEventListener("click", () => {
  tally = new Tally();
  changed = true;
  drawnSecond = undefined;
  say("Counts are back at zero.");
});

setInterval(draw, 250);
await link.watch();
