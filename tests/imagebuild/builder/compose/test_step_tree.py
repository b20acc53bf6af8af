# SPDX-License-Identifier: Apache-2.0
"""Files of a folder taken together give what the same files one by one give: image, warnings, errors, digests."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.builds import NANOSERVER, Bench

from imagebuild.builder.compose import step_tree
from imagebuild.builder.compose.step_tree import Node, StepTree
from imagebuild.builder.context.changes import Row
from imagebuild.builder.context.context import Context
from imagebuild.builder.context.tree import Listing
from imagebuild.builder.execute.view_of import over_nothing
from imagebuild.errors import WcowError
from imagebuild.events import Warn
from imagebuild.layer import Kind


def one_by_one(path: tuple[str, ...], context: Context, listing: Listing) -> tuple[None, list[int]]:
    """In place of ``Row.of``: nothing is taken together."""
    return None, list(range(len(listing.names)))


def outcome(bench: Bench, root: Path, request: dict[str, Any], *, together: bool) -> tuple[Any, ...]:
    with pytest.MonkeyPatch.context() as patch:
        patch.setattr(step_tree, "MOST", 3)
        patch.setattr(step_tree, "FEW", 2)
        if not together:
            patch.setattr(Row, "of", one_by_one)
        try:
            built = bench.run(root, **request)
        except WcowError as error:
            return (type(error),)  # of two things that are wrong in a tree, one or the other is met first
        warned = [(event.code, event.text) for event in bench.events if isinstance(event, Warn)]
        return built.descriptor.digest, warned, built.taken.pairs()


NAMES = ["a", "b.txt", "C", "d", "e", "f", "_g", "A", "ü", "x,", "con", "b", "SAM", "system",
         "NTUSER.DAT", "UsrClass.dat"]
FOLDERS = ["", "d", "d/e", "s", "s/d", "Windows/System32/config", "Users/me", "o"]
files = st.dictionaries(st.builds(lambda folder, name: f"{folder}/{name}".lstrip("/"), st.sampled_from(FOLDERS),
                                  st.sampled_from(NAMES[:8]) | st.sampled_from(NAMES)),
                        st.sampled_from(["", "x", "long " * 9000, "-> a", "-> ../d"]), min_size=1, max_size=14)
STEPS = ["COPY . C:/app/", "COPY . C:/", "COPY d s C:/app/", "COPY d/ C:/app/d/", "COPY s C:/APP/D", "COPY d/* C:/app/",
         "COPY --parents s d C:/app/", "COPY --exclude=*.txt . C:/app/", "WORKDIR /app/d", "COPY --chown=BU d C:/own/",
         "COPY a C:/Windows/System32/a", "COPY d C:/Windows/System32/", "COPY a d C:/x/", "ADD . C:/app"]


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(files, st.lists(st.sampled_from(STEPS), min_size=1, max_size=3), st.sampled_from(["scratch", NANOSERVER]),
       st.sampled_from([{}, {}, {"timestamps": "source"}, {"symlinks": "follow"}, {"lint": "warn"}, {"lint": "off"},
                        {"acls": (("C:\\app\\d\\a", "D:P(A;;FA;;;BA)"),)}, {"attributes": (("C:\\app\\a", "+RH"),)}]),
       st.sampled_from(["", "*.txt\n", "d\n!d/e\n"]))
@example({"d/b.txt": "", "s/d/a": ""}, ["COPY . C:/app/", "COPY d s C:/app/"], "scratch", {}, "")
@example({"s/a": "x", "s/_g": ""}, ["WORKDIR /app/d", "COPY s C:/APP/D"], NANOSERVER, {}, "")
def test_files_of_a_folder_are_built_together_as_one_by_one(
        bench: Bench, files: dict[str, str], steps: list[str], base: str, request: dict[str, Any], ignore: str) -> None:
    names = {name: text for name, text in files.items()
             if not any(other.startswith(f"{name}/") for other in files) and not name.startswith(".")}
    root = bench.context({**names, ".dockerignore": "*ockerfile\n.dockerignore\n" + ignore,
                          "Dockerfile": "\n".join([f"FROM {base}", *steps, ""])})
    assert outcome(bench, root, request, together=True) == outcome(bench, root, request, together=False)


def row(root: Path, *names: str, into: tuple[str, ...] = ()) -> Row:
    """Files as a row."""
    for name in names:
        (root / name).write_text(name)
    context = Context.from_folder(root)
    made, odd = Row.of(into, context, context.listing(""))
    assert made is not None
    assert not odd
    return made


def shown(node: Node) -> list[str | list[str]]:
    """Single things by name, rows as lists."""
    return [item.names if isinstance(item, Row) else item.path[-1] for item in node.sorted()]


def test_a_row_is_divided_where_something_else_stands_and_where_it_gets_long(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(step_tree, "MOST", 2)
    tree = StepTree(over_nothing())
    made = row(tmp_path, "a", "B", "c", "e", "f")
    tree.put_row(made)
    for change in made.singles():
        tree.put(type(change)((f"d{change.path[-1]}",), Kind.DIRECTORY))
    assert shown(tree.root) == [["a", "B"], ["c"], "da", "dB", "dc", "de", "df", ["e", "f"]]


def test_a_row_that_meets_a_name_is_taken_apart_whichever_comes_first(tmp_path: Path) -> None:
    made = row(tmp_path, "a", "b")
    single = next(made.singles())
    for first_row in (True, False):
        tree = StepTree(over_nothing())
        for step in ((made, single) if first_row else (single, made)):
            tree.put_row(step) if isinstance(step, Row) else tree.put(step)
        assert shown(tree.root) == ["a", "b"]


def test_rows_side_by_side_stay_rows_and_rows_that_overlap_do_not(tmp_path: Path) -> None:
    (tmp_path / "1").mkdir()
    (tmp_path / "2").mkdir()
    (tmp_path / "3").mkdir()
    tree = StepTree(over_nothing())
    tree.put_row(row(tmp_path / "1", "c", "e"))
    tree.put_row(row(tmp_path / "2", "a", "b"))
    assert shown(tree.root) == [["a", "b"], ["c", "e"]]
    tree.put_row(row(tmp_path / "3", "d", "x"))
    assert shown(tree.root) == [["a", "b"], ["c"], "d", ["e"], "x"]


def test_files_that_are_wanted_one_by_one_leave_their_row(tmp_path: Path) -> None:
    tree = StepTree(over_nothing(), single=("B", "X"))
    tree.put_row(row(tmp_path, "a", "b", "c"))
    assert shown(tree.root) == [["a"], "b", ["c"]]
    (tmp_path / "one").mkdir()
    tree = StepTree(over_nothing(), single=("B",))
    tree.put_row(row(tmp_path / "one", "b"))
    assert shown(tree.root) == ["b"]
