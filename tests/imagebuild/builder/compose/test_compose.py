# SPDX-License-Identifier: Apache-2.0
"""Changes to entries: order, parents, casing, collisions, inheritance."""

from __future__ import annotations

import pytest
from hypothesis import given
from hypothesis import strategies as st
from support.builds import acl, letters

from imagebuild.builder.compose.compose import Composed, Composer, Looks
from imagebuild.builder.compose.view import Known, View
from imagebuild.builder.context.changes import Change, Changes
from imagebuild.builder.execute.view_of import over_nothing, root_security
from imagebuild.errors import ContextError
from imagebuild.layer import Entry, Kind, Times
from imagebuild.windows.acl.sddl import parse_sddl
from imagebuild.windows.folders import folders
from imagebuild.windows.sid import find_account
from imagebuild.windows.upcase import fold

EPOCH = 119_600_064_000_000_000


def view() -> View:
    return View(Known(folders("nanoserver", 20348)), root_security=root_security("nanoserver", 20348))


def compose(*items: Change, on: View | None = None, looks: Looks | None = None, owner: str = "") -> Composed:
    return Composer(on or view(), looks or Looks(epoch=EPOCH)).compose(
        Changes(items, find_account(owner) if owner else None))


def file(*path: str, **more: object) -> Change:
    return Change(path, Kind.FILE, 1, b"x", "id", **more)  # type: ignore[arg-type]


def test_existing_folders_come_first_as_they_are_then_what_is_new_parents_before_children() -> None:
    found = compose(file("windows", "SYSTEM32", "z", "a"), file("b"), file("Program Files", "x"))
    assert [entry.path for entry in found.parents] == ["Files/Program Files", "Files/Windows", "Files/Windows/System32"]
    assert [entry.path for entry, _ in found.fresh] == [
        "Files/b", "Files/Program Files/x", "Files/Windows/System32/z", "Files/Windows/System32/z/a"]


def test_a_folder_that_is_there_is_no_change() -> None:
    assert compose(Change(("Windows",), Kind.DIRECTORY)).is_empty()
    assert not compose(Change(("new",), Kind.DIRECTORY)).is_empty()


@pytest.mark.parametrize(("kind", "directory", "attributes"), [
    (Kind.FILE, False, 0x20), (Kind.DIRECTORY, True, 0x10), (Kind.SYMLINK, False, 0x420),
    (Kind.DIRECTORY_SYMLINK, True, 0x410), (Kind.JUNCTION, True, 0x410)])
def test_each_kind_gets_its_attributes_and_security(kind: Kind, directory: bool, attributes: int) -> None:
    ((entry, _),) = compose(Change(("n",), kind, target="x" if kind not in (Kind.FILE, Kind.DIRECTORY) else "")).fresh
    assert entry.attributes == attributes
    assert ("OICIIO" in acl(entry)) is directory
    assert entry.times == Times.all(EPOCH)


def test_attributes_of_a_windows_source_are_carried_where_a_layer_can_hold_them() -> None:
    hidden = compose(file("a", attributes=0x20 | 0x2 | 0x4 | 0x1)).fresh[0][0]
    assert letters(hidden) == "RHSA"
    assert compose(file("a", attributes=0x800 | 0x20)).fresh[0][0].attributes == 0x20
    assert compose(file("a", attributes=0x80)).fresh[0][0].attributes == 0x80


def test_a_later_step_sees_what_an_earlier_one_wrote() -> None:
    stage = view()
    first = compose(file("App", "a"), on=stage)
    stage.add([*first.parents, *(entry for entry, _ in first.fresh)])
    second = compose(file("APP", "b"), on=stage)
    assert [entry.path for entry in second.parents] == ["Files/App"]
    assert second.parents[0] == first.fresh[0][0]
    assert [entry.path for entry, _ in second.fresh] == ["Files/App/b"]


def test_new_things_inherit_from_new_things() -> None:
    looks = Looks(epoch=EPOCH, acls={fold("Files/top"): parse_sddl("D:P(A;OICI;FR;;;BU)")})
    found = {entry.path: entry for entry, _ in compose(file("top", "in", "f"), looks=looks).fresh}
    assert acl(found["Files/top"]) == "O:BAG:SYD:PAI(A;OICI;FR;;;BU)"
    assert acl(found["Files/top/in"]) == "O:BAG:SYD:AI(A;OICIID;FR;;;BU)"
    assert acl(found["Files/top/in/f"]) == "O:BAG:SYD:AI(A;ID;FR;;;BU)"


def test_a_parent_without_security_is_written_with_what_it_would_have_inherited() -> None:
    stage = view()
    stage.add([Entry("Files/bare", Kind.DIRECTORY)])
    parent = compose(file("bare", "f"), on=stage).parents[0]
    assert acl(parent).startswith("O:BAG:SYD:AI")
    assert (parent.attributes, parent.times) == (0x10, Times.all(EPOCH))


@pytest.mark.parametrize("items", [
    (file("Windows"),), (file("a"), file("a", "b")), (file("a", "b"), file("A")),
    (Change(("a",), Kind.SYMLINK, target="x"), file("a", "b")), (file("a"), Change(("A",), Kind.DIRECTORY))])
def test_a_file_and_a_folder_cannot_share_a_name(items: tuple[Change, ...]) -> None:
    with pytest.raises(ContextError, match="cannot write C:"):
        compose(*items)


def test_nothing_goes_below_a_link_or_file_of_the_image() -> None:
    for kind in (Kind.FILE, Kind.JUNCTION, Kind.SYMLINK):
        stage = view()
        stage.add([Entry("Files/there", kind, target="C:\\x" if kind is not Kind.FILE else "")])
        with pytest.raises(ContextError, match="there"):
            compose(file("there", "f"), on=stage)


def test_a_link_may_replace_a_file_but_not_a_folder() -> None:
    stage = view()
    stage.add([Entry("Files/f", Kind.FILE, 1, 0x20)])
    assert compose(Change(("F",), Kind.SYMLINK, target="x"), on=stage).fresh[0][0].path == "Files/f"
    with pytest.raises(ContextError):
        compose(Change(("Windows",), Kind.JUNCTION, target="C:\\x"), on=stage)


def test_the_owner_of_a_copy_is_granted_once_at_its_top() -> None:
    found = compose(file("d", "e", "f"), owner="ContainerUser").fresh
    grants = ("(A;OICI;FA;;;S-1-5-93-2-2)", "(A;;FA;;;S-1-5-93-2-2)")
    explicit = [any(grant in acl(entry) for grant in grants) for entry, _ in found]
    assert explicit == [True, False, False]
    assert all(acl(entry).startswith("O:S-1-5-93-2-2") for entry, _ in found)


def test_scratch_knows_only_the_way_to_its_hives() -> None:
    found = compose(file("Windows", "System32", "config", "SYSTEM"), file("Users", "x"), on=over_nothing())
    assert [entry.path for entry in found.parents] == ["Files/Windows", "Files/Windows/System32",
                                                      "Files/Windows/System32/config"]
    assert [entry.path for entry, _ in found.fresh] == ["Files/Users", "Files/Users/x",
                                                       "Files/Windows/System32/config/SYSTEM"]


names = st.text(st.sampled_from("abAB1éÉ"), min_size=1, max_size=3)


@given(st.lists(st.lists(names, min_size=1, max_size=4).map(tuple), min_size=1, max_size=8))
def test_the_order_of_changes_does_not_matter_and_parents_always_come_first(paths: list[tuple[str, ...]]) -> None:
    changes = [Change(path, Kind.DIRECTORY) for path in paths]
    changes = list({tuple(map(fold, change.path)): change for change in changes}.values())

    def keys(found: Composed) -> list[str]:
        return [fold(entry.path) for entry in found.entries()]

    there, back = keys(compose(*changes)), keys(compose(*reversed(changes)))
    assert there == back
    seen = {"FILES"}
    for key in there:
        assert key.rpartition("/")[0] in seen
        assert key not in seen
        seen.add(key)
