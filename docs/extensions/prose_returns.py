"""Read a ``Returns`` section as it is written: prose, or a definition list of the slots that are set.

Napoleon takes the first line of a numpy-style ``Returns`` for a type. Our types stand in the signature only.
"""

from sphinx.application import Sphinx
from sphinx.ext.napoleon import NumpyDocstring


def _returns_as_prose(self: NumpyDocstring, _section: str) -> list[str]:
    lines = self._dedent(self._consume_to_next_section())
    if lines and lines[0].strip() == ":":  # sphinx_autodoc_typehints' own, half, remedy
        lines = lines[1:]
    return self._format_block(":returns: ", lines)


def setup(_app: Sphinx) -> dict[str, bool]:
    """Replace napoleon's reading of the section."""
    NumpyDocstring._parse_returns_section = _returns_as_prose
    return {"parallel_read_safe": True}
