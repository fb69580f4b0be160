from __future__ import annotations

from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from rich.table import Table

CAVEAT = (
    "scc2s-mini was trained on the training cells of this same data set (and of three other blood data sets); the "
    "cells measured here were held out, but donor, laboratory and protocol are the same. It is a small model for "
    "trying, teaching and testing, not an annotator for other tissues. Research use only."
)
_SHOWN = "`umap.png` shows all cells, those the model was trained on too; the two heat maps only the held-out ones."


def belief(summary: dict[str, Any]) -> str:
    """What a reader should take from the figures, in two sentences made of them."""
    held_out = summary["held_out"]
    ours, words, genes = (
        held_out[name]["accuracy"]
        for name in ("model, label scoring", "logistic regression, same sentences", "logistic regression, all genes")
    )
    better = max(words, genes)
    advice = (
        "Where you have labelled cells like yours, use that: sc.tl.c2s_transfer_labels."
        if better >= ours
        else "Where you have labelled cells like yours, compare with that: sc.tl.c2s_transfer_labels."
    )
    return (
        f"What to believe: of {summary['n_test']} held-out cells the model gives {ours:.0%} the label of the authors; "
        f"a logistic regression trained on cells of the same data set {words:.0%} from the same words and {genes:.0%} "
        f"from all genes. {advice} Beside the same questions without the genes the answers are judged: "
        f"{summary['controls']['verdict']}. The model was trained on this data set, so others will be read worse."
    )


def tables(summary: dict[str, Any]) -> list[Table]:
    """What was measured, as tables for a terminal."""
    from rich.table import Table

    return [_rich(Table, title, header, rows) for title, header, rows in _parts(summary)]


def markdown(summary: dict[str, Any]) -> str:
    """What was done and measured, as a page."""
    lines = [
        "# scc2s demo",
        "",
        f"{summary['n_obs']} cells of {summary['data']}: sentences of up to {summary['n_genes']} genes, "
        f"rank-expression fit, reconstruction, embedding and annotation with {summary['model']['id']}, UMAP.",
        "",
        CAVEAT,
    ]
    for title, header, rows in _parts(summary):
        lines += ["", f"## {title}", "", _row(header), _row(["---"] * len(header)), *map(_row, rows)]
    lines += ["", belief(summary)]
    lines += ["", "## Files", "", *(f"- `{name}`" for name in summary["files"]), "", _SHOWN]
    lines += ["", "## Versions", "", ", ".join(f"{k} {v}" for k, v in summary["versions"].items())]
    return "\n".join(lines) + "\n"


def _parts(summary: dict[str, Any]) -> list[tuple[str, list[str], list[list[str]]]]:
    """Title, header and rows of each table."""
    fit = summary["fit"]
    return [
        (
            f"Cell types of {summary['n_test']} held-out cells ({summary['n_labels']} types, "
            f"{summary['n_train']} cells to train on)",
            ["method", "accuracy", "95 % interval", "macro-F1"],
            [
                [name, f"{s['accuracy']:.3f}", f"{s['low']:.3f} to {s['high']:.3f}", f"{s['macro_f1']:.3f}"]
                for name, s in summary["held_out"].items()
            ],
        ),
        (
            f"The same cells with other genes, or none ({summary['controls']['verdict']})",
            ["asked about", "cells", "bits about the cell", "same label", "by chance"],
            [
                [name, f"{c['n_cells']}", f"{c['information']:.2f}", f"{c['same_label']:.2f}", f"{c['chance']:.2f}"]
                for name, c in summary["controls"]["rows"].items()
            ],
        ),
        (
            "Expression from rank",
            ["slope", "intercept", "R2", "R2, all ranks fitted", "Pearson", "Spearman"],
            [[f"{fit[k]:.3f}" for k in ("slope", "intercept", "r2", "r2_all_ranks", "pearson", "spearman")]],
        ),
        (
            "Speed",
            ["step", "cells per second"],
            [[step, f"{rate:,.0f}"] for step, rate in summary["cells_per_second"].items()],
        ),
    ]


def _rich(kind: type[Table], title: str, header: list[str], rows: list[list[str]]) -> Table:
    table = kind(title=title, title_justify="left")
    for i, name in enumerate(header):
        table.add_column(name, justify="left" if i == 0 else "right")
    for row in rows:
        table.add_row(*row)
    return table


def _row(cells: list[str]) -> str:
    return f"| {' | '.join(cells)} |"
