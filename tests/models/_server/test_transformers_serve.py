"""The server that comes with transformers, with the model of the package."""

from __future__ import annotations

import os
import shutil
import socket
import subprocess
import sys
import time
from contextlib import contextmanager
from typing import TYPE_CHECKING
from urllib.error import URLError
from urllib.request import urlopen

import pytest
import scanpy as sc

import scc2s

if TYPE_CHECKING:
    from collections.abc import Iterator
    from pathlib import Path

pytestmark = pytest.mark.slow
pytest.importorskip("fastapi", reason="needs transformers[serving]")
pytest.importorskip("uvicorn", reason="needs transformers[serving]")

TEMPLATE = (
    "{% for message in messages %}{{ message['role'] }}: {{ message['content'] }}\n{% endfor %}"
    "{% if add_generation_prompt %}Genes:{% endif %}"
)


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    found = scc2s.models._sources.find("scc2s-mini", None).folder
    copy = shutil.copytree(found, tmp_path_factory.mktemp("serve") / "mini")
    (copy / "chat_template.jinja").write_text(TEMPLATE)
    return copy


@pytest.fixture(scope="module")
def url(folder: Path) -> Iterator[str]:
    with served(folder, folder.parent) as address:
        yield address


@contextmanager
def served(folder: Path, work: Path) -> Iterator[str]:
    with socket.socket() as free:
        free.bind(("127.0.0.1", 0))
        port = free.getsockname()[1]
    (work / "hub").mkdir()
    script = "import sys; from transformers.cli.transformers import main; sys.exit(main())"
    command = [sys.executable, "-c", script, "serve", str(folder), "--device", "cpu", "--dtype", "float32"]
    with (work / "log").open("w") as log:
        server = subprocess.Popen(
            [*command, "--host", "127.0.0.1", "--port", str(port)],
            stdout=log, stderr=subprocess.STDOUT,
            env={**os.environ, "HF_HUB_OFFLINE": "1", "HF_HUB_CACHE": str(work / "hub")},
        )  # fmt: skip
    address = f"http://127.0.0.1:{port}/v1"
    try:
        for _ in range(120):
            if server.poll() is not None:
                pytest.fail(f"the server ended: {(work / 'log').read_text()[-2000:]}")
            try:
                urlopen(f"{address}/models", timeout=5).close()
                break
            except (URLError, OSError):
                time.sleep(1)
        yield address
    finally:
        server.terminate()
        server.wait(30)


def test_it_writes_what_the_model_writes_here(folder, url):
    adata = sc.datasets.pbmc68k_reduced()[:12].copy()
    scc2s.pp.sentences(adata, n_genes=40)
    here = scc2s.models.load(folder, device="cpu", dtype="float32")
    there = scc2s.models.load(url, backend="server", model=str(folder), n_concurrent=2)
    for prompts, n in ((adata.obs["c2s_sentence"].tolist(), 20), (["Genes of one Homo sapiens cell:"], 40)):
        assert there.generate(prompts, max_new_tokens=n, progress=False) == here.generate(
            prompts, max_new_tokens=n, progress=False
        )
    a, b = (
        scc2s.tl.annotate(adata, mode="generate", labels=here.labels, model=model, max_new_tokens=8, copy=True)
        for model in (here, there)
    )
    assert a.obs["c2s_cell_type"].tolist() == b.obs["c2s_cell_type"].tolist()


def test_it_ignores_logprobs_and_scc2s_notices(folder, url):
    there = scc2s.models.load(url, backend="server", model=str(folder))
    assert not there.capabilities["logprobs"]
    assert not there.capabilities["echo"]
    with pytest.raises(ValueError, match="no log-probabilities of a text"):
        there.score(["Genes: CD3D. Cell type:"], [" B cell"], progress=False)


def test_a_field_that_it_does_not_know_is_told(folder, url):
    there = scc2s.models.load(url, backend="server", model=str(folder))
    with pytest.raises(ValueError, match="top_k"):
        there.generate(["CD3D"], max_new_tokens=2, sampling=scc2s.models.Sampling(top_k=5), seeds=[1], progress=False)


def test_its_chat_route_answers_as_the_model_here(folder, url):
    here = scc2s.models.load(folder, device="cpu", dtype="float32")
    there = scc2s.models.load(url, backend="server", model=str(folder))
    messages = [{"role": "system", "content": "Genes: CD79A MS4A1"}, {"role": "user", "content": "Name more genes."}]
    more = [*messages, {"role": "assistant", "content": "CD79B"}, {"role": "user", "content": "And more."}]
    for asked in (messages, more):
        assert there.reply(asked, max_new_tokens=12) == here.reply(asked, max_new_tokens=12) != ""


def test_a_real_instruct_model_talks_through_it_and_invented_genes_are_marked(instruct, tmp_path):
    """Its words are those of the same model here; the list of models needs no folder of the hub."""
    adata = sc.datasets.pbmc68k_reduced()
    scc2s.pp.sentences(adata)
    shown = {"groupby": "bulk_labels", "groups": ["CD19+ B", "CD56+ NK"], "n_cells": 1, "n_genes": 15}
    asked = "What tells these two groups apart?"
    with served(instruct, tmp_path) as address:
        (tmp_path / "hub").rmdir()
        models = [
            scc2s.models.load(instruct, device="cpu", dtype="float32"),
            scc2s.models.load(address, backend="server", model=str(instruct), n_retries=1),
        ]
        here, there = (scc2s.tl.chat(adata, model=each, max_new_tokens=40, **shown).ask(asked) for each in models)
    assert str(there) == str(here) != ""
    genes = there.claims[there.claims["kind"] == "gene"]
    assert len(genes)
    assert (genes.loc[~genes["name"].isin(adata.raw.var_names), "holds"] == "no").all()
