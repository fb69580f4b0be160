"""Read ``Returns`` sections and attributes as they are written: prose, or a definition list of slots.

Napoleon takes the first line of a numpy-style ``Returns``, and what stands before a colon in the docstring of an
attribute, for a type. Our types stand in the signature only.
"""

from sphinx.application import Sphinx
from sphinx.ext.napoleon import NumpyDocstring


def _returns_as_prose(self: NumpyDocstring, _section: str) -> list[str]:
    lines = self._dedent(self._consume_to_next_section())
    if lines and lines[0].strip() == ":":  # sphinx_autodoc_typehints' own, half, remedy
        lines = lines[1:]
    return self._format_block(":returns: ", lines)


def _attribute_as_prose(self: NumpyDocstring) -> list[str]:
    return self._consume_to_end()


def setup(_app: Sphinx) -> dict[str, bool]:
    """Replace napoleon's reading of both."""
    NumpyDocstring._parse_returns_section = _returns_as_prose
    NumpyDocstring._parse_attribute_docstring = _attribute_as_prose
    return {"parallel_read_safe": True}
