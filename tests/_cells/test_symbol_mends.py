from __future__ import annotations

import pytest
from word_tables import OTHERS

from scc2s._cells.symbol_mends import column_to_pass, mend
from scc2s.sentences._word_kinds import KINDS


@pytest.mark.parametrize("kind", [kind for kind in OTHERS if kind in KINDS and kind != "missing"])
def test_every_kind_has_a_mend_and_a_column_mends_all_but_what_is_not_a_gene(kind):
    found = OTHERS[kind].split()
    for name in found:
        assert mend(kind, [name], None)
    with_column = mend(kind, found, "Symbol")
    assert ("gene_symbols='Symbol'" in with_column) == (KINDS[kind].role != "feature")


def test_without_a_column_the_argument_is_named():
    assert column_to_pass(None).startswith("pass gene_symbols= the column of var")
    assert column_to_pass("Symbol") == "pass gene_symbols='Symbol'"


def test_names_of_a_column_are_mended_in_it():
    assert mend("genome_prefix", ["mm10___Cd3d"], None, "name").startswith("adata.var['name'] = adata.var['name'].str.")


def test_many_names_are_not_listed_all():
    assert "['ERCC-00001', 'ERCC-00002', ...]" in mend("spike_ins", [f"ERCC-0000{i}" for i in range(1, 9)], None)
