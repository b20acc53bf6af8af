# SPDX-License-Identifier: Apache-2.0
"""Layers as Windows, a script and wcow make them are clean, read or being written; damaged ones end cleanly."""

from __future__ import annotations

import contextlib
import gzip
import io
import random
import shutil
import subprocess
import time
import tracemalloc
from base64 import b64encode
from collections.abc import Iterable
from dataclasses import replace
from pathlib import Path
from typing import Any

import pytest
from hypothesis import example, given, settings
from hypothesis import strategies as st
from support import images, rawtar
from support.builds import NANOSERVER, Bench

from imagebuild import lint
from imagebuild.codec import Compression
from imagebuild.errors import FormatError
from imagebuild.images.bases.base import BaseRequest
from imagebuild.images.bases.base import entries as base_entries
from imagebuild.layer import Batch, Entry, Kind, LayerWriter, Times
from imagebuild.layer.header import Headers
from imagebuild.layer.tarstream import DEFAULT_LIMITS, TarStream
from imagebuild.lint import LayerLinter, Severity
from imagebuild.lint.checks.tree import Below
from imagebuild.lint.layers import run
from imagebuild.oci import Platform
from imagebuild.windows.acl.sddl import parse_sddl
from imagebuild.windows.filetime import DOS_EPOCH

WINDOWS = rawtar.tar(
    rawtar.entry("Files", b"5", 16, rawsd=None), rawtar.folder("Files/Program Files"),
    rawtar.folder("Files/app"), rawtar.whiteout("Files/app/.wh.gone"), rawtar.file("Files/app/a.exe", b"MZ"),
    rawtar.link("Files/app/b.exe", "Files/app/a.exe"), rawtar.symlink("Files/app/c", "..\\app\\a.exe"),
    rawtar.symlink("Files/app/d", "C:\\app", 0x410), rawtar.junction("Files/app/e", "C:\\app"),
    rawtar.file("Files/app/f", attributes=0x4020, xattr__EA=b"AA=="),
    rawtar.folder("Hives"), *(rawtar.file(f"Hives/{name}_Delta", rawtar.DELTA, rawsd=None)
                              for name in ("DefaultUser", "Sam", "Security", "Software", "System")))
"""A layer as hcsshim exports it: research of ``pkg/ociwclayer/export.go``."""


def found(data: bytes, **options: object) -> list[lint.Finding]:
    return list(lint.layer(io.BytesIO(data), **options))  # type: ignore[arg-type]


@pytest.mark.parametrize("data", [WINDOWS, gzip.compress(WINDOWS), rawtar.base(), rawtar.layer()])
@pytest.mark.parametrize("told", [True, False])
def test_a_layer_of_windows_is_clean(data: bytes, told: bool) -> None:
    assert found(data, base=(data == rawtar.base()) if told else None) == []


def test_the_tar_of_the_hostprocess_script_has_no_error(tmp_path: Path) -> None:
    if not shutil.which("tar"):
        pytest.skip("no tar (Debian package tar)")
    config = tmp_path / "Files/Windows/System32/config"
    config.mkdir(parents=True)
    for name in rawtar.CONFIG_HIVES:
        (config / name).write_bytes(rawtar.HIVE)
    subprocess.run(["tar", "-cf", "layer.tar", "Files"], cwd=tmp_path, check=True)
    rules = {(finding.rule, finding.severity) for finding in found((tmp_path / "layer.tar").read_bytes())}
    assert rules == {("times-missing", Severity.WARNING)}


@pytest.mark.parametrize("flavour", ["scratch", "hostprocess", "nanoserver", "servercore"])
def test_bases_that_wcow_makes_are_clean(flavour: str, tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.base(flavour, tag="docker.io/library/base:1")
    image = bench.shop().library.find("base:1", Platform("windows", "amd64"))
    rules = {finding.rule for finding in lint.image(image.image, image.store)}
    assert rules <= {"os-version-missing"}
    version = "" if flavour in ("scratch", "hostprocess") else "10.0.20348.1"
    request = BaseRequest(flavour=flavour, os_version=version, epoch=DOS_EPOCH,  # type: ignore[arg-type]
                          compression=Compression())
    linter = LayerLinter(base=True)
    assert [finding for entry, content in base_entries(request) for finding in linter.entry(entry, content)] == []
    assert linter.finish() == []


def test_what_wcow_build_makes_is_clean(tmp_path: Path) -> None:
    bench = Bench(tmp_path)
    bench.base()
    built = bench.build(f"""
FROM {NANOSERVER}
WORKDIR C:\\\\app
COPY . .
COPY a.txt C:\\\\Windows\\\\System32\\\\a.txt
ENV A=1
CMD ["app.exe"]
""", {"a.txt": b"a", "dir/b.txt": b"b", "dir/link": "-> b.txt", "empty": None})
    assert list(lint.image(built.image, bench.local)) == []


ENTRIES = [entry for entry, _ in images.UPPER]


def test_entries_of_a_layer_being_written_are_examined_as_its_tar_is() -> None:
    """The same findings by entry and by header, offsets aside."""
    entries = [*ENTRIES[:4], replace(ENTRIES[6], path="Files/app/x.txt", security=None),
               *(replace(ENTRIES[6], path=f"Files/app/{name}") for name in ("a.txt", "b.txt", "CON", "c.txt")),
               *ENTRIES[4:]]
    linter = LayerLinter(base=False)
    by_entry = [finding for entry in entries for finding in linter.entry(entry)] + linter.finish()
    headers = Headers()
    data = b"".join(headers.encode(replace(entry, size=0)) for entry in entries) + bytes(1024)
    by_tar = [replace(finding, offset=None) for finding in found(data, base=False) if finding.rule != "delta-invalid"]
    assert by_entry == by_tar
    assert {finding.rule for finding in by_entry} == {"security-missing", "reserved-name"}


def test_files_after_one_another_are_still_told_apart() -> None:
    linter = LayerLinter(base=False)
    app = Entry("Files/app", Kind.DIRECTORY, attributes=0x10, security=ENTRIES[1].security, times=images.TIMES)
    file = replace(ENTRIES[6], path="Files/app/a")
    for entry in (ENTRIES[0], app, file, replace(file, path="Files/app/b")):
        assert not linter.entry(entry)
    assert [f.rule for f in linter.entry(replace(file, path="Files/app/B"))] == ["case-collision"]
    assert [f.rule for f in linter.entry(replace(file, path="Files/app/x?"))] == ["forbidden-character"]
    assert not linter.entry(replace(file, path="Files/new/c"))
    assert [f.rule for f in linter.entry(replace(file, path="Files/app/d", attributes=0x10))] == ["attributes-kind"]
    assert not linter.entry(replace(file, path="Files/app/e"))
    assert [f.rule for f in linter.entry(replace(file, path="Files/app/f", times=None))] == ["times-missing"]
    assert [f.rule for f in linter.finish()] == ["parent-missing", "missing-hives"]


def test_a_hive_that_is_written_is_looked_into_when_its_beginning_is_given() -> None:
    linter = LayerLinter(base=True, importers=("base",))
    hive = Entry("Files/Windows/System32/config/SAM", Kind.FILE, 8192, 0x20, ENTRIES[1].security, images.TIMES)
    assert [f.rule for f in linter.entry(hive, b"no hive")] == ["base-hive-invalid"]
    assert not LayerLinter(base=True, importers=("base",)).entry(hive)
    assert not LayerLinter(base=True, importers=("base",)).entry(hive, rawtar.HIVE[:4100])


@pytest.mark.parametrize("data", [b"", WINDOWS[:1000], gzip.compress(WINDOWS)[:-20], b"\x1f\x8b" + bytes(20),
                                  b"x" * 2000])
def test_what_is_no_layer_is_a_format_error_or_found(data: bytes) -> None:
    if data:
        with pytest.raises(FormatError):
            found(data)
    else:
        assert {finding.rule for finding in found(data)} == {"missing-files", "missing-hives"}


MUTATE = [WINDOWS, rawtar.base(), rawtar.layer(rawtar.file("Files/" + "a" * 200, b"x" * 3000), rawtar.member(
    "Files/l", b"1", target="Files/x")), rawtar.layer(rawtar.file("Files/a"), rawtar.member("Files/a:s", data=b"1"))]


def mutated(chance: random.Random) -> bytes:
    """A layer with some bytes changed, blocks swapped, doubled or lost; checksums are mended so that it goes on."""
    blocks = [bytearray(block) for block in _blocks(chance.choice(MUTATE))]
    for _ in range(chance.randint(1, 6)):
        number = chance.randrange(len(blocks))
        what = chance.random()
        if what < 0.15:
            del blocks[number]
            blocks = blocks or [bytearray(512)]
        elif what < 0.3:
            blocks.insert(number, bytearray(chance.choice(blocks)))
        else:
            at = chance.choice((chance.randrange(512), chance.randrange(100), 156, 124 + chance.randrange(12)))
            blocks[number][at] = chance.choice((0, 0x2F, 0x2E, 0x3A, 0x5C, 0xFF, 0x30, 0x35, 0x78, 0x67, 0x53,
                                                chance.randrange(256)))
    for block in blocks:
        if block[257:262] == b"ustar" and chance.random() < 0.95:
            block[148:156] = b" " * 8
            block[148:156] = b"%06o\0 " % sum(block)
    data = b"".join(blocks)
    return data[:chance.randrange(len(data) + 1)] if chance.random() < 0.1 else data


def _blocks(data: bytes) -> list[bytes]:
    return [data[at:at + 512] for at in range(0, len(data), 512)]


def mutate_many(count: int, seed: int) -> tuple[int, int]:
    """How many mutated layers could be read, and how many findings there were."""
    chance = random.Random(seed)
    read = told = 0
    for number in range(count):
        data = mutated(chance)
        linted = gzip.compress(data, 1) if number % 10 == 0 else data
        try:
            told += len(found(linted, base=chance.choice((None, True, False))))
            read += 1
        except FormatError:
            pass
    return read, told


def test_mutated_layers_give_findings_or_a_format_error() -> None:
    read, told = mutate_many(500, 1)
    assert read > 100
    assert told > 200


@pytest.mark.slow
def test_ten_thousand_mutated_layers_give_findings_or_a_format_error() -> None:
    started = time.perf_counter()
    tracemalloc.start()
    try:
        read, told = mutate_many(10_000, 2)
        peak = tracemalloc.get_traced_memory()[1]
    finally:
        tracemalloc.stop()
    assert read > 2000
    assert told > 5000
    assert peak < 64 << 20
    assert time.perf_counter() - started < 400


@settings(max_examples=60)
@given(st.binary(max_size=1500))
def test_any_bytes_give_findings_or_a_format_error(data: bytes) -> None:
    with contextlib.suppress(FormatError):
        found(data)


@settings(max_examples=60)
@given(st.lists(st.builds(
    Entry, st.text("aAß/.:\\ \ud800", max_size=8).map(lambda text: f"Files/{text}"), st.sampled_from(Kind),
    st.integers(0, 9), st.none() | st.integers(0, 2**32 - 1), st.none() | st.binary(max_size=40),
    st.none() | st.builds(Times.all, st.integers(0, 2**62)), st.text("aF\\/:", max_size=6)), max_size=6))
def test_any_entries_give_findings(entries: list[Entry]) -> None:
    linter = LayerLinter(base=False)
    for entry in entries:
        linter.entry(entry)
    linter.finish()


def test_names_that_would_fill_the_memory_are_refused(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagebuild.lint.checks.tree.MEMORY", 10_000)
    with pytest.raises(FormatError, match="more names"):
        found(rawtar.layer(*(rawtar.file(f"Files/{number:0200}") for number in range(50))), base=False)


def test_findings_that_wait_for_the_kind_of_layer_do_not_fill_the_memory(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("imagebuild.lint.report.HELD", 10)
    stream = lint.layer(io.BytesIO(rawtar.layer(*(rawtar.file(f"Files/{n}", rawsd=None) for n in range(50)))))
    assert sum(finding.rule == "security-missing" for finding in stream) == 50


def test_a_layer_writer_and_the_linter_agree() -> None:
    """What the writer takes has no error."""
    linter = LayerLinter(base=False)
    writer = LayerWriter(io.BytesIO(), Compression.parse("none"))
    for entry, content in images.UPPER:
        writer.add(entry, content)
        assert not [f for f in linter.entry(entry, content) if f.rule != "delta-invalid"]
    writer.finish()
    assert not linter.finish()


def test_long_names_are_cut_in_findings() -> None:
    data = rawtar.layer(rawtar.folder("Files/" + "a/" * 600), rawtar.file("Files//" + "b" * 2000))
    findings = found(data, base=False)
    assert {"parent-missing", "unclean-path", "name-too-long"} == {finding.rule for finding in findings}
    assert max(len(finding.path) for finding in findings) == 1000


def plain_file(path: str) -> Entry:
    return replace(ENTRIES[6], path=path, attributes=0x20)


@pytest.mark.parametrize(("entry", "rules"), [
    (plain_file("Files/app/x?"), ["forbidden-character"]), (plain_file("Files/new/c"), []),
    (plain_file("Files/app/A"), ["case-collision"]), (plain_file("Files/app/com1"), ["reserved-name"]),
    (plain_file("Files/Windows/System32/config/SAM"), ["config-hive-in-layer"]),
    (replace(plain_file("Files/app/b"), eas=(("", b""),)), ["ea-malformed"]),
    (replace(plain_file("Files/app/b"), kind=Kind.DIRECTORY), ["attributes-kind"]),
    (replace(plain_file("Files/app/b"), security=None), ["security-missing"]),
    (replace(plain_file("Files/app/\ud800"), size=1), ["name-not-unicode"]),
    (plain_file("Files/app/gone"), ["whiteout-of-own-entry"])])
def test_what_comes_after_a_good_file_is_looked_at_as_well(entry: Entry, rules: list[str]) -> None:
    linter = LayerLinter(base=False)
    folders = [replace(ENTRIES[1], path=f"Files/{path}") for path in (
        "app", "Windows", "Windows/System32", "Windows/System32/config")]
    gone = [Entry("Files/app/gone", Kind.WHITEOUT)] if entry.path.endswith("gone") else []
    for before in (ENTRIES[0], folders[0], *gone, *folders[1:], plain_file("Files/app/a"), plain_file("Files/app/a2")):
        assert not linter.entry(before)
    assert [finding.rule for finding in linter.entry(entry)] == rules
    if not rules:
        assert "parent-missing" in {finding.rule for finding in linter.finish()}


def test_each_global_header_is_found_where_it_stands() -> None:
    one = rawtar.pax({b"comment": b"x"}, b"g")
    last = rawtar.folder("Hives")
    data = one + one + rawtar.folder("Files") + one + last + bytes(1024)
    offsets = [finding.offset for finding in found(data, base=False)]
    assert offsets == [0, len(one), len(data) - 1024 - len(last) - len(one)]
    assert {(one.rule, one.message, one.path) for one in found(data, base=False)} == {(
        "global-header", "its records are for all entries, and it is one itself", "pax_global_header")}


def test_a_name_with_a_colon_has_its_place_all_the_same() -> None:
    data = rawtar.layer(*[rawtar.file("Files/a:b")] * 2)
    rules = [finding.rule for finding in found(data, base=False)]
    assert rules == ["colon-in-name", "colon-in-name", "duplicate-entry"]


def test_a_delta_without_its_folder_is_told_once() -> None:
    data = rawtar.tar(rawtar.folder("Files"), rawtar.file("Hives/Sam_Delta", rawtar.DELTA, rawsd=None))
    assert [finding.rule for finding in found(data, base=False)] == ["missing-hives"]
    data = rawtar.tar(rawtar.file("Files/a"), rawtar.folder("Hives"))
    assert [finding.rule for finding in found(data, base=False)] == ["missing-files"]


def batch(folder: str, names: set[str], attributes: int = 0x20, security: bytes | None = None) -> Batch:
    ordered = sorted(names, key=str.upper)
    return Batch(folder, ordered, [len(name) for name in ordered], attributes,
                 security or ENTRIES[6].security or b"", ENTRIES[6].times or Times.all(0))


batches = st.builds(
    batch, st.sampled_from(["Files", "Files/app", "Files/app", "Files/APP", "Files/none", "Files/app/c", "Hives",
                            "Files/Windows/System32/config", "UtilityVM/Files"]),
    st.sets(st.sampled_from(["a", "b", "c", "d", "E", "SAM", "system", "System_Delta"]), min_size=1, max_size=5),
    st.sampled_from([0x20, 0x20, 0x30, 0x420]), st.sampled_from([None, None, b"\1"]))
others = st.sampled_from([
    replace(ENTRIES[1], path="Files/app/c"), replace(ENTRIES[1], path="Files/Windows"), plain_file("Files/app/b"),
    plain_file("Files/app/B"), plain_file("Files/app/x:y"), plain_file("Files/app/a:s"), plain_file("Files/app/zz"),
    plain_file("Files/c/d"), Entry("Files/app/a", Kind.WHITEOUT), Entry("Files/app/d", Kind.WHITEOUT),
    replace(plain_file("Files/app/link"), kind=Kind.HARD_LINK, target="Files/app/b"),
    replace(plain_file("Files/app/link"), kind=Kind.HARD_LINK, target="Files/app/B"),
    replace(plain_file("Files/sym"), kind=Kind.SYMLINK, attributes=0x420, target="app\\c")])


@settings(max_examples=300)
@given(st.lists(batches | others, max_size=6), st.sampled_from([True, False, None]))
@example([batch("Files/Windows/System32/config", {"a", "SAM", "system"})], False)
@example([batch("Files/app", {"a", "E"}), plain_file("Files/app/E:s")], False)
@example([batch("Files/app", {"a", "b"}), Entry("Files/app/gone", Kind.WHITEOUT)], False)
@example([batch("Files/app", {"a", "b"}, 0x30)], False)
@example([batch("Files/app", {"a", "b"}, 0x30)], None)
def test_a_batch_has_the_findings_of_its_entries_and_so_has_what_follows(steps: list[Batch | Entry], base: bool | None
                                                                         ) -> None:
    at_once, one_by_one = LayerLinter(base=base), LayerLinter(base=base)
    folders = [replace(ENTRIES[1], path=f"Files/{path}") for path in (
        "Windows", "Windows/System32", "Windows/System32/config", "app")]
    for step in (ENTRIES[0], *folders, *steps):
        if isinstance(step, Batch):
            expected = [finding for entry in step.entries() for finding in one_by_one.entry(entry)]
            assert list(at_once.batch(step)) == expected
        else:
            assert list(at_once.entry(step)) == list(one_by_one.entry(step))
        assert at_once.tree.memory == one_by_one.tree.memory
    assert at_once.finish() == one_by_one.finish()
    assert set(at_once.tree.seen) == set(one_by_one.tree.seen)


def test_the_files_of_a_batch_do_not_hide_that_one_of_them_came_too_late() -> None:
    linter = LayerLinter(base=False)
    for entry in (ENTRIES[0], replace(ENTRIES[1], path="Files/app"), plain_file("Files/app/b/x")):
        assert not linter.entry(entry)
    assert [finding.rule for finding in linter.batch(batch("Files/app", {"a", "b", "c"}))] == ["below-file"]


# --- what is told, in full ------------------------------------------------------------------------------------------

def told(findings: Iterable[lint.Finding]) -> list[tuple[str, str, str, int | None]]:
    return [(one.rule, one.message, one.path, one.offset) for one in findings]


FILES = len(rawtar.folder("Files"))
"""Where the first member of ``rawtar.layer`` stands."""
SAM_KEY = "Files/Windows/System32/config/SAM"
CONFIG = tuple(rawtar.folder(f"Files/{path}") for path in ("Windows", "Windows/System32", "Windows/System32/config"))
UTILITY = tuple(rawtar.folder(f"UtilityVM{path}") for path in (
    "", "/Files", "/Files/EFI", "/Files/EFI/Microsoft", "/Files/EFI/Microsoft/Boot"))
BCD = "UtilityVM/Files/EFI/Microsoft/Boot/BCD"


@pytest.mark.parametrize(("members", "findings"), [
    ((rawtar.file(b"Files/\xff"),), [("name-not-unicode", "b'Files/\\xff' is not UTF-8", "Files/\ufffd", 0)]),
    ((rawtar.file("./Files/a"),), [("unclean-path", "it means Files/a", "./Files/a", 0)]),
    ((rawtar.file("Files/a"), rawtar.member("Files/l", b"1", target=b"Files/\xff", records=rawtar.TIMES)),
     [("name-not-unicode", "b'Files/\\xff' is not UTF-8", "Files/\ufffd", 1),
      ("hard-link-unverified", "its target Files/\ufffd must be in a lower layer", "Files/l", 1)]),
    ((rawtar.file("Files/a"), rawtar.link("Files/l", "Files\\a/")), []),
    ((rawtar.file("Files/X"), rawtar.link("Files/l", "Files/X")), []),
    ((rawtar.file("Files/ü"), rawtar.file("Files/ü")), [("duplicate-entry", "it was there before", "Files/ü", 1)]),
    ((rawtar.file("Files/a"), rawtar.file("Files/a:s/b")),
     [("colon-in-name", "'Files/a:s/b' is no stream of the entry before it", "Files/a:s/b", 1),
      ("parent-missing", "Files/a:s has no entry of its own before Files/a:s/b", "Files/a:s", 1)]),
    ((rawtar.file("Files/a"), rawtar.file("Files/a:s:t/b")),
     [("colon-in-name", "'Files/a:s:t/b' is no stream of the entry before it", "Files/a:s:t/b", 1),
      ("parent-missing", "Files/a:s:t has no entry of its own before Files/a:s:t/b", "Files/a:s:t", 1)]),
    ((rawtar.file("Files/b"), rawtar.file("Files/a:s/b")),
     [("parent-missing", "Files/a:s has no entry of its own before Files/a:s/b", "Files/a:s", 1)]),
    ((rawtar.symlink("Files/l", "a/b\\"),), []),
    ((rawtar.symlink(b"Files/l".decode(), "b" * 8001),),
     [("link-target", "the target has 8001 characters", "Files/l", 0)]),
    ((rawtar.file("Files/a", xattr__X=b"!"),), [("ea-malformed", "MSWINDOWS.xattr.X is not base64", "Files/a", 0)]),
    ((rawtar.entry("Files/a", b"3", 0x20),), [("special-file", "a character device", "Files/a", 0)]),
    ((*CONFIG, rawtar.file(SAM_KEY, rawtar.HIVE)),
     [("config-hive-in-layer", "what it holds has no effect in a container", SAM_KEY, 3)]),
    ((*CONFIG, rawtar.folder(SAM_KEY)), []),
    ((*CONFIG, rawtar.file("Files/a", rawtar.HIVE), rawtar.link(SAM_KEY, "Files/a")),
     [("config-hive-in-layer", "what it holds has no effect in a container", SAM_KEY, 4)]),
    ((rawtar.whiteout(".wh.a"),), [("whiteout-outside-files", "a is not below Files or UtilityVM/Files", ".wh.a", 0)]),
    ((rawtar.file("Files/a"), rawtar.member("Files/a:s")),
     [("stream-without-type", "the stream s of Files/a, without its type", "Files/a:s", 1)]),
    ((rawtar.folder("Files/a/"), rawtar.member("Files/a/:s")),
     [("stream-without-type", "the stream s of Files/a/, without its type", "Files/a/:s", 1)]),
    ((rawtar.file("Files/a"), rawtar.member("Files/a:s:$DATA"), rawtar.member("Files/a:t:$DATA")),
     [("stream-with-type", "the stream s of Files/a, with its type", "Files/a:s:$DATA", 1),
      ("stream-with-type", "the stream t of Files/a, with its type", "Files/a:t:$DATA", 2)]),
])
def test_what_is_told_of_a_tar_has_its_place(members: tuple[bytes, ...], findings: list[tuple[Any, ...]]) -> None:
    """The place in the table is the number of the member."""
    starts = [FILES + sum(map(len, members[:number])) for number in range(len(members))]
    expected = [(*rest, None if place is None else starts[place]) for *rest, place in findings]
    assert told(found(rawtar.layer(*members), base=False, ignore=("times-missing",))) == expected


@pytest.mark.parametrize(("members", "message"), [
    ((), f"there is no {BCD}"), ((rawtar.file(BCD, rawtar.HIVE),), ""), ((rawtar.folder(BCD),), ""),
    ((rawtar.file(BCD),), "it is no hive: it is empty")])
def test_a_utility_vm_boots_by_its_configuration(members: tuple[bytes, ...], message: str) -> None:
    data = rawtar.base(*UTILITY, *members)
    where = (BCD, len(data) - len(members[0]) - 1024) if members else ("UtilityVM/Files", None)
    assert told(found(data, base=True)) == ([("utilityvm-bcd", message, *where)] if message else [])
    assert told(found(rawtar.base(UTILITY[0], rawtar.file("UtilityVM/Files")), base=True)) == []


@pytest.mark.parametrize(("length", "rules"), [(249, []), (250, []), (255, []), (256, ["name-too-long"])])
def test_a_long_name_is_looked_at(length: int, rules: list[str]) -> None:
    for letter in ("a", "ü"):
        assert [one.rule for one in found(rawtar.layer(rawtar.file("Files/" + letter * length)), base=False)] == rules
    astral = "\U0001f600" * (length // 2) + "ü" * (length % 2)
    assert [one.rule for one in found(rawtar.layer(rawtar.file("Files/" + astral)), base=False)] == rules


@pytest.mark.parametrize("missing", ["SAM", "DEFAULT SECURITY", "DEFAULT SAM SECURITY SOFTWARE SYSTEM"])
def test_the_hives_that_a_base_lacks_are_named(missing: str) -> None:
    names = missing.split()
    assert told(found(rawtar.base(hives=dict.fromkeys(names)), base=True)) == [
        ("base-hive-missing", f"it has no {', '.join(names)}", "Files/Windows/System32/config", None)]


@pytest.mark.parametrize(("data", "is_base"), [
    (rawtar.base(), True), (rawtar.base(rawtar.folder("Hives")), False),
    (rawtar.base(rawtar.whiteout("Files/.wh.x")), False),
    (rawtar.layer(), False), (rawtar.tar(rawtar.folder("Files")), False)])
def test_a_layer_tells_itself_what_it_is(data: bytes, is_base: bool) -> None:
    linter = LayerLinter(base=None)
    list(run(linter, io.BytesIO(data)))
    assert linter.report.base is is_base


def test_a_layer_is_known_for_one_above_the_base_as_soon_as_it_shows() -> None:
    for shows in (rawtar.folder("Hives"), rawtar.whiteout("Files/.wh.x")):
        linter, bases = LayerLinter(base=None), []
        stream = TarStream(io.BytesIO(rawtar.tar(rawtar.folder("Files"), rawtar.folder("Files/Hives"), shows)))
        while (header := stream.next()) is not None:
            linter.header(header)
            bases.append(linter.report.base)
        assert bases == [None, None, False]


def test_without_the_content_of_a_tar_hives_are_not_looked_into_unless_they_are_empty() -> None:
    for data, rules in ((b"x" * 9000, []), (b"", ["delta-invalid"])):
        linter = LayerLinter(base=False)
        stream = TarStream(io.BytesIO(rawtar.tar(rawtar.folder("Hives"),
                                                 rawtar.file("Hives/Sam_Delta", data, rawsd=None))))
        assert [one.rule for _ in range(2) for one in linter.header(stream.next())] == rules  # type: ignore[arg-type]


def test_only_hives_that_windows_looks_at_are_read() -> None:
    sizes: list[int | None] = []

    class Content(io.BytesIO):
        def read(self, size: int | None = -1, /) -> bytes:
            sizes.append(size)
            return super().read(size)

    config = "Files/Windows/System32/config/SAM"
    data = rawtar.tar(
        rawtar.folder("Hives"), rawtar.file("Hives/Sam_Delta", rawtar.DELTA, rawsd=None), rawtar.file("Hives/x", b"y"),
        rawtar.folder("Hives/System_Delta"), rawtar.link("Hives/Security_Delta", "Hives/Sam_Delta"),
        rawtar.file(config, rawtar.DELTA + rawtar.DELTA))
    for is_base, wanted in ((False, 8192), (True, 2 * 8192)):
        stream, linter = TarStream(io.BytesIO(data)), LayerLinter(base=is_base)
        while (header := stream.next()) is not None:
            linter.header(header, Content(rawtar.DELTA + rawtar.DELTA))
        assert sizes == [wanted]
        sizes.clear()


# --- layers over one another ----------------------------------------------------------------------------------------

def stacked(*layers: bytes, below: Below | None = None) -> list[list[tuple[str, str, str, int | None]]]:
    """What is told of each layer, the first being the base."""
    below = Below() if below is None else below
    every = []
    for number, data in enumerate(layers):
        linter = LayerLinter(base=number == 0, below=below)
        every.append(told(run(linter, io.BytesIO(data))))
        linter.lay_on(below)
    return every


OTHER = b64encode(parse_sddl("O:BAG:SYD:(A;;FA;;;BA)").to_bytes())
WINDIR = "Files/Windows"


@pytest.mark.parametrize(("attributes", "security", "changed"), [
    (0x10, rawtar.SD, ""), (0x12, rawtar.SD, "attributes"), (0x10, OTHER, "security"),
    (0x12, OTHER, "attributes and security"), (0x10, None, "")])
def test_a_folder_of_windows_that_is_replaced_otherwise_is_told(attributes: int, security: bytes | None,
                                                                changed: str) -> None:
    upper = rawtar.layer(rawtar.folder(WINDIR, attributes, rawsd=security))
    base, above = stacked(rawtar.base(), upper)
    assert base == []
    assert [one for one in above if one[0] != "security-missing"] == ([(
        "base-folder-changed", f"its {changed} are not those of the layers below", WINDIR, FILES)] if changed else [])


def test_a_folder_is_compared_with_the_layer_that_said_something_last() -> None:
    other = rawtar.layer(rawtar.folder(WINDIR, rawsd=OTHER))
    assert [[one[0] for one in layer] for layer in stacked(rawtar.base(), other, rawtar.layer(), other)] == [
        [], ["base-folder-changed"], [], []]
    bare = rawtar.layer(rawtar.folder("files/windows".replace("files", "Files"), fileattr=None))
    assert stacked(rawtar.base(), bare) == [[], []]
    assert stacked(rawtar.base(), rawtar.layer(rawtar.file("Files/a"), rawtar.folder("Files/mine", rawsd=OTHER)),
                   rawtar.layer(rawtar.folder("Files/mine"))) == [[], [], []]


def test_folders_are_only_remembered_where_somebody_asks() -> None:
    alone, asked = LayerLinter(base=True), LayerLinter(base=True, below=Below())
    for linter in (alone, asked):
        list(run(linter, io.BytesIO(rawtar.base())))
    assert alone.folders == {}
    assert set(asked.folders) >= {"FILES/WINDOWS", "FILES/WINDOWS/SYSTEM32"}
    attributes, security = asked.folders["FILES/WINDOWS"]
    assert (attributes, b64encode(security or b"")) == (0x10, rawtar.SD)


def delta(*names: str) -> bytes:
    return rawtar.tar(rawtar.folder("Files"), rawtar.folder("Hives"), *(
        rawtar.file(f"Hives/{name}", rawtar.DELTA, rawsd=None) for name in names))


def test_a_delta_needs_one_in_the_layer_below_which_every_base_stands_for() -> None:
    assert stacked(rawtar.base(), delta("Sam_Delta", "System_Delta"), delta("Sam_Delta")) == [[], [], []]
    assert stacked(rawtar.base(), delta("Sam_Delta"), delta("Sam_Delta", "System_Delta")) == [[], [], [(
        "delta-above-no-delta", "the layer below has no System_Delta", "Hives/System_Delta",
        len(delta("Sam_Delta")) - 1024)]]
    unknown = Below()
    unknown.deltas = None
    linter = LayerLinter(base=False, below=unknown)
    assert told(run(linter, io.BytesIO(delta("Sam_Delta")))) == []


# --- entries that are being written ---------------------------------------------------------------------------------

def test_what_is_told_of_an_entry_has_no_place_in_a_tar() -> None:
    linter = LayerLinter(base=False)
    secured = ENTRIES[1].security
    entries = [Entry("Files", Kind.DIRECTORY, attributes=0x10, times=images.TIMES),
               Entry("Files/app", Kind.DIRECTORY, attributes=0x10, security=secured, times=images.TIMES),
               Entry("Files/app/gone", Kind.WHITEOUT), Entry("Files/app/a?", Kind.FILE, 3, 0x20, secured, images.TIMES),
               Entry("Files/app/b", Kind.FILE, 3, 0x30, secured), Entry("Files/app/c", Kind.WHITEOUT),
               Entry("Files/app/l", Kind.HARD_LINK, attributes=0x20, target="Files/app/x", times=images.TIMES),
               Entry("Files/app/s", Kind.SYMLINK, attributes=0x420, security=secured, target="", times=images.TIMES),
               Entry("Files/app/j", Kind.JUNCTION, attributes=0x410, security=secured, target="x", times=images.TIMES),
               Entry("Files/" + "a/" * 600 + "b", Kind.FILE, 3, 0x20, secured, images.TIMES),
               Entry("Files/" + "a/" * 1024, Kind.FILE, 3, 0x20, secured, images.TIMES)]
    per_entry = [told(linter.entry(entry)) for entry in entries]
    assert [one for one in per_entry[:9] if one] == [
        [("forbidden-character", "'a?' has '?' in it", "Files/app/a?", None)],
        [("times-missing", "no atime and no ctime", "Files/app/b", None),
         ("attributes-kind", "a file with the attributes 0x30", "Files/app/b", None)],
        [("whiteout-order", "it does not stand behind the entry of Files/app", "Files/app/.wh.c", None)],
        [("link-target", "the target is empty", "Files/app/s", None)],
        [("junction-relative", "the target is x", "Files/app/j", None)]]
    assert per_entry[9] == []
    assert per_entry[10] == [("name-too-long", "the path is too long: 1025 folders deep, 1024 are looked at",
                              ("Files/" + "a/" * 600)[:200] + "...", None)]
    rules = [rule for rule, *_ in told(linter.finish())]
    assert rules == ["parent-missing"] * 600 + ["missing-hives", "hard-link-unverified"]


def test_files_that_are_alike_are_counted_and_end_a_row_of_whiteouts() -> None:
    linter = LayerLinter(base=False)
    for entry in (ENTRIES[0], replace(ENTRIES[1], path="Files/app"), plain_file("Files/app/a")):
        assert not linter.entry(entry)
    before = linter.tree.memory
    linter.tree.last_folder = "Files/app"
    assert linter.entry(plain_file("Files/app/b")) == ()
    assert linter.tree.memory == before + 500
    assert linter.tree.last_folder is None
    assert linter.tree.seen["FILES/APP/B"] == "Files/app/b"


@pytest.mark.parametrize(("length", "what"), [(1000, []), (1001, ["6 folders deep, 3 are looked at"])])
def test_only_of_long_paths_that_are_written_the_depth_is_asked(length: int, what: list[str]) -> None:
    linter = LayerLinter(base=False, limits=replace(DEFAULT_LIMITS, depth=3))
    folders = "/".join(("Files", *("n" * 200,) * 4, ""))
    found = linter.entry(plain_file(folders + "x" * (length - len(folders))))
    assert [one.message for one in found] == [f"the path is too long: {one}" for one in what]


def test_a_layer_is_one_above_the_base_unless_something_else_is_said() -> None:
    assert LayerLinter().report.base is False
