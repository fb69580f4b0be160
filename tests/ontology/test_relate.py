"""How terms stand to each other."""

from __future__ import annotations

import numpy as np
import pytest

from scc2s import ontology
from scc2s.ontology._terms import terms

pytest.importorskip("cellxgene_ontology_guide")


@pytest.mark.parametrize(
    ("a", "b", "relation", "distance", "common"),
    [
        ("Treg", "regulatory T lymphocyte", "same", 0, "regulatory T cell"),
        ("B cell", "naive B cell", "wider", 3, "B cell"),
        ("naive B cell", "mature B cell", "narrower", 1, "mature B cell"),
        ("naive B cell", "memory B cell", "sibling", 2, "mature B cell"),
        ("neuron", "platelet", "unrelated", None, None),
        ("cell", "platelet", "wider", None, "cell"),
        ("tumor 5", "tumor 5", "same", 0, ""),
        ("tumor 5", "B cell", "unmatched", np.nan, ""),
        ("", "", "unmatched", np.nan, ""),
    ],
)
def test_relations_are_those_of_the_graph(a, b, relation, distance, common):
    row = ontology.relate([a], [b]).iloc[0]
    assert row["relation"] == relation
    if common is not None:
        assert row["common"] == common
    if distance is not None:
        assert row["distance"] == pytest.approx(distance, nan_ok=True)


def test_the_other_way_round_wider_is_narrower_and_distances_stay():
    a, b = ["T cell", "Treg", "NK", "monocyte"], ["CD4 T cell", "T cell", "B cell", "macrophage"]
    one, other = ontology.relate(a, b), ontology.relate(b, a)
    swapped = {"wider": "narrower", "narrower": "wider"}
    assert other["relation"].tolist() == [swapped.get(r, r) for r in one["relation"]]
    assert one["distance"].tolist() == other["distance"].tolist()


def test_distances_are_the_shortest_ways_of_networkx_over_common_wider_terms():
    import networkx as nx

    known = terms()
    graph = nx.DiGraph((term, parent) for term in known.labels for parent in known.parents(term))
    rng = np.random.default_rng(0)
    every = sorted(known.labels)
    a, b = ([every[i] for i in rng.integers(len(every), size=60)] for _ in range(2))
    for x, y, found in zip(a, b, ontology.relate(a, b)["distance"], strict=True):
        up, down = (nx.single_source_shortest_path_length(graph, t) for t in (x, y))
        assert found == min(up[t] + down[t] for t in up.keys() & down.keys())


def test_pairs_have_two_sides():
    with pytest.raises(ValueError, match="pair by pair"):
        ontology.relate(["B cell"], [])
    assert ontology.relate([], []).shape == (0, 3)
    assert ontology.relate([None], ["B cell"])["relation"].tolist() == ["unmatched"]
