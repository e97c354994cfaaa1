"""How Sphinx builds the documentation: `tox -e docs`. Nothing here or on the pages asks another host for anything."""

import sys
from pathlib import Path

DOCS = Path(__file__).parent
sys.path[:0] = [str(DOCS / "_extensions"), str(DOCS.parent / "src")]

from stand_ins import stand_in_for  # noqa: E402, the path comes first

from keras_reprise.base.version import __version__  # noqa: E402

stand_in_for("keras", "keras_tuner")  # the reference is made of docstrings, where no backend is installed

project = "keras-reprise"
author = copyright = "The keras-reprise developers"
version = release = __version__

extensions = ["myst_nb", "sphinx.ext.autodoc", "sphinx_copybutton", "floors", "of_the_project"]
exclude_patterns = ["_build"]

# Pages are Markdown. Blocks that name no language are commands or output.
myst_enable_extensions = ["colon_fence", "deflist"]
myst_fence_as_directive = ["mermaid"]
myst_heading_anchors = 3
highlight_language = "none"

# The notebook is executed whenever the site is built, and what it raises ends the build.
nb_execution_mode = "force"
nb_execution_raise_on_error = True
nb_execution_timeout = 120
nb_merge_streams = True

# The reference.
autodoc_typehints = "signature"
autodoc_member_order = "bysource"
autodoc_class_signature = "mixed"
python_use_unqualified_type_names = True
python_maximum_signature_line_length = 80
add_module_names = False
default_role = "code"  # `name` in a docstring is code

html_theme = "furo"
html_title = f"keras-reprise {version}"
html_static_path = ["_static"]
html_css_files = ["site.css"]
html_show_sphinx = False
html_copy_source = False
html_theme_options = {"navigation_with_keys": True}
