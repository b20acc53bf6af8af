# SPDX-License-Identifier: Apache-2.0
"""An entry that is being written looks to the checkers as it will when it is read."""

from __future__ import annotations

import pytest
from support.layers import entry

from imagebuild.layer import Entry, Kind
from imagebuild.lint.checks.item import Facts, Item, kind_of, records_of


def test_an_entry_has_the_records_it_would_have_in_a_tar() -> None:
    file = entry("Files/a", attributes=0x21, security=b"\1\2\3", eas=(("A", b"x"), ("\ud800", b"")))
    assert records_of(file) == {
        b"MSWINDOWS.xattr.A": b"eA==", b"MSWINDOWS.xattr.\xed\xa0\x80": b"", b"MSWINDOWS.fileattr": b"33",
        b"MSWINDOWS.rawsd": b"AQID"}
    junction = Entry("Files/j", Kind.JUNCTION, target="C:\\a")
    assert records_of(junction) == {b"MSWINDOWS.mountpoint": b"1"}
    assert records_of(Entry("Files/a", Kind.WHITEOUT)) == {}


@pytest.mark.parametrize(("typeflag", "facts", "kind"), [
    (b"5", Facts(), Kind.DIRECTORY), (b"1", Facts(), Kind.HARD_LINK), (b"0", Facts(), Kind.FILE),
    (b"x", Facts(attributes=0x10, junction=True), Kind.FILE), (b"2", Facts(), Kind.SYMLINK),
    (b"2", Facts(attributes=0x401), Kind.SYMLINK), (b"2", Facts(attributes=0x410), Kind.DIRECTORY_SYMLINK),
    (b"2", Facts(attributes=0x410, junction=True), Kind.JUNCTION),
])
def test_a_typeflag_is_what_the_importer_makes_of_it(typeflag: bytes, facts: Facts, kind: Kind) -> None:
    assert kind_of(typeflag, facts) is kind


def test_an_item_knows_its_folder_and_its_name_in_it() -> None:
    item = Item("Files/b/.wh.a", "Files/b/a", Kind.WHITEOUT, Facts(), typeflag=b"0", size=3, target="t", offset=512)
    assert (item.name, item.path, item.key) == ("Files/b/.wh.a", "Files/b/a", "")
    assert (item.folder, item.base) == ("Files/b", "a")
    assert (item.kind, item.facts, item.typeflag, item.size, item.target, item.offset) == (
        Kind.WHITEOUT, Facts(), b"0", 3, "t", 512)
    plain = Item("Files", "Files", Kind.DIRECTORY, Facts())
    assert (plain.folder, plain.base, plain.typeflag, plain.size, plain.target, plain.offset) == (
        "", "Files", b"", 0, "", None)
