"""Files and tables of other programs, as an AnnData that the rest of the package understands."""

from ._cellxgene import from_cellxgene
from ._cosmx import read_cosmx
from ._csdata import from_csdata
from ._gct import read_gct
from ._gctx import read_gctx
from ._seurat import from_seurat

__all__ = ["from_cellxgene", "from_csdata", "from_seurat", "read_cosmx", "read_gct", "read_gctx"]
