# SPDX-License-Identifier: Apache-2.0
"""What ``ansible-test sanity`` would find in a second: the whole of it is slow (tests/ansible/test_scripts.py).

Its pylint refuses the name ``_`` and an ellipsis behind a docstring, its compile test what Python does not read.
"""

from __future__ import annotations

import ast
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
SHIPPED = sorted([*(REPOSITORY / "imagebuild").rglob("*.py"), *(
    path for path in (REPOSITORY / "plugins").rglob("*.py") if "pytest_wcow" not in path.parts)])


def findings(tree: ast.AST) -> list[tuple[int, str]]:
    """Return the lines that pylint would refuse, with its word for each."""
    found = []
    for node in ast.walk(tree):
        if isinstance(node, ast.Name) and node.id == "_" and isinstance(node.ctx, ast.Store):
            found.append((node.lineno, "disallowed-name"))
        if isinstance(node, ast.arg) and node.arg == "_":
            found.append((node.lineno, "disallowed-name"))
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef | ast.ClassDef):
            dots = [one for one in node.body if isinstance(one, ast.Expr) and isinstance(one.value, ast.Constant)
                    and one.value.value is Ellipsis]
            if dots and len(node.body) > 1:
                found.append((dots[0].lineno, "unnecessary-ellipsis"))
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=[str(path.relative_to(REPOSITORY)) for path in SHIPPED])
def test_a_file_that_ships_compiles_and_has_nothing_that_pylint_refuses(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    compile(text, path, "exec", dont_inherit=True)
    assert findings(ast.parse(text)) == []


@pytest.mark.parametrize(("text", "word"), [
    ("_ = 1", "disallowed-name"), ("for _ in (): pass", "disallowed-name"), ("def f(_): pass", "disallowed-name"),
    ('def f():\n    """Docstring."""\n    ...', "unnecessary-ellipsis")])
def test_each_finding_is_found(text: str, word: str) -> None:
    assert [found for _line, found in findings(ast.parse(text))] == [word]
