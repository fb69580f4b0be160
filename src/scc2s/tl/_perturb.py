from __future__ import annotations

from typing import TYPE_CHECKING, Any

from scc2s._cells.arguments import refuse_empty
from scc2s._cells.columns import opened
from scc2s._cells.gene_words import stored_fit
from scc2s._cells.results import name_of_result
from scc2s._cells.written_words import writable_words
from scc2s.prompts import NO_PERTURBATION
from scc2s.prompts._scramble import scramble
from scc2s.tl._asking.decoding import Decoding
from scc2s.tl._asking.question import choose_writer
from scc2s.tl._predicting.controls import ReportOptions
from scc2s.tl._predicting.names import tell
from scc2s.tl._predicting.perturbations import (
    conditions_of,
    details_of,
    perturbation_names,
    recorded,
    text_of,
    with_details,
)
from scc2s.tl._predicting.predict import AskedCells, Changes, claim_prediction, predict
from scc2s.tl._predicting.truth import told_apart, truth_cells, without_truth
from scc2s.tl._writing.checks import check_asked, check_name, check_prompt, ready, refuse_without
from scc2s.tl._writing.responses import Asker
from scc2s.tl._writing.write_cells import PERTURBATION

if TYPE_CHECKING:
    from collections.abc import Mapping, Sequence
    from os import PathLike

    from anndata import AnnData
    from mudata import MuData

    from scc2s.models import Model, ResponseCache
    from scc2s.programs import Program
    from scc2s.prompts import Task
    from scc2s.sentences import RankFit

_KEY = "perturbed"


def perturb(
    adata: AnnData | MuData,
    perturbation: str | tuple[str, ...] | set[str] | Sequence[Any] | None = None,
    *,
    perturbation_key: str | None = None,
    dose: Any = None,
    time: Any = None,
    truth: AnnData | Mapping[str, Any] | None = None,
    groupby: str | None = None,
    controls: bool = True,
    n_control_cells: int = 100,
    control_name: str = NO_PERTURBATION,
    program: str | Program | Sequence[str] | None = None,
    n_boot: int = 1000,
    donor_key: str | None = None,
    model: str | Model | None = None,
    prompt: str | Task | None = None,
    n_genes: int | None = None,
    constrain: bool = True,
    temperature: float = 1.0,
    top_p: float = 1.0,
    top_k: int | None = None,
    n_samples: int = 1,
    max_new_tokens: int | None = None,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
    fit: RankFit | None = None,
    organism: str | None = None,
    sentence_key: str = "c2s_sentence",
    key_added: str | None = None,
    mod: str = "rna",
    copy: bool = False,
) -> AnnData | MuData | None:
    """Ask a language model what cells become under a perturbation, and report how much that is worth.

    Each cell is shown to the model with the name of the perturbation, and the model writes the cell afterwards (Rizvi
    et al., bioRxiv 10.1101/2025.04.14.648850, perturbation response). A prediction comes with its controls in the same
    call: the cells as they were, the same question with no perturbation, and with a name that means nothing; where
    there is a truth, also with what any other group, or donor, would have led one to expect. A prediction that is not
    above these says nothing about the perturbation; one line says so, in the log and in the record.

    A model may say which perturbations it was taught (``perturbations`` in its ``scc2s.json``). Then another spelling
    that it lists is put to it under the name that it was taught, and a name that it never read is named in one line
    before the run, with the name that may have been meant. A model that says nothing is told all names as they are.

    Parameters
    ----------
    adata
        Cells before, with sentences (:func:`scc2s.pp.sentences`) and a rank fit (:func:`scc2s.pp.rank_fit`).
    perturbation
        Name for all cells, or a list with one for each; ``None`` and NaN in it leave a cell out. A combination is a
        tuple or a set of names, or names joined by ``" + "``: always written in alphabetical order, each once.
    perturbation_key
        Or the column of ``.obs`` with the names.
    dose, time
        Texts or numbers with their unit, e.g. ``"10 ng/ml"``, for all cells or one for each. They fill the fields
        ``{dose}`` and ``{time}`` of the prompt; where it has none they follow the name: ``"TNF, 10 ng/ml, 6 h"``.
        Several values for one name are several conditions of the report; a `truth` that is another AnnData has them in
        a column ``"dose"`` or ``"time"``, or in one of the same name as the column that is passed here.
    truth
        Cells that really were perturbed, for the report: an AnnData with sentences of the same name, or
        ``{column: value}`` for cells of `adata` (they are not asked about then). Where the perturbation differs between
        cells, `perturbation_key` says which each has, or the values of the column do.
    groupby
        Column of ``.obs``, e.g. ``"cell_type"``: the report is by group.
    controls
        Ask the control questions and write the report. Costs two more answers for each of `n_control_cells`.
    n_control_cells
        Most cells of a group in the report. All its rows are of the same cells, drawn by `random_state`.
    control_name
        What the model is told where there is no perturbation.
    program
        Genes whose mean expression is reported as well: a name of :mod:`scc2s.programs`, or a list of at least 3 genes.
    n_boot
        Bootstrap samples for the intervals of the report; 0: none.
    donor_key
        Column of ``.obs``, of `truth` too: each donor is judged on its own cells, the report has the mean, and
        intervals draw whole donors. The mean shift of the same group in the other donors is a row then. Where `truth`
        is ``{column: value}``, donors that are not asked about serve it too, with those of their cells that have a
        value of the asked cells in that column. ``None``: intervals draw cells, which makes them too narrow for claims
        about donors.
    model
        Name of :func:`scc2s.models.catalogue`, hub id, folder, or a model from :func:`scc2s.models.load`; ``None``
        takes ``scc2s.settings.model``.
    prompt
        Template with ``{cell_sentence}`` and ``{perturbation}``; ``{n_genes}`` and ``{organism}`` are filled too, any
        other field is a column of ``.obs``. Or a task of :mod:`scc2s.prompts`. ``None`` takes the prompt ``"perturb"``
        of the model's family.
    n_genes
        Genes to write; ``None`` takes as many as the cell shows.
    constrain
        Let the model write only genes of `adata` that its sentences may hold, none twice, exactly `n_genes` of them.
        Otherwise it writes freely, its answer is cut after `n_genes` words, and words that are not genes are counted.
    temperature, top_p, top_k
        How words are drawn; ``temperature=0`` takes the most likely one each time.
    n_samples
        Answers for each cell; expression is their mean.
    max_new_tokens
        Longest answer in tokens; ``None``: room for the genes.
    random_state
        Seed. A cell gets the same answer in any batch, order or subset; in bfloat16 up to rounding, which depends on
        the batch: for the same words always, load the model with ``dtype="float32"``.
    cache
        File that keeps answers: a second run asks only for what is not there.
    fit
        The line from rank to expression; ``None`` takes ``.uns['c2s']['rank_fit']``.
    organism
        Organism in the prompt; ``None`` takes ``.obs["organism"]`` (cell by cell), ``.uns["organism"]``, or what the
        case of the gene names suggests.
    sentence_key
        Column of ``.obs`` with the sentences.
    key_added
        Name of the results; ``None`` is ``"perturbed"``.
    mod
        Modality, where `adata` is a MuData.
    copy
        Return a changed copy; `adata` stays as it was.

    Returns
    -------
    ``None``, or the copy. Sets (for the default name; cells that were left out, or have no sentence, get zeros in the
    layer, ``""`` as sentence, and missing values):

    `.layers['c2s_perturbed']` : :class:`scipy.sparse.csr_matrix` (dtype `float32`)
        Log-normalised expression afterwards: ranks put through the line, mean over `n_samples`. Compare it with
        :func:`scc2s.pp.reconstruct` of the same cells, which is in the same units; measured expression is not. Genes
        that ``.raw`` has and ``.var`` lacks count in the ranks where the sentences come from ``.raw``.
    `.obs['c2s_perturbed_sentence']` : :class:`pandas.Series` (dtype `object`)
        The cell afterwards as it was written; the first of `n_samples`.
    `.obs['c2s_perturbed_perturbation']` : :class:`pandas.Series` (dtype `category`)
        What the model was told.
    `.obs['c2s_perturbed_dose']`, `.obs['c2s_perturbed_time']` : :class:`pandas.Series` (dtype `category`)
        Dose and time, where they are given.
    `.obs['c2s_perturbed_n_words']`, `.obs['c2s_perturbed_n_genes']` : :class:`pandas.Series` (dtype `float32`)
        Words, and different genes among them; mean over `n_samples`.
    `.obs['c2s_perturbed_valid']`, `.obs['c2s_perturbed_unique']` : :class:`pandas.Series` (dtype `float32`)
        Share of words that are genes of the data set; share of those that are not repeats.
    `.obs['c2s_perturbed_complete']` : :class:`pandas.Series` (dtype `bool`)
        Whether all words asked for were written, or the model ended before.
    `.uns['c2s']['perturb']['perturbed']` : :class:`dict`
        Parameters, prompt, model and versions; ``controls``, the :class:`pandas.DataFrame` of
        :func:`scc2s.metrics.perturbation_report`: a row for each ``group``, ``condition`` and ``predictor``. In it all
        cells, real ones too, are sentences of the same length put through the same line, so that both sides of a
        comparison are in the same units; a cell whose answer holds no gene is taken as unchanged. ``verdict``, in
        words, which simple predictions it is not above. ``params['perturbation']`` holds the names as they were given,
        ``params['perturbation_asked']`` as they were put to the model.

    Raises
    ------
    KeyError
        If there are no sentences, no rank fit, or a column is missing.
    TypeError
        If a number of cells, genes or draws is not whole.
    ValueError
        If a list has another length than there are cells, no cell has a perturbation, a name is that of a column, there
        are no cells or genes, or the model was not trained on the task.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> adata = sc.datasets.pbmc68k_reduced()[:6].copy()
    >>> sc.pp.c2s_sentences(adata, n_genes=20)
    >>> sc.pp.c2s_rank_fit(adata)
    >>> sc.tl.c2s_perturb(adata, "IFN-beta", controls=False)
    >>> adata.layers["c2s_perturbed"].shape, adata.obs["c2s_perturbed_valid"].tolist()
    ((6, 765), [1.0, 1.0, 1.0, 1.0, 1.0, 1.0])
    """
    decoding = Decoding(
        n_genes=n_genes,
        constrain=constrain,
        temperature=temperature,
        top_p=top_p,
        top_k=top_k,
        n_samples=n_samples,
        max_new_tokens=max_new_tokens,
        random_state=random_state,
        cache=cache,
    )
    check_prompt(prompt, PERTURBATION)
    check_asked(organism=organism, sentence_key=sentence_key, fit=fit)
    check_name(control_name=control_name)
    out, data = opened(adata, mod=mod, copy=copy)
    refuse_empty(data)
    result = claim_prediction(data, "perturb", name_of_result(key_added, _KEY), PERTURBATION, "dose", "time")
    real = truth_cells(data, truth, perturbation_key)
    names = without_truth(perturbation_names(data, perturbation, perturbation_key), data, real)
    details = details_of(data, dose=dose, time=time)
    conditions, telling = conditions_of(names, details)
    report = None
    if controls:
        report = ReportOptions(
            truth=told_apart(real, data, names, telling, {"dose": dose, "time": time}),
            groupby=groupby,
            n_cells=n_control_cells,
            program=program,
            n_boot=n_boot,
            donor_key=donor_key,
        )
    cells = AskedCells.of(
        data, conditions, report, sentence_key=sentence_key, constrain=constrain, random_state=random_state
    )
    line = fit or stored_fit(data)
    decoding = ready(decoding, writable_words(data, sentence_key).in_sentences)
    loaded, task = choose_writer(model, prompt, "perturb")
    refuse_without(task, PERTURBATION)
    asked = tell(loaded, filter(None, names), control_name=control_name)
    texts, fields = with_details([name and asked[name] for name in names], task, details)
    asker = Asker(
        data=data,
        model=loaded,
        task=task,
        decoding=decoding,
        fit=line,
        organism=organism,
        sentence_key=sentence_key,
        genes=cells.genes,
    )
    changes = Changes(
        field=PERTURBATION,
        texts=texts,
        fields=fields,
        controls={
            "unperturbed regeneration": [control_name] * data.n_obs,
            "scrambled name": [text and scramble(text, random_state) for text in texts],
        },
        said={detail: [text_of(value) for value in values] for detail, values in details.items()},
    )
    params: dict[str, Any] = {"perturbation_key": perturbation_key, "control_name": control_name}
    params |= {
        "perturbation": recorded(names, names),
        "perturbation_asked": recorded([name and asked[name] for name in names], names),
    }
    params |= {detail: recorded(details.get(detail), names) for detail in ("dose", "time")}
    predict(asker, cells, changes, report, result, params)
    return out if copy else None
