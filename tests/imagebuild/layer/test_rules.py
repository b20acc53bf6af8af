# SPDX-License-Identifier: Apache-2.0
"""What Windows would not take is refused, each with its reason, and what it just takes passes."""

from __future__ import annotations

from typing import Any

import pytest
from support.layers import OTHER_SECURITY, entry, folder

from imagebuild.errors import InputError, UnsupportedError
from imagebuild.layer import Entry, Kind
from imagebuild.layer.rules import HIVES, check_component, check_length, check_place, check_target, check_values


@pytest.mark.parametrize("name", [
    "a", "ü", "a b", "a.b", ".a", "nulx", "com", "Com10", "$Recycle.Bin", "x" * 255, "-", "wh.x", "\U0001f600" * 127])
def test_ordinary_names_pass(name: str) -> None:
    check_component(name, "Files/" + name)


@pytest.mark.parametrize(("name", "reason"), [
    ("a:b", "alternate stream"), ("C:", "alternate stream"), (".wh.a", "disappears"), ("a\\b", "single slashes"),
    ("", "single slashes"), ("a*", "not allowed"), ("a\x01", "control"), ("a.", "end of a name"),
    ("a ", "end of a name"), (".", "means a folder|end of a name"), ("..", "means a folder|end of a name"),
    ("NUL", "device"), ("con.txt", "device"), ("lpt\u00b9", "device"), ("x" * 256, "255"),
    ("\U0001f600" * 128, "255"), ("\udc80", "surrogate"), ("aux .c", "device"), ("CONIN$", "device")])
def test_names_that_windows_cannot_hold_are_refused(name: str, reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        check_component(name, "Files/" + name)


def test_a_path_has_at_most_32767_units() -> None:
    check_length("a" * 32_767)
    with pytest.raises(UnsupportedError, match="32767"):
        check_length("a" * 32_766 + "\U0001f600")


@pytest.mark.parametrize(("item", "base"), [
    (folder("Files"), True), (folder("Files"), False), (entry("Files/a"), True), (folder("Hives"), False),
    *((entry(f"Hives/{name}"), False) for name in HIVES), (folder("UtilityVM"), False),
    (folder("UtilityVM/Files"), True),
    (entry("UtilityVM/Files/a"), False), (entry("UtilityVM/Files/a", Kind.WHITEOUT), False)],
    ids=lambda value: value.path if isinstance(value, Entry) else None)
def test_places_that_windows_knows_pass(item: Entry, base: bool) -> None:
    check_place(item, base)


@pytest.mark.parametrize(("item", "base"), [
    (entry("Files"), False), (folder("Hives"), True), (entry("Hives"), False), (entry("Hives/System_Base"), False),
    (entry("Hives/system_delta"), False), (folder("Hives/System_Delta"), False), (folder("Other"), False),
    (folder("files"), False), (entry("UtilityVM"), False), (entry("UtilityVM/Files"), False),
    (entry("UtilityVM/x"), False),
    (entry("x", Kind.WHITEOUT), False), (entry("Hives/System_Delta", Kind.WHITEOUT), False),
    (entry("UtilityVM/Files", Kind.WHITEOUT), False), (folder("utilityvm"), False)],
    ids=lambda value: f"{value.kind.name} {value.path}" if isinstance(value, Entry) else None)
def test_places_that_windows_does_not_know_are_refused(item: Entry, base: bool) -> None:
    with pytest.raises(UnsupportedError):
        check_place(item, base)


@pytest.mark.parametrize("item", [
    entry("Files/a"), folder("Files/a"), folder("Files"), folder("Hives"), folder("UtilityVM", security=None),
    entry("Files/a", attributes=0), entry("Files/a", attributes=0xFFFFFFFF & ~0x410), entry("Files/a", Kind.WHITEOUT),
    entry("Files/a", Kind.HARD_LINK), entry("Files/a", Kind.HARD_LINK, security=OTHER_SECURITY),
    entry("Files/a", eas=(("A", b""), ("B", bytes(65_535))))], ids=lambda item: f"{item.kind.name} {item.path}")
def test_entries_with_all_that_windows_wants_pass(item: Entry) -> None:
    check_values(item, False)


@pytest.mark.parametrize(("path", "kind", "broken", "reason"), [
    ("Files/a", Kind.FILE, {"times": None}, "1754"),
    ("Files", Kind.DIRECTORY, {"times": None}, "1754"),
    ("Files/a", Kind.HARD_LINK, {"times": None}, "1754"),
    ("Files/a", Kind.FILE, {"attributes": None}, "no attributes"),
    ("Files/a", Kind.FILE, {"attributes": -1}, "no attributes"),
    ("Files/a", Kind.FILE, {"attributes": 1 << 32}, "no attributes"),
    ("Files/a", Kind.FILE, {"attributes": 0x10}, "directory"),
    ("Files/a", Kind.FILE, {"attributes": 0x400}, "reparse"),
    ("Files/a", Kind.DIRECTORY, {"attributes": 0x20}, "directory"),
    ("Files/a", Kind.DIRECTORY, {"attributes": 0x410}, "reparse"),
    ("Files/a", Kind.SYMLINK, {"attributes": 0x410}, "directory"),
    ("Files/a", Kind.SYMLINK, {"attributes": 0x20}, "reparse"),
    ("Files/a", Kind.DIRECTORY_SYMLINK, {"attributes": 0x10}, "reparse"),
    ("Files/a", Kind.DIRECTORY_SYMLINK, {"attributes": 0x400}, "directory"),
    ("Files/a", Kind.JUNCTION, {"attributes": 0x400}, "directory"),
    ("Files/a", Kind.FILE, {"security": None}, "no security"),
    ("UtilityVM/Files/a", Kind.FILE, {"security": None}, "no security"),
    ("Files/a", Kind.FILE, {"security": b""}, "is not one"),
    ("Files/a", Kind.FILE, {"security": bytes(20)}, "is not one"),
    ("Files/a", Kind.FILE, {"security": b"\1" + bytes(18)}, "is not one"),
    ("Files/a", Kind.FILE, {"security": b"\1" + bytes(1 << 16)}, "is not one"),
    ("Files", Kind.DIRECTORY, {"security": OTHER_SECURITY}, "without a security"),
    ("Hives", Kind.DIRECTORY, {"security": OTHER_SECURITY}, "without a security"),
    ("Hives/Sam_Delta", Kind.FILE, {"security": OTHER_SECURITY}, "without a security"),
    ("Files/a", Kind.FILE, {"eas": (("B", b""), ("A", b""))}, "sorted"),
    ("Files/a", Kind.FILE, {"eas": (("A", b""), ("a", b""))}, "each once"),
    ("Files/a", Kind.FILE, {"eas": (("", b""),)}, "name"),
    ("Files/a", Kind.FILE, {"eas": (("A=B", b""),)}, "name"),
    ("Files/a", Kind.FILE, {"eas": (("Ä", b""),)}, "name"),
    ("Files/a", Kind.FILE, {"eas": (("x" * 255, b""),)}, "name"),
    ("Files/a", Kind.FILE, {"eas": (("A", bytes(65_536)),)}, "65535"),
    ("Files/a", Kind.WHITEOUT, {"attributes": 0x20}, "nothing else"),
    ("Files/a", Kind.WHITEOUT, {"security": OTHER_SECURITY}, "nothing else"),
    ("Files/a", Kind.WHITEOUT, {"eas": (("A", b""),)}, "nothing else"),
])
def test_what_is_missing_or_does_not_go_together_is_refused(path: str, kind: Kind, broken: dict[str, Any],
                                                            reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        check_values(entry(path, kind, **broken), False)


def test_in_a_base_the_root_may_have_a_descriptor() -> None:
    check_values(folder("Files", security=OTHER_SECURITY), True)


@pytest.mark.parametrize(("kind", "target"), [
    (Kind.SYMLINK, "..\\b"), (Kind.SYMLINK, "\\b"), (Kind.SYMLINK, "C:\\b"),
    (Kind.DIRECTORY_SYMLINK, "\\\\server\\share"),
    (Kind.JUNCTION, "C:\\b"), (Kind.JUNCTION, "c:\\"), (Kind.JUNCTION, "\\\\?\\Volume{x}\\"),
    (Kind.JUNCTION, "\\??\\C:\\b"),
    (Kind.HARD_LINK, "Files/b"), (Kind.FILE, ""), (Kind.DIRECTORY, ""), (Kind.WHITEOUT, "")])
def test_targets_that_windows_can_follow_pass(kind: Kind, target: str) -> None:
    check_target(entry("Files/a", kind, target=target))


@pytest.mark.parametrize(("kind", "values", "reason"), [
    (Kind.SYMLINK, {"target": ""}, "needs a target"), (Kind.SYMLINK, {"target": "a/b"}, "backslashes"),
    (Kind.SYMLINK, {"target": "a\0"}, "needs a target"), (Kind.SYMLINK, {"target": "a" * 8001}, "longer"),
    (Kind.SYMLINK, {"target": "\udc80"}, "Unicode"), (Kind.JUNCTION, {"target": "b"}, "relative junctions"),
    (Kind.JUNCTION, {"target": "\\b"}, "relative junctions"), (Kind.HARD_LINK, {"target": ""}, "needs a target"),
    (Kind.FILE, {"target": "b"}, "no target"), (Kind.DIRECTORY, {"target": "b"}, "no target"),
    (Kind.WHITEOUT, {"target": "b"}, "no target"), (Kind.DIRECTORY, {"size": 1}, "size"),
    (Kind.SYMLINK, {"size": 1, "target": "b"}, "size"), (Kind.FILE, {"size": -1}, "size")])
def test_targets_and_sizes_that_make_no_sense_are_refused(kind: Kind, values: dict[str, Any], reason: str) -> None:
    with pytest.raises(InputError, match=reason):
        check_target(entry("Files/a", kind, **values))


def test_a_refusal_names_the_path_the_reason_and_what_to_do() -> None:
    path = "Files/" + "a" * 32_762
    with pytest.raises(UnsupportedError) as long:
        check_length(path)
    assert long.value.lines() == [f"cannot put {path[:60]}... into a layer", "a path has at most 32767 UTF-16 units",
                                  "use shorter or fewer folder names"]
    assert long.value.facts == {"path": path}
    with pytest.raises(UnsupportedError) as place:
        check_place(folder("Other"), False)
    assert place.value.lines() == ["cannot put Other into a layer",
                                   "a layer has only Files, Hives and UtilityVM at its top, spelt so"]
    assert place.value.facts == {"path": "Other"}
    with pytest.raises(InputError) as value:
        check_values(entry("Files/a", times=None), False)
    assert value.value.lines() == ["cannot put Files/a into a layer",
                                   "it has no times, and Windows would show the year 1754"]
    assert value.value.facts == {"path": "Files/a"}


STREAM = ("a colon names an alternate stream, and Windows' two importers want it written in two forms that exclude "
          "each other, so no layer could carry it to both")


@pytest.mark.parametrize(("name", "lines"), [
    ("a:b", ["cannot put Files/a:b into a layer", STREAM, "leave the stream out"]),
    (".wh.a", ["cannot put Files/.wh.a into a layer", "a name that begins with .wh. means that a file disappears",
               "rename the file"]),
    ("a\\b", ["'Files/a\\b' is not the path of an entry",
              "components are separated by single slashes"]),
    ("a/b", ["'Files/a/b' is not the path of an entry", "components are separated by single slashes"]),
])
def test_a_refused_name_is_told_in_full(name: str, lines: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        check_component(name, "Files/" + name)
    assert caught.value.lines() == lines
    assert caught.value.facts == {"path": "Files/" + name}


DELTAS = "DefaultUser_Delta, Sam_Delta, Security_Delta, Software_Delta, System_Delta"


@pytest.mark.parametrize(("item", "base", "why"), [
    (entry("Files"), False, "Files is the C: drive and must be a directory"),
    (entry("x", Kind.WHITEOUT), False, "whiteouts can only stand under Files and UtilityVM/Files"),
    (folder("Hives"), True, "a base layer has no Hives; Windows makes them from Files/Windows/System32/config"),
    (entry("Hives"), False, f"Hives is a directory that holds only the files {DELTAS}"),
    (entry("UtilityVM/x"), False, "UtilityVM holds only Files"), (entry("UtilityVM"), False, "it must be a directory"),
], ids=lambda value: value.path if isinstance(value, Entry) else None)
def test_a_refused_place_is_told_in_full(item: Entry, base: bool, why: str) -> None:
    with pytest.raises(UnsupportedError) as caught:
        check_place(item, base)
    assert (caught.value.what, caught.value.why) == (f"cannot put {item.path} into a layer", why)
    assert caught.value.facts == {"path": item.path}


@pytest.mark.parametrize(("kind", "values", "why"), [
    (Kind.WHITEOUT, {"attributes": 0x20}, "a whiteout is a name and nothing else"),
    (Kind.FILE, {"attributes": None}, "it has no attributes"),
    (Kind.FILE, {"attributes": 1 << 32}, "0x100000000 are no attributes"),
    (Kind.FILE, {"attributes": 0x10}, "its attributes 0x10 do not go with a file (0x10 is a directory)"),
    (Kind.FILE, {"attributes": 0x400}, "its attributes 0x400 do not go with a file (0x400 is a reparse point)"),
    (Kind.FILE, {"security": None}, "it has no security descriptor; on Windows it could be denied or open to all"),
    (Kind.FILE, {"security": b""}, "its security descriptor is not one"),
    (Kind.FILE, {"eas": (("B", b""), ("A", b""))}, "its extended attributes are not sorted by name, each once"),
    (Kind.FILE, {"eas": (("A=B", b""),)}, "'A=B' cannot be the name of an extended attribute"),
    (Kind.FILE, {"eas": (("A", bytes(65_536)),)}, "its extended attribute A has 65536 bytes, 65535 are allowed"),
])
def test_a_refused_value_is_told_in_full(kind: Kind, values: dict[str, Any], why: str) -> None:
    with pytest.raises(InputError) as caught:
        check_values(entry("Files/a", kind, **values), False)
    assert caught.value.why == why


def test_values_at_the_limit_pass() -> None:
    check_values(entry("Files/a", security=b"\1" + bytes(19), attributes=0), False)
    check_values(entry("Files/a", security=b"\1" + bytes((1 << 16) - 1)), False)
    check_values(entry("Files/a", eas=(("x" * 254, b""),)), False)
    check_values(entry("Files/a", Kind.DIRECTORY_SYMLINK, attributes=0xFFFFFFFF), False)
    check_target(entry("Files/a", Kind.SYMLINK, target="a" * 8000))


@pytest.mark.parametrize(("kind", "values", "lines"), [
    (Kind.DIRECTORY, {"size": 1}, ["cannot put Files/a into a layer", "a directory cannot have the size 1"]),
    (Kind.FILE, {"target": "b"}, ["cannot put Files/a into a layer", "a file has no target"]),
    (Kind.SYMLINK, {"target": "a/b"},
     ["cannot put Files/a into a layer", "the target 'a/b' is not written with backslashes"]),
    (Kind.SYMLINK, {"target": "a" * 8001},
     ["cannot put Files/a into a layer", "its target is longer than a reparse point can hold"]),
    (Kind.SYMLINK, {"target": "\udc80"}, ["cannot put Files/a into a layer", "its target is not Unicode text"]),
    (Kind.JUNCTION, {"target": "b"},
     ["cannot put the junction Files/a into a layer",
      "its target 'b' is not absolute, and NTFS has no relative junctions",
      "give a target like C:\\dir, or use a directory symlink"]),
    (Kind.HARD_LINK, {"target": ""}, ["cannot put Files/a into a layer", f"a {Kind.HARD_LINK.value} needs a target"]),
])
def test_a_refused_target_is_told_in_full(kind: Kind, values: dict[str, Any], lines: list[str]) -> None:
    with pytest.raises(InputError) as caught:
        check_target(entry("Files/a", kind, **values))
    assert caught.value.lines() == lines
    assert caught.value.facts == {"path": "Files/a"}


def test_a_descriptor_where_windows_writes_none_is_told_in_full() -> None:
    with pytest.raises(InputError) as caught:
        check_values(folder("Hives", security=OTHER_SECURITY), False)
    assert caught.value.why == "Windows exports Files and Hives without a security descriptor"
