from __future__ import annotations

from scc2s._logging import logger


def attach() -> list[str]:
    """Make ``scc2s.tl.embed`` also ``scanpy.tl.c2s_embed``, and so on for every public function of pp, tl and pl.

    Called by ``import scc2s``. Safe to call again; a name that scanpy has from elsewhere is left alone and logged.

    Returns
    -------
    Names that stand in scanpy now, e.g. ``"tl.c2s_embed"``.

    Examples
    --------
    >>> import scanpy as sc, scc2s
    >>> sc.pp.c2s_sentences is scc2s.pp.sentences
    True
    """
    import scanpy

    import scc2s

    attached = []
    for part in ("pp", "tl", "pl"):
        ours, theirs = getattr(scc2s, part), getattr(scanpy, part)
        for name in ours.__all__:
            function = getattr(ours, name)
            there = getattr(theirs, f"c2s_{name}", function)
            if there is not function:
                logger.warning("scanpy.%s.c2s_%s is taken; call scc2s.%s.%s instead", part, name, part, name)
                continue
            setattr(theirs, f"c2s_{name}", function)
            attached.append(f"{part}.c2s_{name}")
    return attached
