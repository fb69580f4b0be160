from __future__ import annotations

from pathlib import Path
from typing import TYPE_CHECKING

from ._program import Program

if TYPE_CHECKING:
    from os import PathLike


def from_gmt(path: str | PathLike[str]) -> dict[str, Program]:
    r"""Programs of a GMT file, as MSigDB and others give them: name, description, genes, parted by tabs.

    Parameters
    ----------
    path
        The file.

    Returns
    -------
    Programs by name, in the order of the file. Their source is the file's name and the description.

    Raises
    ------
    FileNotFoundError
        No such file.
    ValueError
        A line that is not a gene set, or two sets of one name.

    Examples
    --------
    >>> import pathlib, tempfile
    >>> path = pathlib.Path(tempfile.mkdtemp()) / "mine.gmt"
    >>> _ = path.write_text("T_CELL\tmarkers\tCD3D\tCD3E\tCD2\n")
    >>> from_gmt(path)["T_CELL"].genes
    ('CD3D', 'CD3E', 'CD2')
    """
    file = Path(path)
    if not file.is_file():
        msg = f"there is no file {file}; pass the path of a GMT file"
        raise FileNotFoundError(msg)
    try:
        lines = file.read_text(encoding="utf-8-sig").split("\n")
    except UnicodeDecodeError as error:
        msg = f"{file} is not a text file; pass the path of a GMT file, unpacked (gunzip) where it ends in .gz"
        raise ValueError(msg) from error
    found: dict[str, Program] = {}
    for number, line in enumerate(lines, start=1):
        if not line.strip():
            continue
        name, *rest = (part.strip() for part in line.split("\t"))
        genes = [gene for gene in rest[1:] if gene]
        if not name or not genes:
            msg = (
                f"line {number} of {file} is not a gene set ({line[:40]!r}); a GMT line is name, description and "
                "genes, parted by tabs"
            )
            raise ValueError(msg)
        if name in found:
            msg = f"line {number} of {file} has a second set {name!r}; give it another name"
            raise ValueError(msg)
        found[name] = Program(name, genes, f"{file.name}: {rest[0]}".rstrip(": "))
    if not found:
        msg = f"{file} has no gene sets; a GMT line is name, description and genes, parted by tabs"
        raise ValueError(msg)
    return found
