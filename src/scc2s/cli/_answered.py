"""What commands report of answers."""

from __future__ import annotations

from typing import TYPE_CHECKING, Any

from ._run import Result

if TYPE_CHECKING:
    from anndata import AnnData


def answered(adata: AnnData, name: str, model: dict[str, Any]) -> Result:
    """Answers of a tool that talks, and how many of the claims in them the cells contradict."""
    found = adata.uns["c2s"][name]
    table, claims = found["table"], found["claims"]
    summary = {
        "n_answers": len(table),
        "n_claims": len(claims),
        "n_contradicted": int((claims["holds"] == "no").sum()),
        "flagged": {str(row["context"]): str(row["why"]) for row in table[table["flagged"]].to_dict("records")},
        "model": model,
    }
    return Result(summary, table)
