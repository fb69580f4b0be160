// Colours of cells, and the list or bar that explains them.

const rgb = (hex) => [1, 3, 5].map((i) => parseInt(hex.slice(i, i + 2), 16));

export const css = (name) => getComputedStyle(document.documentElement).getPropertyValue(name).trim();
export const back = () => rgb(css("--back")).map((v) => v / 255);

// Four numbers for each cell: red, green, blue, and what lies on top. Cells outside `chosen` are drawn pale.
export function colorsOf(n, shown, ramp, chosen) {
  const colors = new Uint8Array(4 * n);
  const missing = rgb(css("--missing")), faint = rgb(css("--soft"));
  const pale = ([r, g, b]) => [r, g, b].map((v, i) => Math.round(0.2 * v + 0.8 * faint[i]));
  const table = [];
  if (!shown) table.push(rgb(css("--line")));
  else if (shown.kind === "category") shown.colors.forEach((color) => table.push(rgb(color)));
  else ramp.forEach((color) => table.push(rgb(color)));
  const faded = table.map(pale), fadedMissing = pale(missing);
  const inside = chosen ? mark(n, chosen) : null;
  const span = shown?.kind === "number" ? Math.max(shown.high - shown.low, 1e-30) : 1;
  for (let i = 0; i < n; i++) {
    let code = 0, top = 128;
    if (shown?.kind === "category") code = shown.values[i] === shown.missing ? -1 : shown.values[i];
    else if (shown) {
      const share = (shown.values[i] - shown.low) / span;
      code = Number.isFinite(share) ? Math.min(255, Math.max(0, Math.floor(share * 256))) : -1;
      top = 40 + Math.floor(code * 0.8);
    }
    const out = inside && !inside[i];
    const color = code < 0 ? (out ? fadedMissing : missing) : (out ? faded : table)[code];
    colors[4 * i] = color[0];
    colors[4 * i + 1] = color[1];
    colors[4 * i + 2] = color[2];
    colors[4 * i + 3] = out ? 4 : code < 0 ? 20 : top;
  }
  return colors;
}

function mark(n, rows) {
  const found = new Uint8Array(n);
  for (const row of rows) found[row] = 1;
  return found;
}

export const count = (n) => n.toLocaleString("en");

// How many of the chosen cells have which value, the most first.
export function shares(shown, rows) {
  const counts = new Map();
  for (const row of rows) {
    const code = shown.values[row];
    counts.set(code, (counts.get(code) ?? 0) + 1);
  }
  return [...counts].sort((a, b) => b[1] - a[1]).map(([code, n]) => [code === shown.missing ? "(none)" : shown.categories[code], n]);
}

// Fills `place` with what the colours mean. `onPick` gets the number of a category.
export function legend(place, shown, ramp, picked, onPick) {
  place.replaceChildren();
  if (!shown) return;
  if (shown.kind === "number") {
    const bar = document.createElement("canvas");
    bar.width = 256;
    bar.height = 1;
    bar.setAttribute("role", "img");
    bar.setAttribute("aria-label", `colours from ${short(shown.low)} (dark) to ${short(shown.high)} (bright)`);
    const pen = bar.getContext("2d");
    ramp.forEach((color, i) => {
      pen.fillStyle = color;
      pen.fillRect(i, 0, 1, 1);
    });
    const ends = document.createElement("div");
    ends.className = "ends";
    const what = [shown.source, shown.n_missing ? `${count(shown.n_missing)} without a value` : ""].filter(Boolean).join(", ");
    for (const text of [short(shown.low), what, short(shown.high)]) ends.append(Object.assign(document.createElement("span"), { textContent: text }));
    place.append(bar, ends);
    return;
  }
  const list = document.createElement("ul");
  shown.categories.forEach((name, code) => {
    const item = document.createElement("li");
    const button = Object.assign(document.createElement("button"), { type: "button", title: "Choose these cells" });
    button.setAttribute("aria-pressed", String(picked.has(code)));
    const dot = Object.assign(document.createElement("span"), { className: "dot" });
    dot.style.background = shown.colors[code];
    const label = Object.assign(document.createElement("span"), { className: "label", textContent: name });
    const n = Object.assign(document.createElement("span"), { className: "n", textContent: count(shown.counts[code]) });
    button.append(dot, label, n);
    button.addEventListener("click", () => onPick(code));
    item.append(button);
    list.append(item);
  });
  if (shown.n_missing) {
    const item = Object.assign(document.createElement("li"), { className: "quiet", textContent: `${count(shown.n_missing)} without a value` });
    list.append(item);
  }
  place.append(list);
}

export function short(value) {
  if (value === null || value === undefined) return "";
  if (typeof value !== "number") return String(value);
  if (Number.isInteger(value)) return count(value);
  const size = Math.abs(value);
  return size >= 0.001 && size < 100_000 ? String(Number(value.toPrecision(3))) : value.toExponential(1);
}
