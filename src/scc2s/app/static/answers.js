// One question and what comes of it: where it stands in the queue, the words as they are written, what they rest on.

import { ask } from "./api.js";
import { count, short } from "./colors.js";

const make = (name, props = {}, ...children) => {
  const found = Object.assign(document.createElement(name), props);
  found.append(...children.filter((child) => child !== null && child !== undefined));
  return found;
};

export class Answer {
  // `onDone` gets the verb and what the server sent.
  constructor(place, one, about, cells, body, { onDone, say }) {
    Object.assign(this, { one, body, onDone, say });
    this.leaving = new AbortController();
    this.where = make("p", { className: "quiet", textContent: "sent" });
    this.words = make("p", { className: "text open", hidden: true });
    this.control = make("p", { className: "said", hidden: true });
    this.bar = make("progress", { hidden: true });
    this.head = make("div");
    this.notes = make("div");
    this.rest = make("div");
    this.stop = make("button", { type: "button", textContent: "Stop" });
    this.stop.addEventListener("click", () => (this.ended ? this.box.remove() : this.leaving.abort()));
    const title = make("h3", { textContent: one.title });
    this.box = make(
      "article", { className: "answer" },
      make("header", {}, make("div", {}, title, make("div", { className: "about", textContent: `${about} · ${cells}` })), this.stop),
      this.where, this.bar, this.words, this.head, this.control, this.notes, this.rest,
    );
    this.box.setAttribute("aria-label", `${one.title}: ${about}`);
    place.prepend(this.box);
    place.parentElement.scrollIntoView({ block: "start" });
  }

  async run() {
    try {
      const found = await ask(this.one.verb, this.body, (name, data) => this.hear(name, data), this.leaving.signal);
      this.show(found);
      this.say(`${this.one.title}: answered`);
      this.onDone(this.one.verb, found);
    } catch (error) {
      this.fail(error);
    } finally {
      this.ended = true;
      this.stop.textContent = "Remove";
      this.bar.hidden = true;
      this.words.classList.remove("open");
    }
  }

  hear(name, data) {
    if (name === "queued") this.where.textContent = data.ahead ? `${data.ahead} before it` : "next";
    if (name === "started") this.where.textContent = "at work …";
    if (name === "step") {
      this.where.textContent = `${data.task}: ${count(data.n)} of ${count(data.total)}`;
      Object.assign(this.bar, { hidden: data.total < 2, max: data.total, value: data.n });
    }
    if (name === "note") this.note(data.text);
    if (name === "text" && data.answer === 1) Object.assign(this.words, { hidden: false, textContent: data.text });
    if (name === "text" && data.answer === 2) {
      this.words.classList.remove("open");
      this.where.textContent = "asking the same without the genes, as a control …";
      this.setControl(data.text);
    }
  }

  note(text) {
    this.notes.append(make("p", { className: "said doubt" }, make("b", { textContent: "Note: " }), text));
  }

  setControl(text, like) {
    const share = like === null || like === undefined ? "" : ` (${Math.round(100 * like)} % of the words are the same)`;
    this.control.replaceChildren(make("b", { textContent: "Without the genes of the cells it says: " }), text || "nothing", share);
    this.control.hidden = false;
  }

  fail(error) {
    const left = error.name === "AbortError";
    this.where.textContent = left ? "Stopped; the server stops as well." : "";
    if (left) return;
    const wait = error.wait ? ` (it may have room in ${error.wait} s)` : "";
    const said = make("p", { className: "said bad", role: "alert" }, make("b", { textContent: "No answer: " }), error.message + wait);
    this.rest.replaceChildren(said);
    this.words.hidden = true;
    this.say(`${this.one.title}: no answer. ${error.message}`);
  }

  show(found) {
    this.where.textContent = `${found.model.id ?? ""} · ${found.seconds} s${found.key ? ` · kept as ${found.key}` : ""}`;
    this.notes.replaceChildren();
    // What is flagged stands at the answer itself.
    found.notes.filter((text) => !/ are flagged: /.test(text)).forEach((text) => this.note(text));
    const parts = { ask: talked, compare: talked, caption: captioned, perturb: perturbed, annotate: annotated, search: searched, generate: generated };
    const [head, ...rest] = parts[this.one.verb].call(this, found.result);
    this.head.replaceChildren(head);
    this.rest.replaceChildren(...rest, how(found));
  }
}

const verdict = (kind, title, text) => make("p", { className: `said ${kind}` }, make("b", { textContent: title }), text);

function talked({ answer, claims, genes }) {
  Object.assign(this.words, { hidden: false, textContent: answer.text || "(no answer)" });
  this.setControl(answer.null_text, answer.like_null);
  const held = answer.flagged
    ? verdict("bad", "Look twice: ", answer.why)
    : answer.n_claims
      ? verdict("good", "The cells contradict none of it. ", answer.why)
      : verdict("doubt", "Nothing in it can be checked. ", answer.why);
  return [
    held,
    claims.length ? more(`Held against the cells (${claims.length})`, table(claims, ["name", "said", "group", "share", "auroc", "pval_adj", "holds", "why"]), true) : null,
    genes.length ? more(`Genes that it was told (${genes.length})`, table(genes, ["group", "gene", "logfoldchange", "pval_adj"])) : null,
    more("Cells that it was shown", make("p", { textContent: answer.cells })),
    more("The prompt", make("pre", { textContent: answer.prompt.map((one) => `${one.role}: ${one.content}`).join("\n\n") })),
  ].filter(Boolean);
}

function captioned({ captions }) {
  const one = captions[0];
  Object.assign(this.words, { hidden: false, textContent: captions.map((c) => c.text || "(none)").join("\n") });
  this.setControl(one.null_text, one.like_null);
  const type = one.type ? ` It names ${one.type}: ${{ yes: "the markers agree", no: `the markers do not${one.type_rival ? `, ${one.type_rival} fits better` : ""}`, "": "not judged" }[one.type_supported]}.` : "";
  return [
    one.flagged ? verdict("bad", "Look twice: ", one.why) : verdict("good", "The cells contradict none of it.", `${type} ${one.why}`),
    more("Genes in the caption", table(captions, ["genes_named", "genes_not_expressed", "genes_not_specific", "genes_unknown", "share_grounded", "share_specific"])),
    more("Genes highest in these cells", make("p", { textContent: one.genes || "none stand out" })),
    more("Cells that it was shown", make("p", { textContent: one.cells })),
  ];
}

function perturbed(result) {
  const asked = result.rows.length < result.n_chosen ? `${count(result.rows.length)} of ${count(result.n_chosen)} cells were asked about. ` : "";
  const genes = [...result.changes.up, ...result.changes.down];
  return [
    verdict("doubt", "What it is worth: ", result.verdict ?? "asked without controls"),
    make("p", { className: "quiet", textContent: `${asked}${Math.round(100 * result.valid)} % of the words are genes of the file. Genes from “${result.layer}” colour the map.` }),
    more("Genes that change most", table(genes, ["gene", "before", "after"]), true),
    result.controls?.length ? more("Controls", table(result.controls, filled(result.controls))) : null,
  ].filter(Boolean);
}

function annotated(result) {
  const counts = Object.entries(result.counts).map(([label, cells]) => ({ label, cells }));
  return [
    verdict(result.verdict === "beats the nulls" ? "good" : "doubt", "Control questions: ", result.verdict ?? "none were asked"),
    table(counts.slice(0, 30), ["label", "cells"]),
    make("p", { className: "quiet", textContent: Object.entries(result.means).map(([name, mean]) => `mean ${name}: ${short(mean)}`).join(", ") }),
  ];
}

function searched(result) {
  const beats = result.params.beats_floor;
  const held = beats === undefined || beats === null || beats === "None"
    ? verdict("doubt", "How: ", result.params.how)
    : verdict(beats ? "good" : "bad", beats ? "Above all other orders of its words." : "Look twice: ", beats ? "" : "other orders of the same words fit some cells as well");
  return [held, table(result.table.slice(0, 10), Object.keys(result.table[0] ?? {}).slice(0, 4)), result.floor ? more("Other orders of the words", table(result.floor, Object.keys(result.floor[0]))) : null].filter(Boolean);
}

function generated(result) {
  return [
    make("p", { className: "quiet", textContent: "Written by the model, measured by nobody; not added to the file." }),
    ...result.cells.slice(0, 20).map((cell) => make("p", { className: "said" }, make("b", { textContent: `${cell.cell_type ?? "cell"}: ` }), cell.c2s_sentence.split(" ").slice(0, 40).join(" "))),
    result.controls?.length ? more("Beside real cells", table(result.controls, filled(result.controls))) : null,
  ].filter(Boolean);
}

const more = (title, what, open = false) => make("details", { open }, make("summary", { textContent: title }), what);

const how = (found) => more("How it came about", make("pre", { textContent: JSON.stringify({ model: found.model, params: found.result.params, versions: found.result.versions }, null, 1) }));

// Columns that hold something in some row.
const filled = (rows) => Object.keys(rows[0]).filter((name) => rows.some((row) => row[name] !== null && row[name] !== ""));

function table(rows, columns) {
  const head = make("tr", {}, ...columns.map((name) => make("th", { scope: "col", textContent: name.replaceAll("_", " ") })));
  const body = rows.map((row) => make("tr", {}, ...columns.map((name) => make("td", { className: typeof row[name] === "number" ? "number" : "", textContent: short(row[name]) }))));
  const box = make("div", { className: "table", tabIndex: 0, role: "region" }, make("table", {}, make("thead", {}, head), make("tbody", {}, ...body)));
  box.setAttribute("aria-label", `Table: ${columns.join(", ")}`);
  return box;
}
