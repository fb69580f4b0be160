"""Cells that fit a query: what the query is, how well each cell or group fits, and what a meaningless text gets."""
