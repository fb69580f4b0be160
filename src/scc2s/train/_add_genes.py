from __future__ import annotations

import json
from typing import TYPE_CHECKING, Any

from ._tokenizer import piece_of

if TYPE_CHECKING:
    from collections.abc import Iterable

    from transformers import PreTrainedModel, PreTrainedTokenizerFast

_NOISE = 0.3


def add_genes(
    model: PreTrainedModel, tokenizer: PreTrainedTokenizerFast, genes: Iterable[str], *, seed: int = 0
) -> list[str]:
    """Give genes that have none a token of their own, before a model with a gene vocabulary is trained on new data.

    Both are changed in place. A new gene begins as the mean of the genes that are there, with 0.3 of their standard
    deviation as noise; all else stays as it was, and so do the answers to prompts without the new genes.

    Parameters
    ----------
    model
        A model of transformers in memory, e.g. of :func:`new_model`, or scc2s-mini opened by ``AutoModelForCausalLM``.
    tokenizer
        Of the model: one of :func:`gene_tokenizer`.
    genes
        Names of genes as they stand in sentences; those with a token are passed over.
    seed
        Of the noise. The global random state is not touched.

    Returns
    -------
    The genes that are new, in alphabetical order.

    Raises
    ------
    ValueError
        If the tokenizer is of another kind, so that a gene is no word of its own to it, or a name has a space in it.

    Examples
    --------
    >>> from scc2s import train
    >>> tokenizer = train.gene_tokenizer(["CD3D", "LYZ"], ["Cell type: B cell"])
    >>> model = train.new_model(tokenizer, n_layers=1, width=32)
    >>> train.add_genes(model, tokenizer, ["LYZ", "XBP1"]), tokenizer.tokenize(" LYZ XBP1")
    (['XBP1'], ['ĠLYZ', 'ĠXBP1'])
    """
    import torch
    from tokenizers import Tokenizer

    untyped: Any = tokenizer
    whole = json.loads(untyped.backend_tokenizer.to_str())
    if whole["model"].get("type") != "BPE" or not whole["model"].get("ignore_merges"):
        msg = (
            "the tokenizer cuts genes into pieces, and a token of their own would not be found; pass one of "
            "scc2s.train.gene_tokenizer, or train on the pieces as they are"
        )
        raise ValueError(msg)
    vocabulary = whole["model"]["vocab"]
    pieces = {}
    for gene in genes:
        if not gene or any(letter.isspace() for letter in gene):
            msg = f"{gene!r} is no word, so it is no gene of a sentence; pass names without spaces"
            raise ValueError(msg)
        if (piece := piece_of(gene)) not in vocabulary:
            pieces[gene] = piece
    new = sorted(pieces)
    if not new:
        return []
    merged = {"".join(pair) if isinstance(pair, list) else pair.replace(" ", "") for pair in whole["model"]["merges"]}
    space = piece_of("a")[0]
    there = [i for word, i in vocabulary.items() if word[0] == space and len(word) > 1 and word not in merged]
    first = max(len(tokenizer), max(vocabulary.values()) + 1)
    ids = list(range(first, first + len(new)))
    vocabulary.update(zip((pieces[gene] for gene in new), ids, strict=True))
    untyped._tokenizer = Tokenizer.from_str(json.dumps(whole))
    body: Any = model
    if body.get_input_embeddings().weight.shape[0] <= ids[-1]:
        with torch.random.fork_rng():
            body.resize_token_embeddings(ids[-1] + 1, mean_resizing=False)
    generator = torch.Generator().manual_seed(seed)
    weights = [body.get_input_embeddings().weight]
    if (head := body.get_output_embeddings()) is not None and head.weight is not weights[0]:
        weights.append(head.weight)
    with torch.no_grad():
        for weight in weights:
            known = weight[there if len(there) > 1 else list(range(first))]
            noise = torch.randn(len(new), weight.shape[1], generator=generator).to(weight)
            weight[ids] = known.mean(0) + _NOISE * known.std(0) * noise
    return new
