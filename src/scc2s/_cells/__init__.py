"""AnnData in and out: the only layer below pp, tl and pl that knows it."""
