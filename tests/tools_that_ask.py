"""The tools that ask a model, each on a few cells with a tiny model, and what they leave; also a run that is killed.

``python tools_that_ask.py CELLS MODEL FOLDER`` runs each of them in a process that is killed when the model is asked
for the second time; what it has got by then is in ``FOLDER/<tool>.sqlite``.
"""

from __future__ import annotations

import os
import signal
import sys
from typing import TYPE_CHECKING, Any

import anndata as ad

import scc2s

if TYPE_CHECKING:
    from collections.abc import Callable

ASK = ("embed", "score", "log_likelihood", "attention", "generate")
"""Methods of a model that ask it."""


def _labels(adata: Any, **kwargs: Any) -> None:
    scc2s.tl.annotate(adata, labels=["B cell", "CD8+ T cell"], prior_correction=True, **kwargs)


def _names(adata: Any, **kwargs: Any) -> None:
    # One list a cell, so that there are many.
    scc2s.tl.name_genes(
        adata, groupby="each", rank_genes_key="ranked", prompt="{cell_sentence}: a name is", max_new_tokens=3, **kwargs
    )


TOOLS: dict[str, Callable[..., None]] = {
    "embed": lambda adata, **kwargs: scc2s.tl.embed(adata, **kwargs),
    "annotate": _labels,
    "annotate, written": lambda adata, **kwargs: scc2s.tl.annotate(adata, mode="generate", max_new_tokens=3, **kwargs),
    "perplexity": lambda adata, **kwargs: scc2s.tl.perplexity(adata, **kwargs),
    "search": lambda adata, **kwargs: scc2s.tl.search(adata, "B cell of the blood", n_shuffled=2, **kwargs),
    "importance": lambda adata, **kwargs: scc2s.tl.importance(adata, target="B cell", n_genes=3, n_sanity=4, **kwargs),
    "attention": lambda adata, **kwargs: scc2s.tl.attention(adata, **kwargs),
    "caption": lambda adata, **kwargs: scc2s.tl.caption(
        adata, groupby="bulk_labels", n_cells=6, max_new_tokens=4, prompt="{cell_sentence}. In words:", **kwargs
    ),
    "name_genes": _names,
}


def counted(model: Any, asked: list[Any], *, kill_at: int | None = None) -> Any:
    """The model, which notes what it is asked, and ends the process at the call `kill_at`."""
    n_calls = 0

    def noting(inner: Any) -> Any:
        def call(prompts: Any, *args: Any, **kwargs: Any) -> Any:
            nonlocal n_calls
            n_calls += 1
            if n_calls == kill_at:
                os.kill(os.getpid(), signal.SIGKILL)
            asked.extend(prompts)
            return inner(prompts, *args, **kwargs)

        return call

    for name in ASK:
        setattr(model, name, noting(getattr(model, name)))
    return model


def main(cells: str, folder: str, caches: str) -> None:
    adata = ad.read_h5ad(cells)
    model = scc2s.models.load(folder, device="cpu", dtype="float32")
    for name, tool in TOOLS.items():
        child = os.fork()
        if not child:
            tool(adata, model=counted(model, [], kill_at=2), cache=f"{caches}/{name}.sqlite")
            os._exit(0)
        assert os.WIFSIGNALED(os.waitpid(child, 0)[1]), name


if __name__ == "__main__":
    main(*sys.argv[1:])
