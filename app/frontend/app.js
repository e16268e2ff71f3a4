import { drawShare, drawSpread } from "./draw.js";
import { ask, askPageCache, burst, steadily } from "./sender.js";
import { Tally } from "./tally.js";

const at = (id) => document.getElementById(id);
const seconds = () => performance.now() / 1000;

const checkMilliseconds = 5000;
const longestWaitMilliseconds = 10_000;

let tally = new Tally();
let stopSteady;
let failuresInARow = 0;
let changed = false;
let drawnSecond;

/** Said aloud by screen readers, so only for what has begun, ended or broken, and never for each answer. */
function say(text) {
  if (at("status").textContent !== text) at("status").textContent = text;
}

function showAnswer({ name, region, version, cache }) {
  at("name").textContent = name;
  at("region").textContent = region;
  at("version").textContent = version;
  at("cache").textContent = cache ?? "none";
}

function cameBack() {
  if (failuresInARow > 0) say("The service answers again.");
  failuresInARow = 0;
  document.body.classList.remove("down");
}

function wentAway(reason) {
  failuresInARow++;
  document.body.classList.add("down");
  say(`The service does not answer (${reason}). This page keeps trying.`);
}

/** One counted request: whether it was answered. */
async function send() {
  const sentTo = tally;
  try {
    const answer = await ask();
    sentTo.add(answer, answer.milliseconds, seconds());
    showAnswer(answer);
    cameBack();
    return true;
  } catch (error) {
    sentTo.fail(error.message);
    wentAway(error.message);
    return false;
  } finally {
    changed = true;
  }
}

/** Looks whether anybody is there, without counting it: often enough to see a change, less often while nobody is. */
async function check() {
  if (!stopSteady && !document.hidden) {
    try {
      const answer = await ask();
      if (tally.answered === 0 || failuresInARow > 0) showAnswer(answer);
      if (at("status").textContent.startsWith("Asking")) say("Ready. Send a request to see who answers.");
      cameBack();
      at("page-cache").textContent = (await askPageCache()) ?? "none";
    } catch (error) {
      wentAway(error.message);
    }
  }
  const wait = failuresInARow > 0 ? Math.min(1000 * 2 ** (failuresInARow - 1), longestWaitMilliseconds) : 0;
  setTimeout(check, wait || checkMilliseconds);
}

function draw() {
  if (changed) {
    changed = false;
    drawSpread(tally, at("replicas"), at("regions"));
    at("answered").textContent = tally.answered;
    at("failed").textContent = tally.failed;
    at("failed").classList.toggle("bad", tally.failed > 0);
    at("failures").hidden = tally.failed === 0;
    at("failures").textContent = `Failed: ${[...tally.reasons].map(([why, count]) => `${count} × ${why}`).join(", ")}`;
    for (const [id, share] of Object.entries({ p50: 0.5, p90: 0.9, p99: 0.99, slowest: 1 })) {
      const value = tally.percentile(share);
      at(id).textContent = value === undefined ? "–" : `${value.toFixed(value < 10 ? 1 : 0)} ms`;
    }
  }
  // The chart moves on by a second even if nothing was answered in it.
  if (drawnSecond === Math.floor(seconds())) return;
  drawnSecond = Math.floor(seconds());
  drawShare(tally, seconds(), at("share"), at("versions"));
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
  if (counted !== tally) return;
  const counts = [...tally.replicas.values()].map((replica) => replica.count).join(" / ");
  const replicas = tally.replicas.size === 1 ? "One replica" : `${tally.replicas.size} replicas`;
  say(`${answered} of ${count} answered. ${replicas} so far${counts && `: ${counts}`}.`);
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
  say("Counts are back at zero.");
});

setInterval(draw, 250);
await check();
