// The questions that can be asked: what each needs, and the request that it becomes.

const SAMPLE = { n_cells: { label: "cells shown", kind: "number", value: 3, min: 1, max: 50 } };

export const VERBS = [
  {
    verb: "ask", title: "Ask",
    fields: { question: { label: "question", kind: "long", value: "Which cells are these, and which genes tell?", most: 4000 }, ...SAMPLE },
    body: (v, cells) => ({ question: v.question, n_cells: v.n_cells, cells }),
    about: (v) => v.question,
  },
  {
    verb: "caption", title: "Caption", needsCells: true, fields: SAMPLE,
    body: (v, cells) => ({ n_cells: v.n_cells, cells }),
    about: () => "A caption",
  },
  {
    verb: "compare", title: "Compare", needsCells: true, fields: SAMPLE,
    hint: (state) => (state.kept ? `with group B (${state.kept.rows.length.toLocaleString("en")} cells)` : "with all other cells; keep a group B above to compare with it"),
    body: (v, cells, state) => ({ n_cells: v.n_cells, a: { ...cells, label: "group A" }, b: state.kept ? { rows: [...state.kept.rows], label: "group B" } : null }),
    about: (v, state) => (state.kept ? "The chosen cells (group A) and group B" : "The chosen cells (group A) and all other cells"),
  },
  {
    verb: "perturb", title: "Perturb",
    fields: {
      perturbation: { label: "perturbation", kind: "text", value: "", need: "IFN-beta", list: "perturbations", most: 300 },
      most_cells: { label: "cells asked about, at most", kind: "number", value: 20, min: 1, max: 2000 },
    },
    body: (v, cells) => ({ perturbation: v.perturbation, most_cells: v.most_cells, cells }),
    about: (v) => `After ${v.perturbation}`,
  },
  {
    verb: "annotate", title: "Annotate",
    fields: { labels: { label: "labels, one a line (none: those of the model)", kind: "long", value: "" } },
    hint: (state) => (state.chosen ? "the chosen cells; the labels stand in the answer" : "all cells; the labels become a column"),
    body: (v, cells) => ({ cells, labels: lines(v.labels) }),
    about: () => "Labels",
  },
  {
    verb: "search", title: "Search",
    fields: { text: { label: "text (none: cells like the chosen ones)", kind: "text", value: "", most: 2000, free: true } },
    body: (v, cells, state) => (v.text.trim() ? { text: v.text, groupby: state.shown?.kind === "category" ? state.shown.name : null } : { cells, use_rep: state.rep() }),
    about: (v) => (v.text.trim() ? `Cells for: ${v.text}` : "Cells like the chosen ones"),
  },
  {
    verb: "generate", title: "Generate",
    fields: {
      type: { label: "cell type (none: any)", kind: "text", value: "", list: "labels", most: 200, free: true },
      n: { label: "cells", kind: "number", value: 3, min: 1, max: 200 },
    },
    body: (v) => ({ n: v.n, obs: v.type.trim() ? { cell_type: [v.type.trim()] } : null }),
    about: (v) => `${v.n} new cells${v.type.trim() ? `: ${v.type.trim()}` : ""}`,
    noCells: true,
  },
];

function lines(text) {
  const found = text.split("\n").map((line) => line.trim()).filter(Boolean);
  return found.length ? found : null;
}

// Fills the form of a verb; `why` says why it cannot be asked.
export function show(form, one, state, why) {
  form.replaceChildren();
  for (const [name, field] of Object.entries(one.fields)) {
    const row = Object.assign(document.createElement("div"), { className: "row" });
    const id = `field-${name}`;
    const input = document.createElement(field.kind === "long" ? "textarea" : "input");
    Object.assign(input, { id, name, value: state.said[`${one.verb}.${name}`] ?? field.value });
    if (field.kind === "number") Object.assign(input, { type: "number", min: field.min, max: field.max, required: true });
    if (field.most) input.maxLength = field.most;
    if (field.need) Object.assign(input, { placeholder: `e.g. ${field.need}`, required: true });
    if (field.kind === "long" && !one.fields.labels) input.required = true;
    if (field.list) {
      const list = Object.assign(document.createElement("datalist"), { id: `${id}-list` });
      for (const value of state.data?.model?.[field.list] ?? []) list.append(Object.assign(document.createElement("option"), { value }));
      input.setAttribute("list", list.id);
      input.autocomplete = "off";
      row.append(list);
    }
    input.addEventListener("input", () => (state.said[`${one.verb}.${name}`] = input.value));
    row.prepend(Object.assign(document.createElement("label"), { htmlFor: id, textContent: field.label }), input);
    form.append(row);
  }
  const missing = one.needsCells && !state.chosen ? "choose cells first: draw a lasso, or click a colour" : "";
  const who = one.noCells ? "" : state.chosen ? `about ${state.chosen.rows.length.toLocaleString("en")} chosen cells` : "about all cells";
  const said = why ? `The model cannot: ${why}.` : missing || [who, one.hint?.(state)].filter(Boolean).join(", ");
  const note = Object.assign(document.createElement("p"), { className: why ? "error" : "quiet", textContent: said, id: "form-note" });
  const button = Object.assign(document.createElement("button"), { type: "submit", className: "main", textContent: one.title, disabled: Boolean(why || missing) });
  button.setAttribute("aria-describedby", "form-note");
  form.append(note, button);
}

export function read(form, one) {
  const values = Object.fromEntries(new FormData(form));
  for (const [name, field] of Object.entries(one.fields)) if (field.kind === "number") values[name] = Number(values[name]);
  return values;
}
