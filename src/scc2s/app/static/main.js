// The page: what is shown, what is chosen, what is asked.

import { file, get, needsToken, numbers } from "./api.js";
import { Answer } from "./answers.js";
import { back, colorsOf, count, legend, shares, short } from "./colors.js";
import { VERBS, read, show } from "./forms.js";
import { Hands } from "./map.js";
import { Points } from "./points.js";

const $ = (id) => document.getElementById(id);
const state = { data: null, shown: null, chosen: null, kept: null, picked: new Set(), verb: VERBS[0], said: {}, open: 0 };
state.rep = () => ["X_c2s", "X_pca"].find((name) => state.data.bases.some((one) => one.name === name)) ?? state.data.bases[0]?.name ?? "X_c2s";
let points = null, hands = null, colouring = 0, looking = 0;

const hint = (text) => Object.assign($("hint"), { textContent: text, hidden: !text });
const banner = (text) => Object.assign($("banner"), { textContent: text, hidden: !text });

async function start() {
  try {
    state.data = await get("data");
  } catch (error) {
    $("about").textContent = "";
    return banner(`The cells cannot be shown: ${error.message}`);
  }
  about();
  fillLists();
  tabs();
  choose(null);
  try {
    points = new Points($("drawing"));
  } catch (error) {
    banner(error.message);
  }
  if (points) {
    points.setBack(back());
    hands = new Hands(points, { onChosen: (rows) => choose(rows), onLook: look, onDrop: () => choose(null) });
    matchMedia("(prefers-color-scheme: dark)").addEventListener("change", () => (points.setBack(back()), paint()));
    await Promise.all([places(), colour(firstColour())]);
  }
  document.body.dataset.ready = "true";
  watch();
}

function about() {
  const { data } = state;
  $("name").textContent = data.name;
  document.title = `${data.name} – scc2s`;
  $("about").textContent = `${count(data.n_obs)} cells, ${count(data.n_vars)} genes`;
  const model = { "not loaded": "is not loaded yet", loading: "is being loaded", ready: "", failed: "could not be loaded" }[data.model.state];
  $("model").textContent = `Model: ${data.model.name}${model ? ` (${model})` : ""}`;
  if (data.model.state === "failed") banner(`The model ${data.model.name} could not be loaded: ${data.model.error}`);
  $("download").textContent = data.changed ? "Download h5ad with results" : "Download h5ad";
}

// The model is loaded while the page is open already; results change what there is.
async function refresh() {
  try {
    state.data = await get("data");
  } catch (error) {
    return banner(error.message);
  }
  banner("");
  about();
  fillLists();
  tabs();
}

function watch() {
  if (!["ready", "failed"].includes(state.data.model.state)) setTimeout(async () => (await refresh(), watch()), 1000);
}

function fillLists() {
  const { data } = state;
  const keep = (id, values, first = []) => {
    const place = $(id), before = place.value;
    place.replaceChildren(...[...first, ...values].map(([value, text]) => Object.assign(document.createElement("option"), { value, textContent: text })));
    if ([...place.options].some((one) => one.value === before)) place.value = before;
  };
  keep("basis", data.bases.map(({ name, dims }) => [name, dims > 2 ? `${name} (first 2 of ${dims})` : name]));
  keep("layer", data.layers.map((name) => [name, name]), [["", "data"]]);
  suggest("");
  if (!data.bases.length) hint("The file has no map of the cells. In Python: sc.pp.neighbors(adata, use_rep='X_c2s'); sc.tl.umap(adata)");
}

const usable = () => state.data.columns.filter(({ name, kind }) => kind !== "other" && !name.endsWith("_sentence") && !name.endsWith("_raw"));

async function suggest(text) {
  const columns = usable().map((one) => one.name);
  const genes = text ? await get("genes", { prefix: text, most: 20 }).catch(() => []) : [];
  $("colours").replaceChildren(...[...new Set([...columns, ...genes])].map((value) => Object.assign(document.createElement("option"), { value })));
}

function firstColour() {
  const kinds = usable();
  const likely = /cell.?type|celltype|label|leiden|louvain|cluster/i;
  const found = kinds.find(({ name, kind }) => kind === "category" && likely.test(name)) ?? kinds.find(({ kind }) => kind === "category") ?? kinds.find(({ kind }) => kind === "number");
  return found?.name ?? "";
}

async function places() {
  const basis = $("basis").value;
  if (!basis) return;
  hint("Loading the map …");
  try {
    points.setPlaces(await numbers("coordinates.bin", { basis }, Float32Array));
    hint(points.n ? "" : `no cell has a place in ${basis}`);
    paint();
  } catch (error) {
    hint(error.message);
  }
}

async function colour(name) {
  const mine = ++colouring;
  $("colour-error").hidden = true;
  if (!name) return paint();
  $("colour").value = name;
  const isColumn = state.data.columns.some((one) => one.name === name);
  const [path, params] = isColumn ? ["column", { name }] : ["gene", { name, layer: $("layer").value }];
  try {
    const found = await get(path, params);
    found.values = await numbers(`${path}.bin`, params, found.dtype === "uint16" ? Uint16Array : Float32Array);
    if (mine !== colouring) return;
    state.shown = found;
    state.picked.clear();
    paint();
    tellChosen();
  } catch (error) {
    if (mine === colouring) Object.assign($("colour-error"), { textContent: error.message, hidden: false });
  }
}

function paint() {
  if (!points || !state.data) return;
  points.setColors(colorsOf(state.data.n_obs, state.shown, state.data.ramp, state.chosen?.rows));
  legend($("legend"), state.shown, state.data.ramp, state.picked, pick);
}

// A category of the list is added to the chosen cells, or taken from them.
function pick(code) {
  const had = state.picked.delete(code);
  if (!had) state.picked.add(code);
  const picked = new Set(state.picked);
  const rows = [];
  if (picked.size) state.shown.values.forEach((value, i) => picked.has(value) && rows.push(i));
  choose(picked.size ? Uint32Array.from(rows) : null, picked);
  $("legend").querySelectorAll("button")[code]?.focus();
}

function choose(rows, picked = new Set()) {
  state.chosen = rows?.length ? { rows } : null;
  state.picked = picked;
  if (rows && !rows.length) hint("no cell is inside");
  else if (points?.n) hint("");
  paint();
  tellChosen();
}

function tellChosen() {
  const { chosen, kept, shown } = state;
  let text = "None: questions are about all cells. To choose some, draw a lasso on the map or click a colour above.";
  if (chosen) {
    text = `${count(chosen.rows.length)} of ${count(state.data.n_obs)} cells`;
    if (shown?.kind === "category") text += `: ${shares(shown, chosen.rows).slice(0, 4).map(([name, n]) => `${name} ${count(n)}`).join(", ")}`;
  }
  $("chosen").textContent = text;
  $("drop").disabled = $("keep").disabled = !chosen;
  Object.assign($("kept"), { hidden: !kept, textContent: kept ? `Group B: ${count(kept.rows.length)} cells` : "" });
  form();
}

function tabs() {
  const place = $("tabs");
  if (!place.children.length) {
    VERBS.forEach((one, i) => {
      const tab = Object.assign(document.createElement("button"), { type: "button", id: `tab-${one.verb}`, textContent: one.title, role: "tab" });
      tab.setAttribute("aria-controls", "form");
      tab.addEventListener("click", () => ((state.verb = one), tabs(), form()));
      tab.addEventListener("keydown", (event) => {
        const step = { ArrowRight: 1, ArrowLeft: -1 }[event.key];
        if (step) $(`tab-${VERBS[(i + step + VERBS.length) % VERBS.length].verb}`).focus();
      });
      place.append(tab);
    });
  }
  for (const one of VERBS) {
    const tab = $(`tab-${one.verb}`), why = state.data.model.can[one.verb];
    tab.setAttribute("aria-selected", String(one === state.verb));
    tab.classList.toggle("cannot", Boolean(why));
    tab.title = why ? `The model cannot: ${why}` : "";
  }
  if (!$("form").children.length) form();
}

function form() {
  const why = state.data.model.can[state.verb.verb];
  const focused = document.activeElement?.id;
  show($("form"), state.verb, state, state.verb.verb === "search" && state.chosen ? "" : why);
  $("form").setAttribute("aria-labelledby", `tab-${state.verb.verb}`);
  if (focused?.startsWith("field-")) $(focused)?.focus();
}

// Chosen cells as a request names them: by values of the column where these were picked, which is short.
function told({ shown, picked, chosen }) {
  return picked.size ? { column: shown.name, values: [...picked].map((code) => shown.categories[code]) } : { rows: [...chosen.rows] };
}

function submit(event) {
  event.preventDefault();
  const one = state.verb, values = read($("form"), one);
  const cells = state.chosen && !one.noCells ? told(state) : null;
  const who = one.noCells ? "" : cells ? `${count(state.chosen.rows.length)} chosen cells` : "all cells";
  if (!state.open && !$("answers").querySelector(".answer")) $("answers").replaceChildren();
  const say = (text) => ($("status").textContent = text);
  const answer = new Answer($("answers"), one, one.about(values, state), who, one.body(values, cells, state), { onDone: answered, say });
  say(`${one.title}: sent`);
  state.open++;
  answer.run().finally(() => state.open--);
}

async function answered(verb, found) {
  await refresh();
  if (verb === "search") return colour(found.result.column);
  if (verb === "annotate" && found.key) return colour(found.result.column);
  if (verb === "perturb") {
    $("layer").value = found.result.layer;
    const gene = found.result.changes.up[0]?.gene ?? found.result.changes.down[0]?.gene;
    if (gene) return colour(gene);
  }
}

// The sentence of a cell under the pointer.
async function look(cell, x, y) {
  const box = $("cell"), mine = ++looking;
  if (cell < 0) return void (box.hidden = true);
  let found;
  try {
    found = await get(`cells/${cell}`, { n_genes: 25 });
  } catch {
    return;
  }
  if (mine !== looking) return;
  const { shown } = state;
  let value = "";
  if (shown) value = `${shown.name}: ${shown.kind === "category" ? (shown.categories[shown.values[cell]] ?? "none") : short(shown.values[cell])}`;
  const line = (tag, text) => Object.assign(document.createElement(tag), { textContent: text });
  const sentence = found.sentence.length ? `${found.sentence.join(" ")} …` : state.data.sentences ? "no gene" : "sentences are being written …";
  box.replaceChildren(line("b", found.name), line("span", value), line("span", sentence));
  box.hidden = false;
  const plot = $("plot").getBoundingClientRect();
  box.style.left = `${Math.min(x + 14, Math.max(4, plot.width - box.offsetWidth - 6))}px`;
  box.style.top = `${y + 14 + box.offsetHeight > plot.height ? Math.max(4, y - box.offsetHeight - 10) : y + 14}px`;
}

async function download() {
  if (!needsToken()) return void location.assign("/api/download");
  $("download").disabled = true;
  try {
    const link = Object.assign(document.createElement("a"), { href: URL.createObjectURL(await file("download")), download: `${state.data.name.replace(/\.[^.]*$/, "")}-scc2s.h5ad` });
    link.click();
    setTimeout(() => URL.revokeObjectURL(link.href), 60_000);
  } catch (error) {
    banner(`The file was not written: ${error.message}`);
  } finally {
    $("download").disabled = false;
  }
}

$("colour").addEventListener("change", (event) => colour(event.target.value.trim()));
$("colour").addEventListener("focus", (event) => event.target.select());
$("colour").addEventListener("input", (event) => suggest(event.target.value.trim()));
$("layer").addEventListener("change", () => state.shown?.source && colour(state.shown.name));
$("basis").addEventListener("change", places);
$("drop").addEventListener("click", () => choose(null));
$("keep").addEventListener("click", () => ((state.kept = state.chosen), tellChosen(), (state.verb = VERBS.find((one) => one.verb === "compare")), tabs(), form()));
$("form").addEventListener("submit", submit);
$("download").addEventListener("click", download);

window.scc2s = { state, get points() { return points; } };
start();
