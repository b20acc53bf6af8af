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
from dataclasses import replace
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support import images, rawtar
from support.builds import NANOSERVER, Bench

from imagebuild import lint
from imagebuild.codec import Compression
from imagebuild.errors import FormatError
from imagebuild.images.base import BaseRequest
from imagebuild.images.base import entries as base_entries
from imagebuild.layer import Entry, Kind, LayerWriter, Times
from imagebuild.layer.header import Headers
from imagebuild.lint import LayerLinter, Severity
from imagebuild.oci import Platform
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
    monkeypatch.setattr("imagebuild.lint.tree.MEMORY", 10_000)
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


def test_a_name_with_a_colon_has_its_place_all_the_same() -> None:
    data = rawtar.layer(*[rawtar.file("Files/a:b")] * 2)
    rules = [finding.rule for finding in found(data, base=False)]
    assert rules == ["colon-in-name", "colon-in-name", "duplicate-entry"]


def test_a_delta_without_its_folder_is_told_once() -> None:
    data = rawtar.tar(rawtar.folder("Files"), rawtar.file("Hives/Sam_Delta", rawtar.DELTA, rawsd=None))
    assert [finding.rule for finding in found(data, base=False)] == ["missing-hives"]
    data = rawtar.tar(rawtar.file("Files/a"), rawtar.folder("Hives"))
    assert [finding.rule for finding in found(data, base=False)] == ["missing-files"]
