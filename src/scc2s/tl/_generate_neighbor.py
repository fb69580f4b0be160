from __future__ import annotations

from typing import TYPE_CHECKING, Literal

import numpy as np

from scc2s._cells.access import get_sentences
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import opened
from scc2s._cells.results import claim, refuse_record
from scc2s._cells.written_words import writable_words
from scc2s._logging import logger
from scc2s.tl._asking.contexts import ask_contexts, look_at_contexts
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._asking.question import choose_writer
from scc2s.tl._spatial.left_out import SHOWN, compared, leave_out, overlap_report
from scc2s.tl._writing.checks import ready
from scc2s.tl._writing.room import room_for
from scc2s.tl._writing.write_cells import read_cells, write_texts

if TYPE_CHECKING:
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task


def generate_neighbor(
    adata: AnnData | MuData,
    *,
    contexts: str = "neighborhoods",
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    part: Literal["test", "all"] = "test",
    n_genes: int | None = None,
    constrain: bool = True,
    temperature: float = 1.0,
    top_p: float = 1.0,
    top_k: int | None = None,
    max_new_tokens: int | None = None,
    n_boot: int = 1000,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str = "generate_neighbor",
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Let a language model write one more cell of a neighbourhood, beside a real one that it was not shown.

    One cell of each neighbourhood is left out, the others are shown, and what the model writes is compared with the one
    left out by the genes that they share. Cells of one section share many genes: the report has beside it how many the
    shown cells share with the one left out, and how many random cells of the section do.

    Parameters
    ----------
    adata
        Cells with sentences (:func:`scc2s.pp.sentences`) and contexts (:func:`scc2s.pp.neighborhoods`).
    contexts
        Name of the contexts in ``.uns["c2s"]``.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template with ``{multi_cell_sentences}``; or a task of :mod:`scc2s.prompts`. ``None`` takes
        ``"generate_neighbor"`` of the model's family, which the model must have been trained on.
    part
        Ask about the contexts for tests alone, where there are such, or about all.
    n_genes
        Genes to write; ``None``: the median of the sentences of the cells left out.
    constrain
        Let the model write only genes of `adata` that its sentences may hold, none twice, exactly `n_genes` of them.
    temperature, top_p, top_k
        How words are drawn; ``temperature=0`` takes the most likely one each time.
    max_new_tokens
        Longest answer; ``None``: room for the genes asked for.
    n_boot
        Samples of the intervals.
    random_state
        Seed of the draws and of the intervals.
    cache
        File that keeps answers: a second run asks only for what is not there.
    organism
        Organism in the prompt; ``None`` takes ``.obs["organism"]``, ``.uns["organism"]``, or what the gene names say.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the result in ``.uns["c2s"]``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets:

    `.uns['c2s']['generate_neighbor' | key_added]` : :class:`dict`
        ``table``, a row a neighbourhood: that of the contexts with ``left_out`` (name of the cell), ``sentence`` (what
        the model wrote), ``n_words``, ``valid``, ``unique``, ``complete``, and genes shared with the cell left out, in
        percent of its genes (:func:`scc2s.metrics.gene_overlap`): ``overlap`` of the model, ``overlap_shown``,
        ``overlap_random``. ``report``: their means and the gains of the model, with 95 % intervals over blocks (without
        blocks over centres). Parameters, prompt, model.

    Raises
    ------
    KeyError
        If there are no contexts or sentences.
    ValueError
        If no neighbourhood has two cells with sentences, or the model was not trained on the task.

    Examples
    --------
    >>> import anndata as ad, numpy as np, scc2s
    >>> rng = np.random.default_rng(0)
    >>> adata = ad.AnnData(rng.poisson(1.0, (300, 4)).astype("float32"))
    >>> adata.var_names = ["CD3D", "CD79A", "LYZ", "NKG7"]
    >>> adata.obsm["spatial"] = rng.uniform(0, 500, (300, 2))
    >>> scc2s.pp.sentences(adata)
    >>> scc2s.pp.neighborhoods(adata, radius=40, unit="um", spatial_unit="um", n_contexts=10)
    >>> writes = scc2s.models.CallableModel(generate=lambda prompts: [" CD3D LYZ"] * len(prompts))
    >>> ask = "{multi_cell_sentences} One more:"
    >>> scc2s.tl.generate_neighbor(adata, model=writes, prompt=ask, constrain=False, organism="human", n_boot=20)
    >>> adata.uns["c2s"]["generate_neighbor"]["table"]["sentence"].iloc[0]
    'CD3D LYZ'
    """
    decoding = Decoding(
        n_genes=n_genes,
        constrain=constrain,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        max_new_tokens=max_new_tokens,
        random_state=random_state,
        cache=cache,
    )
    whole("n_boot", n_boot)
    if part not in ("test", "all"):
        msg = f"part={part!r} is not known; pass part='test' or part='all'"
        raise ValueError(msg)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    refuse_record(data, key_added, usual="generate_neighbor", holds="report")
    result = claim(data, key_added)
    seen = look_at_contexts(data, contexts, prompt, "generate_neighbor", organism=organism, sentence_key=sentence_key)
    if absent := [name for name in ("center", "kind", "label", "block", "split") if name not in seen.contexts.table]:
        msg = (
            f"the contexts {contexts!r} have no column {absent[0]!r} in their table; draw them with "
            "sc.pp.c2s_neighborhoods(adata, ...)"
        )
        raise ValueError(msg)
    left = leave_out(seen, get_sentences(data, sentence_key), part=part)
    if not left.names:
        msg = "no neighbourhood has two cells with sentences; draw larger ones: sc.pp.c2s_neighborhoods(adata, ...)"
        raise ValueError(msg)
    genes = writable_words(data, sentence_key)
    decoding = ready(decoding, genes.in_sentences)
    usual = int(np.median([len(sentence.split()) for sentence in left.sentences]))
    length = n_genes or min(max(usual, 1), len(genes.in_sentences))
    loaded, task = choose_writer(model, prompt, "generate_neighbor", declared=True)
    room = room_for(loaded, task, genes.in_sentences, length, decoding)
    question = ask_contexts(data, task, loaded, left.seen, organism=organism, n_answer_tokens=room)
    lengths = np.full(len(question.cells), length)
    texts = write_texts(loaded, question.rendered.texts, lengths, genes, decoding, None, task)
    validity = read_cells(data, genes, texts, lengths).validity()
    table = left.seen.contexts.table.iloc[question.cells].copy()
    table["left_out"] = np.array([left.names[i] for i in question.cells], dtype=object)
    table["sentence"] = np.array(texts, dtype=object)
    for name in ("n_words", "valid", "unique", "complete"):
        table[name] = validity[name].to_numpy()
    overlaps = compared(left, question.cells, texts)
    for column in overlaps:
        table[str(column)] = overlaps[column].to_numpy()
    block = table["block"].astype(str).to_numpy()
    clusters = np.where(block == "", table["center"].astype(str).to_numpy(), block)
    report = overlap_report(overlaps, clusters, n_boot=n_boot, random_state=random_state)
    report.index = report.index.astype(str)
    means = report.set_index("answer")["overlap"]
    say = logger.info if means["model"] > means[SHOWN] else logger.warning
    say(
        "%s shares %.1f %% of the genes with the cell left out; the cells that it was shown share %.1f %%",
        loaded.id, means["model"], means[SHOWN],
    )  # fmt: skip
    params = {
        **question.params(),
        "part": part,
        "n_genes_written": length,
        **decoding.params(),
        "n_boot": n_boot,
        "sentence_key": sentence_key,
        "key_added": key_added,
        "share_valid": float(validity["valid"].mean()),
    }
    result.write(params, model=loaded.info(), more={"table": table, "report": report})
    return out if copy else None
