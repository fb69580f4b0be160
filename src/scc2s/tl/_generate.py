from __future__ import annotations

from typing import TYPE_CHECKING, Any

import numpy as np

from scc2s._cells.access import get_adata, sentence_slots
from scc2s._cells.arguments import refuse_empty, whole
from scc2s._cells.columns import refuse_numbered
from scc2s._cells.gene_words import stored_fit
from scc2s._cells.provenance import record
from scc2s._cells.results import claim
from scc2s._cells.written_words import raw_words, writable_words
from scc2s.models._progress import called
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._asking.question import choose_writer
from scc2s.tl._comparing.generated import beside_real
from scc2s.tl._writing.checks import as_task, check_asked, ready
from scc2s.tl._writing.like import in_the_manner_of
from scc2s.tl._writing.new_cells import new_cells, write_samples
from scc2s.tl._writing.wanted import OfConditions, OfContexts, each_cell
from scc2s.tl._writing.write_cells import read_cells

if TYPE_CHECKING:
    from collections.abc import Mapping
    from os import PathLike

    import pandas as pd
    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit
    from scc2s.tl._writing.wanted import Wanted

_USUAL_LENGTH = 200


def generate(
    adata: AnnData | MuData,
    n: int | None = None,
    *,
    obs: Mapping[str, Any] | pd.DataFrame | None = None,
    cells_per_sample: int = 1,
    contexts: str | None = None,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    n_genes: int | None = None,
    controls: bool = True,
    constrain: bool = True,
    temperature: float = 1.0,
    top_p: float = 1.0,
    top_k: int | None = None,
    max_new_tokens: int | None = None,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    fit: RankFit | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    mod: str = "rna",
) -> AnnData:
    """Let a language model write new cells, with the genes of a data set.

    What comes out is what the model takes for such cells, not a measurement. Where `adata` has real cells of what was
    asked for, they stand beside it in the record (`controls`), with cells that no model wrote; where the model does
    clearly worse than these, one line says so. With cells that the model has not read: :func:`scc2s.tl.evaluate`.

    Parameters
    ----------
    adata
        Data set whose genes, and whose line from rank to expression (:func:`scc2s.pp.rank_fit`), the new cells get. It
        stays as it is.
    n
        Cells for each condition; ``None`` is one sample.
    obs
        What the cells are to be: values of columns, e.g. ``{"cell_type": ["B cell", "NK cell"]}`` (`n` cells for each
        combination), or a table with a row for each condition, such as that of :func:`scc2s.pp.contexts`. Each column
        is a field of the prompt. ``None``: cells of any kind. Samples of several cells may have a ``tissue``, an
        ``abstract``, or ``cell_types``: a list of types for each sample, one a cell (or one text, parted by
        semicolons).
    cells_per_sample
        Cells that are written one after another into one context, under headers ``Cell 1:``, ``Cell 2:``, ..., so that
        each follows from those before it.
    contexts
        Write the cells of contexts of several cells once more, as many for each as it has, in place of `obs`: their
        name in ``.uns["c2s"]`` (:func:`scc2s.pp.contexts`). The model is not shown the cells, only what the prompt
        names: columns of their table, or of ``.obs`` where the cells of each context agree. ``cell_types`` are those of
        the cells, in order.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template without a cell; ``{n_genes}``, ``{organism}`` and ``{n_cells}`` (of a sample) are filled, any other
        field is a column of `obs`. Or a task of :mod:`scc2s.prompts`. ``None`` takes the prompt ``"generate"``
        (``"generate_unconditional"`` without `obs`; for several cells ``"generate_sample"``,
        ``"generate_sample_by_tissue"``, ``"generate_sample_by_cell_types"`` or ``"generate_sample_by_abstract"``, by
        the columns of `obs`, or of the table of `contexts`) of the model's family; a model that was taught
        ``"generate_like"`` is also shown the strongest genes of `adata`, if that has sentences.
    n_genes
        Genes of each cell; ``None`` takes those that `contexts` were drawn with, else the median of the sentences of
        `adata`, or 200 where there are none.
    controls
        Compare the cells with real ones of `adata`, those with the same values in the columns of `obs`, and write the
        report. Asks the model nothing. Needs sentences of `adata` and 5 cells of a condition; why there is no report
        is said in the record.
    constrain
        Let the model write only genes of `adata` that its sentences may hold, none twice, exactly `n_genes` of them.
        Otherwise it writes freely, its answer is cut after `n_genes` words, and words that are not genes are counted.
    temperature, top_p, top_k
        How words are drawn; ``temperature=0`` takes the most likely one each time, and then all cells of a condition
        are the same.
    max_new_tokens
        Longest answer in tokens; ``None``: room for the genes.
    random_state
        Seed: the n-th cell of a condition is the same in any call; in bfloat16 up to rounding, which depends on the
        batch.
    cache
        File that keeps answers: a second run asks only for what is not there.
    fit
        The line from rank to expression; ``None`` takes ``adata.uns['c2s']['rank_fit']``.
    organism
        Organism in the prompt; ``None`` takes that of `adata`.
    sentence_key
        Column of ``.obs`` with the sentences, whose spelling of genes is used.
    mod
        Modality, where `adata` is a MuData.

    Returns
    -------
    New :class:`~anndata.AnnData` with the ``.var`` of `adata`:

    `.X` : :class:`scipy.sparse.csr_matrix` (dtype `float32`)
        Log-normalised expression: the ranks of the genes put through the line.
    `.obs[...]`
        The columns of `obs`, or of the table of `contexts`; with several cells a sample also ``c2s_sample``, its
        number, or ``c2s_context``, the name of its context, and, where the types of the cells were asked for,
        ``cell_type``.
    `.obs['c2s_sentence']` : :class:`pandas.Series` (dtype `object`)
        What the model wrote.
    `.obs['c2s_n_words']`, `.obs['c2s_n_genes']` : :class:`pandas.Series` (dtype `int32`)
        Words, and different genes among them.
    `.obs['c2s_valid']`, `.obs['c2s_unique']` : :class:`pandas.Series` (dtype `float32`)
        Share of words that are genes of the data set; share of those that are not repeats. NaN where none were written.
    `.obs['c2s_complete']` : :class:`pandas.Series` (dtype `bool`)
        Whether all `n_genes` words were written, or the model ended before.
    `.obsm['c2s_ranks']` : :class:`numpy.ndarray` (dtype `int32`, shape `(n_obs, n_genes)`)
        Column of ``.var`` of the gene at each rank, -1 where none stands.
    `.raw`
        Where the sentences of `adata` come from its ``.raw``, and that has genes that ``.var`` lacks: the same cells
        with these too. They are written as well, and count in the ranks.
    `.uns['c2s']['generate']`, `.uns['c2s']['sentences']`, `.uns['c2s']['rank_fit']` : :class:`dict`
        Parameters, prompt, shares over all cells, model and versions; the spelling of genes; the line. ``controls``,
        the table of :func:`scc2s.tl.evaluate` of the cells beside up to 200 real ones of each condition (or twice as
        many as were written), all of them sentences of `n_genes` words put through the line: scFID, energy distance,
        AUROC of a classifier, spread, gene-gene correlation, agreement with the type that was asked for. The model may
        have read these real cells. ``params["controls_note"]``: why there is no table.

    Raises
    ------
    KeyError
        If there is no rank fit, no such contexts, or the prompt has a field that is not in `obs`.
    TypeError
        If a number of cells or genes is not whole.
    ValueError
        If `contexts` come with `n`, `obs` or `cells_per_sample`, `obs` has a column that the prompt does not name, or
        another number of types than cells, or the model was not trained on the task.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> sc.pp.c2s_rank_fit(adata)
    >>> new = sc.tl.c2s_generate(adata, 2, obs={"cell_type": ["B cell", "NK cell"]})
    >>> new.shape, new.obs["cell_type"].tolist(), new.obs["c2s_n_genes"].tolist()
    ((4, 765), ['B cell', 'B cell', 'NK cell', 'NK cell'], [20, 20, 20, 20])
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
    n_samples = _n_samples(n, cells_per_sample)
    if contexts is not None and (n is not None or obs is not None or cells_per_sample != 1):
        msg = "contexts= say which cells to write, and how many; leave n=, obs= and cells_per_sample= out"
        raise ValueError(msg)
    check_asked(organism=organism, sentence_key=sentence_key, fit=fit)
    data = get_adata(adata, mod)
    refuse_numbered(data)
    refuse_empty(data, cells=False)
    line = fit or stored_fit(data)
    wanted: Wanted = (
        OfConditions.of(data, obs, n_samples, cells_per_sample, organism)
        if contexts is None
        else OfContexts.of(data, contexts, organism)
    )
    genes = writable_words(data, sentence_key)
    decoding = ready(decoding, genes.in_sentences)
    n_words = len(genes.in_sentences)
    length = decoding.n_genes or min(wanted.n_genes or _usual_length(data, sentence_key, n_words), n_words)
    if prompt is not None:  # that of a family is known once the model is
        wanted.fields(as_task(prompt), length)
    loaded, task = choose_writer(model, prompt, wanted.task, declared=wanted.sizes is not None)
    own: dict[str, str] = {}
    if prompt is None:
        task, own = in_the_manner_of(data, loaded, task, sentence_key)
    fields = wanted.fields(task, length, own)
    table = wanted.described(task, fields)
    asked = task.render([""] * len(table), fields).texts
    with called("generate"):
        texts = write_samples(loaded, task, asked, length, wanted.sizes, genes, decoding)
    written = read_cells(data, genes, texts, np.full(len(texts), length))
    raw = raw_words(data, sentence_key) if (genes.columns[:-1] < 0).any() else None
    out = new_cells(data, each_cell(table, wanted, task), written, line, raw)
    validity = written.validity()
    report, note = None, "controls=False"
    if controls:
        report, note = beside_real(
            data,
            out,
            wanted.asked(task),
            genes,
            line,
            length,
            sentence_key=sentence_key,
            random_state=random_state,
        )
    params = {
        "n": n,
        **wanted.params(),
        "n_genes": length,
        **decoding.params(),
        "controls": controls,
        "controls_note": note,
        "task": task.name,
        "prompt": task.template,
        "prompt_family": task.family,
        "organism": sorted(set(fields.get("organism", []))),
        "slope": line.slope,
        "intercept": line.intercept,
        "share_valid": float(validity["valid"].mean()),
        "share_unique": float(validity["unique"].mean()),
        "n_incomplete": int((~validity["complete"]).sum()),
    }
    columns = {f"c2s_{column}": validity[column].to_numpy() for column in ("n_words", "valid", "unique", "complete")}
    more = {} if report is None else {"controls": report}
    claim(out, "generate", obs=columns, argument="obs").write(params, model=loaded.info(), more=more, obs=columns)
    _copy_context(data, out, line, sentence_key, length)
    return out


def _n_samples(n: int | None, cells_per_sample: int) -> int:
    whole("cells_per_sample", cells_per_sample)
    if n is not None and whole("n", n) % cells_per_sample:
        msg = f"n={n} is not a multiple of cells_per_sample={cells_per_sample}; pass n= a number of whole samples"
        raise ValueError(msg)
    return 1 if n is None else n // cells_per_sample


def _usual_length(data: AnnData, sentence_key: str, n_words: int) -> int:
    """Genes of the data set's own sentences, at most as many as there are words."""
    name = sentence_slots(sentence_key).n_genes
    if name not in data.obs or not data.n_obs:
        return min(_USUAL_LENGTH, n_words)
    lengths = data.obs[name].to_numpy(dtype=float)
    if not np.isfinite(lengths).any():
        return min(_USUAL_LENGTH, n_words)
    return max(1, min(int(np.nanmedian(lengths)), n_words))


def _copy_context(data: AnnData, out: AnnData, line: RankFit, sentence_key: str, n_genes: int) -> None:
    """What later steps on the new cells need to know: the line, the organism, how genes are written."""
    ours = data.uns.get("c2s", {})
    made_with = ours.get(sentence_slots(sentence_key).record, {}).get("params", {})
    record(out, "sentences", {**made_with, "n_genes": n_genes, "source": "generate"})
    out.uns["c2s"]["rank_fit"] = {**ours.get("rank_fit", {}), **line.to_dict()}
    if "organism" in data.uns:
        out.uns["organism"] = data.uns["organism"]
