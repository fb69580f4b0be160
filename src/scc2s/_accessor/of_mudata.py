from __future__ import annotations

import mudata

from .bound import OfAll, register


class C2S(OfAll):
    """Functions of scc2s with this MuData in the first place: ``mdata.c2s.embed(mod="rna")``; as ``adata.c2s``."""

    _called = "mdata.c2s"

    def __init__(self, mdata: mudata.MuData) -> None:
        self._data = mdata


def register_mudata() -> bool:
    """Make ``mdata.c2s``, where mudata is new enough to be asked for it (0.4)."""
    decorate = getattr(mudata, "register_mudata_namespace", None)
    return decorate is not None and register(mudata.MuData, C2S, decorate)
