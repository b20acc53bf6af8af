# SPDX-License-Identifier: Apache-2.0
"""What stands where in a stage, and where links lead."""

from __future__ import annotations

import pytest

from imagebuild.builder.compose.view import Nothing, View, link_target
from imagebuild.errors import InputError
from imagebuild.layer import Entry, Kind


def link(path: str, target: str, kind: Kind = Kind.DIRECTORY_SYMLINK) -> Entry:
    return Entry(f"Files/{path}", kind, target=target)


def folder(path: str) -> Entry:
    return Entry(f"Files/{path}", Kind.DIRECTORY)


def made(*entries: Entry) -> View:
    view = View(Nothing(), root_security=b"")
    view.add(entries)
    return view


def test_names_are_found_in_any_case_and_given_in_their_own() -> None:
    view = made(folder("App"), folder("App/Sub"))
    found = view.get(("APP", "sub"))
    assert found is not None and found.path == "Files/App/Sub"
    assert view.get(("App", "none")) is None
    assert [entry.path for entry in view.children(("app",))] == ["Files/App/Sub"]
    assert [entry.path for entry in view.walk(())] == ["Files/App", "Files/App/Sub"]


def test_a_copy_of_a_view_goes_its_own_way() -> None:
    view = made(folder("a"))
    other = view.copy()
    other.add([folder("b")])
    assert view.get(("b",)) is None and other.get(("b",)) is not None
    assert [entry.path for entry in view.children(())] == ["Files/a"]


@pytest.mark.parametrize(("target", "wanted"), [
    ("real", ("d", "real", "x")), ("..\\top", ("top", "x")), ("\\top", ("top", "x")), ("C:\\top", ("top", "x")),
    ("\\\\?\\C:\\top", ("top", "x")), ("\\??\\c:\\top", ("top", "x")), ("..\\..\\..\\top", ("top", "x")),
    (".\\a\\..\\real", ("d", "real", "x"))])
def test_links_on_the_way_are_followed(target: str, wanted: tuple[str, ...]) -> None:
    view = made(folder("d"), folder("top"), folder("d/real"), link("d/l", target))
    assert view.resolve(("d", "L", "x")) == wanted


def test_links_to_links_and_through_junctions() -> None:
    view = made(folder("end"), link("one", "two"), link("two", "C:\\end", Kind.JUNCTION))
    assert view.resolve(("one", "f")) == ("end", "f")
    assert view.resolve(("one",)) == ("end",)


def test_a_link_to_a_file_is_not_followed() -> None:
    assert made(link("l", "x", Kind.SYMLINK)).resolve(("l",)) == ("l",)


@pytest.mark.parametrize("target", ["D:\\x", "\\\\server\\share", "Volume{1}\\x", "\\??\\Volume{1}"])
def test_links_that_leave_the_drive_are_refused(target: str) -> None:
    with pytest.raises(InputError, match="cannot follow"):
        link_target(target, (), "C:\\l")


def test_a_circle_is_refused_not_followed_for_ever() -> None:
    with pytest.raises(InputError, match="circle"):
        made(link("a", "b"), link("b", "a")).resolve(("a", "x"))
