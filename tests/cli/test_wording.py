from __future__ import annotations

import pytest

from scc2s.cli._wording import Flag, reword

FLAGS = {
    "sentences": {"layer": Flag("--layer"), "n_genes": Flag("--n-genes"), "upper": Flag("--upper")},
    "annotate": {
        "label": Flag("--label"),
        "mode": Flag("--mode"),
        "groupby": Flag("--groupby"),
        "prompt": Flag("--prompt"),
        "model": Flag("--model"),
        "backend": Flag("--backend"),
        "device": Flag("--device"),
    },
    "embed": {"model_layer": Flag("--model-layer"), "pooling": Flag("--pooling")},
    "generate": {"obs": Flag("--obs"), "constrain": Flag("--constrain", "--free"), "n": Flag("--n")},
    "perturb": {
        "truth": Flag("--truth"),
        "controls": Flag("--controls", "--no-controls"),
        "donor_key": Flag("--donor-key"),
    },
    "evaluate": {"layer": Flag("--layer"), "true_layer": Flag("--true-layer"), "metric": Flag("--metric")},
    "export": {"precision": Flag("--precision"), "writes": Flag("--writes")},
    "models": {},
}


@pytest.mark.parametrize(
    ("command", "text", "expected"),
    [
        ("embed", "pooling='max' is not known; pass pooling='mean' or pooling='last'",
         "--pooling max is not known; pass --pooling mean or --pooling last"),
        ("embed", "it has only its last layer; pass layer=-1", "it has only its last layer; pass --model-layer -1"),
        ("sentences", "there is no layer 'x'; pass layer= one of ['counts', None]",
         "there is no layer 'x'; pass --layer one of ['counts', None]"),
        ("annotate", "there are none in adata.obs['c2s_sentence']; call sc.pp.c2s_sentences(adata) first",
         "there are none in obs['c2s_sentence']; call `scc2s sentences IN OUT` first"),
        ("annotate", "make the sentences so: sc.pp.c2s_sentences(adata, upper=True)",
         "make the sentences so: `scc2s sentences IN OUT --upper`"),
        ("annotate", "labels is one text; pass a list, e.g. labels=['B cell', ...]",
         'labels is one text; pass a list, e.g. --label "B cell"'),
        ("annotate", "pass labels=[...]", "pass --label ..."),
        ("annotate", 'x is exported; use load(..., backend="onnx")', "x is exported; use --backend onnx"),
        ("annotate", "see scc2s.models.catalogue() for others, or call load('FOLDER')",
         "see `scc2s models` for others, or pass --model FOLDER"),
        ("annotate", "write it: scc2s.models.export_onnx(model, folder)", "write it: `scc2s export MODEL FOLDER`"),
        ("generate", "cells from cells: call sc.tl.c2s_perturb", "cells from cells: call `scc2s perturb`"),
        ("annotate", "save it, and load that: scc2s.models.load(folder)", "save it, and load that: --model FOLDER"),
        ("generate", "pass obs={'tissue': ...}", "pass --obs COLUMN=VALUE"),
        ("generate", "pass constrain=False, or n=4", "pass --free, or --n 4"),
        ("perturb", "fill it, or pass donor_key=None", "fill it, or pass no --donor-key"),
        ("perturb", "pass truth={'condition': 'stim'}", "pass --truth condition=stim"),
        ("perturb", "pass controls=False", "pass --no-controls"),
        ("evaluate", "pass layer= and true_layer= of one kind", "pass --layer and --true-layer of one kind"),
        ("export", "pass precision= one of these, or writes=False", "pass --precision one of these, or no --writes"),
    ],
)  # fmt: skip
def test_options_and_commands_are_those_of_the_command_line(command: str, text: str, expected: str) -> None:
    assert reword(text, command, FLAGS) == expected


@pytest.mark.parametrize(
    "text",
    [
        "obs has no groups; call sc.tl.leiden(adata)",
        "leave them out: adata = adata[adata.obs['c2s_n_genes'] > 0].copy()",
        "call sc.tl.rank_genes_groups(adata, 'x', key_added='mode') first",
        "pass each once, e.g. labels=list(dict.fromkeys(labels))",
        "pass prompt=scc2s.prompts.custom(template, response=' {answer}')",
        'give its name, or scc2s.models.load(..., device="cpu", dtype="float32")',
    ],
)
def test_what_only_python_can_do_stays_and_is_called_so(text: str) -> None:
    assert reword(text, "annotate", FLAGS) == f"{text} (in Python)"


@pytest.mark.parametrize(
    "text",
    [
        "run: pip install -U 'transformers>=5'",
        "a table; in Python, with cells in rows: scanpy.read_csv('a.csv').write_h5ad('cells.h5ad')",
        "there is no file a=b.h5ad",
        "n_cells=0 of another command",
        "expression == 0 (see the page)",
        "",
    ],
)
def test_other_text_stays_as_it_is(text: str) -> None:
    assert reword(text, "annotate", FLAGS) == text
