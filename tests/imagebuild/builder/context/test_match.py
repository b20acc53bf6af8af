# SPDX-License-Identifier: Apache-2.0
"""What the text of a source leads to."""

from __future__ import annotations

from pathlib import Path

import pytest

from imagebuild.builder.context.context import Context
from imagebuild.builder.context.match import expand_sources, has_wildcard, normal
from imagebuild.errors import ContextError


@pytest.fixture
def tree(tmp_path: Path) -> Path:
    for name in ("a.txt", "b.md", "src/x.c", "src/x.h", "src/sub/y.c", "src/empty/", "bin/app.exe", "z[1].txt"):
        path = tmp_path / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.mkdir() if name.endswith("/") else path.write_text(name)
    return tmp_path


@pytest.mark.parametrize(("pattern", "found"), [
    ("*.txt", ["a.txt", "z[1].txt"]), ("src/*.?", ["src/x.c", "src/x.h"]), ("s*/x.[ch]", ["src/x.c", "src/x.h"]),
    ("*/app.exe", ["bin/app.exe"]), ("*", ["a.txt", "b.md", "bin", "src", "z[1].txt"]), ("nothing*", []),
    ("src/*/*", ["src/sub/y.c"]), ("src/**", ["src/empty", "src/sub", "src/x.c", "src/x.h"]),
    ("z[[]1].txt", ["z[1].txt"]),
    ("plain", ["plain"]),
])
def test_wildcards_match_component_by_component(tree: Path, pattern: str, found: list[str]) -> None:
    assert list(expand_sources(Context.from_folder(tree), pattern)) == found


@pytest.mark.parametrize(("text", "path"), [
    (".", ""), ("C:\\a\\b", "a/b"), ("/a//b/./c/", "a/b/c"), ("a/../b", "b"), ("", "")])
def test_a_source_is_a_path_in_the_context_however_it_is_written(text: str, path: str) -> None:
    assert normal(text, text) == path


def test_a_source_that_climbs_out_is_refused_by_name() -> None:
    with pytest.raises(ContextError, match=r"cannot copy \.\./x"):
        normal("../x", "../x")


def test_three_characters_make_a_wildcard() -> None:
    assert [has_wildcard(name) for name in ("a*", "?", "[a]", "a]", "a")] == [True, True, True, False, False]
