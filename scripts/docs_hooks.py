# SPDX-License-Identifier: Apache-2.0
"""Hooks of the site: a reference page for each room that is in the tree, and docstrings cleared of Sphinx's marks."""

from __future__ import annotations

import ast
import re
from pathlib import Path

from mkdocs.config.defaults import MkDocsConfig
from mkdocs.structure.files import File, Files

LIBRARY = Path(__file__).resolve().parent.parent / "imagebuild"

#: Rooms whose face is not for importers.
NOT_A_LIBRARY = {"cli", "__main__", "wiring"}


def rooms() -> list[str]:
    """The rooms of the tree that have a public face: a file, or a folder with a documented ``__init__.py``."""
    files = [path.stem for path in LIBRARY.glob("*.py")]
    folders = [path.parent.name for path in LIBRARY.glob("*/__init__.py")
               if ast.get_docstring(ast.parse(path.read_text(encoding="utf-8")))]
    return sorted({*files, *folders} - NOT_A_LIBRARY - {"__init__"})


def on_config(config: MkDocsConfig) -> MkDocsConfig:
    """Append the library's pages to the navigation."""
    pages = [{room: f"library/{room}.md"} for room in rooms()]
    config.nav = [*(config.nav or []), {"Library": pages}]
    return config


def on_files(files: Files, config: MkDocsConfig) -> Files:
    """Add the reference pages, which exist only while the site is built."""
    for room in rooms():
        files.append(File.generated(config, f"library/{room}.md", content=f"# {room}\n\n::: imagebuild.{room}\n"))
    return files


def on_page_content(html: str, **_: object) -> str:
    """Docstrings are written as ``:class:`X```; what is left of that in HTML is taken away."""
    html = re.sub(r":(?:py:)?(?:attr|class|data|exc|func|meth|mod|obj|ref):(?=<code>)", "", html)
    return re.sub(r"<p>::</p>\s*", "", html)
