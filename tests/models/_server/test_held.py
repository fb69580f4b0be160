"""No gene comes twice, none is invented, and what is missing is asked for again, counted and said."""

from __future__ import annotations

import json
import logging
import re

import pytest
from server_script import Script, serving

import scc2s
from scc2s.models import GeneVocabulary, PartialAnswersError, Sampling, answers

GENES = ["CD3D", "CD3E", "CD3", "LYZ", "NKG7", "MS4A1"]
FAST = {"backend": "server", "n_retries": 0, "timeout": 10.0, "n_concurrent": 1}


def says(*texts):
    """A server that follows the probe, then gives these answers in turn: a text that stops, or (text, ending)."""
    left = list(texts)

    def complete(body):
        if body["prompt"].startswith("CD3D CD3E CD2"):
            found = (" ZQX-1.2 ZQX-1.3", "stop") if "ebnf" in body else (" CD8A", "stop")
        else:
            found = left.pop(0) if left else " LYZ"
        if isinstance(found, int):
            return found
        text, ending = (found, "stop") if isinstance(found, str) else found
        return {"choices": [{"text": text} | ({} if ending is None else {"finish_reason": ending})]}

    return Script(complete)


def asked(script):
    """Of each request for a cell: prompt, rule of the sentence, genes that it may begin with."""
    found = []
    for _, body, _ in script.requests:
        if body and "ebnf" in body and not body["prompt"].startswith("CD3D CD3E CD2"):
            rules = dict(line.split(" ::= ") for line in body["ebnf"].splitlines())
            begins = rules.get("begin", rules["gene"])
            for name, rest in sorted(rules.items(), key=lambda rule: len(rule[0]), reverse=True):
                begins = begins.replace(f" {name}?", f"({rest})?").replace(f" {name}", f"({rest})")
            tree = begins.replace('"', "").replace(" ", "")
            found.append((body["prompt"], rules["root"], {name for name in GENES if re.fullmatch(tree, name)}))
    return found


def write(script, n, *, sampling=None, **changes):
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST)
        how = {"sampling": sampling, "seeds": [7] if sampling else None}
        return model.generate(
            ["p:"], genes=GeneVocabulary(GENES, n, **changes.pop("vocabulary", {})), **how, **changes
        )[0]


def test_a_repeat_ends_what_counts_and_the_rest_is_asked_for_from_there(caplog):
    caplog.set_level(logging.INFO)
    script = says(" LYZ CD3D LYZ NKG7", " MS4A1 CD3E")
    assert write(script, 4) == " LYZ CD3D MS4A1 CD3E"
    assert asked(script) == [
        ("p:", "word{4}", set(GENES)),
        ("p: LYZ CD3D", "opening word{1}", set(GENES) - {"LYZ", "CD3D"}),
    ]
    assert "1 of 1 cells were asked for in parts (2 requests for 1 cells): 1 genes came a second time" in caplog.text


def test_drawn_answers_are_asked_for_with_another_seed_and_the_same_grammar():
    script = says(" LYZ CD3D NKG7 MS4A1 LYZ CD3", " CD3E CD3")
    assert write(script, 6, sampling=Sampling()) == " LYZ CD3D NKG7 MS4A1 CD3E CD3"
    assert [(rule, genes) for _, rule, genes in asked(script)] == [("word{6}", set(GENES)), ("word{2}", set(GENES))]
    seeds = [body["seed"] for _, body, _ in script.requests if body and "seed" in body]
    assert seeds == [7, 8]


def test_where_little_came_the_next_answer_begins_with_a_new_gene_and_no_longer_name():
    script = says(" CD3 CD3 CD3 CD3 CD3", " NKG7 CD3D CD3E MS4A1")
    assert write(script, 5, sampling=Sampling()) == " CD3 NKG7 CD3D CD3E MS4A1"
    assert [(rule, genes) for _, rule, genes in asked(script)] == [
        ("word{5}", set(GENES)),
        ("opening word{3}", {"LYZ", "NKG7", "MS4A1"}),
    ]


def test_longer_names_come_where_nothing_else_is_left():
    script = says(" LYZ NKG7 MS4A1 CD3 CD3", " CD3E CD3D")
    assert write(script, 6) == " LYZ NKG7 MS4A1 CD3 CD3E CD3D"
    assert asked(script)[1][1:] == ("opening word{1}", {"CD3D", "CD3E"})


def test_a_word_that_is_cut_is_not_taken_for_a_gene():
    script = says((" LYZ CD3", "length"), " CD3E")
    assert write(script, 2) == " LYZ CD3E"
    assert [prompt for prompt, *_ in asked(script)] == ["p:", "p: LYZ"]


def test_a_server_that_tells_no_ending_is_read_with_care():
    assert write(says((" LYZ CD3", None), (" NKG7 CD3E", None)), 3) == " LYZ NKG7 CD3E"
    assert write(says((" LYZ CD3", None)), 2) == " LYZ CD3"


def test_more_genes_than_asked_for_are_cut():
    assert write(says(" LYZ CD3 NKG7 MS4A1"), 2) == " LYZ CD3"


def test_a_server_that_writes_what_the_grammar_forbids_is_no_longer_believed():
    with pytest.raises(ValueError, match=r"ebnf.* answers ' XYZ1 LYZ', which it forbids; .*backend='torch'.*constrain"):
        write(says(" LYZ GENE2", " XYZ1 LYZ", " XYZ1 LYZ"), 3)


def test_one_word_that_is_no_gene_is_left_out_and_counted(caplog):
    caplog.set_level(logging.INFO)
    assert write(says(" LYZ GENE2 CD3", " CD3E NKG7"), 3) == " LYZ CD3E NKG7"
    assert "1 words were not genes" in caplog.text


def test_a_server_that_ends_before_it_may_is_asked_to_go_on():
    assert write(says(" LYZ", " CD3E NKG7"), 3) == " LYZ CD3E NKG7"
    with pytest.raises(ValueError, match="which it forbids"):
        write(says("", ""), 3)


def test_a_model_that_may_end_early_does():
    assert write(says(" LYZ CD3D"), 5, vocabulary={"exact": False}) == " LYZ CD3D"
    script = says(" LYZ CD3D LYZ", "")
    assert write(script, 5, vocabulary={"exact": False}) == " LYZ CD3D"
    assert [rule for _, rule, _ in asked(script)] == ["word{1,5}", "(opening word{0,3})?"]


def test_max_new_tokens_is_the_most_of_all_requests(caplog):
    script = says((" LYZ CD3D NK", "length"))
    assert write(script, 5, max_new_tokens=4) == " LYZ CD3D"
    assert [body["max_tokens"] for _, body, _ in script.requests if body and body["prompt"] == "p:"] == [4]
    assert "1 of 1 cells have fewer genes than asked for; the first has 2 of 5: max_new_tokens=4" in caplog.text


def test_a_cell_that_never_gets_whole_ends_and_says_so(caplog):
    script = says(*([(" LYZ", "length")] * 100))
    assert write(script, 3, sampling=Sampling()) == ""
    assert len(asked(script)) == 40
    assert "40 requests brought too few different genes" in caplog.text


def test_after_many_requests_what_comes_after_a_repeat_counts_too():
    names = [f"G{i}" for i in range(60)]
    repeats = [f" G{i} G{i}" for i in range(32)]
    script = says(*repeats, " " + " ".join(name for i in range(32, 60) for name in (names[i], names[0])))
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST)
        text = model.generate(["p:"], genes=GeneVocabulary(names, 60), sampling=Sampling(), seeds=[1], progress=False)[
            0
        ]
    assert text.split() == names


def test_what_the_context_has_no_room_for_is_missing_and_said(caplog):
    script = says(" LYZ CD3D LYZ", 400)
    assert write(script, 5) == " LYZ CD3D"
    assert "1 of 1 cells have fewer genes than asked for; the first has 2 of 5" in caplog.text
    assert "said the server" in caplog.text


def test_what_came_before_a_failure_is_kept(tmp_path):
    script = says(" LYZ NKG7", 500, " CD3D CD3E")
    genes = GeneVocabulary(GENES, 2)
    with serving(script) as url:
        model = scc2s.models.load(url, **FAST | {"n_concurrent": 2})
        with pytest.raises(PartialAnswersError, match="1 of 2 prompts got no answer"):
            answers(model, ["one", "two"], genes=genes, cache=tmp_path / "a.sqlite", progress=False)
        n = len(script.requests)
        found = answers(model, ["one", "two"], genes=genes, cache=tmp_path / "a.sqlite", progress=False)
    assert len(script.requests) == n + 1
    assert sorted(found) == [" CD3D CD3E", " LYZ NKG7"]


def test_a_server_that_fails_over_a_field_is_asked_for_the_next(tmp_path):
    follows = says(" LYZ NKG7")
    inner = follows.complete
    follows.complete = lambda body: 500 if "structured_outputs" in body else inner(body)
    assert write(follows, 2) == " LYZ NKG7"


def test_a_server_that_is_down_is_not_taken_for_one_that_follows_nothing():
    with serving(Script(lambda _: 500)) as url:
        model = scc2s.models.load(url, **FAST)
        with pytest.raises(ConnectionError, match="see whether the server runs"):
            model.generate(["p:"], genes=GeneVocabulary(GENES, 2), progress=False)


def test_a_record_of_the_model_does_not_depend_on_what_it_was_asked():
    with serving(says(" LYZ NKG7")) as url:
        model = scc2s.models.load(url, **FAST)
        before = json.dumps(model.info())
        model.generate(["p:"], genes=GeneVocabulary(GENES, 2), progress=False)
        assert json.dumps(model.info()) == before
