# SPDX-License-Identifier: Apache-2.0
"""How much of a hive is looked at, and that nothing is found in hives of Windows and in ours."""

from __future__ import annotations

import io
import tracemalloc
from dataclasses import replace
from typing import Any

import pytest
from support import images, rawtar
from support.breaches import Breaches
from support.hivebytes import RawHive
from support.hivefuzz import mutated, own_seeds
from support.hivelayers import base, delta_layer, dirty, two_keys, user_layer
from support.hives import SHARED
from support.shelf import Shelf

from imagebuild import lint
from imagebuild.hive import Key, Value, write
from imagebuild.layer import Entry, Kind
from imagebuild.lint import LayerLinter
from imagebuild.lint.checks.inside import BUDGET, LIMIT, SMALL, TOLD, Inside
from imagebuild.lint.hives import Place
from imagebuild.lint.rules.hives import HIVE_RULES

BIG = Value("b", 3, bytes(16000))
CONFIG = "Files/Windows/System32/config"


def large(size: int, *, layered: bool = False, broken: bool = True) -> bytes:
    """A hive of about ``size`` bytes; a broken one has a wrong hash, for which one must look at the keys."""
    keys = [Key(f"k{number:06}", [BIG]) for number in range(size // 16000 + 1)]
    data = bytearray(write(Key("ROOT", (), keys), layered=layered))
    if broken:
        at = data.index(b"lh", 4096)
        data[at + 8] ^= 1
    return bytes(data)


def found(data: bytes, **options: object) -> list[tuple[str, str]]:
    return [(finding.rule, finding.message) for finding in lint.layer(io.BytesIO(data), **options)]  # type: ignore[arg-type]


def rules(data: bytes, **options: object) -> list[str]:
    return [rule for rule, _ in found(data, **options)]


SAM, DELTA, USER, BCD = Place("base", "SAM"), Place("delta", "SAM"), Place("user"), Place("boot")


def breaches(place: Place, hive: bytes) -> tuple[list[object], bool]:
    """What is told of one hive, and whether it can be read on in."""
    report: Any = Breaches()
    opened = Inside(report).examine(place, hive, len(hive), "the path", 512)
    return report.told, opened is not None


def at(place: Place) -> tuple[object, ...]:
    """Where breaches of a hive are told to be."""
    return ("the path", 512, *{"base": ("base",), "boot": ("base",), "delta": ("layer",), "user": ()}[place.where])


@pytest.mark.parametrize(("place", "rule"), [
    (SAM, "base-hive-invalid"), (DELTA, "delta-invalid"), (USER, "user-hive-invalid"), (BCD, "utilityvm-bcd")])
def test_a_hive_that_is_none_breaks_the_rule_of_its_place(place: Place, rule: str) -> None:
    assert breaches(place, b"x" * 9000) == ([
        (rule, "it is no hive: it does not begin with 'regf'", *at(place))], False)


@pytest.mark.parametrize(("place", "rule"), [
    (SAM, "base-hive-dirty"), (DELTA, "delta-dirty"), (USER, "user-hive-dirty"), (BCD, "")])
def test_a_hive_that_was_not_closed_breaks_the_rule_of_its_place(place: Place, rule: str) -> None:
    hive = rawtar.DELTA if place == DELTA else rawtar.HIVE
    assert breaches(place, hive) == ([], place != BCD)
    assert breaches(place, dirty(hive)) == ([(rule, "its two sequence numbers differ", *at(place))] if rule else
                                            [], place != BCD)


@pytest.mark.parametrize(("place", "hive", "rule", "version"), [
    (DELTA, rawtar.HIVE, "delta-version", "1.5 with the flags 0x0"),
    (SAM, rawtar.DELTA, "layered-plain-hive", "1.6 with the flags 0x2"),
    (USER, rawtar.DELTA, "layered-plain-hive", "1.6 with the flags 0x2")])
def test_a_hive_of_the_other_kind_is_told_with_its_version(place: Place, hive: bytes, rule: str, version: str) -> None:
    assert breaches(place, hive) == ([(rule, f"it is of version {version}", *at(place))], True)


def test_how_large_a_hive_is_that_is_too_large_is_told_in_mebibytes() -> None:
    report: Any = Breaches()
    assert Inside(report).examine(DELTA, rawtar.DELTA, 300 << 20, "the path", 512) is None
    assert report.told == [
        ("hive-too-large", "it has 300 MiB, of which only the first page was looked at", *at(DELTA))]


def test_a_hive_of_just_the_largest_size_is_looked_at(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagebuild.lint.checks.inside.SPOOL", len(rawtar.DELTA))
    assert breaches(DELTA, rawtar.DELTA) == ([], True)


def test_a_hive_of_just_the_size_of_small_ones_is_looked_at_key_by_key(monkeypatch: pytest.MonkeyPatch) -> None:
    hive = two_keys("b", "a", layered=False)
    monkeypatch.setattr("imagebuild.lint.checks.inside.SMALL", len(hive))
    assert [breach[0] for breach in breaches(SAM, hive)[0]] == ["hive-subkey-order"]  # type: ignore[index]
    monkeypatch.setattr("imagebuild.lint.checks.inside.SMALL", len(hive) - 1)
    assert breaches(SAM, hive) == ([], True)


def test_a_hive_with_a_broken_key_is_read_on_in() -> None:
    hive = bytearray(two_keys("a", "b"))
    first = hive.index(b"nk", 4096 + 0x20 + 6)
    hive[first:first + 2] = b"xx"
    report: Any = Breaches()
    opened = Inside(report).examine(Place("delta", "SYSTEM"), bytes(hive), len(hive), "the path", 512)
    assert opened is not None and [key.name for key in opened.root.subkeys] == ["b"]
    assert "delta-invalid" in {breach[0] for breach in report.told}


@pytest.mark.parametrize("place", [Place("base", "SYSTEM"), Place("delta", "SYSTEM")])
def test_what_is_in_a_hive_counts_where_such_hives_do_and_is_told_where_the_file_stands(place: Place) -> None:
    """A base's hive in a layer above it is nobody's, nor is a delta in a base."""
    raw = RawHive((1, 6), 2) if place.where == "delta" else RawHive()
    names = ["CurrentControlSet", *(f"k{number:02}" for number in range(TOLD + 1))]
    raw.below(raw.root, *[(raw.key(name, flags=0x21), name) for name in names])
    hive = raw.hive()
    report: Any = Breaches()
    Inside(report).examine(place, hive, len(hive), "the path", 512)
    where = "base" if place.where == "base" else "layer"
    assert [breach[0] for breach in report.told] == ["hive-odd"] * (TOLD + 1) + ["hive-current-control-set"]
    assert {breach[2:] for breach in report.told} == {("the path", 512, where)}
    spent: Any = Breaches()
    inside = Inside(spent)
    inside._left = 0
    inside.examine(place, hive, len(hive), "the path", 512)
    assert [breach[0] for breach in spent.told] == ["hive-too-large", "hive-current-control-set"]
    assert {breach[2:] for breach in spent.told} == {("the path", 512, where)}


def test_a_hive_without_a_root_cannot_be_read_on_in() -> None:
    hive = bytearray(rawtar.DELTA)
    hive[4096 + 0x20 + 4] = 0
    told, opened = breaches(DELTA, bytes(hive))
    assert {rule for rule, *_ in told} == {"delta-invalid"} and not opened  # type: ignore[misc]


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no hives in {SHARED}")
@pytest.mark.parametrize(("name", "file"), [("System_Delta", "System_Delta.sandbox"),
                                            ("Software_Delta", "Software_Delta.image-layer")])
def test_in_the_deltas_that_windows_wrote_nothing_is_found(name: str, file: str) -> None:
    assert found(delta_layer((SHARED / "delta" / file).read_bytes(), name), base=False) == []


@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no hives in {SHARED}")
def test_in_hives_that_windows_wrote_nothing_is_found_but_that_they_were_open() -> None:
    real = SHARED / "real"
    assert found(user_layer((real / "NTUSER.DAT").read_bytes()), base=False) == []
    data = base((real / "SYSTEM_WIN_10_1709").read_bytes())
    assert found(data) == found(data, hives="full") == [("base-hive-dirty", "its two sequence numbers differ")]


@pytest.mark.slow
@pytest.mark.skipif(not SHARED.is_dir(), reason=f"no hives in {SHARED}")
def test_in_a_whole_system_hive_of_windows_nothing_is_found() -> None:
    data = bytearray((SHARED / "real/SYSTEM_WIN_10_1709").read_bytes())
    data[4:8] = data[8:12]  # as if it had been closed
    clean = rawtar.base(hives={"SYSTEM": mended(data)})
    assert found(clean, hives="full") == []


def mended(data: bytearray) -> bytes:
    from imagebuild.hive.layout import checksum

    data[508:512] = checksum(data).to_bytes(4, "little")
    return bytes(data)


def test_a_large_hive_of_a_base_is_looked_at_key_by_key_only_when_asked() -> None:
    data = base(large(SMALL + 1), "SOFTWARE")
    assert rules(data) == []
    assert rules(data, hives="full") == ["hive-subkey-order"]
    assert rules(base(large(SMALL - (1 << 16)), "SOFTWARE")) == ["hive-subkey-order"]


def test_the_bins_of_a_large_hive_are_always_looked_at() -> None:
    hive = bytearray(large(SMALL + 1, broken=False))
    second = 4096 + int.from_bytes(hive[4096 + 8:4096 + 12], "little")
    hive[second] = 0
    assert found(base(bytes(hive), "SOFTWARE")) == [
        ("base-hive-invalid", f"a bin begins with b'\\x00bin', not with 'hbin' (byte {second} of the hive)")]


def test_a_delta_is_looked_at_key_by_key_whatever_its_size() -> None:
    assert rules(delta_layer(large(3 * SMALL, layered=True)), base=False) == ["hive-subkey-order"]


def test_above_the_limit_the_bins_are_looked_at_and_a_note_says_so(monkeypatch: pytest.MonkeyPatch) -> None:
    hive = large(2 * SMALL, layered=True)
    monkeypatch.setattr("imagebuild.lint.checks.inside.LIMIT", len(hive) - 1)
    (finding,) = lint.layer(io.BytesIO(delta_layer(hive)), base=False)
    assert (finding.rule, finding.severity, finding.message) == (
        "hive-too-large", lint.Severity.NOTE, "it has 2 MiB, of which only the bins were looked at")
    monkeypatch.setattr("imagebuild.lint.checks.inside.LIMIT", len(hive))
    assert rules(delta_layer(hive), base=False) == ["hive-subkey-order"]
    plain = base(large(2 * SMALL), "SOFTWARE")
    monkeypatch.setattr("imagebuild.lint.checks.inside.LIMIT", SMALL)
    assert rules(plain) == []
    assert rules(plain, hives="full") == ["hive-too-large"]


def test_what_is_looked_at_in_one_layer_is_bounded(monkeypatch: pytest.MonkeyPatch) -> None:
    assert BUDGET >= 4 * LIMIT
    hive = two_keys("b", "a")
    monkeypatch.setattr("imagebuild.lint.checks.inside.BUDGET", 2 * len(hive))
    deltas = [rawtar.file(f"Hives/{name}_Delta", hive, rawsd=None) for name in ("Sam", "Security", "System")]
    data = rawtar.tar(rawtar.folder("Files"), rawtar.folder("Hives"), *deltas)
    assert rules(data, base=False) == ["hive-subkey-order"] * 2 + ["hive-too-large"]


def test_of_a_hive_that_is_not_taken_out_whole_only_the_first_page_is_looked_at(
        monkeypatch: pytest.MonkeyPatch) -> None:
    hive = two_keys("b", "a")
    monkeypatch.setattr("imagebuild.lint.checks.inside.SPOOL", len(hive) - 1)
    monkeypatch.setattr("imagebuild.lint.spool.SPOOL", len(hive) - 1)
    assert found(delta_layer(hive), base=False) == [
        ("hive-too-large", "it has 0 MiB, of which only the first page was looked at")]
    assert rules(delta_layer(dirty(hive)), base=False) == ["delta-dirty", "hive-too-large"]


@pytest.mark.parametrize("count", [TOLD, TOLD + 3])
def test_of_one_rule_the_first_places_of_a_hive_are_told(count: int) -> None:
    raw = RawHive((1, 6), 2)
    raw.below(raw.root, *[(raw.key(f"k{number:02}", layer=4), f"k{number:02}") for number in range(count)])
    data = delta_layer(raw.hive())
    told = found(data, base=False)
    assert {finding.offset for finding in lint.layer(io.BytesIO(data), base=False)} == {
        len(rawtar.folder("Files") + rawtar.folder("Hives"))}
    assert [rule for rule, _ in told] == ["delta-layer-byte"] * min(count, TOLD + 1)
    assert (told[-1][1] == "and 3 more of this kind") is (count > TOLD)


def test_a_hive_that_is_written_is_looked_into_as_the_tar_is() -> None:
    hive = two_keys("b", "a")
    entry = images.file("Files/Users/me/NTUSER.DAT", hive)[0]
    linter = LayerLinter(base=False)
    for path in ("Files", "Files/Users", "Files/Users/me"):
        linter.entry(Entry(path, Kind.DIRECTORY, attributes=0x10, security=entry.security, times=entry.times))
    for name in ("a", "b"):  # files before it with the same records
        assert not linter.entry(replace(entry, path=f"Files/Users/me/{name}"))
    by_entry = [replace(each, offset=None) for each in linter.entry(entry, hive)]
    by_tar = [replace(each, offset=None) for each in lint.layer(io.BytesIO(user_layer(hive)), base=False)]
    assert by_entry == by_tar
    assert {each.rule for each in by_tar} == {"layered-plain-hive", "hive-subkey-order"}


def test_without_its_content_a_hive_is_not_looked_into() -> None:
    hive = two_keys("b", "a")
    entry = images.file("Files/Users/me/NTUSER.DAT", hive)[0]
    assert {each.rule for each in LayerLinter(base=False).entry(entry)} == set()
    head = LayerLinter(base=False).entry(entry, hive[:5000])
    assert {each.rule for each in head} == {"layered-plain-hive"}


def test_a_file_that_is_no_hive_by_its_name_is_left_alone() -> None:
    assert rules(rawtar.layer(rawtar.file("Files/SYSTEM.DAT", two_keys("b", "a"))), base=False) == []


def test_a_large_hive_does_not_fill_the_memory() -> None:
    data = rawtar.base(hives={"SOFTWARE": large(40 * SMALL, broken=False)})
    tracemalloc.start()
    try:
        assert rules(data) == []
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert peak < 8 << 20


def test_of_broken_hives_there_are_findings_and_nothing_else() -> None:
    """In a base, as deltas over it and over each other, and as a user's: never an error, always in bounds."""
    seeds = own_seeds(large=False)
    told = 0
    for number in range(0, 600, 3):
        one, two, three = (mutated(seeds, number + step) for step in range(3))
        shelf = Shelf()
        image = shelf.image(rawtar.base(hives={"SYSTEM": one}), delta_layer(two), delta_layer(three), user_layer(one))
        findings = list(lint.image(image, shelf))
        assert len(findings) < 4 * (TOLD + 1) * len(HIVE_RULES)
        told += len(findings)
    assert told > 600
