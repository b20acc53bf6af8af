# SPDX-License-Identifier: Apache-2.0
"""The registries of two images compared key by key, through base and deltas."""

from __future__ import annotations

from collections.abc import Iterator
from pathlib import Path

import pytest
from support.differences import Sides
from support.hives import OTHER
from support.images import file, hive, hive_file
from support.layers import tar

from imagebuild.hive import Hive, Key, KeyLike, Value
from imagebuild.hive.edits.compare import KeyChange
from imagebuild.hive.tree import TOMBSTONE
from imagebuild.images.compare import hive_change as hivechange
from imagebuild.images.compare.difference import Difference
from imagebuild.images.compare.pairs import Side

SYSTEM, SOFTWARE = r"HKEY_LOCAL_MACHINE\SYSTEM", r"HKEY_LOCAL_MACHINE\SOFTWARE"
CONFIG = "Files/Windows/System32/config"
BASE = Key("ROOT", subkeys=(
    Key("Services", (), (Key("diagtrack", (Value.dword("Start", 2),), (Key("Parameters"),)),
                         Key("tcpip", (Value.dword("Start", 1), Value.sz("Name", "old")), class_name="c"))),
    Key("Untouched", subkeys=tuple(Key(f"k{number}", (Value.sz("v", "x"),)) for number in range(200)))))
DELTA = Key("ROOT", subkeys=(Key("Services", (), (
    Key("diagtrack", semantics=TOMBSTONE), Key("new", (Value.sz("", "x"),), (Key("below"),)),
    Key("tcpip", (Value.dword("Start", 4), Value.tombstone("Name"), Value.dword("More", 1)), inherit_class=True)),
    inherit_class=True),))


@pytest.fixture
def sides(tmp_path: Path) -> Sides:
    return Sides(tmp_path)


def one_base(sides: Sides, *layers: Key | None, root: Key = BASE, path: str = "Hives/System_Delta") -> Side:
    """An image of one base with layers above it: each has this delta, or none."""
    base = sides.layer(hive_file(f"{CONFIG}/SYSTEM", root), hive_file(f"{CONFIG}/SOFTWARE", Key("ROOT")), base=True)
    return sides.side(base, *(sides.layer(*([hive_file(path, delta)] if delta is not None else []),
                                          file(f"Files/{number}", b"")) for number, delta in enumerate(layers)))


def told(found: Difference) -> Iterator[tuple[str, str, list[tuple[object, object]], tuple[str, ...]]]:
    """Each key that differs: mark, path below its hive, values before and after, what else."""
    for change in found.registry:
        assert not change.why, change.why
        for key in change.keys:
            yield (key.mark(), key.path.removeprefix(change.name + "\\"),
                   [(one.before and one.before.data, one.after and one.after.data) for one in key.values], key.aspects)


def test_keys_and_values_that_a_delta_changes_are_told_through_the_base(sides: Sides) -> None:
    found = sides.compare(one_base(sides, None), one_base(sides, DELTA))
    assert [change.name for change in found.registry] == [SYSTEM]
    assert list(told(found)) == [
        ("-", r"Services\diagtrack", [], ()),
        ("+", r"Services\new", [], ()),
        ("~", r"Services\tcpip", [(None, b"\1\0\0\0"), (b"o\0l\0d\0\0\0", None), (b"\1\0\0\0", b"\4\0\0\0")], ())]
    assert not found.equal
    assert found.registry[0].counts() == {"added": 2, "removed": 2, "changed": 1}
    facts = found.registry[0].facts()
    assert [(key["mark"], key["path"]) for key in facts["keys"]] == [
        ("-", SYSTEM + r"\Services\diagtrack"), ("+", SYSTEM + r"\Services\new"), ("~", SYSTEM + r"\Services\tcpip")]
    assert [key["path"] for key in facts["keys"][1]["keys"]] == [SYSTEM + r"\Services\new",
                                                                 SYSTEM + r"\Services\new\below"]
    assert facts["keys"][2]["values"][2] == {
        "before": {"name": "Start", "type": "REG_DWORD", "data": 1, "hex": "01000000"},
        "after": {"name": "Start", "type": "REG_DWORD", "data": 4, "hex": "04000000"}}


def test_layers_that_come_to_the_same_registry_are_equal(sides: Sides) -> None:
    other = Key("ROOT", subkeys=(Key("Services", (), (*DELTA["Services"].subkeys, Key("gone")), inherit_class=True),))
    away = Key("ROOT", subkeys=(Key("Services", (), (Key("gone", semantics=TOMBSTONE),), inherit_class=True),))
    found = sides.compare(one_base(sides, DELTA), one_base(sides, other, away))
    assert not found.registry


def test_untouched_keys_of_one_base_are_not_looked_into(sides: Sides, monkeypatch: pytest.MonkeyPatch) -> None:
    """The base is opened once for both, and of its subtrees without a delta nothing is read."""
    opened, listed = [], []
    start, subkeys = Hive.__init__, Hive.subkeys_of

    def init(self: Hive, *args: object, **options: object) -> None:
        opened.append(options.get("source"))
        start(self, *args, **options)  # type: ignore[arg-type]

    monkeypatch.setattr(Hive, "__init__", init)
    monkeypatch.setattr(Hive, "subkeys_of", lambda self, key: (listed.append(key.name), subkeys(self, key))[1])
    before, after = one_base(sides, None), one_base(sides, DELTA)
    assert len(list(told(sides.compare(before, after)))) == 3
    assert len(opened) == 2 and "Untouched" not in listed and "Services" in listed


def test_hives_that_both_take_from_the_same_layers_are_not_opened(sides: Sides,
                                                                  monkeypatch: pytest.MonkeyPatch) -> None:
    before, after = one_base(sides, DELTA), one_base(sides, DELTA, None)
    monkeypatch.setattr("imagebuild.images.hives.read.read", lambda *_, **__: pytest.fail("a hive was opened"))
    assert not sides.compare(before, after).registry


def test_other_bases_are_compared_and_their_files_say_no_more_of_it(sides: Sides) -> None:
    other = Key("ROOT", subkeys=(BASE["Untouched"],))
    found = sides.compare(one_base(sides, root=BASE), one_base(sides, root=other))
    assert list(told(found)) == [("-", "Services", [], ())]
    assert not found.files and not found.equal
    same = Key("ROOT", subkeys=BASE.subkeys, last_write=99)
    assert sides.compare(one_base(sides, root=BASE), one_base(sides, root=same)).equal


def test_a_hive_above_the_base_that_windows_does_not_read_stays_a_changed_file(sides: Sides) -> None:
    """What a Linux stage wrote into ``System32\\config``: no container sees it, so it is a file like any other."""
    found = sides.compare(one_base(sides, Key("ROOT"), path=f"{CONFIG}/SYSTEM"),
                          one_base(sides, Key("ROOT", (Value.dword("v", 1),)), path=f"{CONFIG}/SYSTEM"))
    assert [(change.path, change.hive) for change in found.files] == [(r"C:\Windows\System32\config\SYSTEM", True)]
    assert not found.registry


@pytest.mark.parametrize("damaged", ["base", "delta", "missing"])
def test_what_cannot_be_read_is_told_by_its_digest_with_the_reason(sides: Sides, damaged: str) -> None:
    base = hive_file(f"{CONFIG}/SYSTEM", BASE)
    if damaged == "base":
        base = file(f"{CONFIG}/SYSTEM", b"regf" + bytes(5000))
    lower = sides.layer(*([base] if damaged != "missing" else []), base=True)
    delta = hive("System_Delta") if damaged == "delta" else hive_file("Hives/System_Delta", DELTA)
    found = sides.compare(sides.side(lower), sides.side(lower, sides.layer(delta)))
    (change,) = found.registry
    assert (change.name, change.keys, change.before, len(change.after)) == (SYSTEM, (), (), 1)
    assert change.after[0].startswith("sha256:")
    assert {"base": "System32/config/SYSTEM of layer 0", "delta": "System_Delta of layer 1",
            "missing": "its base has no"}[damaged] in change.why
    assert not found.equal and change.facts()["why"] == change.why


def test_damage_below_the_root_does_not_end_the_comparison(sides: Sides) -> None:
    entry, content = hive_file("Hives/System_Delta", Key("ROOT", subkeys=(Key("a", subkeys=(Key("deeper"),)),)))
    assert content is not None
    at = content.index(b"deeper")
    broken = content[:at - 76] + b"xx" + content[at - 74:]
    lower = sides.layer(hive_file(f"{CONFIG}/SYSTEM", Key("ROOT")), base=True)
    (change,) = sides.compare(sides.side(lower), sides.side(lower, sides.layer((entry, broken)))).registry
    assert change.keys == () and "System_Delta" in change.why


def test_files_in_hives_that_windows_does_not_know_are_told_by_digest(sides: Sides) -> None:
    lower = sides.layer(hive_file(f"{CONFIG}/SYSTEM", Key("ROOT")), base=True)
    strange = sides.raw_layer(tar(("Files", {"type": b"5"}), ("Hives", {"type": b"5"}),
                                  ("Hives/Other_Delta", {"data": b"regf"})))
    found = sides.compare(sides.side(lower), sides.side(lower, strange))
    assert [(change.name, change.before, len(change.after)) for change in found.registry] == [
        ("Hives/Other_Delta", (), 1)]


def test_deltas_in_a_base_are_told_by_digest(sides: Sides) -> None:
    """A base has no ``Hives``; what somebody else put there counts for nobody, and is not passed over in silence."""
    def base(content: bytes) -> Side:
        return sides.side(sides.raw_layer(tar(("Files", {"type": b"5"}), ("Hives", {"type": b"5"}),
                                              ("Hives/System_Delta", {"data": content}))))

    found = sides.compare(base(b"one"), base(b"two"))
    assert [(change.name, len(change.before), len(change.after)) for change in found.registry] == [
        ("Hives/System_Delta", 1, 1)]


def test_class_security_and_case_are_told(sides: Sides) -> None:
    delta = Key("ROOT", subkeys=(Key("Services", (), (Key("TCPIP", class_name="d", security=OTHER),),
                                     inherit_class=True),))
    found = sides.compare(one_base(sides), one_base(sides, delta))
    (key,) = found.registry[0].keys
    assert key.aspects == ("case", "class", "security")
    assert hivechange.told(key) == [("written", "tcpip", "TCPIP"), ("class", "c", "d")]
    acl = hivechange.security_change(key)
    assert acl is not None and (acl.gone, acl.came) != ((), ())
    facts = found.registry[0].facts()["keys"][0]
    assert facts["before"]["class"] == "c" and facts["after"]["sddl"]
    assert facts["acl"]["gone"] == ["inherits nothing"]


def test_a_pattern_of_paths_leaves_the_registry_out(sides: Sides) -> None:
    assert not sides.compare(one_base(sides, None), one_base(sides, DELTA), path="/x").registry


def test_changes_are_values_that_no_hive_has_to_be_read_for(sides: Sides) -> None:
    def kinds(change: KeyChange) -> Iterator[type[KeyLike]]:
        for key in (change.before, change.after):
            if key is not None:
                yield type(key)
                yield from (type(below) for below in key.subkeys)

    found = sides.compare(one_base(sides, None), one_base(sides, DELTA))
    assert {kind for change in found.registry[0].keys for kind in kinds(change)} == {Key}
