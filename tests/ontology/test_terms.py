"""The ontology is read when asked for, and an error says what installs it."""

from __future__ import annotations

import subprocess
import sys

import pytest

from scc2s.ontology import _terms


def test_without_the_extra_the_error_names_it(monkeypatch):
    _terms.terms.cache_clear()
    monkeypatch.setitem(sys.modules, "cellxgene_ontology_guide.supported_versions", None)
    with pytest.raises(ImportError, match=r'pip install "scc2s\[ontology\]"'):
        _terms.terms("CL")


def test_importing_reads_nothing():
    code = "import sys, scc2s.ontology, scc2s.metrics; assert 'cellxgene_ontology_guide' not in sys.modules"
    subprocess.run([sys.executable, "-c", code], check=True)


def test_only_terms_in_use_are_names():
    pytest.importorskip("cellxgene_ontology_guide")
    known = _terms.terms("CL")
    assert not [label for label in known.labels.values() if label.startswith("obsolete")]
    assert known.replaced["CL:0000003"] == "CL:0000000"
    assert known.parents("CL:0000084") == {"CL:0000542"}
    assert _terms.installed()
