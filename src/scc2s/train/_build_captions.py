from __future__ import annotations

from typing import TYPE_CHECKING, Any

import pandas as pd

from scc2s.prompts._passages import choose, passages
from scc2s.prompts._teaching import FACTS, ask_caption

from ._build_facts import clusters_of
from ._build_judging import CaptionJudge, Verdict, read_caption
from ._build_result import Built, log_built, log_parts
from ._build_teacher import Asking, Teacher, least, share
from ._split import split

if TYPE_CHECKING:
    from collections.abc import Iterable, Sequence
    from os import PathLike

    from scc2s.models import Model, ResponseCache

    from ._build_facts import Cluster

_UNIT = ["study", "cluster"]
_COLUMNS = [*_UNIT, *FACTS, "number", "caption", "split"]


def build_captions(
    facts: pd.DataFrame,
    teacher: str | Model,
    *,
    n_captions: int = 5,
    gene_names: Iterable[str] = (),
    n_retries: int = 2,
    max_alike: float = 0.8,
    text_tokens: int = 512,
    split_by: str | Sequence[str] = ("study", "cluster"),
    val: float = 0.1,
    test: float = 0.2,
    plain: bool = False,
    temperature: float = 0.7,
    top_p: float = 1.0,
    top_k: int | None = None,
    max_new_tokens: int = 128,
    random_state: int = 0,
    cache: str | PathLike[str] | ResponseCache | None = None,
) -> Built:
    """Let a teacher write captions of clusters, to train another model on, and keep those that hold to the facts.

    The recipe of C2S-Scale (Rizvi et al., bioRxiv 10.1101/2025.04.14.648850): five captions of each cluster, written by
    a large language model from cell type, tissue, organism, disease, the three strongest genes, and text of the study.
    The requests are worded by us. What is checked here is not whether a caption is true, but whether it says more than
    the teacher was told.

    Parameters
    ----------
    facts
        One row a cluster, of :func:`scc2s.pp.cluster_facts`, or your own: columns ``cell_type`` and ``genes`` (names
        with commas, or lists); where there are any, ``study``, ``cluster``, ``tissue``, ``organism``, ``disease`` and
        ``text`` (of the study). A blank is left out of the request.
    teacher
        Model that talks (:class:`scc2s.models.Talks`), of any backend: a server, an instruct model, recorded answers
        (:class:`scc2s.models.ReplayModel`), your own function; or a name for :func:`scc2s.models.load`.
    n_captions
        Captions of each cluster; each is asked for in one of five ways, in turns.
    gene_names
        Genes of the data, ``adata.var_names``. Without them, genes that do not look like symbols (``Actb``) are not
        found in captions.
    n_retries
        How often the teacher is told why a caption is not kept, and asked for another one in its place.
    max_alike
        Captions of a cluster that share this part of their words (Jaccard index, without common words) are one.
    text_tokens
        Most tokens of the text of the study; of a longer one the passages that have most words of the facts are shown.
    split_by
        Columns of `facts` whose values together are held out as one: ``("study", "cluster")`` tests on clusters that
        were not seen, as in the preprint; ``"study"``, ``"cell_type"``: on studies, on types.
    val, test
        Share of these units for validation and test, by a hash of their names (:func:`split`).
    plain
        Ask in a plain text ("Question: ... Answer:"), for a model that was not trained to talk.
    temperature, top_p, top_k
        How words are drawn. With ``temperature=0`` captions differ only by the way in which they are asked for.
    max_new_tokens
        Longest caption; one that is cut ends with its last whole sentence.
    random_state
        Seed of the draws and of the split.
    cache
        File that keeps replies: a run that was killed goes on where it was.

    Returns
    -------
    ``kept``: columns ``study``, ``cluster``, the facts, ``number`` (0 to `n_captions` - 1), ``caption``, ``split``, in
    the order of `facts`. ``dropped``: ``study``, ``cluster``, ``number``, ``round``, ``caption``, ``reason``,
    ``detail``. ``replies``: each reply. Reasons are: ``no whole sentence``; ``gene not in the facts`` (a gene, or a
    word that looks like one); ``another cell type``; ``cell type not in the facts``; ``organism not in the facts``;
    ``tissue of another cluster``, ``disease of another cluster`` (a value of another row, word for word); ``disease
    not in the facts`` (common words for some); ``names neither the type nor a gene``; ``repeats another caption``.

    Raises
    ------
    KeyError
        If a column is missing.
    TypeError
        If the teacher does not talk, or something is of another type.
    ValueError
        If the table is empty, a row has neither a cell type nor genes, two rows are about one cluster, a number is out
        of range, or the facts do not fit the context of the teacher.
    PartialAnswersError
        If the teacher failed on the way; with `cache`, the same call goes on from there.

    Examples
    --------
    >>> import pandas as pd
    >>> from scc2s.models import CallableModel
    >>> facts = pd.DataFrame({"cluster": ["0"], "cell_type": ["B cell"], "genes": ["CD79A, MS4A1"]})
    >>> says = iter(["B cells marked by CD79A.", "T cells with CD3D.", "MS4A1 speaks for these B cells."])
    >>> built = build_captions(facts, CallableModel(reply=lambda messages: next(says)), n_captions=2)
    >>> built.kept["caption"].tolist()
    ['B cells marked by CD79A.', 'MS4A1 speaks for these B cells.']
    >>> built.reasons
    {'gene not in the facts': 1}
    """
    least("n_captions", n_captions, 1)
    least("n_retries", n_retries, 0)
    least("text_tokens", text_tokens, 0)
    share("max_alike", max_alike)
    asking = Asking.of(
        plain=plain, max_new_tokens=max_new_tokens, temperature=temperature, top_p=top_p, top_k=top_k,
        random_state=random_state, cache=cache,
    )  # fmt: skip
    clusters = clusters_of(facts)
    parts = _parts(clusters, [split_by] if isinstance(split_by, str) else list(split_by), val, test, random_state)
    judge = CaptionJudge(clusters, gene_names, max_alike)
    asked = Teacher.load(teacher, asking)
    texts = [_texts(asked, one, text_tokens) for one in clusters]
    kept, dropped, replies = _rounds(asked, judge, clusters, texts, n_captions, n_retries)
    rows = [
        {"study": one.study, "cluster": one.cluster, **{name: one.fact(name) for name in FACTS}, "number": number,
         "caption": kept[i][number], "split": parts[i]}
        for i, one in enumerate(clusters) for number in range(n_captions) if number in kept[i]
    ]  # fmt: skip
    built = Built(
        pd.DataFrame(rows, columns=_COLUMNS),
        pd.DataFrame(dropped, columns=[*_UNIT, "number", "round", "caption", "reason", "detail"]),
        pd.DataFrame(replies, columns=[*_UNIT, "round", "n_asked", "n_read", "n_kept", "problem", "reply"]),
        len(clusters) * n_captions,
    )
    lacking = [one.name for i, one in enumerate(clusters) if len(kept[i]) < n_captions]
    log_built(built, "captions", lacking)
    log_parts(parts, "cluster")
    return built


def _rounds(
    teacher: Teacher,
    judge: CaptionJudge,
    clusters: Sequence[Cluster],
    texts: Sequence[Sequence[str]],
    n_captions: int,
    n_retries: int,
) -> tuple[list[dict[int, str]], list[dict[str, Any]], list[dict[str, Any]]]:
    """Ask for every caption, then again for those that are not kept."""
    kept: list[dict[int, str]] = [{} for _ in clusters]
    dropped: list[dict[str, Any]] = []
    replies: list[dict[str, Any]] = []
    wanted = [(i, number) for i in range(len(clusters)) for number in range(n_captions)]
    why: dict[tuple[int, int], tuple[str, Verdict]] = {}
    for turn in range(n_retries + 1):
        conversations = []
        for i, number in wanted:
            last, verdict = why.get((i, number), ("", Verdict()))
            facts = clusters[i].facts
            messages = ask_caption(facts, style=number, texts=texts[i], last=last, why=verdict.words)
            if last and not teacher.fits(messages):
                messages = ask_caption(facts, style=number, texts=texts[i])
            conversations.append(messages)
        # another draw in each round: where a caption is asked for in the same words, the reply is another one
        draws = [number + turn * n_captions for _, number in wanted]
        for (i, number), reply in zip(wanted, teacher.ask(conversations, draws), strict=True):
            caption = read_caption(reply)
            verdict = judge(caption, clusters[i], list(kept[i].values()))
            unit = {"study": clusters[i].study, "cluster": clusters[i].cluster}
            if verdict.reason:
                why[i, number] = (reply, verdict)
                dropped.append(
                    unit | {"number": number, "round": turn, "caption": caption} | verdict._asdict(),
                )
            else:
                kept[i][number] = caption
            replies.append(
                unit | {"round": turn, "n_asked": 1, "n_read": int(bool(caption)), "n_kept": int(not verdict.reason),
                        "problem": "" if caption else verdict.reason, "reply": reply}
            )  # fmt: skip
        wanted = [(i, number) for i, number in wanted if number not in kept[i]]
        if not wanted:
            break
    return kept, dropped, replies


def _texts(teacher: Teacher, one: Cluster, most: int) -> list[str]:
    """Passages of the text of a study that fit, those first that have most words of the facts.

    Raises
    ------
    ValueError
        The facts alone do not fit.
    """
    bare = ask_caption(one.facts, style=0)
    if not teacher.fits(bare):
        msg = (
            f"the facts of {one.name!r} have {teacher.count(bare)} tokens, and {teacher.model.id} has room for "
            f"{teacher.room}; pass a smaller max_new_tokens=, fewer genes, or another teacher="
        )
        raise ValueError(msg)
    if not one.text or not most:
        return []
    if teacher.room is not None:
        most = min(most, (teacher.room - teacher.count(bare)) * 2 // 3)  # the ways to ask differ in length
    found = passages([("", one.text)])
    return [part.text for part in choose(found, " ".join(one.facts.values()), teacher.count_tokens, most)]


def _parts(clusters: Sequence[Cluster], columns: list[str], val: float, test: float, seed: int) -> list[str]:
    """Part of each cluster, by the hash of what it is held out with."""
    known = ("study", "cluster", *FACTS)
    if not columns or (wrong := [name for name in columns if name not in known]):
        said = repr(wrong[0]) if columns else "no column"
        msg = f"split_by= names {said}; pass split_by= some of {', '.join(known)}"
        raise ValueError(msg)
    units = ["\t".join(one.fact(name) if name in FACTS else getattr(one, name) for name in columns) for one in clusters]
    return [str(part) for part in split(units, val=val, test=test, seed=seed)]
