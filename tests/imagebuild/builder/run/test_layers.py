# SPDX-License-Identifier: Apache-2.0
"""Layers of a commit written as a build's: the same work makes the same bytes, and nothing that nobody meant."""

from __future__ import annotations

import io
from pathlib import Path

import pytest

from imagebuild.builder.cache.cache import RunLayer
from imagebuild.builder.run.layers import settled
from imagebuild.codec import Compression
from imagebuild.hive import Key, Value, read, write
from imagebuild.hive.edits.clamp import clamped
from imagebuild.images.put import put_layer
from imagebuild.layer import Entry, Kind, LayerWriter, Times
from imagebuild.layer import read as read_layer
from imagebuild.stores import LayoutStore
from imagebuild.windows import attributes
from imagebuild.windows.acl.sddl import parse_sddl

EPOCH = 132_000_000_000_000_000
SECURITY = parse_sddl("O:BAG:SYD:(A;OICI;FA;;;SY)").to_bytes()
SHELL = "Files/Users/me/AppData/Local/Microsoft/PowerShell"


def hive(moment: int, value: str = "1") -> bytes:
    """A delta with one value, written at a moment."""
    return write(Key("ROOT", (), (Key("Made", (Value.sz("By", value),), last_write=moment),), last_write=moment),
                 name=r"Hives\Software_Delta", layered=True, timestamp=moment)


def layer(store: LayoutStore, moment: int, *paths: str, hives: dict[str, bytes] | None = None) -> RunLayer:
    """A layer of files (folders where the path ends in a slash), all of one moment."""
    times = Times.all(moment)

    def fill(writer: LayerWriter) -> None:
        for path in ("Files/", *paths, "Hives/"):
            kind = Kind.DIRECTORY if path.endswith("/") else Kind.FILE
            flags = attributes.DIRECTORY if kind is Kind.DIRECTORY else attributes.ARCHIVE
            security = SECURITY if path.count("/") > (kind is Kind.DIRECTORY) else None
            writer.add(Entry(path.rstrip("/"), kind, 0 if kind is Kind.DIRECTORY else 3, flags, security, times),
                       None if kind is Kind.DIRECTORY else b"abc")
        for path, data in (hives or {}).items():
            writer.add(Entry(path, Kind.FILE, len(data), attributes=attributes.ARCHIVE, times=times), data)

    made = put_layer(store, fill, Compression())
    return RunLayer(3, made.descriptor, made.diff_id)


def shown(store: LayoutStore, one: RunLayer) -> dict[str, tuple[Times | None, bytes]]:
    with store.open_blob(one.descriptor) as blob:
        return {entry.path: (entry.times, content.read() if content is not None else b"")
                for entry, content in read_layer(io.BytesIO(blob.read()))}


@pytest.fixture
def store(tmp_path: Path) -> LayoutStore:
    return LayoutStore(tmp_path / "layout", create=True)


def test_the_same_work_at_another_time_makes_the_same_layer(store: LayoutStore) -> None:
    ours = [settled([layer(store, moment, "Files/app/", "Files/app/x.txt",
                           hives={"Hives/Software_Delta": hive(moment)})], store, EPOCH, Compression())
            for moment in (EPOCH + 5, EPOCH + 999_999)]
    assert ours[0] == ours[1]
    found = shown(store, ours[0][0])
    assert found["Files/app/x.txt"] == (Times.all(EPOCH), b"abc")
    root = read(found["Hives/Software_Delta"][1])
    assert (root["Made"].values["By"].text(), root["Made"].last_write, root.layered) == ("1", EPOCH, True)


def test_times_before_the_epoch_stay(store: LayoutStore) -> None:
    data = hive(EPOCH - 7)
    made = layer(store, EPOCH - 7, "Files/x", hives={"Hives/Software_Delta": data})
    one, = settled([made], store, EPOCH, Compression())
    found = shown(store, one)
    assert found["Files/x"][0] == Times.all(EPOCH - 7)
    assert found["Hives/Software_Delta"][1] == data


@pytest.mark.parametrize("paths", [
    (f"{SHELL}/StartupProfileData-NonInteractive",), (f"{SHELL}/7.6.9/ModuleAnalysisCache-1A2B",),
    ("Files/Windows/System32/CatRoot/", "Files/Windows/System32/CatRoot/{F750E6C3-38EE-11D1-85E5-00C04FC295EE}/"),
    ("Files/Users/me/AppData/Local/Temp/clr-debug-pipe-1-2-in",)])
def test_what_programs_write_by_themselves_is_no_layer(store: LayoutStore, paths: tuple[str, ...]) -> None:
    above = sorted({f"{part}/" for path in paths for end, char in enumerate(path) if char == "/" and end + 1 < len(path)
                    for part in (path[:end],) if part != "Files"})
    assert settled([layer(store, EPOCH, *dict.fromkeys([*above, *paths]))], store, EPOCH, Compression()) == []


def test_what_a_command_made_beside_them_stays_with_its_folders(store: LayoutStore) -> None:
    one, = settled([layer(store, EPOCH, "Files/Users/", "Files/Users/me/", "Files/Users/me/new/",
                          "Files/Users/me/AppData/", "Files/Users/me/AppData/Local/",
                          "Files/Users/me/AppData/Local/Microsoft/", f"{SHELL}/",
                          f"{SHELL}/StartupProfileData-NonInteractive", f"{SHELL}/profile.ps1")],
                   store, EPOCH, Compression())
    assert set(shown(store, one)) == {
        "Files", "Files/Users", "Files/Users/me", "Files/Users/me/new", "Files/Users/me/AppData",
        "Files/Users/me/AppData/Local", "Files/Users/me/AppData/Local/Microsoft", SHELL, f"{SHELL}/profile.ps1",
        "Hives"}


def test_catalogues_stay_where_a_command_put_them(store: LayoutStore) -> None:
    above = ("Files/Windows/", "Files/Windows/System32/", "Files/Windows/System32/CatRoot/",
             "Files/Windows/System32/CatRoot/{A}/", "Files/Windows/System32/CatRoot/{B}/")
    made = layer(store, EPOCH, *above, "Files/Windows/System32/CatRoot/{B}/x.cat")
    one, = settled([made], store, EPOCH, Compression())
    assert set(shown(store, one)) == {"Hives", "Files", *(path.rstrip("/") for path in above if "{A}" not in path),
                                      "Files/Windows/System32/CatRoot/{B}/x.cat"}


def test_what_a_command_removed_is_removed(store: LayoutStore) -> None:
    path = f"{SHELL}/StartupProfileData-NonInteractive"

    def fill(writer: LayerWriter) -> None:
        parts = SHELL.split("/")
        for count in range(1, len(parts) + 1):
            writer.add(Entry("/".join(parts[:count]), Kind.DIRECTORY, 0, attributes.DIRECTORY,
                             SECURITY if count > 1 else None, Times.all(EPOCH)))
        writer.add(Entry(path, Kind.WHITEOUT))
        writer.add(Entry("Hives", Kind.DIRECTORY, 0, attributes.DIRECTORY, None, Times.all(EPOCH)))

    made = put_layer(store, fill, Compression())
    one, = settled([RunLayer(1, made.descriptor, made.diff_id)], store, EPOCH, Compression())
    assert path in shown(store, one)


def test_a_layer_that_goes_moves_those_above_it_down(store: LayoutStore) -> None:
    empty, full = layer(store, EPOCH), layer(store, EPOCH, "Files/x")
    one, = settled([empty, RunLayer(4, full.descriptor, full.diff_id)], store, EPOCH, Compression())
    assert one.position == 3


def test_the_compression_is_the_builds(store: LayoutStore) -> None:
    one, = settled([layer(store, EPOCH, "Files/x")], store, EPOCH, Compression.parse("zstd"))
    assert one.descriptor.media_type.endswith("zstd")


def test_a_hive_without_later_times_keeps_its_bytes() -> None:
    assert clamped(hive(EPOCH), EPOCH) == hive(EPOCH)
    assert clamped(hive(EPOCH + 1), EPOCH) == hive(EPOCH)
