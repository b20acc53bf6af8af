# SPDX-License-Identifier: Apache-2.0
"""An error that is passed over says why: in a comment beside it, or in the docstring of the function it stands in."""

from __future__ import annotations

import ast
from collections.abc import Iterator
from pathlib import Path

TOP = Path(__file__).resolve().parent.parent
NO_ERRORS = {"StopIteration", "StopAsyncIteration", "Empty", "Full", "queue.Empty", "ImportError", "KeyError",
             "ssl.SSLWantReadError"}
"""Ways of Python to say "the end" or "not there": what is done then is plain to see."""


def quiet(node: ast.AST) -> bool:
    """Whether a node lets an error go without a word: it neither raises nor looks at it."""
    if isinstance(node, (ast.With, ast.AsyncWith)):
        return any("suppress" in ast.unparse(item.context_expr) for item in node.items)
    if not isinstance(node, ast.ExceptHandler) or (node.type and ast.unparse(node.type) in NO_ERRORS):
        return False
    inside = [one for line in node.body for one in ast.walk(line)]
    return not any(isinstance(one, ast.Raise) or (isinstance(one, ast.Name) and one.id == node.name) for one in inside)


def silent(source: str) -> Iterator[int]:
    """The lines of a source where an error is passed over without a reason."""
    lines = source.splitlines()

    def below(node: ast.AST, told: bool) -> Iterator[int]:
        if isinstance(node, (ast.FunctionDef, ast.AsyncFunctionDef)):
            told = ast.get_docstring(node) is not None
        if quiet(node) and not told:
            assert isinstance(node, (ast.With, ast.AsyncWith, ast.ExceptHandler))
            if not any("#" in line for line in lines[node.lineno - 2:node.body[-1].end_lineno]):
                yield node.lineno
        for one in ast.iter_child_nodes(node):
            yield from below(one, told)

    yield from below(ast.parse(source), told=False)


def test_an_error_that_is_passed_over_has_its_reason_beside_it() -> None:
    found = [f"{path.relative_to(TOP)}:{line}" for room in ("imagebuild", "plugins")
             for path in sorted((TOP / room).rglob("*.py")) for line in silent(path.read_text(encoding="utf-8"))]
    assert not found, "say why it is right to go on:\n" + "\n".join(found)


def test_the_search_finds_what_it_is_for() -> None:
    begin = "def f():\n    try:\n        g()\n"
    assert list(silent(begin + "    except OSError:\n        pass\n")) == [4]
    assert list(silent(begin + "    except (OSError, ValueError) as error:\n        return 0\n")) == [4]
    assert list(silent("def f():\n    with suppress(OSError):\n        g()\n")) == [2]
    for kept in ("    except OSError:  # why\n        pass\n", "    except OSError:\n        raise\n",
                 "    except OSError as error:\n        print(error)\n", "    except KeyError:\n        pass\n"):
        assert not list(silent(begin + kept)), kept
    described = begin.replace("\n", '\n    """Never raises."""\n', 1)
    assert not list(silent(described + "    except OSError:\n        pass\n"))
