const colours = 6;
const given = new Map();

/** Regions and versions start at different colours, so that a bar is not taken for a version. */
const firstColour = { region: 0, version: 3 };

/** The colour of a region or a version, the same for as long as the page is open. */
function colourOf(kind, key) {
  if (key === "failed") return "var(--bad)";
  if (!given.has(kind)) given.set(kind, new Map());
  const keys = given.get(kind);
  if (!keys.has(key)) keys.set(key, `var(--c${(firstColour[kind] + keys.size) % colours})`);
  return keys.get(key);
}

/** Gives an element the colour of a region or a version, as `--colour`. */
export function coloured(made, kind, key) {
  made.style.setProperty("--colour", colourOf(kind, key));
  return made;
}
