# SPDX-License-Identifier: Apache-2.0
"""What ``ansible-test sanity`` would find in a second: the whole of it is slow (tests/ansible/test_scripts.py).

Its pylint refuses the name ``_``, an ellipsis behind a docstring and a name that a ``with`` makes and uses in one
head; its compile test what Python does not read; its pep8 test three blank lines; no plugin may ``assert``.
"""

from __future__ import annotations

import ast
import re
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
        if isinstance(node, ast.With | ast.AsyncWith):
            made: set[str] = set()
            for item in node.items:
                if made & {name.id for name in ast.walk(item.context_expr) if isinstance(name, ast.Name)}:
                    found.append((item.context_expr.lineno, "used-before-assignment"))
                if isinstance(item.optional_vars, ast.Tuple):   # pylint follows a plain name, not an unpacked tuple
                    made |= {name.id for name in ast.walk(item.optional_vars) if isinstance(name, ast.Name)}
    return found


@pytest.mark.parametrize("path", SHIPPED, ids=[str(path.relative_to(REPOSITORY)) for path in SHIPPED])
def test_a_file_that_ships_compiles_and_has_nothing_that_pylint_refuses(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    compile(text, path, "exec", dont_inherit=True)
    assert findings(ast.parse(text)) == []
    assert not re.search(r"\n{4,}", text), "more than two blank lines"
    if "plugins" in path.parts:
        assert not re.search(r"^\s*assert[^a-z0-9_:]", text, re.MULTILINE), "raise AssertionError instead of: assert"


@pytest.mark.parametrize(("text", "word"), [
    ("_ = 1", "disallowed-name"), ("for _ in (): pass", "disallowed-name"), ("def f(_): pass", "disallowed-name"),
    ('def f():\n    """Docstring."""\n    ...', "unnecessary-ellipsis"),
    ("with f() as (a, b), g(a): pass", "used-before-assignment")])
def test_each_finding_is_found(text: str, word: str) -> None:
    assert [found for _line, found in findings(ast.parse(text))] == [word]
