from __future__ import annotations

import os
import subprocess
import sys

import pytest

from scc2s import settings


def test_override_holds_inside_the_block_only_even_after_an_error() -> None:
    before = settings.model, settings.n_jobs
    with pytest.raises(RuntimeError), settings.override(model="other", n_jobs=1):
        assert (settings.model, settings.n_jobs) == ("other", 1)
        raise RuntimeError
    assert (settings.model, settings.n_jobs) == before


def test_unknown_setting_is_refused_with_the_known_ones() -> None:
    with pytest.raises(AttributeError, match=r"modell.*settings are model, n_jobs"), settings.override(modell="x"):
        pass


def test_environment_gives_the_first_values() -> None:
    code = "import scc2s; print(scc2s.settings.model, scc2s.settings.n_jobs)"
    env = {**os.environ, "SCC2S_MODEL": "folder/model", "SCC2S_N_JOBS": "3"}
    done = subprocess.run([sys.executable, "-c", code], capture_output=True, text=True, check=True, env=env)
    assert done.stdout == "folder/model 3\n"
