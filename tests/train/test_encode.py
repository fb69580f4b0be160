from __future__ import annotations

import pandas as pd
import pytest
from tiny_models import build_tokenizer

from scc2s.train import gene_tokenizer
from scc2s.train._encode import encode

PLAIN = {"max_length": None, "window": None}


def table(*pairs: tuple[str, str]) -> pd.DataFrame:
    return pd.DataFrame(pairs, columns=["prompt", "completion"]).assign(task="cell_type")


@pytest.mark.parametrize("bos", [True, False])
def test_tokens_are_those_of_the_prompt_then_those_of_the_answer_then_the_end(bos: bool) -> None:
    tokenizer = build_tokenizer(bos=bos)
    rows = table(("Genes: CD1 CD2. The cell type is", " B cell"), ("CD3", " CD4 T cell"))
    found = encode(tokenizer, rows, **PLAIN)
    for ids, n, (prompt, answer) in zip(
        found.ids, found.n_prompt, rows[["prompt", "completion"]].itertuples(index=False), strict=True
    ):
        assert ids[:n].tolist() == tokenizer(prompt)["input_ids"]
        assert tokenizer.decode(ids[n:-1]) == answer
        assert ids[-1] == tokenizer.eos_token_id
    assert found.n_learned.tolist() == [len(ids) - n for ids, n in zip(found.ids, found.n_prompt, strict=True)]


@pytest.mark.parametrize(("prompt", "answer"), [("The type is ", "B cell"), ("The type is a natural kil", "ler cell")])
def test_a_border_inside_a_token_names_the_sample(prompt: str, answer: str) -> None:
    rows = table(("CD3", " B cell"), (prompt, answer)).set_index(pd.Index(["AAC-1", "AAG-1"]))
    with pytest.raises(ValueError, match=r"row 1 of samples \(task 'cell_type', index 'AAG-1'\) does not start with"):
        encode(build_tokenizer(bos=False), rows, **PLAIN)


def test_an_end_token_in_the_text_is_not_doubled() -> None:
    found = encode(build_tokenizer(bos=False), table(("CD3", " B cell<eos>"), ("CD3", " B cell")), **PLAIN)
    assert found.ids[0].tolist() == found.ids[1].tolist()


def test_a_sample_over_the_limit_is_named_and_counts_its_end_token() -> None:
    tokenizer = gene_tokenizer(["A", "B"], ["x"], n_pieces=300)
    rows = table(("A", " B"), ("A A A", " B"))
    n = len(encode(tokenizer, rows, **PLAIN).ids[1])
    assert encode(tokenizer, rows, max_length=n, window=99).lengths.max() == n
    with pytest.raises(ValueError, match=rf"1 of 2 samples are too long, the first in row 1 .*pass max_length={n}"):
        encode(tokenizer, rows, max_length=n - 1, window=99)
    with pytest.raises(ValueError, match=rf"the window of the model is {n - 1}; make sentences shorter"):
        encode(tokenizer, rows, max_length=None, window=n - 1)
    with pytest.raises(ValueError, match="max_length=9, and the model reads 5 tokens"):
        encode(tokenizer, rows, max_length=9, window=5)


def test_a_tokenizer_without_an_end_token_is_refused() -> None:
    tokenizer = build_tokenizer(bos=False)
    tokenizer.eos_token = None
    with pytest.raises(ValueError, match="tokenizer.eos_token ="):
        encode(tokenizer, table(("CD3", " B cell")), **PLAIN)
