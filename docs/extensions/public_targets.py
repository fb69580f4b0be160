"""Link types to the place they are public at: ``scc2s.prompts._task.Task`` is documented as ``scc2s.prompts.Task``."""

import re

from docutils import nodes
from sphinx.addnodes import pending_xref
from sphinx.application import Sphinx
from sphinx.environment import BuildEnvironment


def _resolve(
    app: Sphinx, env: BuildEnvironment, node: pending_xref, content: nodes.TextElement
) -> nodes.Element | None:
    target = node.get("reftarget", "")
    public = re.sub(r"\._\w+", "", target)
    if node.get("refdomain") != "py" or not target.startswith("scc2s.") or public == target:
        return None
    return env.get_domain("py").resolve_xref(env, node["refdoc"], app.builder, node["reftype"], public, node, content)


def setup(app: Sphinx) -> dict[str, bool]:
    """Look for the public name where the private one is not documented."""
    app.connect("missing-reference", _resolve)
    return {"parallel_read_safe": True}
