# SPDX-License-Identifier: Apache-2.0
"""No circle of imports: not among modules, and not among the folders of a room."""

from __future__ import annotations

import ast
from collections.abc import Callable, Iterable, Mapping
from graphlib import CycleError, TopologicalSorter
from pathlib import Path

import pytest

LIBRARY = Path(__file__).resolve().parents[1] / "imagebuild"

Graph = Mapping[str, Iterable[str]]


def name_of(path: Path) -> str:
    """The dotted name of a file's module."""
    parts = path.relative_to(LIBRARY.parent).with_suffix("").parts
    return ".".join(parts[:-1] if parts[-1] == "__init__" else parts)


MODULES = {name_of(path): path for path in sorted(LIBRARY.rglob("*.py"))}


def for_type_checkers(tree: ast.AST) -> set[ast.AST]:
    """Everything below ``if TYPE_CHECKING:``, which no interpreter runs."""
    return {node for test in ast.walk(tree) if isinstance(test, ast.If) and "TYPE_CHECKING" in ast.unparse(test.test)
            for stmt in test.body for node in ast.walk(stmt)}


def imported(name: str) -> set[str]:
    """The modules of ours that a module imports, when it is loaded or later. A package's own modules, which its face
    hands on, are left out."""
    path, found = MODULES[name], set()
    package = name if path.name == "__init__.py" else name.rpartition(".")[0]
    tree = ast.parse(path.read_bytes(), str(path))
    skipped = for_type_checkers(tree)
    for node in ast.walk(tree):
        if isinstance(node, ast.ImportFrom) and node.level and node not in skipped:
            above = package.split(".")[:len(package.split(".")) - node.level + 1]
            base = ".".join((*above, *filter(None, (node.module,))))
            found |= {full if (full := f"{base}.{alias.name}") in MODULES else base for alias in node.names}
    if path.name == "__init__.py":
        found = {one for one in found if not one.startswith(f"{name}.")}
    return found - {name}


@pytest.fixture(scope="module")
def graph() -> dict[str, set[str]]:
    return {name: imported(name) & MODULES.keys() for name in MODULES}


def circle(graph: Graph) -> list[str]:
    """The names on a circle of a graph, in order; empty where there is none."""
    try:
        TopologicalSorter(graph).prepare()
    except CycleError as error:
        return list(error.args[1])
    return []


def folders_of(room: str, graph: Graph) -> dict[str, set[str]]:
    """What the folders of a room import of one another. Modules of the room itself may be above them and below."""
    def folder(name: str) -> str:
        parts = name.split(".")
        inside = parts[1:2] == [room] and len(parts) > 2
        return parts[2] if inside and (len(parts) > 3 or MODULES[name].name == "__init__.py") else ""

    found: dict[str, set[str]] = {}
    for name, others in graph.items():
        if mine := folder(name):
            found.setdefault(mine, set()).update({there for other in others if (there := folder(other))} - {mine})
    return found


def test_modules_import_one_another_in_no_circle(graph: Graph) -> None:
    assert circle(graph) == []


@pytest.mark.parametrize("room", sorted(path.name for path in LIBRARY.iterdir() if (path / "__init__.py").exists()))
def test_folders_of_a_room_import_one_another_in_no_circle(room: str, graph: Graph) -> None:
    assert circle(folders_of(room, graph)) == []


@pytest.mark.parametrize("find", [circle, lambda graph: circle(folders_of("hive", graph))])
def test_a_circle_would_be_found(find: Callable[[Graph], list[str]]) -> None:
    checks, logs = (next(name for name in MODULES if name.startswith(f"imagebuild.hive.{folder}."))
                    for folder in ("checks", "logs"))
    assert find({checks: {logs}, logs: {checks}})
    assert not find({checks: {logs}})
