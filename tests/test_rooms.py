# SPDX-License-Identifier: Apache-2.0
"""The table of rooms, held: who may import whom, and how.

``docs/architecture.md`` explains the table; this file is what fails when the code leaves it. A new room needs a row
here and a row there (a test compares the two).
"""

from __future__ import annotations

import ast
import re
import sys
import warnings
from collections.abc import Iterator
from importlib import import_module
from pathlib import Path

import pytest

REPOSITORY = Path(__file__).resolve().parent.parent
LIBRARY = REPOSITORY / "imagebuild"

FORMATS = "windows codec hive layer dockerfile shell dockerapi"
MODELS = "oci compat"
PORTS = "stores fetch tools runtime host"
OPERATIONS = "images builder containers engine programs hostd lint doctor"

#: Rooms that every room may import.
COMMON = {"errors", "events", "files"}

#: Room -> the rooms it may import, beside :data:`COMMON` and itself.
TABLE = {
    "errors": "",
    "events": "",
    "files": "",
    "windows": "",
    "codec": "",
    "hive": "windows",
    "layer": "windows codec",
    "dockerfile": "windows",
    "shell": "windows",
    "dockerapi": "",
    "oci": "windows",
    "compat": "windows oci",
    "stores": "oci dockerapi codec",
    "fetch": "windows",
    "tools": "windows",
    "runtime": "windows codec hive layer",
    "host": "windows dockerapi",
    "images": f"{FORMATS} {MODELS} stores tools lint",
    "builder": f"{FORMATS} {MODELS} {PORTS} images lint",
    "containers": "windows dockerapi compat host",
    "engine": f"{FORMATS} {MODELS} stores runtime builder images",
    "programs": "windows fetch runtime",
    "hostd": "windows dockerapi containers images stores programs engine",
    "lint": f"{FORMATS} {MODELS} stores",
    "doctor": f"windows dockerapi {MODELS} stores runtime host",
    "wiring": f"{FORMATS} {MODELS} {PORTS} {OPERATIONS}",
    "cli": f"{FORMATS} {MODELS} {PORTS} {OPERATIONS} wiring",
    "__main__": "cli",
}

#: The Ansible collection never imports these, so third-party packages may be imported at their top.
FREE_TO_IMPORT = {"cli", "engine", "hostd"}

#: Past this many lines look for the second subject (warned about, not refused).
LONG = 400


#: Folders that hold more than fifteen modules.
STILL_LARGE: set[str] = set()


def modules() -> list[Path]:
    return sorted(path for path in LIBRARY.rglob("*.py"))


def python_files() -> list[Path]:
    top = [REPOSITORY / name for name in ("imagebuild", "plugins", "tests", "scripts", "examples", "docs")]
    return sorted(path for folder in top for path in folder.rglob("*.py"))


def label(path: Path) -> str:
    return path.relative_to(REPOSITORY).as_posix()


def room_of(path: Path) -> str:
    """The room a file belongs to: its folder below imagebuild/, or its own name there; '' for ``__init__.py``."""
    first = path.relative_to(LIBRARY).parts[0]
    return "" if first == "__init__.py" else first.removesuffix(".py")


def all_imports(tree: ast.AST) -> Iterator[ast.Import | ast.ImportFrom]:
    for node in ast.walk(tree):
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node


def imports_at_load(body: list[ast.stmt]) -> Iterator[ast.Import | ast.ImportFrom]:
    """The imports that run when the module is loaded: not those in functions, nor those for type checkers."""
    for node in body:
        if isinstance(node, ast.Import | ast.ImportFrom):
            yield node
        elif isinstance(node, ast.If):
            if "TYPE_CHECKING" not in ast.unparse(node.test):
                yield from imports_at_load(node.body)
            yield from imports_at_load(node.orelse)
        elif isinstance(node, ast.Try):
            handlers = [stmt for handler in node.handlers for stmt in handler.body]
            yield from imports_at_load([*node.body, *handlers, *node.orelse, *node.finalbody])
        elif isinstance(node, ast.ClassDef | ast.With):
            yield from imports_at_load(node.body)


def rooms_imported(path: Path, tree: ast.AST) -> Iterator[tuple[str, int]]:
    """Each room that a file imports relatively, with the line."""
    here = ("imagebuild", *path.relative_to(LIBRARY).parts)[:-1]  # the package the file is in
    for node in all_imports(tree):
        if not isinstance(node, ast.ImportFrom) or not node.level:
            continue
        base = here[: len(here) - node.level + 1]
        assert base, f"{label(path)}:{node.lineno} imports from above imagebuild/"
        target = (*base, *(node.module.split(".") if node.module else ()))
        if len(target) > 1:
            yield target[1], node.lineno
        else:  # from .. import layer, __version__
            for alias in node.names:
                if alias.name in TABLE:
                    yield alias.name, node.lineno


@pytest.fixture(scope="module")
def trees() -> dict[Path, ast.Module]:
    return {path: ast.parse(path.read_bytes(), str(path)) for path in modules()}


def test_every_folder_and_file_of_the_library_is_a_room_of_the_table() -> None:
    assert {room_of(path) for path in modules()} - {""} <= set(TABLE)


def test_a_room_imports_only_the_rooms_its_row_allows(trees: dict[Path, ast.Module]) -> None:
    wrong = []
    for path, tree in trees.items():
        room = room_of(path)
        allowed = {room, *COMMON, *TABLE.get(room, "").split()}
        wrong += [f"{label(path)}:{line}: {room} may not import {other}"
                  for other, line in rooms_imported(path, tree) if other not in allowed]
    assert not wrong, "\n".join(wrong)


def test_the_package_itself_imports_nothing(trees: dict[Path, ast.Module]) -> None:
    assert not list(all_imports(trees[LIBRARY / "__init__.py"]))


def test_the_library_imports_itself_only_relatively(trees: dict[Path, ast.Module]) -> None:
    """An absolute import passes every pytest run and breaks each user of the Ansible collection."""
    wrong = []
    for path, tree in trees.items():
        for node in all_imports(tree):
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            if isinstance(node, ast.ImportFrom) and node.level:
                continue
            wrong += [f"{label(path)}:{node.lineno}: import {name}" for name in names
                      if name.split(".")[0] in {"imagebuild", "pytest_wcow", "ansible_collections"}]
    assert not wrong, "\n".join(wrong)


def test_only_the_standard_library_is_imported_when_a_room_is_loaded(trees: dict[Path, ast.Module]) -> None:
    wrong = []
    for path, tree in trees.items():
        if room_of(path) in FREE_TO_IMPORT:
            continue
        for node in imports_at_load(tree.body):
            if isinstance(node, ast.ImportFrom) and node.level:
                continue
            names = [alias.name for alias in node.names] if isinstance(node, ast.Import) else [node.module or ""]
            wrong += [f"{label(path)}:{node.lineno}: {name} is third-party: import it in the function that needs it"
                      for name in names if name.split(".")[0] not in sys.stdlib_module_names]
    assert not wrong, "\n".join(wrong)


def test_one_folder_writes_http_to_a_docker_engine(trees: dict[Path, ast.Module]) -> None:
    """Others use ``dockerapi.client``. ``http.client`` is there for the HTTP of containers and of registries."""
    text = {label(path): ast.unparse(tree) for path, tree in trees.items()}
    speaks = {name for name, code in text.items() if re.search(r"HTTP/1\.\d|import h11|import http\.client", code)}
    outside = {name for name in speaks if not name.startswith("imagebuild/dockerapi/client/")}
    assert outside == {
        "imagebuild/dockerapi/http/connection.py", "imagebuild/dockerapi/http/server.py",  # the server's end
        "imagebuild/containers/wait.py", "imagebuild/stores/registry/wire/transport.py",
        "imagebuild/host/tunnel/http.py", "imagebuild/host/tunnel/exchange.py",  # passes it on
        "imagebuild/hostd/winrm/http.py",  # WinRM
        "imagebuild/fetch/proxy/origin.py", "imagebuild/fetch/proxy/request.py"}  # what a RUN downloads
    assert len(list((LIBRARY / "dockerapi/client").glob("*.py"))) <= 15


def test_the_library_starts_no_worker_processes(trees: dict[Path, ast.Module]) -> None:
    """A pool of processes spawned below Ansible ends broken; threads do not."""
    text = {label(path): ast.unparse(tree) for path, tree in trees.items()}
    assert not [name for name, code in text.items() if re.search(r"\bmultiprocessing\b|ProcessPoolExecutor", code)]


@pytest.mark.parametrize("path", sorted((REPOSITORY / "plugins" / "pytest_wcow").rglob("*.py")), ids=label)
def test_the_pytest_plugin_imports_faces_only_and_loads_nothing_of_ours(path: Path) -> None:
    """Names of a room's ``__all__``, ``wiring`` and ``errors``, and those only inside functions."""
    tree = ast.parse(path.read_bytes(), str(path))
    early = [ast.unparse(node) for node in imports_at_load(tree.body) if "imagebuild" in ast.unparse(node)]
    assert not early
    below = {node.module for node in all_imports(tree) if isinstance(node, ast.ImportFrom) and not node.level
             and (node.module or "").startswith("imagebuild.") and (node.module or "").count(".") > 1}
    below |= {node.module for node in all_imports(tree) if isinstance(node, ast.ImportFrom)
              and (node.module or "").startswith("imagebuild.cli")}
    assert not below
    for node in all_imports(tree):
        if isinstance(node, ast.ImportFrom) and (node.module or "").startswith("imagebuild.") and \
                (LIBRARY / (node.module or "").partition(".")[2]).is_dir():
            names = import_module(node.module or "").__all__
            assert {alias.name for alias in node.names} <= {*names, "shapes", "faults"}, ast.unparse(node)


@pytest.mark.parametrize("path", python_files(), ids=label)
def test_a_file_begins_with_its_licence_and_says_what_it_is_for(path: Path) -> None:
    text = path.read_text(encoding="utf-8")
    head = "\n".join(text.splitlines()[:3])
    licence = "GPL-3.0-or-later" if is_ansible(path) else "Apache-2.0"
    assert f"SPDX-License-Identifier: {licence}" in head
    assert ast.get_docstring(ast.parse(text)), "no docstring: what is this file for?"


def is_ansible(path: Path) -> bool:
    """Whether a file is one of the Ansible plugins, which import Ansible and so carry its licence."""
    parts = path.relative_to(REPOSITORY).parts
    return parts[0] == "plugins" and len(parts) > 1 and parts[1] != "pytest_wcow"


def test_long_files_are_pointed_out(trees: dict[Path, ast.Module]) -> None:
    long = {label(path): lines for path in trees if (lines := path.read_bytes().count(b"\n")) > LONG}
    if long:
        with warnings.catch_warnings():
            warnings.simplefilter("always")
            warnings.warn(f"more than {LONG} lines: {long}", stacklevel=1)


def test_a_folder_holds_at_most_fifteen_modules() -> None:
    """Names are found by the folder then. Those of :data:`STILL_LARGE` are to be folded; no other joins them."""
    counts = {label(folder): len(list(folder.glob("*.py"))) for folder in {path.parent for path in modules()}}
    assert {name for name, count in counts.items() if count > 15} == STILL_LARGE


def test_tests_have_no_init_file() -> None:
    """With one, two test files of the same name in different rooms would be the same module."""
    assert not list((REPOSITORY / "tests").rglob("__init__.py"))


def test_tests_of_a_room_lie_where_the_room_lies() -> None:
    folders = {path.name for path in (REPOSITORY / "tests" / "imagebuild").glob("*") if path.is_dir()}
    assert folders - {"__pycache__"} <= set(TABLE)


def test_the_architecture_page_shows_the_same_table() -> None:
    """Each row of docs/architecture.md: | `room` | holds | may import |, the last with the words used here."""
    words = {"formats": FORMATS, "models": MODELS, "ports": PORTS, "operations": OPERATIONS, "nothing": ""}
    page = (REPOSITORY / "docs" / "architecture.md").read_text(encoding="utf-8")
    rows = re.findall(r"^\| `([a-z_]+)(?:/|\.py)` \|[^|]*\| ([a-z, ]+) \|$", page, re.MULTILINE)
    shown = {room: {one for word in allowed.split(", ") for one in words.get(word, word).split()}
             for room, allowed in rows}
    assert shown == {room: set(allowed.split()) for room, allowed in TABLE.items() if room != "__main__"}
