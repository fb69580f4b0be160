"""From a commit or a tag to an installed wheel: builds, looks at what was built, installs and runs it.

    python scripts/check_release.py                 # the last commit, beside the packages of this Python
    python scripts/check_release.py --tag v0.1.0    # a signed tag, and all that a release has to have
    python scripts/check_release.py --beside /path/to/venv/bin/python --keep dist

Nothing is uploaded, and nothing outside a temporary folder (and --keep) is written.
"""

import argparse
import hashlib
import os
import re
import shutil
import subprocess
import sys
import tarfile
import tempfile
import tomllib
import venv
import zipfile
from pathlib import Path

ROOT = Path(__file__).parents[1]
PLACEHOLDER = "scc2s.invalid"
COPIES = {  # where else the version stands
    "CITATION.cff": r"^version: (\S+)$",
    "recipe/meta.yaml": r'^{% set version = "(\S+)" %}$',
    "scverse/meta.yaml": r"^version: v(\S+)$",
}
NEEDED = ("scc2s/py.typed", "scc2s/models/mini/model.safetensors", "scc2s/models/mini/tokenizer.json",
          "scc2s/models/catalogue.toml", "scc2s/papers.toml")  # fmt: skip
KINDS = {".py", ".toml", ".json", ".md", ".safetensors", ".typed", ".jinja", ".j2", ".html", ".css", ".js", ".svg", ".png",
         ".woff2", ".txt"}  # fmt: skip
"""Files that the wheel may hold; others are there by accident."""
SOURCES = (
    "README.md",
    "CHANGELOG.md",
    "LICENSE",
    "CITATION.cff",
    "pyproject.toml",
    "constraints.txt",
    "tests/conftest.py",
)
MOST_BYTES = 60e6
"""Package indices take up to 100 MB a file."""


def version_problems(root: Path) -> list[str]:
    """Copies of the version that differ from that of pyproject.toml."""
    found = version(root)
    problems = []
    for name, pattern in COPIES.items():
        match = re.search(pattern, (root / name).read_text(encoding="utf-8"), re.MULTILINE)
        there = match[1] if match else None
        if there != found:
            problems.append(f"{name} says version {there}, pyproject.toml {found}")
    return problems


def version(root: Path) -> str:
    return tomllib.loads((root / "pyproject.toml").read_text(encoding="utf-8"))["project"]["version"]


def tag_problems(root: Path, tag: str) -> list[str]:
    """What a tag still lacks to be a release."""
    problems = []
    number = version(root)
    if tag != f"v{number}":
        problems.append(f"the tag is {tag}, the version {number}")
    if f"## [{number}]" not in (root / "CHANGELOG.md").read_text(encoding="utf-8"):
        problems.append(f"CHANGELOG.md has no section [{number}]; call towncrier build --version {number}")
    if left := [path.name for path in (root / "changelog.d").glob("+*")]:
        problems.append(f"{len(left)} entries are still in changelog.d; call towncrier build --version {number}")
    for name in ("recipe/meta.yaml", "scverse/meta.yaml"):
        if PLACEHOLDER in (root / name).read_text(encoding="utf-8"):
            problems.append(f"{name} has the placeholder {PLACEHOLDER}; write the address of the repository")
    return problems


def wheel_problems(wheel: Path, tracked: set[str]) -> list[str]:
    """What a wheel holds that it should not, or lacks.

    Parameters
    ----------
    wheel
        File.
    tracked
        Files of the package in the commit, as ``scc2s/...``.
    """
    with zipfile.ZipFile(wheel) as archive:
        names = set(archive.namelist())
    ours = {name for name in names if name.startswith("scc2s/")}
    about = {name for name in names if re.match(r"scc2s-[^/]+\.dist-info/", name)}
    problems = [f"the wheel holds {name}, outside the package" for name in sorted(names - ours - about)]
    problems += [f"the wheel lacks {name}" for name in sorted({*NEEDED, *tracked} - ours)]
    problems += [f"the wheel holds {name}, which is not in the commit" for name in sorted(ours - tracked)]
    for name in sorted(ours):
        path = Path(name)
        if "tests" in path.parts or path.suffix not in KINDS:
            problems.append(f"the wheel holds {name}, which no user needs")
    problems += [f"the wheel lacks its {name}" for name in ("METADATA", "RECORD", "entry_points.txt", "licenses/LICENSE")
                 if not any(one.endswith(f".dist-info/{name}") for one in about)]  # fmt: skip
    if wheel.stat().st_size > MOST_BYTES:
        problems.append(f"the wheel has {wheel.stat().st_size / 1e6:.0f} MB")
    return problems


def sdist_problems(sdist: Path) -> list[str]:
    """What a source distribution lacks, or holds by accident."""
    with tarfile.open(sdist) as archive:
        names = {name.partition("/")[2] for name in archive.getnames()}
    problems = [f"the source distribution lacks {name}" for name in SOURCES if name not in names]
    accidents = re.compile(r"__pycache__|\.pyc$|\.sqlite$|\.h5ad$|(^|/)\.|^\w+\.db$")
    allowed = {".gitignore"}  # hatchling puts it in
    problems += [f"the source distribution holds {name}" for name in sorted(names - allowed) if accidents.search(name)]
    return problems


def run(*command: object, cwd: Path | None = None) -> str:
    env = {name: value for name, value in os.environ.items() if name != "PYTHONPATH"}  # not this working tree
    done = subprocess.run([str(part) for part in command], cwd=cwd, env=env, capture_output=True, text=True)
    if done.returncode:
        sys.exit(f"FAILED: {' '.join(map(str, command))}\n{done.stdout[-3000:]}\n{done.stderr[-3000:]}")
    return done.stdout


def export(commit: str, folder: Path) -> None:
    """The files of a commit, and nothing that only lies beside them."""
    archive = folder.with_suffix(".tar")
    run("git", "archive", "-o", archive, commit, cwd=ROOT)
    with tarfile.open(archive) as files:
        files.extractall(folder, filter="data")


def build(source: Path, out: Path) -> tuple[Path, Path]:
    """Source distribution, and the wheel made from it."""
    run(sys.executable, "-m", "build", "--no-isolation", "--outdir", out, source)
    (sdist,), (wheel,) = out.glob("*.tar.gz"), out.glob("*.whl")
    run(sys.executable, "-m", "twine", "check", "--strict", sdist, wheel)
    return sdist, wheel


JOB = """
import sys
import scanpy as sc, scc2s
assert scc2s.__file__.startswith(sys.prefix), scc2s.__file__
adata = sc.datasets.pbmc68k_reduced()[:20].copy()
sc.pp.c2s_sentences(adata)
adata.c2s.embed()
sc.tl.c2s_annotate(adata)
print(scc2s.__version__, adata.obsm["X_c2s"].shape, scc2s.cite(adata).count("@"))
"""


def install(wheel: Path, folder: Path, beside: Path | None) -> None:
    """Install the wheel, alone beside the packages of another Python or with all it needs, and use it."""
    venv.create(folder, with_pip=True)
    python = folder / "bin" / "python"
    if beside is None:
        run(python, "-m", "pip", "install", "-q", wheel)
    else:
        where = run(beside, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        there = run(python, "-c", "import sysconfig; print(sysconfig.get_path('purelib'))").strip()
        (Path(there) / "beside.pth").write_text(where)  # after this environment's own packages, so that ours come first
        run(python, "-m", "pip", "install", "-q", "--no-deps", "--ignore-installed", wheel)
    scc2s = folder / "bin" / "scc2s"
    print(run(scc2s, "--version").strip())
    run(scc2s, "doctor")
    print(run(python, "-c", JOB, cwd=folder).strip().splitlines()[-1])


def main() -> None:
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--tag", help="a tag to release; without it the last commit, as a dry run")
    parser.add_argument("--unverified", action="store_true", help="do not look at the signature of the tag")
    parser.add_argument("--beside", type=Path, default=Path(sys.executable), help="Python that has scanpy and the rest")
    parser.add_argument("--full", action="store_true", help="install all that is needed from the package index")
    parser.add_argument("--keep", type=Path, help="folder for what was built")
    options = parser.parse_args()
    commit = options.tag or "HEAD"
    with tempfile.TemporaryDirectory(prefix="scc2s-release-") as temporary:
        work = Path(temporary)
        source = work / "source"
        export(commit, source)
        problems = version_problems(source)
        if options.tag:
            if not options.unverified:
                run("git", "tag", "-v", options.tag, cwd=ROOT)
            problems += tag_problems(source, options.tag)
        sdist, wheel = build(source, work / "dist")
        tracked = {
            path.relative_to(source / "src").as_posix() for path in (source / "src/scc2s").rglob("*") if path.is_file()
        }
        problems += wheel_problems(wheel, tracked) + sdist_problems(sdist)
        if problems:
            sys.exit("FAILED:\n" + "\n".join(problems))
        install(wheel, work / "venv", None if options.full else options.beside)
        for file in (sdist, wheel):
            size, digest = file.stat().st_size / 1e6, hashlib.sha256(file.read_bytes()).hexdigest()
            print(f"{file.name}: {size:.1f} MB, sha256 {digest}")
            if options.keep:
                options.keep.mkdir(parents=True, exist_ok=True)
                shutil.copy2(file, options.keep)
    print(f"{'release' if options.tag else 'dry run'} of {commit}: whole")


if __name__ == "__main__":
    main()
