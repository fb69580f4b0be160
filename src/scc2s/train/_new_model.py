from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from ._tokenizer import piece_of

if TYPE_CHECKING:
    import pandas as pd
    from transformers import PreTrainedModel, PreTrainedTokenizerFast

_HEAD = 32
"""Width of a head, where their number is not given."""
_SCALE = 0.03
"""Of start vectors: a little more than the standard deviation of other weights, which is 0.02."""


def new_model(
    tokenizer: PreTrainedTokenizerFast,
    *,
    n_layers: int = 4,
    width: int = 128,
    n_heads: int | None = None,
    max_length: int = 1024,
    dropout: float = 0.0,
    vectors: pd.DataFrame | None = None,
    seed: int = 0,
) -> PreTrainedModel:
    """A small model with random weights, of the kind that scc2s-mini is: it knows nothing until it is trained.

    A GPT-NeoX whose words of input and output share one matrix. Small ones train on a CPU within a minute.

    Parameters
    ----------
    tokenizer
        Whose words the model reads and writes, e.g. of :func:`gene_tokenizer`.
    n_layers
        Number of layers.
    width
        Width of the hidden states.
    n_heads
        Attention heads of a layer; ``None``: one for each 32 of `width`.
    max_length
        Longest prompt and completion together, in tokens.
    dropout
        Share of hidden values that are left out in training.
    vectors
        Start values of the embeddings of genes, of :func:`gene_vectors`: a row a gene, no longer than `width`. They
        take the first columns, times 0.03. ``None``: genes begin as random as all other words.
    seed
        Seed of the weights. The global random state is not touched.

    Returns
    -------
    A model of transformers, in float32, on the CPU.

    Raises
    ------
    ValueError
        If a number is under 1, heads do not part the width into equal, even numbers, `dropout` is no share, or
        `vectors` are longer than `width` or of genes that have no token.

    Examples
    --------
    >>> from scc2s import train
    >>> tokenizer = train.gene_tokenizer(["CD3D", "LYZ"], ["Cell type: B cell"])
    >>> model = train.new_model(tokenizer, n_layers=2, width=64)
    >>> model.config.num_attention_heads, model.num_parameters() < 200_000
    (2, True)
    """
    import torch
    from transformers import GPTNeoXConfig, GPTNeoXForCausalLM

    heads = max(width // _HEAD, 1) if n_heads is None else n_heads
    if min(n_layers, width, heads, max_length) < 1:
        msg = (
            f"n_layers={n_layers}, width={width}, n_heads={heads}, max_length={max_length} make no model; pass whole "
            "numbers from 1"
        )
        raise ValueError(msg)
    if width % heads or (width // heads) % 2:
        msg = f"{heads} heads do not part width={width} into equal, even numbers; pass width= a multiple of {2 * heads}"
        raise ValueError(msg)
    if not 0 <= dropout < 1:
        msg = f"dropout={dropout} is no share; pass a number from 0 to less than 1"
        raise ValueError(msg)
    ids = None if vectors is None else _ids(tokenizer, vectors, width)
    config = GPTNeoXConfig(
        vocab_size=len(tokenizer),
        hidden_size=width,
        num_hidden_layers=n_layers,
        num_attention_heads=heads,
        intermediate_size=4 * width,
        max_position_embeddings=max_length,
        tie_word_embeddings=True,
        hidden_dropout=dropout,
        bos_token_id=tokenizer.bos_token_id,
        eos_token_id=tokenizer.eos_token_id,
        pad_token_id=tokenizer.pad_token_id,
    )
    with torch.random.fork_rng():
        torch.manual_seed(seed)
        model: PreTrainedModel = GPTNeoXForCausalLM(config)
    if vectors is not None and ids:
        untyped: Any = model
        start = _SCALE * torch.from_numpy(vectors.to_numpy(dtype=np.float32))
        with torch.no_grad():
            untyped.get_input_embeddings().weight[ids, : start.shape[1]] = start
    return model


def _ids(tokenizer: PreTrainedTokenizerFast, vectors: pd.DataFrame, width: int) -> list[int]:
    """Tokens of the genes that have vectors."""
    if vectors.shape[1] > width:
        msg = f"the vectors have {vectors.shape[1]} numbers, and width={width}; make them with gene_vectors(n={width})"
        raise ValueError(msg)
    words = tokenizer.get_vocab()
    genes = [str(gene) for gene in vectors.index]
    if without := [gene for gene in genes if piece_of(gene) not in words]:
        msg = (
            f"{len(without)} genes with vectors have no token, e.g. {without[0]!r}; pass "
            "vectors=vectors.loc[genes of the tokenizer]"
        )
        raise ValueError(msg)
    return [words[piece_of(gene)] for gene in genes]
