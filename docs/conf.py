"""Configuration of the documentation; see CONTRIBUTING.md for how to build it."""

import os
import sys
import warnings
from importlib.metadata import version as installed_version
from pathlib import Path

HERE = Path(__file__).parent
sys.path.insert(0, str(HERE / "extensions"))

warnings.filterwarnings("ignore", message=".*set_application.*")  # sphinx_autodoc_typehints 3.6 under Sphinx 9

project = "scc2s"
author = "scc2s developers"
copyright = f"2026, {author}"
version = release = installed_version("scc2s")

extensions = [
    "myst_nb",
    "sphinx.ext.autodoc",
    "sphinx.ext.autosummary",
    "sphinx.ext.napoleon",
    "sphinx_autodoc_typehints",
    "sphinx_copybutton",
    "sphinx_design",
    "matplotlib.sphinxext.plot_directive",
    "dead_links",
    "figures",
    "generated_pages",
    "prose_returns",
    "public_names",
    "public_targets",
]
exclude_patterns = ["_build", "_generated", "figures", "**.ipynb_checkpoints"]
templates_path = ["_templates"]

# Links to other projects need the network: Read the Docs has it, CI and a laptop may not.
if os.environ.get("READTHEDOCS"):
    extensions.append("sphinx.ext.intersphinx")
    intersphinx_mapping = {
        "python": ("https://docs.python.org/3", None),
        "numpy": ("https://numpy.org/doc/stable", None),
        "scipy": ("https://docs.scipy.org/doc/scipy", None),
        "pandas": ("https://pandas.pydata.org/docs", None),
        "matplotlib": ("https://matplotlib.org/stable", None),
        "anndata": ("https://anndata.readthedocs.io/en/stable", None),
        "mudata": ("https://mudata.readthedocs.io/stable", None),
        "scanpy": ("https://scanpy.readthedocs.io/en/stable", None),
    }

# Every link to a public name of ours must lead somewhere; names of others are checked by nobody offline.
nitpicky = True
nitpick_ignore_regex = [(r"py:.*", r"(?!scc2s\.).*"), (r"py:.*", r"scc2s\.(\w+\.)*_.*")]

autosummary_generate = True
# There are estimate and corpus, too, and a file system may not tell the two apart.
autosummary_filename_map = {
    "scc2s.models.Estimate": "scc2s.models.Estimate-class",
    "scc2s.train.Corpus": "scc2s.train.Corpus-class",
}
autodoc_member_order = "bysource"
typehints_defaults = "comma"
typehints_use_rtype = False
napoleon_google_docstring = False
napoleon_use_rtype = False
napoleon_use_param = True
default_role = "literal"

myst_enable_extensions = ["colon_fence"]
myst_heading_anchors = 3
nb_execution_mode = "off"  # .ci/run executes the tutorials; generated_pages takes the executed copies
nb_merge_streams = True
nb_output_stderr = "remove"  # progress bars

plot_formats = [("png", 120)]
plot_html_show_formats = False
plot_html_show_source_link = False
plot_rcparams = {"savefig.bbox": "tight"}

html_theme = "sphinx_book_theme"
html_title = "scc2s"
html_static_path = ["_static"]
html_css_files = ["custom.css"]
html_theme_options = {
    "navbar_persistent": [],
    "show_navbar_depth": 1,
    "show_toc_level": 2,
    "use_download_button": False,
    "use_fullscreen_button": False,
}
