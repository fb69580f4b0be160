"""``adata.c2s`` and ``mdata.c2s``: the functions of this package as methods of the data that they take first."""
