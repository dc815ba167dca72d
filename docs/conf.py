"""How the documents are built: `make docs`, with Sphinx, furo and MyST."""

project = "ATTN"
author = "The ATTN developers"
extensions = ["myst_parser"]
html_theme = "furo"
html_title = "ATTN"
exclude_patterns = ["_build"]
myst_heading_anchors = 3
myst_enable_extensions = ["deflist"]
