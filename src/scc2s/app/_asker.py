"""The model that a server asks: loaded once, in the thread that works."""

from __future__ import annotations

from dataclasses import dataclass
from typing import TYPE_CHECKING, Any

if TYPE_CHECKING:
    from anndata import AnnData

VERBS = ("embed", "annotate", "caption", "ask", "compare", "generate", "perturb", "search")


@dataclass
class Asker:
    """A model, and what is known of it."""

    source: Any
    """A name, or a model."""
    state: str = "not loaded"
    """``"not loaded"``, ``"loading"``, ``"ready"`` or ``"failed"``."""
    error: str = ""
    model: Any = None
    talks: bool = False
    """Whether it takes conversations; else it is asked in plain texts."""

    def load(self) -> Any:
        """The model.

        Raises
        ------
        OSError, ValueError, ImportError
            It cannot be loaded.
        """
        if self.model is not None:
            return self.model
        from scc2s import models

        self.state = "loading"
        try:
            model = models.load(self.source)
        except BaseException as error:
            self.state = "failed"
            self.error = " ".join(str(error.args[0] if error.args else error).split())
            raise
        self.talks = _talks(model)
        self.model, self.state, self.error = model, "ready", ""
        return model

    def described(self) -> dict[str, Any]:
        """For people: its name, whether it is there, and which verbs it can be asked."""
        name = getattr(self.model, "id", None) or getattr(self.source, "source", None) or self.source
        found: dict[str, Any] = {
            "name": name if isinstance(name, str) else str(getattr(self.source, "id", type(self.source).__name__)),
            "state": self.state,
            "error": self.error,
            "talks": self.talks,
            "can": self.can(),
        }
        if self.model is not None:
            found["labels"] = [str(label) for label in self.model.labels or []]
            known = sorted(getattr(getattr(self.model, "taught", None), "perturbations", None) or [])
            found["perturbations"] = [str(name) for name in known][:2000]
        return found

    def can(self) -> dict[str, str]:
        """Why each verb cannot be asked; empty where it can, or where that is not known yet."""
        if self.model is None:
            return dict.fromkeys(VERBS, "")
        from scc2s import models

        writes = isinstance(self.model, models.Generates)
        tasks = self.model.tasks

        def task(name: str) -> str:
            if not writes:
                return "it does not write"
            return "" if tasks is None or name in tasks else "it was not trained on this task"

        scores = isinstance(self.model, models.Scores)
        return {
            "embed": "" if isinstance(self.model, models.Embeds) else "it gives no embedding",
            "annotate": "" if scores or writes else "it neither scores labels nor writes",
            "caption": task("caption"),
            "ask": "" if self.talks or writes else "it neither talks nor writes",
            "compare": "" if self.talks or writes else "it neither talks nor writes",
            "generate": task("generate"),
            "perturb": task("perturb"),
            "search": ""
            if isinstance(self.model, models.Reads)
            else "it gives no likelihood of a text; search by cells",
        }


def _talks(model: Any) -> bool:
    from scc2s import models

    if not isinstance(model, models.Talks):
        return False
    try:
        model.count_message_tokens([{"role": "user", "content": "?"}])
    except (ValueError, OSError, TypeError):
        return False
    return True


def ready(adata: AnnData, *, fit: bool = False) -> None:
    """Make sentences, and the line from rank to expression, where the file has none."""
    from scc2s import pp

    if "c2s_sentence" not in adata.obs and "c2s_ranks" not in adata.obsm:
        pp.sentences(adata)
    if fit and "rank_fit" not in adata.uns.get("c2s", {}):
        pp.rank_fit(adata)
