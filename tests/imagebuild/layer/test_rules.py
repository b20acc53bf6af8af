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
