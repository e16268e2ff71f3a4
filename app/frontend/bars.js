import { coloured } from "./colours.js";

/** A replica that others were heard after for so many seconds is shown as silent: it has probably gone. */
const silentSeconds = 10;

export function percent(part, whole) {
  return `${((100 * part) / whole).toFixed(1)} %`;
}

export function milliseconds(value) {
  return `${value.toFixed(value < 10 ? 1 : 0)} ms`;
}

/** A bar per replica, coloured by region: whether it shows what the even share would be. */
export function drawReplicas(tally, list) {
  const replicas = [...tally.replicas.values()].sort(
    (a, b) => a.region.localeCompare(b.region) || a.name.localeCompare(b.name),
  );
  const last = Math.max(...replicas.map(({ heard }) => heard));
  const rows = replicas.map(({ name, region, version, count, heard }) => {
    const isSilent = last - heard > silentSeconds;
    return { name, detail: `${region}${isSilent ? " · silent now" : ""}`, version, region, count, isSilent };
  });
  // While one release takes the place of another, nobody's share is even.
  const hasEven = new Set(replicas.map(({ version }) => version)).size === 1 && rows.length > 1;
  drawBars(list, rows, tally.answered, hasEven);
  return hasEven;
}

export function drawRegions(tally, list) {
  const rows = [...tally.regions].sort().map(([name, count]) => ({ name, region: name, count }));
  drawBars(list, rows, tally.answered);
}

export function drawCaches(tally, list) {
  const rows = [...tally.caches].sort(([, a], [, b]) => b - a).map(([name, count]) => ({ name, count }));
  drawBars(list, rows, tally.answered);
}

export function drawLatency(tally, list) {
  const shares = { p50: 0.5, p90: 0.9, p99: 0.99, slowest: 1 };
  const rows = Object.entries(shares).map(([name, share]) => ({ name, count: tally.percentile(share) }));
  drawBars(list, rows[0].count === undefined ? [] : rows);
}

/** Bars as long as their counts, of some whole or of none: then they are times. */
function drawBars(list, rows, whole, hasEven = false) {
  const longest = Math.max(...rows.map(({ count }) => count));
  if (hasEven) list.style.setProperty("--even", `${(100 * whole) / rows.length / longest}%`);
  list.classList.toggle("even", hasEven);
  // A bar that is there already is changed and not made anew, since only then can its growth be seen.
  const there = new Map([...list.children].map((item) => [item.dataset.name, item]));
  list.replaceChildren(
    ...rows.map(({ name, detail = "", region, version, count, isSilent = false }) => {
      const item = there.get(name) ?? newBar(name, region, version);
      item.classList.toggle("silent", isSilent);
      item.querySelector(".detail").textContent = detail;
      item.querySelector(".count").textContent = whole === undefined ? milliseconds(count) : count;
      item.querySelector(".share").textContent = whole === undefined ? "" : percent(count, whole);
      item.querySelector(".fill").style.width = `${(100 * count) / longest}%`;
      return item;
    }),
  );
}

function newBar(name, region, version) {
  const fill = element("div", "fill");
  if (region !== undefined) coloured(fill, "region", region);
  const figures = element("span", "amount", element("b", "count"), " ", element("span", "share"));
  const label = element("span", "label", element("b", "", name), " ", element("span", "detail"));
  if (version !== undefined) label.append(" ", coloured(element("span", "detail dot", version), "version", version));
  const item = element("li", "", label, figures, element("div", "track", fill));
  item.dataset.name = name;
  return item;
}

export function element(tag, className, ...children) {
  const made = document.createElement(tag);
  if (className !== "") made.className = className;
  made.append(...children);
  return made;
}
