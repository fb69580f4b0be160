from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s.metrics import auroc
from scc2s.programs._type_names import TypeNames
from scc2s.prompts._mentions import mentions

from ._places import as_texts, minus_places
from ._reward import Reward

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence

    from scc2s.programs import Markers


def grounding(
    names: Sequence[str], *, shown: str = "shown", markers: Mapping[str, Markers] | None = None, top: int | None = None
) -> Reward:
    """Whether what a text names is in the cells that it is about: genes, and the markers of the cell type.

    The genes that an answer names are read as :func:`scc2s.tl.caption` reads them. Their part is the share that stands
    among the genes shown, of all genes named and all words that look like a symbol and are none; 0 where none is named,
    so that silence does not pay. The part of the type is the AUROC of its markers against all other genes by their
    place in the sentence, above chance: ``max(0, 2 AUROC - 1)``; 0 where the answer names no type. The reward is the
    mean of both.

    Parameters
    ----------
    names
        Genes of the data set.
    shown
        Column of the table of prompts with the sentence of the cells that an answer is about.
    markers
        Cell types and their genes, e.g. ``scc2s.programs.markers()``. ``None``: the type is not judged, and the reward
        is the part of the genes.
    top
        Genes of the sentence that count as shown; ``None``: all.

    Returns
    -------
    A reward from 0 to 1.

    Examples
    --------
    >>> said = ["A B cell with CD79A and MS4A1.", "A cell with CD3D and CD79A.", "A cell."]
    >>> grounding(["CD79A", "MS4A1", "CD3D"])(["p"] * 3, said, shown=["CD79A MS4A1"] * 3)
    [1.0, 0.5, 0.0]
    """
    genes = [str(name) for name in names]
    if not genes:
        msg = "there are no genes to ground an answer in; pass names=list(adata.var_names)"
        raise ValueError(msg)
    types = None if markers is None else TypeNames(markers)
    phrases = [] if types is None else types.phrases

    def reward(prompts: Sequence[str], completions: Sequence[str], **columns: Any) -> list[float]:  # noqa: ARG001
        sentences = as_texts(columns[shown], shown)
        places = dict(zip(sentences, minus_places(sentences, genes), strict=True))
        out = []
        found = mentions(completions, genes, ignore=phrases)
        for text, sentence, said in zip(completions, sentences, found, strict=True):
            seen = set(sentence.split()[:top])
            n = len(said.genes) + len(said.unknown)
            parts = [sum(gene in seen for gene in said.genes) / n if n else 0.0]
            if types is not None and markers is not None:
                parts.append(_type_part(types.read(text), markers, genes, places[sentence]))
            out.append(float(np.mean(parts)))
        return out

    return Reward("grounding", reward, (shown,))


def _type_part(label: str | None, markers: Mapping[str, Markers], genes: list[str], minus: np.ndarray) -> float:
    if label is None:
        return 0.0
    values = np.where(np.isnan(minus), np.nanmin(minus, initial=0.0) - 1, minus)
    value = auroc(values, np.isin(genes, list(markers[label].genes)))
    return 0.0 if np.isnan(value) else max(0.0, 2 * value - 1)
