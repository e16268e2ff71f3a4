const colours = 6;
const given = new Map();

/** Regions and versions start at different colours, so that a bar is not taken for a version. */
const firstColour = { region: 0, version: 3 };

/** The colour of a region or a version, the same for as long as the page is open. */
function colourOf(kind, key) {
  if (!given.has(kind)) given.set(kind, new Map());
  const keys = given.get(kind);
  if (!keys.has(key)) keys.set(key, `var(--c${(firstColour[kind] + keys.size) % colours})`);
  return keys.get(key);
}

function coloured(made, kind, key) {
  made.style.setProperty("--colour", colourOf(kind, key));
  return made;
}

function element(tag, className, ...children) {
  const made = document.createElement(tag);
  made.className = className;
  made.append(...children);
  return made;
}

function percent(part, whole) {
  return `${((100 * part) / whole).toFixed(1)} %`;
}

/** Draws the counts of a tally: a bar per replica, coloured by region, and one per region. */
export function drawSpread(tally, replicas, regions) {
  const inOrder = [...tally.replicas.values()].sort(
    (a, b) => a.region.localeCompare(b.region) || a.name.localeCompare(b.name),
  );
  drawBars(
    replicas,
    tally.answered,
    inOrder.map(({ name, region, version, count }) => ({ name, detail: ` ${region} · ${version}`, region, count })),
  );
  drawBars(
    regions,
    tally.answered,
    [...tally.regions].sort().map(([region, count]) => ({ name: region, detail: "", region, count })),
  );
}

function drawBars(list, total, bars) {
  const longest = Math.max(...bars.map(({ count }) => count));
  // A bar that is there already is changed and not made anew, since only then can its growth be seen.
  const rows = new Map([...list.children].map((row) => [row.dataset.name, row]));
  list.replaceChildren(
    ...bars.map(({ name, detail, region, count }) => {
      const row = rows.get(name) ?? newRow(name, detail, region);
      row.querySelector(".count").textContent = `${count} · ${percent(count, total)}`;
      row.querySelector(".fill").style.width = `${(100 * count) / longest}%`;
      return row;
    }),
  );
}

function newRow(name, detail, region) {
  const label = element("span", "label", element("b", "", name), element("span", "", detail));
  const track = element("div", "track", coloured(element("div", "fill"), "region", region));
  const row = element("li", "", label, element("span", "count"), track);
  row.dataset.name = name;
  return row;
}

/** Draws how much of each second's answers each version gave, one column a second, and the legend below. */
export function drawShare(tally, now, chart, legend) {
  const versions = tally.versions(now);
  const paths = new Map([...versions.keys()].map((version) => [version, ""]));
  tally.history(now).forEach((second, column) => {
    const total = [...second.values()].reduce((sum, count) => sum + count, 0);
    let bottom = 100;
    for (const version of versions.keys()) {
      const height = (100 * (second.get(version) ?? 0)) / total;
      if (!(height > 0)) continue;
      bottom -= height;
      paths.set(version, `${paths.get(version)}M${column} ${bottom}h1v${height}h-1z`);
    }
  });
  chart.replaceChildren(
    ...[...paths].map(([version, outline]) => {
      const path = document.createElementNS("http://www.w3.org/2000/svg", "path");
      path.setAttribute("d", outline);
      return coloured(path, "version", version);
    }),
  );

  const all = [...versions.values()].reduce((sum, count) => sum + count, 0);
  const shares = [...versions].map(([version, count]) => [version, `${version}: ${percent(count, all)}`]);
  const summary = shares.map(([, text]) => text).join(", ") || "No answers in the last minute";
  chart.setAttribute("aria-label", summary);
  legend.replaceChildren(
    ...shares.map(([version, text]) => element("li", "", coloured(element("i", ""), "version", version), text)),
  );
}
