# SPDX-License-Identifier: Apache-2.0
"""Two images (or layers) compared: files by content, links, ACLs, attributes; hives, config, history, layers."""

from __future__ import annotations

from dataclasses import replace
from pathlib import Path

import pytest
from support import images
from support.differences import Sides, side_of_layer, with_times
from support.images import file, folder, hive, link, whiteout
from support.layers import tar

from imagebuild.errors import FormatError, UnsupportedError, UsageError
from imagebuild.images.compare.compare import Side
from imagebuild.images.compare.difference import Aspect
from imagebuild.layer import Kind
from imagebuild.oci import History, add_history

OTHER = "O:BAG:SYD:AI(A;ID;FA;;;SY)(A;;FR;;;BU)"


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path)


@pytest.fixture
def sample(sides: Sides) -> Side:
    return sides.of(images.sample(sides.store)[0], "app:1")


def test_an_image_does_not_differ_from_itself(sides: Sides, sample: Side) -> None:
    found = sides.compare(sample, sample, times=True)
    assert found.equal and found.identical and not found.compared
    assert [pair.mark for pair in found.layers] == ["=", "="]


def test_what_came_went_and_changed_is_told_in_the_order_of_names(sides: Sides) -> None:
    before = sides.image(file("Files/a/x.txt", b"1"), file("Files/a/y.txt", b"12"), file("Files/b.txt", b"1"))
    after = sides.image(file("Files/a/x.txt", b"2"), file("Files/a/z.txt", b"1"), file("Files/b.txt", b"123"),
                        file("Files/c/d.txt", b""))
    assert sides.lines(before, after) == [
        ("~", "C:\\a\\x.txt", "content"), ("-", "C:\\a\\y.txt"), ("+", "C:\\a\\z.txt"),
        ("~", "C:\\b.txt", "size", "content"), ("+", "C:\\c"), ("+", "C:\\c\\d.txt")]
    assert sides.compare(before, after).counts() == {"added": 3, "removed": 1, "changed": 2, "bytes": 1}


def test_the_same_file_in_another_layer_is_read_once_and_found_equal(sides: Sides) -> None:
    below = sides.layer(file("Files/a.txt", b"1"), base=True)
    before = sides.side(below, sides.layer(file("Files/b.txt", b"hello"), file("Files/c.txt", b"x")))
    after = sides.side(below, sides.layer(file("Files/b.txt", b"hello"), file("Files/c.txt", b"y")))
    assert sides.lines(before, after) == [("~", "C:\\c.txt", "content")]
    reads = sides.reads
    sides.compare(before, after)
    assert sides.reads == reads + 2  # each side's own layer, for both files at once; the shared one never


def test_files_of_other_sizes_are_not_read(sides: Sides) -> None:
    before, after = sides.image(file("Files/a", b"1")), sides.image(file("Files/a", b"22"))
    sides.compare(before, after)
    reads = sides.reads
    assert sides.lines(before, after) == [("~", "C:\\a", "size", "content")] and sides.reads == reads


def test_a_shared_base_is_not_walked_but_where_a_layer_above_speaks(sides: Sides) -> None:
    base = sides.layer(*(file(f"Files/os/{number}", b"1") for number in range(50)), file("Files/app/a", b"1"),
                       file("Files/app/b", b"1"), base=True)
    before = sides.side(base, sides.layer(whiteout("Files/app/a")))
    after = sides.side(base, sides.layer(file("Files/other/c", b"2")))
    found = sides.compare(before, after)
    assert [(change.mark, change.path) for change in found.files] == [
        ("+", "C:\\app\\a"), ("+", "C:\\other"), ("+", "C:\\other\\c")]
    assert found.compared < 10


def test_a_layer_may_speak_of_a_folder_without_naming_it(sides: Sides) -> None:
    """Tars of others leave the folders above a whiteout out; the folder itself is then still the base's."""
    base = sides.layer(file("Files/app/a", b"1"), file("Files/app/b", b"1"), base=True)
    upper = sides.raw_layer(tar(("Files/app/.wh.a", {}), ("Hives", {"type": b"5"})))
    assert sides.lines(sides.side(base), sides.side(base, upper)) == [("-", "C:\\app\\a")]
    linux = sides.raw_layer(tar(("app/a", {"data": b"1"}), ("app/b", {"data": b"1"})))
    opaque = sides.raw_layer(tar(("app/.wh..wh..opq", {}), ("app/c", {"data": b"1"})))
    assert sides.lines(sides.side(linux, os="linux"), sides.side(linux, opaque, os="linux")) == [
        ("-", "/app/a"), ("-", "/app/b"), ("+", "/app/c")]


def test_a_folder_that_was_taken_away_and_made_anew_is_walked(sides: Sides) -> None:
    base = sides.layer(file("Files/app/deep/a", b"1"), base=True)
    anew = sides.side(base, sides.layer(whiteout("Files/app")), sides.layer(folder("Files/app/deep")))
    assert sides.lines(sides.side(base), anew) == [("-", "C:\\app\\deep\\a")]


def test_a_name_written_in_another_case_is_one_file(sides: Sides) -> None:
    before, after = sides.image(file("Files/App/x.txt", b"1")), sides.image(file("Files/app/X.txt", b"1"))
    assert sides.lines(before, after) == [("~", "C:\\app", "case"), ("~", "C:\\app\\X.txt", "case")]


def test_kinds_links_attributes_and_extended_attributes_are_told(sides: Sides) -> None:
    ea, text = file("Files/ea", b"1")
    before = sides.image(file("Files/kind", b"1"), link("Files/link", Kind.SYMLINK, "a"), file("Files/read", b"1"),
                         (ea, text))
    after = sides.image(folder("Files/kind"), link("Files/link", Kind.SYMLINK, "b"),
                        file("Files/read", b"1", attributes=0x21), (replace(ea, eas=(("A", b"1"),)), text))
    assert sides.lines(before, after) == [
        ("~", "C:\\ea", "extended attributes"), ("~", "C:\\kind", "kind", "acl", "attributes"),
        ("~", "C:\\link", "link"), ("~", "C:\\read", "attributes")]


def test_a_hard_link_has_the_content_of_its_file(sides: Sides) -> None:
    one = link("Files/b", Kind.HARD_LINK, "Files/a")
    before, after = sides.image(file("Files/a", b"1"), one), sides.image(file("Files/a", b"2"), one)
    assert sides.lines(before, after) == [("~", "C:\\a", "content"), ("~", "C:\\b", "content")]
    own = sides.image(file("Files/a", b"1"), file("Files/b", b"1"))
    assert sides.lines(before, own) == [("~", "C:\\b", "link")]


def test_entries_of_an_acl_that_came_and_went_are_told_in_words_and_sddl(sides: Sides) -> None:
    before, after = sides.image(file("Files/a", b"1")), sides.image(file("Files/a", b"1", sddl=OTHER))
    (change,) = sides.compare(before, after).files
    assert change.aspects == (Aspect.ACL,)
    words, sddl = change.acl(), change.acl(sddl=True)
    assert words is not None and sddl is not None
    assert words.gone == ("allow BUILTIN\\Administrators: full control (inherited)",)
    assert words.came == ("allow BUILTIN\\Users: read",)
    assert (sddl.gone, sddl.came) == (("(A;ID;FA;;;BA)",), ("(A;;FR;;;BU)",))


def test_times_count_only_when_they_are_asked_for(sides: Sides) -> None:
    one = file("Files/a", b"1")
    before, after = sides.image(one), sides.image(with_times(one, images.MOMENT + 1), created="2025-01-01T00:00:00Z")
    plain = sides.compare(before, after)
    assert plain.equal and not plain.identical
    timed = sides.compare(before, after, times=True)
    assert [change.aspects for change in timed.files] == [(Aspect.TIMES,)]
    assert [change.field for change in timed.config] == ["created"]


def test_recompressed_layers_are_equal_and_not_identical(sides: Sides) -> None:
    content = file("Files/a", b"1" * 5000)
    before = sides.side(sides.layer(content))
    after = sides.side(sides.layer(content, compression="zstd:1"))
    found = sides.compare(before, after)
    assert found.equal and not found.identical and [pair.mark for pair in found.layers] == ["≈"]


def test_a_pattern_chooses_files_and_what_is_below_them(sides: Sides) -> None:
    before = sides.image(name="a")
    after = sides.image(file("Files/app/x.dll", b"1"), file("Files/app/sub/y.DLL", b"1"), file("Files/z.dll", b"1"),
                        cmd=("other",))
    for pattern, wanted in {"C:\\APP\\*.dll": ["C:\\app\\x.dll"], "/app/sub": ["C:\\app\\sub", "C:\\app\\sub\\y.DLL"],
                            "**/*.dll": ["C:\\app\\sub\\y.DLL", "C:\\app\\x.dll", "C:\\z.dll"],
                            "/nope": []}.items():
        found = sides.compare(before, after, path=pattern)
        assert [change.path for change in found.files] == wanted, pattern
        assert not found.config  # with a pattern files alone are meant


@pytest.mark.parametrize(("pattern", "error"), [("/a[", FormatError), ("D:\\x", UnsupportedError)])
def test_a_bad_pattern_is_told_even_of_equal_images(sides: Sides, sample: Side, pattern: str,
                                                    error: type[Exception]) -> None:
    with pytest.raises(error):
        sides.compare(sample, sample, path=pattern)


def test_two_layers_are_compared_as_their_tars_have_them(sides: Sides, sample: Side) -> None:
    found = sides.compare(side_of_layer(sample, 0), side_of_layer(sample, 1))
    marks = {(change.mark, change.path) for change in found.files}
    assert {("-", "Files/data/big.bin"), ("+", "Hives/System_Delta"), ("~", "Files/app/readme.txt")} <= marks
    # A whiteout is no file: the one went, the other came.
    assert {("+", "Files/app/old.txt"), ("-", "Files/app/old.txt")} <= marks
    assert not found.config and not found.history
    assert [(pair.mark, pair.before, pair.after) for pair in found.layers] == [("-", 0, None), ("+", None, 1)]
    assert sides.compare(side_of_layer(sample, 1), side_of_layer(sample, 1)).identical
    only = sides.compare(side_of_layer(sample, 0), side_of_layer(sample, 1), path="C:\\data")
    assert [change.path for change in only.files] == ["Files/data", "Files/data/big.bin"]
    with pytest.raises(UsageError, match="no layer 9"):
        side_of_layer(sample, 9)


def test_hives_of_the_layers_that_nobody_can_read_are_told_as_changed(sides: Sides) -> None:
    base = sides.layer(file("Files/a", b"1"), hive("Software_Delta"))
    before = sides.side(base, sides.layer(hive("Software_Delta")))
    other = hive("Software_Delta")[0], b"more"
    found = sides.compare(before, sides.side(base, sides.layer(other)))
    assert [(change.name, len(change.before), len(change.after), "has no Files/Windows/System32/config/SOFTWARE" in
             change.why) for change in found.registry] == [(r"HKEY_LOCAL_MACHINE\SOFTWARE", 1, 1, True)]
    assert not found.equal and not found.files
    # The layer that both share is not told of, so each side has one hive.
    moved = sides.side(base, sides.layer(file("Files/b", b"")), sides.layer(hive("Software_Delta")))
    assert not sides.compare(before, moved).registry


def test_one_more_step_of_the_history_is_a_difference(sides: Sides, sample: Side) -> None:
    after = sides.of(add_history(sample.image, History(created_by="ENV X", empty_layer=True)), "app:2")
    found = sides.compare(sample, after)
    assert [(one.mark, one.created_by) for one in found.history] == [("+", "ENV X")]
    assert not found.equal and not found.files and not found.config


def test_a_hive_among_the_files_is_marked(sides: Sides) -> None:
    path = "Files/Windows/System32/config/SOFTWARE"
    before, after = sides.image(file(path, b"regf")), sides.image(file(path, b"rega"), file("Files/SOFTWARE", b"1"))
    assert [(change.path, change.hive) for change in sides.compare(before, after).files] == [
        ("C:\\SOFTWARE", False), ("C:\\Windows\\System32\\config\\SOFTWARE", True)]


def test_the_utility_vm_of_a_base_is_compared_beside_the_files(sides: Sides) -> None:
    before = sides.side(sides.layer(file("UtilityVM/Files/x", b"1"), base=True))
    after = sides.side(sides.layer(file("UtilityVM/Files/x", b"2"), base=True))
    assert sides.lines(before, after) == [("~", "UtilityVM/Files/x", "content")]


def test_names_of_linux_images_differ_by_case(sides: Sides) -> None:
    before = sides.side(sides.raw_layer(tar(("etc/a", {"data": b"1"}))), os="linux")
    after = sides.side(sides.raw_layer(tar(("etc/A", {"data": b"1"}))), os="linux")
    assert sides.lines(before, after) == [("+", "/etc/A"), ("-", "/etc/a")]


def test_the_facts_are_plain_values(sides: Sides, sample: Side) -> None:
    import json

    after = sides.image(file("Files/app/readme.txt", b"other", sddl=OTHER), name="app:2", cmd=("x",))
    facts = json.loads(json.dumps(sides.compare(sample, after).facts()))
    change = next(one for one in facts["files"] if one["path"] == "C:\\app\\readme.txt")
    assert change["changed"] == ["size", "content", "acl", "attributes"] and change["before"]["size"] == 6
    assert change["acl"]["came"] == ["allow BUILTIN\\Users: read"]
    assert facts["before"]["name"] == "app:1" and facts["after"]["name"] == "app:2" and not facts["equal"]
