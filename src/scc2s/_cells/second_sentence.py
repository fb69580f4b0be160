"""Sentences of one modality beside those of another, cell by cell by name."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

import numpy as np
import pandas as pd
from anndata import AnnData

from scc2s._cells.access import get_adata, sentence_slots
from scc2s._cells.results import claim
from scc2s._logging import logger

if TYPE_CHECKING:
    from collections.abc import Mapping

    from mudata import MuData

    from scc2s._cells.results import Result


@dataclass(frozen=True)
class SecondSentence:
    """The place that sentences of another modality go to."""

    target: AnnData
    result: Result
    mod: str
    into: str
    text: str
    n_genes: str

    @classmethod
    def of(cls, data: AnnData | MuData, *, mod: str, into: str, key_added: str, store: str | None) -> SecondSentence:
        """The place, free to be written.

        Raises
        ------
        TypeError
            If there are no modalities.
        ValueError
            If it is the modality itself, sentences are to be ranks, or a name belongs to another result.
        """
        if isinstance(data, AnnData):
            msg = f"into={into!r} names a modality, and this is one AnnData; pass adata= the MuData"
            raise TypeError(msg)
        if into == mod:
            msg = f"into={into!r} is the modality of the sentences themselves; pass into= another one, or None"
            raise ValueError(msg)
        if store == "ranks":
            msg = "store='ranks' has no text to put beside other sentences; pass store='text' with into="
            raise ValueError(msg)
        target = get_adata(data, into)
        for name in (mod, into):
            if not get_adata(data, name).obs_names.is_unique:
                msg = f"names of cells repeat in {name!r}; call mdata[{name!r}].obs_names_make_unique() first"
                raise ValueError(msg)
        key = f"c2s_{mod}_sentence" if key_added == "c2s_sentence" else key_added
        slots = sentence_slots(key)
        result = claim(target, slots.record, obs=[slots.text, slots.n_genes], argument="into")
        return cls(target, result, mod, into, slots.text, slots.n_genes)

    def write(self, params: Mapping[str, Any], names: pd.Index, text: Any, lengths: np.ndarray) -> None:
        """Write the sentences of the cells that both have."""
        place = names.get_indexer(self.target.obs_names)
        there = place >= 0
        sentences = np.full(self.target.n_obs, None, dtype=object)
        sentences[there] = np.asarray(text, dtype=object)[place[there]]
        counts = np.where(there, lengths[place], 0).astype(np.int32)
        n_without, n_lost = int((~there).sum()), len(names) - len(np.unique(place[there]))
        if n_without or n_lost:
            logger.warning(
                "%d of %d cells of %r have no sentence of %r, which does not have them; %d of its %d are not in %r",
                n_without, self.target.n_obs, self.into, self.mod, n_lost, len(names), self.into,
            )  # fmt: skip
        obs = {self.text: pd.Series(sentences, index=self.target.obs_names, dtype=object), self.n_genes: counts}
        self.result.write({**params, "mod": self.mod, "n_without": n_without}, obs=obs)
