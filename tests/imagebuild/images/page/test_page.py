# SPDX-License-Identifier: Apache-2.0
"""The HTML page: all of it in one file, nothing from an image in it but as data."""

from __future__ import annotations

import base64
import hashlib
import html
import json
import re
from pathlib import Path
from typing import Any

import pytest
from support import images
from support.differences import Sides, finish
from support.images import file, folder, hive_file, link
from support.layers import tar

from imagebuild.hive import Key, Value
from imagebuild.images.compare.compare import Side
from imagebuild.images.page.page import PageFinding, make_page
from imagebuild.layer import Kind

EVIL = "<script>document.title='owned'<&script>\u202eexe.txt\"'"
"""A name that Windows would not take but a layer may have."""


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path)


def page(sides: Sides, before: Side | None, after: Side, **options: Any) -> str:
    """The page as one text."""
    found = sides.compare(before, after, path=options.get("path", ""))
    return "".join(finish(make_page(found, before, after, **options)))


def data(text: str) -> dict[str, Any]:
    """What the page shows."""
    found = re.search(r'<script type="application/json" id="data">(.*?)</script>', text, re.DOTALL)
    assert found
    value: dict[str, Any] = json.loads(found[1])
    return value


def rows(tree: dict[str, Any]) -> list[str]:
    """The paths of a tree, below its root."""
    out, way = [], []
    for depth, name in zip(tree["d"], tree["n"], strict=True):
        way[depth:] = [name]
        out.append("/".join(way[1:]))
    return out


def test_a_page_of_one_image_has_its_files_and_those_of_each_layer(sides: Sides) -> None:
    side = sides.of(images.sample(sides.store)[0], "app:1")
    found = data(page(sides, None, side))
    assert found["before"] is None and found["after"]["name"] == "app:1" and found["findings"] is None
    whole, lower, upper = found["trees"]
    assert rows(whole) == ["", "app", "app/here", "app/link.txt", "app/readme.txt", "app/same.txt", "app/to-data",
                           "data", "data/big.bin"]
    assert not whole["c"] and (lower["name"], upper["name"]) == ("Layer 0", "Layer 1")
    assert "Files/app/old.txt" in rows(lower) and "Hives/System_Delta" in rows(upper)
    kinds = dict(zip(rows(upper), (found["kinds"][kind] for kind in upper["k"]), strict=True))
    assert kinds["Files/app/old.txt"] == "whiteout" and kinds["Files/app/to-data"] == "junction"
    readme = rows(whole).index("app/readme.txt")
    assert whole["s"][readme] == 6 and whole["l"][readme] == 1 and found["attributes"][whole["t"][readme]] == "RA"
    assert found["acls"][whole["a"][readme]]["sddl"] == images.SDDL
    assert "allow NT AUTHORITY\\SYSTEM: full control (inherited)" in found["acls"][whole["a"][readme]]["words"]
    assert found["times"][whole["m"][readme]] == "2024-01-01T00:00:00Z"
    assert whole["g"][str(rows(whole).index("app/to-data"))] == "C:\\data"


def test_a_page_of_two_has_what_went_where_it_was_and_what_changed(sides: Sides) -> None:
    before = sides.image(file("Files/a", b"1"), file("Files/b", b"1"), cmd=("x",), user="gone")
    after = sides.image(file("Files/b", b"22", sddl="O:BAD:"), file("Files/c", b"3"), name="app:2", cmd=("y",))
    found = data(page(sides, before, after))
    tree = found["trees"][0]
    changed = {rows(tree)[int(row)]: change for row, change in tree["c"].items()}
    assert {path: change[0] for path, change in changed.items()} == {"a": "-", "b": "~", "c": "+"}
    assert changed["b"][1] == [["size", "1 bytes", "2 bytes"]]
    assert "owner BUILTIN\\Administrators" not in found["acl_changes"][changed["b"][2]]["gone"]
    assert found["acl_changes"][changed["b"][2]]["came"] == ["empty: nobody may do anything"]
    assert ["Cmd", '["x"]', '["y"]', True] in found["config"] and ["User", "gone", None, True] in found["config"]
    assert ["os", "windows", "windows", False] in found["config"]


def test_a_pattern_leaves_the_folders_on_the_way_and_no_layers(sides: Sides) -> None:
    side = sides.image(file("Files/a/b/x.dll", b"1"), file("Files/a/c/y.txt", b"1"), folder("Files/d"))
    found = data(page(sides, None, side, path="/**/*.dll"))
    (tree,) = found["trees"]
    assert rows(tree) == ["", "a", "a/b", "a/b/x.dll"]


def test_nothing_from_an_image_is_markup(sides: Sides) -> None:
    hostile = sides.raw_layer(tar((EVIL.replace("/", ""), {"data": b"1"}), ("l", {
        "type": b"2", "linkname": "</script><img src=x onerror=alert(1)>"})))
    bad = "</script><img src=x onerror=alert(1)>"
    side = sides.side(hostile, os="linux", name="app:1", labels=((bad, bad),), author=bad, env=(f"{bad}={bad}",))
    text = page(sides, None, side, findings=[PageFinding(bad, "error", bad, bad, 0, bad, bad, bad)])
    assert text.count("<script") == 2 and text.count("</script>") == 2 and "<img" not in text
    found = data(text)
    assert EVIL.replace("\u202e", "\\u202e") in found["trees"][0]["n"]  # right-to-left marks are written out
    assert found["findings"][0]["text"] == bad and found["trees"][0]["g"]


def test_a_page_of_two_has_the_keys_of_the_registry_that_differ(sides: Sides) -> None:
    path, bad = "Files/Users/me/NTUSER.DAT", "</script><img src=x onerror=alert(1)>"
    before = sides.image(hive_file(path, Key("ROOT", (Value.sz(bad, "old"),), (Key("gone"),))))
    after = sides.image(hive_file(path, Key("ROOT", (Value.sz(bad, bad),), (Key(bad),))))
    text = page(sides, before, after)
    assert "<img" not in text and text.count("</script>") == 2
    (found,) = data(text)["registry"]
    assert found["name"] == r"C:\Users\me\NTUSER.DAT" and found["n"][1:] == [bad, "gone"]
    assert found["c"]["0"][2] == [[bad, "REG_SZ  old", f"REG_SZ  {bad}"]]
    assert data(page(sides, None, after))["registry"] == []


def test_a_title_is_escaped(sides: Sides) -> None:
    from dataclasses import replace

    side = replace(sides.image(file("Files/a", b"")), name="oci:</title><script>x:1")
    assert "<title>oci:&lt;/title&gt;&lt;script&gt;x:1</title>" in page(sides, None, side)


def test_the_page_loads_nothing_and_runs_only_its_own_script(sides: Sides) -> None:
    text = page(sides, None, sides.image(file("Files/a", b"")))
    policy = re.search(r'http-equiv="Content-Security-Policy" content="([^"]*)"', text)
    assert policy and "default-src 'none'" in html.unescape(policy[1])
    for tag in ("style", "script"):
        part = re.search(rf"<{tag}>(.*?)</{tag}>", text, re.DOTALL)
        assert part
        digest = base64.b64encode(hashlib.sha256(part[1].encode()).digest()).decode()
        assert f"{tag}-src 'sha256-{digest}'" in html.unescape(policy[1])
    own = text.replace("http://www.w3.org/2000/svg", "")
    assert not re.search(r"(src|href)=\"(?!#)|https?://|@import|url\(", own)


def test_the_script_makes_no_markup_of_text() -> None:
    scripts = sorted((Path(__file__).parents[4] / "imagebuild/images/page").glob("*.js"))
    assert [path.name for path in scripts] == ["page.js", "page_registry.js"]
    for path in scripts:
        assert not re.search(r"innerHTML|outerHTML|insertAdjacentHTML|document\.write|\beval\b|new Function",
                             path.read_text(encoding="utf-8"))


def test_findings_are_shown_when_somebody_looked_for_them(sides: Sides) -> None:
    side = sides.image(file("Files/a", b""))
    assert data(page(sides, None, side, findings=[]))["findings"] == []
    finding = PageFinding("parent-missing", "warning", "no parent", "Files/a/b", 0, "base", "add it", "hcsshim")
    assert data(page(sides, None, side, findings=[finding]))["findings"] == [{
        "rule": "parent-missing", "severity": "warning", "text": "no parent", "path": "Files/a/b", "layer": 0,
        "importer": "base", "hint": "add it", "source": "hcsshim"}]


def test_three_thousand_files_take_less_than_two_megabytes(sides: Sides) -> None:
    def many(step: int) -> list[images.Content]:
        return [images.file(f"Files/app/folder{number % 60}/a-rather-long-file-name-{number}.dll", b"%d" % (
            number + step), sddl=f"O:BAG:SYD:(A;;FA;;;S-1-5-21-1-2-3-{number % 40 + step})") for number in range(3000)]

    before, after = sides.image(*many(0)), sides.image(*many(1))
    assert len(page(sides, None, after).encode()) < 600_000
    assert len(page(sides, before, after).encode()) < 2_000_000  # every file changed in content and ACL


def test_layers_with_very_many_entries_are_left_out(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    few, many = sides.layer(base=True), sides.layer(*(file(f"Files/{number}") for number in range(30)))
    side = sides.side(few, many)
    assert len(data(page(sides, None, side))["trees"]) == 3
    monkeypatch.setattr("imagebuild.images.page.page.LAYER_ROWS", 20)
    assert [tree["name"] for tree in data(page(sides, None, side))["trees"]] == ["app:1", "Layer 0"]


def test_links_of_every_kind_have_their_targets(sides: Sides) -> None:
    side = sides.image(file("Files/a", b"123"), link("Files/h", Kind.HARD_LINK, "Files/a"),
                       link("Files/s", Kind.SYMLINK, "a"))
    tree = data(page(sides, None, side))["trees"][0]
    at = {path: row for row, path in enumerate(rows(tree))}
    assert tree["s"][at["h"]] == 3
    assert (tree["g"][str(at["h"])], tree["g"][str(at["s"])]) == ("Files/a", "a")
