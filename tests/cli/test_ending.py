from __future__ import annotations

import os
import signal
import subprocess
import sys
from typing import TYPE_CHECKING

import anndata as ad
import pytest

if TYPE_CHECKING:
    from collections.abc import Callable
    from pathlib import Path

    Run = Callable[..., tuple[int, str, str]]

HEAVY = ("scanpy", "numba", "torch", "anndata", "pandas", "matplotlib", "transformers")
STARTS = """
import sys, time
start = time.process_time()
import typer.rich_utils
typer_alone = time.process_time() - start
from scc2s.cli import main
try:
    main(sys.argv[1:])
finally:
    ratio = (time.process_time() - start) / typer_alone
    print(ratio, *[name for name in {heavy} if name in sys.modules], file=sys.stderr)
"""

# A command that says when it is at work, or when the new file is there and not yet in its place, and waits then.
WAITS = """
import sys, time
import anndata
from scc2s.cli import main
from scc2s import pp

def wait(*args, **kwargs):
    print("waiting", flush=True)
    time.sleep(60)

write = anndata.AnnData.write_h5ad

def write_and_wait(adata, path):
    write(adata, path)
    wait()

if sys.argv[1] == "work":
    pp.sentences = wait
else:
    anndata.AnnData.write_h5ad = write_and_wait
main(sys.argv[2:])
"""


def process(code: str, *args: object) -> subprocess.Popen[str]:
    command = [sys.executable, "-c", code, *map(str, args)]
    return subprocess.Popen(
        command, stdout=subprocess.PIPE, stderr=subprocess.PIPE, text=True, preexec_fn=with_usual_signals
    )


def with_usual_signals() -> None:
    """As at a terminal: tests in the background of a shell, or under nohup, pass on that some are ignored."""
    for number in (signal.SIGINT, signal.SIGHUP, signal.SIGTERM):
        signal.signal(number, signal.SIG_DFL)


def stopped(number: int, *args: object) -> tuple[int, str]:
    """Exit code and standard error of a command that gets a signal while it waits."""
    running = process(WAITS, *args)
    try:
        assert running.stdout is not None
        assert running.stdout.readline() == "waiting\n"
        running.send_signal(number)
        _, err = running.communicate(timeout=60)
    finally:
        running.kill()
    return running.returncode, err


def hidden(folder: Path) -> list[str]:
    return [p.name for p in folder.iterdir() if p.name.startswith(".")]


@pytest.mark.parametrize("args", [("--help",), ("--version",), ("sentences", "--help"), ("screen", "--help")])
@pytest.mark.slow
def test_help_and_version_take_little_longer_than_typer_alone_and_import_nothing_heavy(args: tuple[str, ...]) -> None:
    def once() -> tuple[float, list[str]]:
        running = process(STARTS.format(heavy=HEAVY), *args)
        out, err = running.communicate(timeout=60)
        assert running.returncode == 0, err
        assert "scc2s" in out
        ratio, *heavy = err.split()
        return float(ratio), heavy

    ratio, heavy = min(once() for _ in range(3))
    assert heavy == []
    assert ratio <= 3  # half a second where typer takes a sixth


@pytest.mark.slow
@pytest.mark.skipif(os.name != "posix", reason="needs signals")
class TestStop:
    @pytest.mark.parametrize(
        ("number", "code", "moment"),
        [("SIGINT", 130, "work"), ("SIGINT", 130, "write"), ("SIGTERM", 143, "write"), ("SIGHUP", 129, "write")],
    )
    def test_leaves_no_file_and_says_so(self, cells: Path, tmp_path: Path, number: str, code: int, moment: str) -> None:
        found, err = stopped(signal.Signals[number], moment, "sentences", cells, tmp_path / "a.h5ad")
        assert found == code
        assert err.splitlines()[-1] == "scc2s: stopped; nothing was written"
        assert "Traceback" not in err
        assert list(tmp_path.iterdir()) == []

    def test_leaves_the_file_that_is_there(self, cells: Path, tmp_path: Path) -> None:
        target = tmp_path / "a.h5ad"
        target.write_bytes(b"old")
        found, err = stopped(signal.SIGINT, "write", "sentences", cells, target)
        assert found == 130
        assert f"{target} is as it was" in err
        assert target.read_bytes() == b"old"
        assert hidden(tmp_path) == []

    def test_says_where_answers_are_kept(self, cells: Path, tmp_path: Path) -> None:
        cache = tmp_path / "answers.sqlite"
        asked = ("generate", cells, tmp_path / "a.h5ad", "--n", 2, "--n-genes", 5)
        _, err = stopped(signal.SIGINT, "write", *asked, "--cache", cache)
        assert f"answers so far are kept in {cache}" in err.splitlines()[-1]

    def test_says_that_answers_can_be_kept(self, cells: Path, tmp_path: Path) -> None:
        _, err = stopped(signal.SIGINT, "work", "generate", cells, tmp_path / "a.h5ad")
        assert "with --cache FILE" in err.splitlines()[-1]

    def test_what_a_kill_leaves_is_removed_by_the_next_run_to_the_same_target(
        self, run: Run, cells: Path, tmp_path: Path
    ) -> None:
        target = tmp_path / "a.h5ad"
        assert stopped(signal.SIGKILL, "write", "sentences", cells, target)[0] == -signal.SIGKILL
        assert len(hidden(tmp_path)) == 1
        assert run("sentences", cells, tmp_path / "b.h5ad")[0] == 0
        assert len(hidden(tmp_path)) == 1  # of another target
        assert run("sentences", cells, target)[0] == 0
        assert hidden(tmp_path) == []


class TestError:
    def test_of_the_package_is_in_the_words_of_the_command_line(self, run: Run, cells: Path, tmp_path: Path) -> None:
        code, _, err = run("sentences", cells, tmp_path / "a.h5ad", "--layer", "nope")
        assert code == 1
        assert err.startswith("scc2s: there is no layer 'nope'; pass --layer")
        assert len(err.splitlines()) == 1

    def test_of_a_step_that_is_made_unasked_names_the_command_with_its_options(
        self, run: Run, cells: Path, tmp_path: Path
    ) -> None:
        twice = ad.read_h5ad(cells)
        del twice.raw
        twice.X = abs(twice.X)
        twice.var_names = [twice.var_names[0], *twice.var_names[:-1]]
        twice.write_h5ad(tmp_path / "twice.h5ad")
        code, _, err = run("embed", tmp_path / "twice.h5ad", tmp_path / "a.h5ad")
        assert code == 1
        assert "pass --on-duplicate max" in err
        assert err.endswith("call `scc2s sentences IN OUT ...` with this first\n")
        assert run("sentences", tmp_path / "twice.h5ad", tmp_path / "a.h5ad", "--on-duplicate", "max")[0] == 0

    def test_of_another_kind_is_one_line_that_names_it(
        self, run: Run, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import scc2s

        def fail(*_: object, **__: object) -> None:
            raise ZeroDivisionError("by\nzero")

        monkeypatch.setattr(scc2s.pp, "sentences", fail)
        code, _, err = run("sentences", cells, tmp_path / "a.h5ad")
        assert code == 1
        assert err == "scc2s: ZeroDivisionError: by zero; to see where, call `scc2s --debug sentences ...`\n"
        monkeypatch.setenv("SCC2S_DEBUG", "1")
        code, _, err = run("sentences", cells, tmp_path / "a.h5ad")
        assert code == 1
        assert "Traceback" in err
        assert err.splitlines()[-1] == "scc2s: ZeroDivisionError: by zero"
        monkeypatch.delenv("SCC2S_DEBUG")
        assert "Traceback" in run("--debug", "sentences", cells, tmp_path / "a.h5ad")[2]

    def test_key_of_another_package_is_not_a_line_of_one_word(
        self, run: Run, cells: Path, tmp_path: Path, monkeypatch: pytest.MonkeyPatch
    ) -> None:
        import scc2s

        monkeypatch.setattr(scc2s.pp, "sentences", lambda *_, **__: {}["X"])
        assert "scc2s: KeyError: 'X'" in run("sentences", cells, tmp_path / "a.h5ad")[2]


@pytest.mark.parametrize(
    ("command", "asked", "message"),
    [
        ("annotate", ("--groupby", "nope"), "nope"),
        ("annotate", ("--labels-from", "nope"), "nope"),
        ("annotate", ("--mode", "nope"), "--mode nope"),
        ("embed", ("--pooling", "nope"), "--pooling nope"),
        ("generate", ("--n", 0), "--n 0"),
        ("generate", ("--obs", "nope"), "--obs"),
        ("perturb", (), "--perturbation"),
        ("perturb", ("--perturbation", "A", "--n-genes", 0), "--n-genes 0"),
        ("screen", ("--program", "ifn"), "perturbations"),
        ("screen", ("--program", "nope", "--perturbation", "A"), "nope"),
        ("caption", ("--groupby", "nope"), "nope"),
        ("caption", ("--groupby", "louvain", "--n-cells", 0), "--n-cells 0"),
    ],
)
@pytest.mark.parametrize("placed", [(), ("--device", "cpu")])
def test_errors_about_the_request_come_before_a_model_is_loaded(
    run: Run,
    cells: Path,
    tmp_path: Path,
    command: str,
    asked: tuple[object, ...],
    message: str,
    placed: tuple[str, ...],
) -> None:
    code, _, err = run(command, cells, tmp_path / "a.h5ad", *asked, "--model", "there/is-none", *placed)
    assert code == 1
    assert message in err.splitlines()[-1]
    assert "there/is-none" not in err


def test_what_is_made_unasked_is_said(run: Run, cells: Path, tmp_path: Path) -> None:
    code, out, err = run("generate", cells, tmp_path / "a.h5ad", "--n-genes", 5, "--json")
    assert code == 0
    assert out.startswith("{")
    assert "scc2s: the file has no sentences: they are made" in err
    assert "scc2s: the file has no line from rank to expression" in err
    found = ad.read_h5ad(tmp_path / "a.h5ad")
    assert found.n_obs == 1


def test_warnings_of_the_package_are_in_the_words_of_the_command_line(run: Run, cells: Path, tmp_path: Path) -> None:
    from scc2s.models import _load

    _load._said.clear()
    _load._loaded.clear()
    _, _, err = run("embed", cells, tmp_path / "a.h5ad")
    assert "give --model vandijklab/" in err
    assert "`scc2s models`" in err
