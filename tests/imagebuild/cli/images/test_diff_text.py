# SPDX-License-Identifier: Apache-2.0
"""A difference as people read it."""

from __future__ import annotations

from pathlib import Path

import pytest
from support import images
from support.differences import Sides, with_times
from support.images import file, folder, hive, link, whiteout

from imagebuild.cli.images.diff_text import difference_text, summary
from imagebuild.images.compare.pairs import side_of_layer
from imagebuild.layer import Kind


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path)


def test_each_section_is_sorted_and_marked(sides: Sides) -> None:
    below = sides.layer(file("Files/base", b"1"), base=True)
    before = sides.side(below, sides.layer(file("Files/a", b"1"), file("Files/b", b"1"), file("Files/C", b"1"),
                                           hive("System_Delta")))
    after = sides.side(below, sides.layer(
        file("Files/b", b"222", sddl="O:BAG:SYD:AI(A;ID;FA;;;SY)(A;;FR;;;BU)", attributes=0x21), file("Files/c", b"1"),
        file("Files/d", b"1" * 1234), link("Files/e", Kind.JUNCTION, "C:\\x")), name="app:2", user="me", env=("A=2",))
    lines = list(difference_text(sides.compare(before, after)))
    assert before.digest in lines[0] and lines[0].startswith("--- app:1  ") and lines[1].startswith("+++ app:2  ")
    assert lines[2:] == [
        "", "Files",
        "- C:\\a  1 B",
        "~ C:\\b  size 1 -> 3 B, acl, attributes A -> RA",
        "    - allow BUILTIN\\Administrators: full control (inherited)",
        "    + allow BUILTIN\\Users: read",
        "~ C:\\c  was written C",
        "+ C:\\d  1,234 B",
        "+ C:\\e  junction -> C:\\x",
        "", "Registry",
        "~ HKEY_LOCAL_MACHINE\\SYSTEM  1 hive -> no hives",
        "    not compared key by key: cannot read HKEY_LOCAL_MACHINE\\SYSTEM of app:1: its base has no "
        "Files/Windows/System32/config/SYSTEM",
        "", "Config",
        "+ User: me",
        "~ Env A",
        "    - 1",
        "    + 2",
        "", "Layers",
        *(line for line in lines if line[:3] in ("=  ", "-  ", "+  ")), "", lines[-1]]
    assert [line[:8].split() for line in lines[-5:-2]] == [["=", "0"], ["-", "1"], ["+", "1"]]
    assert lines[-1] == ("files: 2 added, 1 removed, 2 changed (+1.24 kB); registry: 1 hive not compared; "
                         "config: 2 changed; layers: 1 shared, 1 gone, 1 new")


def test_equal_images_are_one_line(sides: Sides) -> None:
    one = file("Files/a", b"1" * 1000)
    side = sides.image(one)
    assert list(difference_text(sides.compare(side, side)))[2:] == ["", "identical: one digest"]
    packed = sides.side(sides.layer(one, compression="zstd:1"))
    assert summary(sides.compare(side, packed)) == "equal, though not the same bytes; layers: 1 shared"


def test_acls_may_be_told_as_sddl_and_times_below_their_file(sides: Sides) -> None:
    before = sides.image(file("Files/a", b"1"))
    after = sides.image(with_times(file("Files/a", b"1", sddl="O:BAD:"), images.MOMENT + 10_000_000))
    lines = list(difference_text(sides.compare(before, after, times=True), acl="sddl"))
    assert "    - (A;ID;FA;;;SY)" in lines and "    - G:SY" in lines
    assert "    ~ modified 2024-01-01T00:00:00Z -> 2024-01-01T00:00:01Z" in lines


def test_the_order_of_an_acl_counts(sides: Sides) -> None:
    before = sides.image(file("Files/a", b"", sddl="D:(A;;FA;;;SY)(D;;FA;;;BU)"))
    after = sides.image(file("Files/a", b"", sddl="D:(D;;FA;;;BU)(A;;FA;;;SY)"))
    assert "    ~ the same entries in another order" in list(difference_text(sides.compare(before, after)))


def test_whiteouts_of_a_layer_are_told_as_what_they_do(sides: Sides) -> None:
    side = sides.side(sides.layer(folder("Files/a"), base=True), sides.layer(whiteout("Files/a")))
    lines = list(difference_text(sides.compare(side_of_layer(side, 0), side_of_layer(side, 1))))
    assert "+ Files/a  takes it away from the layers below" in lines and "- Files/a  directory" in lines
    assert lines[0].startswith("--- app:1 layer 0  ")


def test_names_play_no_tricks_on_the_terminal_and_marks_have_colours(sides: Sides) -> None:
    before, after = sides.image(), sides.image(cmd=("\x1b[2J",), user="\u202e")
    text = "\n".join(difference_text(sides.compare(before, after)))
    assert "\x1b" not in text and "\u202e" not in text and "\\u202e" in text
    painted = list(difference_text(sides.compare(before, after), colour=True))
    assert any(line.startswith("\x1b[32m+ User") and line.endswith("\x1b[0m") for line in painted)
