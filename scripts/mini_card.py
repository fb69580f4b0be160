"""The model card of scc2s-mini, written from the figures that evaluate_mini.py measured."""

from __future__ import annotations

import json
from typing import TYPE_CHECKING

if TYPE_CHECKING:
    from pathlib import Path

HEAD = """# scc2s-mini

The small causal language model that comes with scc2s: the offline default, for first steps, tutorials, tests and teaching. It was taught
human blood, and one data set each of lymphoid organs, a breast tumour and two panels of lung tumours. It is not a general annotator: for
other tissues, organisms or cell types load a published C2S model, or train on your own cells (`scc2s.pp.samples`, `scc2s.train.sft`).
Research use only.

"""
TEXT = """## What it is

- Architecture: GPT-NeoX, {layers} layers, width {width}, {heads} heads, tied embeddings, {parameters} parameters, context {context} tokens;
  weights stored as float16. Plain `AutoModelForCausalLM.from_pretrained` opens the folder under transformers 4.57 and 5.
- Tokenizer: one token for each of {genes} gene symbols; byte-level pieces for any other text.
- Tasks: cell type, conditional and unconditional generation (also in the manner of a data set, whose strongest genes stand in the prompt),
  response to IFN-beta, caption, names of gene sets and genes of named sets (markers of its cell types).
- Genes that it does not read ({unread}: ribosomal, mitochondrial, and some that nearly every cell expresses) are left out of prompts that ask
  about a cell; sentences stay what they are. It was trained with and without them.
- Cell types lie in one hierarchy, with other wordings of each (`scc2s.json`); a question in your labels is read through it. Types that it
  declares: {labels}.
- Trained by `scripts/train_mini.py` on two busy cores of an AMD EPYC (AVX2) in four stretches, beginning with the weights of its first version
  (commit f479f00): 850 steps of 14 minutes; with tokens for 1,360 more genes, 5,000 steps of 75 minutes (`--seed 1 --learning-rate 8e-4
  --dropout 0.05 --decay 0.4`); 1,300 steps, mostly of generation, with a loss in which a gene that was said is no choice (`--seed 2
  --learning-rate 6e-4 --dropout 0 --decay 0.7`); 4,200 steps of 70 minutes of all tasks (`--seed 4 --learning-rate 8e-4 --dropout 0.05
  --decay 0.9 --repeats 0.2`). The weights are the mean of those after the third and the fourth stretch (`average_mini.py`), which on validation cells writes cells
  that are told from real ones less often than either (AUROC 0.61 at temperature 1; 0.62 and 0.72), with 3 of 1,858 types fewer right
  than the fourth alone. Prompts were varied (molecules thinned, genes dropped, panels, cells of a type mixed, ties shuffled),
  completions never.
- Rare types of sorted blood are taught by cells made from real ones: a pseudo-bulk of training cells times the fold change of two sorted
  profiles, drawn as molecules (`mini_sets.ratio_cells`). They are never among the cells that are measured.
- It was taught what no perturbation means: control cells of the same type, asked for under "no perturbation", "no IFN-beta", and made-up names
  of random syllables. An unknown name should change little, then; one spelled with the letters of IFN-beta changes more than it should (see
  the table below), and what any of them does says nothing about real drugs.

## Data

| data set | training cells | labels | licence of the repository it came from |
| --- | --- | --- | --- |
| PBMC 3k, 10x Genomics (Zheng et al. 2017) | 1,833 | authors' | MIT; 10x data CC BY 4.0 |
| IFN-beta PBMC, Kang et al. 2018, 9,015 genes | 1,309 | derived from the next row | GPL-3 |
| IFN-beta PBMC, Kang et al. 2018, 1,267 genes, donor 101 only | 667 | authors' | GPL-3 |
| PBMC 68k reduced, from scanpy | 503 | authors' | BSD-3 |
| MALT lymphoma, CITE-seq, 10x Genomics | 635 | gated on proteins | GPL-2 or later; 10x data CC BY 4.0 |
| triple-negative breast tumour, Wu et al. 2021 | 900 | authors' | GPL-3 |
| spleen, tonsil, lymph node (Madissoon 2019, King 2021, James 2020) | 239 | authors' | GPL-3 |
| lung tumour, CosMx, 960 genes (He et al. 2022) | 1,894 | authors' | GPL-3 |
| lung tumour, MERFISH, 479 genes (Chen et al. 2024) | 2,211 | authors' | GPL-3 |
| sorted bulk, only as fold changes: DMAP (Novershtern et al. 2011), ABIS (Monaco et al. 2019) | 23 and 17 profiles | sorted | see the sources |
| none of the types: mouse, worm and human embryo, glioblastoma slices, GTEx tissues | 70 % of up to 300 each | none | see `scripts/mini_sets.py` |

Splits are by a hash of the cell's name (`scc2s.train.split`): 70 % training, 10 % validation, 20 % test. Donor 107 of the labelled Kang
set is a test set of its own, and no cell of pbmc_citeseq, no mast cell and no pericyte was trained on. The 114 cells that the two Kang files
share were removed from the larger one. That file does not name the donors of the rest, so some of its training cells may come from donor
107; its labels are derived, and a score against them is a score against a classifier. Choices were made on the validation cells; the figures
below are from test cells.
"""
LIMITS = """## Limits

Small test sets; one seed; one data set a tissue, so that a type of a tissue is also a type of that study. It answers for one perturbation,
IFN-beta. Gene sets are markers of its own cell types. Captions follow one pattern and name markers of the type, not findings about the cell.
"""


METHODS = {"markers": "marker genes", "regression": "logistic regression, sentences", "mini": "scc2s-mini"}


def cannot(figures: dict, temperature: float) -> str:
    """The page that comes first, with its figures from the tables below it."""
    right = {part: {m: f[name]["accuracy"] for m, name in METHODS.items()} for part, f in figures["annotation"].items()}
    found = {kind: f["recall"] for kind, f in figures["recall"].items()}
    gen, free = (figures["generation"][0][part] for part in ("rows", "free"))
    unknown = figures["unknown types"]
    rows = [row for table in figures["perturbation"].values() for row in table]

    def of(predictor: str, measure: str) -> dict[tuple, float]:
        keys = [(part, row["group"]) for part, table in figures["perturbation"].items() for row in table]
        return {key: row[measure] for key, row in zip(keys, rows, strict=True) if row["predictor"] == predictor}

    own, others = (of(p, "delta_pearson") for p in ("prediction", "mean shift of other groups"))
    nearer, far = (of(p, "energy_distance") for p in ("prediction", "mean shift of other groups"))
    shift = of("prediction", "program_shift").values()
    scrambled, regenerated = (
        sum(of(p, "program_shift").values()) / sum(shift) for p in ("scrambled name", "unperturbed regeneration")
    )
    above = sum(own[key] > others[key] for key in own)
    closer = sum(nearer[key] < far[key] for key in own)
    caught = {name: f"{f['wrong_flagged']} of {f['wrong']}" for name, f in figures["captions"].items()}
    return (
        "## What it cannot do\n\n"
        "- **Tell fine types of T cells apart as well as a regression on your own labels.** It finds"
        f" {found['naive CD8 T cell']:.0%} of naive CD8 T cells, {found['memory CD4 T cell']:.0%} of memory and {found['naive CD4 T cell']:.0%} of"
        f" naive CD4 T cells, {found['regulatory T cell']:.0%} of regulatory ones. On PBMC 3k {right['pbmc3k']['mini']:.3f} of its fine types are right, a"
        f" logistic regression on the same words {right['pbmc3k']['regression']:.3f}; in the lung panel of 960 genes {right['lung_cosmx']['mini']:.3f}"
        f" against {right['lung_cosmx']['regression']:.3f}. On blood labelled by surface proteins, which it never saw (pbmc_citeseq, five"
        f" types), {right['pbmc_citeseq']['mini']:.3f}: a regression trained on PBMC 3k {right['pbmc_citeseq']['regression']:.3f}, marker"
        f" genes {right['pbmc_citeseq']['markers']:.3f}. If you have labelled cells, `scc2s.tl.transfer_labels` is the better start.\n"
        "- **Know tissues that it was not taught.** Each tissue is one study. The trust beside each label and the line in the log tell when cells are"
        ' foreign (`obs["c2s_cell_type_trust"]`); so may the probability of "none of these", which is at home with the foreign sets below'
        f" and finds types that it never saw less well: pericytes at an AUROC of {unknown['pericyte, breast']:.2f}, mast cells at"
        f" {unknown['mast cell, lung_cosmx']:.2f} and {unknown['mast cell, lung_merfish']:.2f}.\n"
        "- **Anything about several cells at once, or in conversation.** It was not taught samples (their cell types, tissue, disease, abstract,"
        " or to write one), neighbourhoods and niches, interactions of proteins, surface proteins, or to talk. Tools that need it refuse this "
        "model by name: `tl.annotate(contexts=)`, `tl.generate` with several cells a sample, `tl.same_neighborhood`, `tl.same_niche`, "
        "`tl.generate_neighbor`; `tl.chat`, `tl.ask`, `tl.compare`, `tl.abstract` and `tl.hypothesize` want an instruct model. "
        "`tl.embed(contexts=)` and `tl.perplexity(contexts=)` work and say that it was not taught this.\n"
        f"- **Write cells that pass for real everywhere.** They are told from held-out cells of PBMC 3k at an AUROC of {gen['generated']['AUROC']:.2f}"
        f" (genes drawn one by one: {gen['marginal-rank sampler']['AUROC']:.2f}; real cells: {gen['real cells']['AUROC']:.2f}), and genes go together less"
        f" than in real cells (correlation of gene-gene correlations {gen['generated']['gene-gene r']:.2f};"
        f" {gen['marginal-rank sampler']['gene-gene r']:.2f}; {gen['real cells']['gene-gene r']:.2f}). A sampler of ten lines remains hard to beat. Held to"
        f" genes it repeats none; **written freely, only {free['share_unique']:.0%} of its genes are no repeats**: it does not remember 200"
        " words. Keep `constrain=True`, the default.\n"
        "- **Answer for a perturbation other than IFN-beta.** It declares no other. For IFN-beta, the mean shift of the *other* cell types"
        f" tells which genes move better than the model does in {len(own) - above} of {len(own)} comparisons below; its cells are nearer to the"
        f" stimulated ones in energy distance in {closer} of {len(own)}. A scrambled name moves the interferon program too, by"
        f" {scrambled:.0%} of what the name does, and asked for no perturbation it writes {regenerated:.0%}: subtract them.\n"
        f"- **Be right as often as it says, everywhere.** Its probabilities are divided by a temperature of {temperature:g}, fitted on one donor of"
        " pbmc_citeseq; on the other donor (192 cells) the calibration error is then 0.100 (0.092 without), as it is right in 0.89 and says"
        ' 0.83. A type that is not on your list is found there by the probability of "none" at an AUROC of 0.84 (CD8 T cells) to 1.00, as'
        " long as it is one that the model was taught (`scripts/calibrate_mini.py`).\n"
        "- **Caption reliably.** Of captions that name a wrong type, "
        + "; ".join(f"{n} are flagged ({name})" for name, n in caught.items())
        + ".\n"
    )


def _share(x: float) -> str:
    return f"{x:.3f}"


def _table(head: list[str], rows: list[list[str]]) -> str:
    return "\n".join(["| " + " | ".join(r) + " |" for r in (head, ["---"] * len(head), *rows)]) + "\n"


def _ci(scored: dict[str, float] | None) -> str:
    """Accuracy, its interval, and macro-F1."""
    if scored is None:
        return ""
    return f"{scored['accuracy']:.3f} [{scored['low']:.2f}, {scored['high']:.2f}] / {scored['macro_f1']:.2f}"


def annotation(figures: dict) -> str:
    methods = [
        "scc2s-mini",
        "marker genes",
        "logistic regression, sentences",
        "logistic regression, all genes",
        "most frequent type",
    ]
    rows = [
        [part, str(f["n"]), f"{f['n_types']} ({f['types with markers']})", *(_ci(f.get(m)) for m in methods)]
        for part, f in figures["annotation"].items()
    ]
    return (
        "## Annotation\n\nAccuracy with its 95 % interval (Wilson) / macro-F1 on held-out cells, 200-gene sentences, among the types that the training"
        " cells of the data set have (in brackets: those with markers in `scc2s.programs.markers()`; other types count as wrong for markers)."
        " Regressions are trained on the same training cells of that data set alone; for pbmc_citeseq, which nothing was trained on, on PBMC 3k."
        "\n\n" + _table(["cells", "n", "types", *methods], rows)
    )


def recall(figures: dict, declared: list[str]) -> str:
    rows = [
        [kind, "yes" if kind in declared else "no", str(f["cells"]), _share(f["recall"]), ", ".join(f["sets"])]
        for kind, f in sorted(figures["recall"].items(), key=lambda item: -item[1]["recall"])
    ]
    return (
        "## How many cells of each type it finds\n\nShare of the held-out cells of a type that are called so, or by a type below it, over the sets"
        " of the table above. It declares the types of which it found at least half on at least five validation cells.\n\n"
        + _table(["type", "declared", "held-out cells", "found", "sets"], rows)
    )


def wording(figures: dict) -> str:
    rows = [
        [name, str(f["n"]), _ci(f["as written"]), _ci(f["as declared"]), _share(f["most frequent"])]
        for name, f in figures["own wording"].items()
    ]
    return (
        "## Labels in a user's wording\n\nThe same held-out cells, labels as users write them and as the model declares them.\n\n"
        + _table(["labels", "n", "as written", "as declared", "most frequent type"], rows)
    )


def strangers(figures: dict) -> str:
    rows = [[name, _share(value)] for name, value in figures["unknown types"].items()]
    return (
        '## Cells of no type on the list\n\nAUROC of the probability of "none" against held-out cells of known types. Mast cells and pericytes were'
        " never trained on. Of the foreign sets other cells were trained on, as none of the types, so there it is at home.\n\n"
        + _table(["cells", "AUROC"], rows)
    )


def embedding(figures: dict) -> str:
    rows = [
        [part] + [f"{_share(f[m]['accuracy'])} ({_share(f[m]['among test cells'])})" for m in ("scc2s-mini", "PCA-50")]
        for part, f in figures["embedding"].items()
    ]
    return (
        "## Embedding\n\nAccuracy of a 15-nearest-neighbour vote: test cells among training cells (in brackets: among the test cells themselves)."
        " PCA-50 is taken over all cells and genes of the data set, log-normalised.\n\n"
        + _table(["cells", "scc2s-mini, mean of last layer", "PCA-50"], rows)
    )


def generation(figures: dict) -> str:
    measures = ["scFID", "energy", "AUROC", "gene-gene r", "spread", "own type", "copies"]
    rows, free = [], []
    for f in figures["generation"]:
        free.append(
            f"{f['free']['share_valid']:.1%} and {f['free']['share_unique']:.1%} at temperature {f['temperature']:g}"
        )
        rows += [
            [f"scc2s-mini, temperature {f['temperature']:g}" if name == "generated" else name]
            + [f"{row[m]:.3f}" if row[m] is not None else "" for m in measures]
            for name, row in f["rows"].items()
        ]
    n = figures["generation"][0]["cells a type"]
    return (
        f"## Generation\n\n{n} cells of each of six types of PBMC 3k, held to genes, in the manner of the data set, beside held-out cells (means over"
        " types, equal numbers of cells; `benchmarks/generated_cells.py` says what each is). Smaller is better for scFID, energy distance and the"
        " AUROC of a classifier that tells real from generated cells (0.5: cannot). Written freely, the share of words that are genes and of genes"
        f" that are no repeats: {'; '.join(free)}.\n\n" + _table(["cells", *measures], rows)
    )


def perplexity(figures: dict) -> str:
    rows = [
        [name, str(f["cells"]), f"{f['as they are']:.0f}", f"{f['shuffled']:.0f}"]
        for name, f in figures["perplexity"].items()
    ]
    return "## Perplexity per gene of held-out sentences\n\n" + _table(
        ["cells", "n", "as they are", "same genes, shuffled"], rows
    )


SHOWN = {
    "prediction": "scc2s-mini",
    "mean shift of the same type (training cells)": "mean shift, same type",
    "mean shift of other groups": "mean shift, other types",
    "unperturbed regeneration": "no perturbation",
    "scrambled name": "scrambled name",
    "real cells, split half": "real cells, split half",
}


def perturbation(figures: dict) -> str:
    rows = []
    for part, table in figures["perturbation"].items():
        for kind in dict.fromkeys(row["group"] for row in table):
            of = {row["predictor"]: row for row in table if row["group"] == kind}
            first = of["prediction"]
            rows.append(
                [part, kind, f"{first['n_control']} / {first['n_true']}", f"{first['true_program_shift']:.2f}"]
                + [
                    f"{of[m]['program_shift']:.2f}; {_share(of[m]['delta_pearson'])}; {_share(of[m]['energy_distance'])}"
                    for m in SHOWN
                ]
            )
    return (
        "## IFN-beta response\n\nHeld-out control cells in, one constrained sample each; all cells are sentences put through one line"
        ' from rank to expression. First number: shift of the interferon program (`scc2s.programs.get("ifn")`), to compare with the true one.'
        " Then Pearson correlation of the shift of all genes, and energy distance to the stimulated cells. `real cells, split half`: half of the"
        " stimulated cells as prediction of the other half.\n\n"
        + _table(["cells", "type", "control / stimulated", "true program shift", *SHOWN.values()], rows)
    )


def names(figures: dict) -> str:
    f = figures["gene set names"]
    return (
        f"## Names of gene sets\n\n{f['sets']} sets of 8 to 40 marker genes of held-out cells: {_share(f['right'])} get the name of their"
        f" cell type (by chance within a data set: {_share(f['chance within the data set'])}).\n"
    )


def captions(figures: dict) -> str:
    rows = [
        [
            source,
            f"{f['right']} of {f['right'] + f['wrong']}",
            f"{f['wrong_flagged']} of {f['wrong']}",
            f"{f['right_flagged']} of {f['right']}",
        ]
        for source, f in figures["captions"].items()
    ]
    return (
        "## Captions of groups\n\nCaptions that name a type, over eight data sets (`benchmarks/caption_grounding.py`): right where the type is that of"
        " the group, or a wider or narrower one; flagged by `scc2s.tl.caption`. All cells of the sets, most of which were trained on.\n\n"
        + _table(["groups", "right", "wrong ones flagged", "right ones flagged"], rows)
    )


PARTS = (wording, strangers, embedding, generation, perplexity, perturbation, names, captions)


def card(figures: dict, folder: Path) -> str:
    """Text of README.md in the model folder."""
    config, declared = (json.loads((folder / name).read_text()) for name in ("config.json", "scc2s.json"))
    genes = [
        t
        for t in json.loads((folder / "tokenizer.json").read_text())["model"]["vocab"]
        if t.startswith("Ġ") and t[1:].isupper()
    ]
    about = {
        "layers": config["num_hidden_layers"],
        "width": config["hidden_size"],
        "heads": config["num_attention_heads"],
        "context": config["max_position_embeddings"],
        "parameters": f"{int(figures['model']['n_parameters']):,}",
        "genes": f"{len(genes):,}",
        "labels": ", ".join(declared["labels"]),
        "unread": len(declared["unread_genes"]),
    }
    return "\n".join(
        [
            HEAD + cannot(figures, declared.get("temperature", 1.0)),
            TEXT.format(**about),
            annotation(figures),
            recall(figures, declared["labels"]),
            *(part(figures) for part in PARTS),
            LIMITS,
        ]
    )
