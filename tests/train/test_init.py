from __future__ import annotations

import subprocess
import sys

import pytest

import scc2s.train
from scc2s.train import _WHERE


def test_every_name_is_found_where_it_is_said_to_be() -> None:
    assert set(_WHERE) == {*scc2s.train.__all__, "rewards"} == set(dir(scc2s.train))
    for name in _WHERE:
        assert getattr(scc2s.train, name) is not None
    with pytest.raises(AttributeError, match="it has Augment"):
        scc2s.train.nothing  # noqa: B018


def test_cells_are_prepared_without_what_trains() -> None:
    code = "import sys, scc2s.pp; print([name for name in ('_grpo', '_sft') if f'scc2s.train.{name}' in sys.modules])"
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True)
    assert done.stdout == "[]\n"
