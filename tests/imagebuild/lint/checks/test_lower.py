# SPDX-License-Identifier: Apache-2.0
"""A delta beside the hives that it is laid over."""

from __future__ import annotations

import pytest
from hypothesis import given, settings
from support import rawtar
from support.hivelayers import delta_layer, dirty, two_keys
from support.hives import plain_roots
from support.shelf import Shelf

from imagebuild import lint
from imagebuild.hive import AddKey, Change, DeleteKey, DeleteValue, Key, SetValue, Value, delta, find, read, walk, write
from imagebuild.hive.tree import SUPERSEDE_LOCAL, SUPERSEDE_TREE, TOMBSTONE
from imagebuild.lint.checks.inside import TOLD
from imagebuild.lint.checks.lower import LowerHives, compare
from imagebuild.lint.report import Report
from imagebuild.oci import Image

LOWER = Key("ROOT", [Value.dword("r", 1)], [
    Key("plain", [Value.dword("v", 1), Value.dword("", 2)], [Key("below", [Value.dword("w", 1)])]),
    Key("classy", (), [Key("below")], None, "Class")])


def promoted(name: str, *below: Key, **more: object) -> Key:
    return Key(name, (), below, inherit_class=True, **more)  # type: ignore[arg-type]


def misfits(*keys: Key, values: tuple[Value, ...] = (), lower: Key = LOWER) -> list[tuple[str, str]]:
    """What is found in a delta with these keys."""
    report = Report(base=False)
    compare(read(write(Key("ROOT", values, keys), layered=True)), lower, "Hives/System_Delta", 5, report)
    out = report.take()
    assert all((finding.path, finding.offset) == ("Hives/System_Delta", 5) for finding in out)
    return [(finding.rule, finding.message) for finding in out]


@pytest.mark.parametrize(("key", "rule", "message"), [
    (promoted("other"), "delta-dangling", "there is no key other below"),
    (promoted("plain", promoted("other")), "delta-dangling", r"there is no key plain\other below"),
    (Key("plain", (), [promoted("below", semantics=SUPERSEDE_TREE)], semantics=SUPERSEDE_TREE), "delta-dangling",
     r"there is no key plain\below below"),
    (promoted("PLAIN", promoted("below")), "", ""),
    (promoted("plain", semantics=SUPERSEDE_TREE), "", ""),
    (Key("plain", (), [promoted("below")], semantics=SUPERSEDE_LOCAL), "", ""),
    (Key("other", (), [Key("new")]), "", ""),
    (Key("classy", (), [promoted("below")]), "delta-hides-class", "classy has a class below and none here"),
    (promoted("classy", promoted("below")), "", ""),
    (Key("classy", (), (), None, "Other"), "", ""),
    (Key("classy", semantics=SUPERSEDE_TREE), "", ""),
    (Key("classy", semantics=SUPERSEDE_LOCAL), "", ""),
    (Key("other", semantics=TOMBSTONE), "delta-deletes-nothing", "there is no other below"),
    (Key("plain", (), [Key("below", semantics=TOMBSTONE)], semantics=SUPERSEDE_TREE), "delta-deletes-nothing",
     r"there is no plain\below below"),
    (Key("plain", semantics=TOMBSTONE), "", ""),
    (promoted("plain", Key("below", semantics=TOMBSTONE)), "", ""),
    (Key("plain", [Value.tombstone("x")], inherit_class=True), "delta-deletes-nothing",
     "there is no value x of plain below"),
    (Key("plain", [Value.tombstone("")], semantics=SUPERSEDE_LOCAL), "delta-deletes-nothing",
     "there is no value (Default) of plain below"),
    (Key("new", [Value.tombstone("v")]), "delta-deletes-nothing", "there is no value v of new below"),
    (Key("plain", [Value.tombstone("V"), Value.tombstone("")], inherit_class=True), "", "")])
def test_what_a_delta_says_of_lower_keys_is_compared_with_them(key: Key, rule: str, message: str) -> None:
    assert misfits(key) == ([(rule, message)] if rule else [])


def test_the_root_is_looked_at_too() -> None:
    assert misfits(values=(Value.tombstone("r"),)) == []
    assert misfits(values=(Value.tombstone("s"),)) == [
        ("delta-deletes-nothing", "there is no value s of the root below")]
    assert misfits(lower=Key("ROOT", (), (), None, "Class")) == [
        ("delta-hides-class", "the root has a class below and none here")]


def test_much_of_one_kind_is_told_in_short() -> None:
    keys = [promoted(f"k{number:02}") for number in range(TOLD + 2)]
    told = misfits(*keys)
    assert len(told) == TOLD + 1 and told[-1] == ("delta-dangling", "and 2 more of this kind")
    assert [message for _, message in misfits(*keys[:TOLD])] == [
        f"there is no key k{number:02} below" for number in range(TOLD)]
    gone = [Key(f"k{number:02}", semantics=TOMBSTONE) for number in range(TOLD + 2)]
    assert misfits(*gone) == [("delta-deletes-nothing", f"there is no k00 below, and {TOLD + 1} more")]
    assert misfits(*gone[:2]) == [("delta-deletes-nothing", "there is no k00 below, and 1 more")]
    assert misfits(values=(Value.tombstone("v" * 81),)) == [
        ("delta-deletes-nothing", f"there is no value {'v' * 80} of the root below")]


def found(shelf: Shelf, image: Image, **options: object) -> list[lint.Finding]:
    return list(lint.image(image, shelf, **options))  # type: ignore[arg-type]


def rules(*layers: bytes, hive: Key = LOWER) -> list[tuple[str, int | None]]:
    shelf = Shelf()
    image = shelf.image(rawtar.base(hives={"SYSTEM": write(hive)}), *layers)
    return [(finding.rule, finding.layer) for finding in found(shelf, image)]


def layer(*keys: Key, name: str = "System_Delta") -> bytes:
    return delta_layer(write(Key("ROOT", (), keys), layered=True), name)


def test_in_an_image_a_delta_is_compared_with_the_base() -> None:
    assert rules(layer(promoted("plain"))) == []
    assert rules(layer(promoted("other"))) == [("delta-dangling", 1)]
    assert rules(layer(promoted("plain"), name="Software_Delta")) == [("delta-dangling", 1)]


def test_what_is_found_so_has_the_deltas_place_in_its_layer() -> None:
    shelf = Shelf()
    data = layer(promoted("other"))
    image = shelf.image(rawtar.base(hives={"SYSTEM": write(LOWER)}), data)
    (finding,) = found(shelf, image)
    assert finding.offset is not None
    assert b"path=Hives/System_Delta\n" in data[finding.offset:finding.offset + 1024] or \
        data[finding.offset + 1024:].startswith(b"Hives/System_Delta")


def test_in_an_image_a_delta_is_compared_with_the_deltas_below_too() -> None:
    assert rules(layer(Key("new")), layer(promoted("new"))) == []
    assert rules(layer(Key("plain", semantics=TOMBSTONE)), layer(promoted("plain"))) == [("delta-dangling", 2)]
    assert rules(layer(Key("new")), layer(Key("new", semantics=TOMBSTONE)), layer(promoted("new"))) == [
        ("delta-dangling", 3)]


def test_where_a_lower_hive_is_not_known_nothing_is_compared() -> None:
    bad = delta_layer(b"x" * 9000)
    assert rules(bad, layer(promoted("other"))) == [("delta-invalid", 1)]
    shelf = Shelf()
    image = shelf.image(rawtar.base(hives={"SYSTEM": b""}), layer(promoted("other")))
    assert "delta-dangling" not in {finding.rule for finding in found(shelf, image)}
    image = shelf.image(rawtar.base(), layer(promoted("other")))
    assert "delta-dangling" not in {finding.rule for finding in found(shelf, image, only=(1,))}
    shelf.blobs[image.layers[0].digest] = rawtar.base()[:3000]
    assert "delta-dangling" not in {finding.rule for finding in found(shelf, image)}


def test_a_plain_hive_in_place_of_a_delta_is_not_compared() -> None:
    plain = delta_layer(write(Key("ROOT", (), [Key("classy")])))
    assert rules(plain) == [("delta-version", 1)]


def test_a_base_that_was_not_closed_cleanly_is_compared_all_the_same() -> None:
    shelf = Shelf()
    image = shelf.image(rawtar.base(hives={"SYSTEM": dirty(write(LOWER))}), layer(promoted("other")))
    assert [finding.rule for finding in found(shelf, image)] == ["base-hive-dirty", "delta-dangling"]


def test_a_damaged_delta_is_read_as_far_as_it_goes() -> None:
    assert [rule for rule, _ in rules(delta_layer(two_keys("b", "a")), layer(promoted("a"), promoted("b")))] == [
        "hive-subkey-order"]


def test_no_roots_are_known_before_the_base() -> None:
    lower = LowerHives()
    assert lower.root("SYSTEM") is None
    lower.lay_deltas({"SYSTEM": read(rawtar.DELTA)})
    assert lower.root("SYSTEM") is None
    lower.lay_base({"SYSTEM": read(rawtar.HIVE), "SAM": None})
    assert lower.root("SYSTEM") is not None and lower.root("SAM") is None
    lower.forget()
    assert lower.root("SYSTEM") is None


@settings(max_examples=150)
@given(plain_roots, plain_roots)
def test_in_deltas_between_any_two_hives_nothing_is_found(lower: Key, upper: Key) -> None:
    made = delta(lower, upper)
    if made is None:
        return
    report = Report(base=False)
    compare(read(write(made, layered=True)), read(write(lower)).root, "d", None, report)
    lost = any((below := find(lower, path)) is not None and below.class_name and not key.class_name
               for path, key in walk(upper))
    assert {finding.rule for finding in report.take()} <= ({"delta-hides-class"} if lost else set())


@settings(max_examples=150)
@given(plain_roots, plain_roots)
def test_in_deltas_of_any_edits_nothing_is_found(lower: Key, upper: Key) -> None:
    change = Change(read(write(lower)).root, timestamp=5)
    for number, (path, key) in enumerate(walk(upper)):
        if path:
            change.apply(DeleteKey(path) if number % 3 == 0 else AddKey(path))
        for value in key.values:
            change.apply(DeleteValue(path, value.name) if number % 2 else SetValue(path, value))
    made = change.delta()
    if made is not None:
        report = Report(base=False)
        compare(read(write(made, layered=True)), read(write(lower)).root, "d", None, report)
        assert report.take() == []
