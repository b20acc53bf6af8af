# SPDX-License-Identifier: Apache-2.0
"""Layers as Windows imports them: order, forms, digests, and one clear error when something goes wrong."""

from __future__ import annotations

import errno
import gzip
import hashlib
import io
import os
import shutil
import subprocess
import tarfile
import threading
from collections.abc import Iterator
from pathlib import Path
from typing import Any, BinaryIO

import pytest
from hypothesis import HealthCheck, example, given, settings
from hypothesis import strategies as st
from support.layers import HIVES, OTHER_SECURITY, SECURITY, TIMES, TOP, entry, folder, write

from imagebuild.codec import Compression, Sealed, open_reader
from imagebuild.errors import ContextError, FormatError, InputError, StoreError, UnsupportedError, UsageError, WcowError
from imagebuild.layer import Batch, Entry, Kind, LayerWriter, Times, order, read
from imagebuild.layer.writer import _GATHERED, SMALL
from imagebuild.windows.names import is_reserved
from imagebuild.windows.upcase import fold


@pytest.fixture(autouse=True)
def _no_thread_outlives_its_layer() -> Iterator[None]:
    before = threading.active_count()
    yield
    assert threading.active_count() <= before


def entries_of(blob: bytes) -> list[tuple[Entry, bytes | None]]:
    return [(item, content.read() if content else None) for item, content in read(io.BytesIO(blob))]


EVERYTHING: list[Any] = [
    folder("Files"),
    entry("Files/gone", Kind.WHITEOUT),
    folder("Files/app", security=OTHER_SECURITY, attributes=0x2010),
    entry("Files/app/old.txt", Kind.WHITEOUT),
    (entry("Files/app/a.txt", size=5, eas=(("ONE", b"1"), ("TWO", b"\0\xff"))), b"hello"),
    entry("Files/app/copy.txt", Kind.HARD_LINK, target="Files/app/a.txt"),
    entry("Files/app/dir-link", Kind.DIRECTORY_SYMLINK, target="..\\app"),
    entry("Files/app/empty"),
    entry("Files/app/file-link", Kind.SYMLINK, target="a.txt"),
    entry("Files/app/junction", Kind.JUNCTION, target="C:\\app"),
    (entry("Files/app/" + "long " * 25 + "ü.bin", size=1025), bytes(1025)),
    folder("Hives"),
    (entry("Hives/System_Delta", size=3), b"reg"),
    folder("UtilityVM"),
    folder("UtilityVM/Files"),
    entry("UtilityVM/Files/linked", Kind.HARD_LINK, target="Files/app/a.txt"),
]


def everything(compression: str = "gzip", **options: Any) -> tuple[io.BytesIO, Sealed]:
    sink = io.BytesIO()
    with LayerWriter(sink, Compression.parse(compression), **options) as layer:
        for item in EVERYTHING:
            layer.add(*item) if isinstance(item, tuple) else layer.add(item)
        return sink, layer.finish()


def test_everything_that_is_written_is_read_back() -> None:
    sink, sealed = everything()
    blob = sink.getvalue()
    assert entries_of(blob) == [(item[0], item[1]) if isinstance(item, tuple)
                                else (item, b"" if item.kind is Kind.FILE else None) for item in EVERYTHING]
    assert sealed.digest == "sha256:" + hashlib.sha256(blob).hexdigest()
    tar = gzip.decompress(blob)
    assert sealed.diff_id == "sha256:" + hashlib.sha256(tar).hexdigest()
    assert sealed.diff_size == len(tar)
    assert tar[-1024:] == bytes(1024)


def test_the_diff_id_of_everything_is_the_one_of_every_release_before() -> None:
    assert everything("none")[1].diff_id[7:23] == "289971c6061327c0"


@pytest.mark.parametrize("compression", ["gzip:1", "gzip:2", "zstd:1", "none"])
def test_workers_do_not_change_a_byte(compression: str) -> None:
    assert len({everything(compression, workers=workers)[1] for workers in (1, 2, 3, 4)}) == 1


def test_without_a_compression_it_is_gzip() -> None:
    sink = io.BytesIO()
    with LayerWriter(sink) as layer:
        layer.add(*TOP)
        layer.add(*HIVES)
        layer.finish()
    assert sink.getvalue()[:2] == b"\x1f\x8b"


@pytest.mark.parametrize(("program", "package"), [("tar", "tar"), ("bsdtar", "libarchive-tools")])
def test_other_programs_list_the_same_names(program: str, package: str, tmp_path: Path) -> None:
    if not shutil.which(program):
        pytest.skip(f"{program} is missing (Debian package {package})")
    (tmp_path / "layer.tgz").write_bytes(everything()[0].getvalue())
    listed = subprocess.run([program, "-tzf", tmp_path / "layer.tgz"], capture_output=True, check=True,
                            env={**os.environ, "LC_ALL": "C.UTF-8"}).stdout.decode()
    names = [item[0] if isinstance(item, tuple) else item for item in EVERYTHING]
    expected = [os.path.join(os.path.dirname(e.path), ".wh." + os.path.basename(e.path))  # noqa: PTH118,PTH119,PTH120
                if e.kind is Kind.WHITEOUT else e.path for e in names]
    assert [line.replace("\\303\\274", "ü").rstrip("/") for line in listed.splitlines()] == expected


def test_tarfile_reads_content_links_and_records() -> None:
    with tarfile.open(fileobj=io.BytesIO(everything()[0].getvalue())) as archive:
        members = {member.name: member for member in archive}
        extracted = archive.extractfile("Files/app/a.txt")
        assert extracted is not None
        assert extracted.read() == b"hello"
    assert members["Files/app/copy.txt"].linkname == "Files/app/a.txt"
    assert members["Files/app/dir-link"].linkname == "..\\app"
    for name, member in members.items():
        wanted = {"MSWINDOWS.fileattr", "LIBARCHIVE.creationtime", "atime", "ctime", "mtime"}
        if name.startswith(("Files/", "UtilityVM")) and not member.islnk():
            wanted.add("MSWINDOWS.rawsd")
        if ".wh." in name:
            assert not member.pax_headers
        else:
            assert wanted <= set(member.pax_headers), name
            assert ("MSWINDOWS.rawsd" in member.pax_headers) == ("MSWINDOWS.rawsd" in wanted), name


names = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters='<>:"|?*/\\'), min_size=1,
                max_size=40).filter(lambda name: name == name.strip(". ") and not name.startswith(".wh.")
                                    and not is_reserved(name))
filetimes = st.integers(-(1 << 61), 1 << 61)
times = st.builds(Times, filetimes, filetimes, filetimes, filetimes)
securities = st.one_of(st.sampled_from([SECURITY, OTHER_SECURITY]),
                       st.binary(min_size=19, max_size=300).map(lambda data: b"\1" + data))
eas = st.dictionaries(st.text("ABCDEFXYZ.$_ -", min_size=1, max_size=20), st.binary(max_size=100), max_size=3).map(
    lambda pairs: tuple(sorted(pairs.items())))
plain = st.integers(0, 0xFFFFFFFF).map(lambda bits: bits & ~0x410)
targets = st.text(st.characters(blacklist_categories=("Cs", "Cc"), blacklist_characters="/"), min_size=1, max_size=150)


@st.composite
def layers(draw: st.DrawFn) -> list[tuple[Entry, bytes | None]]:
    """A layer with every kind of entry, each field as wild as it may be, in the one order."""
    folders, found, used = ["Files"], {"Files": (folder("Files", times=draw(times)), None)}, {"FILES"}
    files: list[str] = []
    for _ in range(draw(st.integers(0, 12))):
        path = f"{draw(st.sampled_from(folders))}/{draw(names)}"
        if fold(path) in used:
            continue
        used.add(fold(path))
        kind = draw(st.sampled_from(list(Kind)))
        if kind is Kind.WHITEOUT:
            found[path] = Entry(path, kind), None
            continue
        if kind is Kind.HARD_LINK and not files:
            kind = Kind.FILE
        directory = kind in (Kind.DIRECTORY, Kind.DIRECTORY_SYMLINK, Kind.JUNCTION)
        reparse = kind in (Kind.SYMLINK, Kind.DIRECTORY_SYMLINK, Kind.JUNCTION)
        content = draw(st.binary(max_size=1500)) if kind is Kind.FILE else None
        target = draw(targets) if reparse else draw(st.sampled_from(files)) if kind is Kind.HARD_LINK else ""
        if kind is Kind.JUNCTION:
            target = "C:\\" + target
        found[path] = (Entry(path, kind, len(content or b""), draw(plain) | 0x10 * directory | 0x400 * reparse,
                             draw(securities), draw(times), target, draw(eas)), content)
        if kind is Kind.FILE:
            files.append(path)
        if kind is Kind.DIRECTORY:
            folders.append(path)
    return [found[item.path] for item in order(item for item, _ in found.values())]


@settings(max_examples=80)
@given(layers(), st.sampled_from(["gzip", "zstd", "none"]))
def test_any_layer_reads_back_equal_in_every_field(layer: list[tuple[Entry, bytes | None]], compression: str) -> None:
    back = entries_of(write(layer, compression))
    assert back[-1][0] == HIVES[0]
    assert [item for item, _ in back[:-1]] == [item for item, _ in layer]
    assert [content or None for _, content in back[:-1]] == [content or None for _, content in layer]


@pytest.mark.parametrize(("before", "wrong", "reason"), [
    ([], entry("Files/a"), "parent Files must come before"),
    ([folder("Files"), folder("Files/A")], entry("Files/a/x"), "spelt Files/A before"),
    ([folder("Files"), folder("Files/App")], entry("Files/app"), "differ only in case"),
    ([folder("Files"), entry("Files/ä")], folder("Files/Ä"), "differ only in case"),
    ([folder("Files")], folder("Files"), "twice"),
    ([folder("Files"), entry("Files/a")], entry("Files/a/b"), "nothing can stand below"),
    ([folder("Files"), entry("Files/l", Kind.JUNCTION, target="C:\\x")], entry("Files/l/b"), "nothing can stand below"),
    ([folder("Files"), entry("Files/l", Kind.DIRECTORY_SYMLINK, target="x")], folder("Files/l/b"),
     "nothing can stand below"),
    ([folder("Files"), entry("Files/w", Kind.WHITEOUT)], entry("Files/w/b"), "nothing can stand below"),
    ([folder("Files"), entry("Files/w", Kind.WHITEOUT)], entry("Files/w"), "twice"),
    ([folder("Files"), entry("Files/a")], entry("Files/w", Kind.WHITEOUT), "right after their parent"),
    ([folder("Files"), folder("Files/a")], entry("Files/w", Kind.WHITEOUT), "right after their parent"),
    ([folder("Files")], entry("Files/b", Kind.HARD_LINK, target="Files/a"), "earlier"),
    ([folder("Files"), entry("Files/a")], entry("Files/b", Kind.HARD_LINK, target="Files/A"), "spelt the same"),
    ([folder("Files"), entry("Files/a")], entry("Files/b", Kind.HARD_LINK, target="a"), "path of the layer"),
    ([folder("Files"), folder("Files/a")], entry("Files/b", Kind.HARD_LINK, target="Files/a"), "only files"),
    ([folder("Files"), entry("Files/a", Kind.SYMLINK, target="x")], entry("Files/b", Kind.HARD_LINK, target="Files/a"),
     "only files"),
    ([folder("Files"), entry("Files/a"), entry("Files/b", Kind.HARD_LINK, target="Files/a")],
     entry("Files/c", Kind.HARD_LINK, target="Files/b"), "not to another link"),
    ([folder("Files")], entry("Files/a:stream"), "alternate stream"),
    ([folder("Files")], entry("Files/.wh.x"), "disappears"),
    ([folder("Files")], entry("Files/" + "d" * 255 + "/x"), "must come before"),
    ([folder("Files")], entry("Files/a", security=None), "no security"),
    ([], entry("/Files"), "must come before|no parent|single slashes|top"),
    ([], folder("."), "folder"), ([], folder("Files/"), "slashes"), ([], folder(""), "slashes"),
    ([], entry("x"), "top"),
])
def test_what_windows_refuses_is_refused_before_it_is_written(before: list[Entry], wrong: Entry, reason: str) -> None:
    sink = io.BytesIO()
    with LayerWriter(sink, Compression("none")) as layer:
        for item in before:
            layer.add(item)
        size = layer.tell()
        with pytest.raises(InputError, match=reason):
            layer.add(wrong)
        assert layer.tell() == size
        for item in (*([] if before else TOP), *HIVES):  # the layer is as good as before
            layer.add(item)
        layer.finish()
    assert [item for item, _ in read(io.BytesIO(sink.getvalue()))] == [*(before or TOP), *HIVES]


def test_a_value_is_checked_although_the_entry_before_was_fine() -> None:
    with LayerWriter(io.BytesIO()) as layer:
        layer.add(*TOP)
        layer.add(entry("Files/a"))
        for wrong in ({"attributes": None}, {"times": None}, {"security": b"x"}, {"eas": (("=", b""),)}):
            with pytest.raises(InputError):
                layer.add(entry("Files/b", **wrong))
        layer.add(folder("Hives"))
        with pytest.raises(InputError):
            layer.add(entry("Hives/Sam_Delta", security=SECURITY))
        layer.add(folder("UtilityVM", security=None))
        layer.abort()


def test_a_hard_link_may_lead_into_a_parent_layer_when_that_is_declared() -> None:
    link = entry("Files/b", Kind.HARD_LINK, target="Files/a")
    assert entries_of(write([*TOP, link], in_parent={"Files/a"}.__contains__))[1][0] == link
    with pytest.raises(InputError):
        write([*TOP, link], in_parent={"Files/A"}.__contains__)


def test_whiteouts_follow_their_parent_also_after_another_whiteout() -> None:
    items = [*TOP, entry("Files/a", Kind.WHITEOUT), entry("Files/b", Kind.WHITEOUT), entry("Files/c")]
    assert [item for item, _ in entries_of(write(items))][:-1] == items


def test_a_base_has_neither_hives_nor_whiteouts() -> None:
    assert [item for item, _ in entries_of(write([folder("Files", security=SECURITY), entry("Files/a")], base=True))]
    with pytest.raises(UnsupportedError, match="base"):
        write([*TOP, entry("Files/a", Kind.WHITEOUT)], base=True)
    with pytest.raises(UnsupportedError, match="base"):
        write([*TOP, *HIVES], base=True)


@pytest.mark.parametrize(("items", "base", "missing"), [
    ([], False, "Files and no Hives"), (TOP, False, "Hives"), (HIVES, False, "Files"), ([], True, "Files")])
def test_a_layer_without_its_tops_cannot_be_finished(items: list[Entry], base: bool, missing: str) -> None:
    layer = LayerWriter(io.BytesIO(), base=base)
    for item in items:
        layer.add(item)
    with pytest.raises(InputError, match=missing):
        layer.finish()
    with pytest.raises(UsageError):
        layer.finish()


CONTENT = bytes(range(256)) * 5000


@pytest.mark.parametrize("kind", ["bytes", "bytearray", "memoryview", "stream", "path", "text"])
@pytest.mark.parametrize("size", [0, 1, 511, 512, 513, 1_048_000, len(CONTENT)])
def test_content_comes_from_bytes_streams_and_files(kind: str, size: int, tmp_path: Path) -> None:
    data = CONTENT[:size]
    path = tmp_path / "f"
    path.write_bytes(data)
    content: Any = {"bytes": data, "bytearray": bytearray(data), "memoryview": memoryview(data),
                    "stream": io.BytesIO(data),
                    "path": path, "text": str(path)}[kind]
    blob = write([*TOP, (entry("Files/a", size=size), content), (entry("Files/b", size=3), b"end")])
    assert [found for _, found in entries_of(blob)][1:3] == [data, b"end"]
    assert write([*TOP, (entry("Files/a", size=size), data), (entry("Files/b", size=3), b"end")]) == blob


def test_a_file_is_read_the_same_without_readv(monkeypatch: pytest.MonkeyPatch, tmp_path: Path) -> None:
    from imagebuild.layer import writer

    (tmp_path / "f").write_bytes(CONTENT)
    items = [*TOP, (entry("Files/a", size=len(CONTENT)), tmp_path / "f")]
    blob = write(items)
    monkeypatch.setattr(writer, "_read_into", writer._read_into_by_copy)
    assert write(items) == blob


@pytest.mark.parametrize("size", [100, 3_000_000])
@pytest.mark.parametrize(("change", "reason"), [(-1, "only"), (1, "more than")])
@pytest.mark.parametrize("kind", ["path", "stream", "bytes"])
def test_content_that_shrank_or_grew_is_one_clear_error(kind: str, change: int, reason: str, size: int,
                                                        tmp_path: Path) -> None:
    (tmp_path / "f").write_bytes(bytes(size + change))
    content: Any = {"path": tmp_path / "f", "stream": io.BytesIO(bytes(size + change)),
                    "bytes": bytes(size + change)}[kind]
    layer = LayerWriter(io.BytesIO())
    layer.add(*TOP)
    with pytest.raises(ContextError, match=f"{size} bytes were expected") as caught:
        layer.add(entry("Files/a", size=size), content)
    assert kind == "bytes" or reason in caught.value.why
    assert caught.value.facts["path"] == "Files/a"
    with pytest.raises(UsageError):
        layer.finish()


def test_a_file_that_cannot_be_read_is_a_context_error(tmp_path: Path) -> None:
    os.mkfifo(tmp_path / "fifo")
    for name in ("missing", "", "fifo"):
        with pytest.raises(ContextError), LayerWriter(io.BytesIO()) as layer:
            layer.add(*TOP)
            layer.add(entry("Files/a", size=5), tmp_path / name)


def test_a_stream_that_fails_is_a_context_error() -> None:
    class Bad(io.RawIOBase):
        def read(self, size: int = -1) -> bytes:
            raise OSError(errno.EIO, "Input/output error")

    with pytest.raises(ContextError, match="Input/output error"), LayerWriter(io.BytesIO()) as layer:
        layer.add(*TOP)
        layer.add(entry("Files/a", size=5), Bad())  # type: ignore[arg-type]


@pytest.mark.parametrize(("item", "content"), [
    (entry("Files/a", size=5), None), (folder("Files/a"), b""), (entry("Files/a", Kind.SYMLINK, target="x"), b"")])
def test_content_goes_with_files_and_only_with_files(item: Entry, content: bytes | None) -> None:
    with LayerWriter(io.BytesIO()) as layer:
        layer.add(*TOP)
        with pytest.raises(InputError):
            layer.add(item, content)
        layer.add(entry("Files/a"))
        layer.abort()


@pytest.mark.skipif(not Path("/dev/full").exists(), reason="there is no /dev/full")
def test_a_full_disk_ends_the_layer_with_one_error() -> None:
    with Path("/dev/full").open("wb", buffering=0) as sink, pytest.raises(StoreError, match="No space left"), \
            LayerWriter(sink, Compression("none")) as layer:
        layer.add(*TOP)
        for number in range(50):
            layer.add(entry(f"Files/{number}", size=500_000), bytes(500_000))
        layer.add(*HIVES)
        layer.finish()


def test_an_interrupt_while_content_is_read_ends_all_threads() -> None:
    class Interrupting(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            if self.tell() > 2_000_000:
                raise KeyboardInterrupt
            return super().read(size)

    sink = io.BytesIO()
    layer = LayerWriter(sink)
    layer.add(*TOP)
    with pytest.raises(KeyboardInterrupt):
        layer.add(entry("Files/a", size=9_000_000), Interrupting(bytes(9_000_000)))
    with pytest.raises(UsageError):
        layer.finish()


def test_a_layer_left_by_an_exception_is_not_whole() -> None:
    sink = io.BytesIO()
    with pytest.raises(RuntimeError), LayerWriter(sink) as layer:
        layer.add(*TOP)
        layer.add(entry("Files/a", size=5_000_000), bytes(5_000_000))
        raise RuntimeError
    with pytest.raises((FormatError, EOFError)):
        if not sink.getvalue():
            raise EOFError
        open_reader(io.BytesIO(sink.getvalue())).read()


def test_a_cut_gives_layers_of_different_bases_the_same_tail() -> None:
    def build(security: bytes) -> bytes:
        sink = io.BytesIO()
        with LayerWriter(sink) as layer:
            layer.add(*TOP)
            layer.add(folder("Files/Windows", security=security))
            layer.cut()
            layer.add(entry("Files/app", size=len(CONTENT)), CONTENT)
            layer.add(*HIVES)
            layer.finish()
        return sink.getvalue()

    one, two = build(SECURITY), build(OTHER_SECURITY + bytes(9000))
    assert one != two
    tail = next(at for at in range(len(one)) if one[-9 - at] != two[-9 - at])
    assert tail > len(one) * 0.8


def test_a_tail_is_spliced_out_of_a_layer_that_has_it() -> None:
    def build(security: bytes, other: tuple[Any, bytes] | None = None) -> tuple[Sealed, bytes]:
        sink = io.BytesIO()
        with LayerWriter(sink) as layer:
            layer.add(*TOP)
            layer.add(folder("Files/Windows", security=security))
            if other is None:
                layer.cut()
            else:
                stream = io.BytesIO(other[1])
                stream.seek(other[0].offset)
                layer.splice(other[0], stream)
            layer.add(entry("Files/app", size=len(CONTENT)), CONTENT)
            layer.add(*HIVES)
            return layer.finish(), sink.getvalue()

    sealed, blob = build(SECURITY)
    compressed, spliced = (build(OTHER_SECURITY, other) for other in (None, (sealed.tail, blob)))
    assert spliced == compressed


@pytest.mark.slow
def test_a_file_of_more_than_eight_gibibytes(tmp_path: Path) -> None:
    size = (1 << 33) + 5
    with (tmp_path / "huge").open("wb") as file:
        file.truncate(size)
        file.seek(size - 3)
        file.write(b"end")
    with (tmp_path / "layer").open("wb", buffering=0) as sink, LayerWriter(sink, Compression("zstd")) as layer:
        layer.add(*TOP)
        layer.add(entry("Files/huge", size=size), tmp_path / "huge")
        layer.add(entry("Files/i", size=2), b"ok")
        layer.add(*HIVES)
        layer.finish()
    with (tmp_path / "layer").open("rb") as blob:
        for item, content in read(blob):
            if item.path == "Files/huge":
                assert item.size == size
                assert content is not None
                left, last = size, b""
                while data := content.read(1 << 20):
                    left, last = left - len(data), data
                assert (left, last[-3:]) == (0, b"end")
            if item.path == "Files/i":
                assert content is not None
                assert content.read() == b"ok"


def test_content_types_are_those_of_the_signature() -> None:
    stream: BinaryIO = io.BytesIO(b"12345")
    assert entries_of(write([*TOP, (entry("Files/a", size=5, times=TIMES), stream)]))[1][1] == b"12345"


@pytest.mark.parametrize("size", [0, 3, 3 << 20])
def test_the_content_is_heard_as_it_goes_into_the_layer(tmp_path: Path, size: int) -> None:
    data = bytes(range(256)) * (size // 256) + b"x" * (size % 256)
    (tmp_path / "f").write_bytes(data)
    for content in (tmp_path / "f", data, io.BytesIO(data)):
        heard = bytearray()
        with LayerWriter(io.BytesIO(), base=True) as writer:
            writer.add(Entry("Files", Kind.DIRECTORY, attributes=0x10, times=TIMES))
            writer.add(Entry("Files/f", Kind.FILE, size, 0x20, SECURITY, TIMES), content, heard=heard.extend)
            writer.finish()
        assert heard == data


def written(steps: list[Any], folder: Path, *, one_by_one: bool, hashed: bool = True) -> tuple[bytes, bytes, str]:
    """The tar, the digests and the error of a layer of entries and batches."""
    sink, digests, said = io.BytesIO(), b"", ""
    with LayerWriter(sink, Compression.parse("none")) as writer:
        try:
            for step in steps:
                if not isinstance(step, Batch):
                    writer.add(step)
                elif not one_by_one:
                    digests += writer.add_batch(step, [str(folder / name) for name in step.names], hashed=hashed)
                else:
                    for item, name in zip(step.entries(), step.names, strict=True):
                        digest = hashlib.sha256()
                        writer.add(item, folder / name, heard=digest.update)
                        digests += digest.digest() if hashed else b""
            writer.add(*HIVES)
            writer.finish()
        except WcowError as error:
            said = f"{type(error).__name__}: {error}: {error.why}"
    return (b"", b"", said) if said else (sink.getvalue(), digests, said)


SIZES = {"a": 0, "b": 1, "C": 511, "d": 512, "e": 1025, "f": SMALL, "g": SMALL + 1, "h": 1 << 20, "i.txt": 3_000_000,
         "n" * 90: 7, "o" * 91: 7, "gone": 5, "short": 9, "long": 9, "folder": 3}
def batch(folder: str, names: set[str], security: bytes, attributes: int) -> Batch:
    ordered = sorted(names, key=str.upper)
    return Batch(folder, ordered, [SIZES[name] for name in ordered], attributes, security, TIMES)


batches = st.builds(
    batch, st.sampled_from(["Files", "Files/app", "Files/app", "Files/ü", "Hives", "UtilityVM/Files", "Files/none"]),
    st.sets(st.sampled_from([*SIZES][:11]) | st.sampled_from([*SIZES]), min_size=1, max_size=5),
    st.sampled_from([SECURITY, OTHER_SECURITY, b""]), st.sampled_from([0x20, 0x20, 0x10]))
singles = st.sampled_from([folder("Files/app/c"), entry("Files/app/D"), entry("Files/app/zz"), entry("Files/App/x"),
                           entry("Files/app/gone", Kind.WHITEOUT), folder("UtilityVM"), folder("UtilityVM/Files"),
                           entry("Files/app/link", Kind.HARD_LINK, target="Files/app/b"), entry("Files/app/b/x"),
                           entry("Files/app/link", Kind.HARD_LINK, target="Files/app/B")])


@settings(max_examples=150, suppress_health_check=[HealthCheck.function_scoped_fixture])
@given(st.lists(batches | singles, max_size=5), st.booleans())
@example([batch("Files/ü", {"a", "b", "e"}, SECURITY, 0x20), folder("Files/b"),
          batch("Files", {"a"}, SECURITY, 0x20)], True)
@example([batch("Files/app", {"n" * 90, "o" * 91, "g", "h"}, OTHER_SECURITY, 0x20)], True)
@example([batch("Files/app", {"a", "b"}, SECURITY, 0x20), entry("Files/app/gone", Kind.WHITEOUT)], True)
@example([batch("Files/app", {"b", "d"}, SECURITY, 0x20), batch("Files/app", {"a", "d"}, SECURITY, 0x20)], True)
@example([batch("Files/app", {"C", "d"}, SECURITY, 0x20), batch("Files/app", {"a", "b"}, SECURITY, 0x20)], True)
@example([batch("Files/app", {"C", "d"}, SECURITY, 0x20), batch("Files/app", {"a", "b"}, SECURITY, 0x20)], False)
@example([batch("Files/app", {"b", "short"}, SECURITY, 0x20)], True)
@example([batch("Files/app", {"b", "long"}, SECURITY, 0x20)], False)
def test_a_batch_gives_the_bytes_digests_and_errors_of_its_entries(tmp_path: Path, steps: list[Any], hashed: bool
                                                                   ) -> None:
    for name, size in SIZES.items():
        if name != "gone" and not (tmp_path / name).exists():
            content = bytes(range(256)) * (size // 256 + 1)
            (tmp_path / name).write_bytes(content[:size + (name == "long") - (name == "short")])
    if not (tmp_path / "folder").is_dir():
        (tmp_path / "folder").unlink()
        (tmp_path / "folder").mkdir()
    steps = [folder("Files"), folder("Files/ü"), folder("Files/app"), *steps]
    at_once = written(steps, tmp_path, one_by_one=False, hashed=hashed)
    assert at_once == written(steps, tmp_path, one_by_one=True, hashed=hashed)


def test_digests_of_a_batch_are_for_those_who_ask(tmp_path: Path) -> None:
    (tmp_path / "a").write_bytes(b"1")
    with LayerWriter(io.BytesIO(), base=True) as writer:
        for item in (FILES, folder("UtilityVM"), folder("UtilityVM/Files")):
            writer.add(item)
        for where in ("Files", "UtilityVM/Files"):
            one = Batch(where, ["a"], [1], 0x20, SECURITY, TIMES)
            assert writer.add_batch(one, [str(tmp_path / "a")]) == b""
        writer.finish()


@pytest.mark.parametrize("before", [[], [Batch("Files", ["x"], [0], 0x20, SECURITY, TIMES)]])
def test_each_file_of_a_batch_has_one_place(tmp_path: Path, before: list[Batch]) -> None:
    (tmp_path / "a").write_bytes(b"")
    place = str(tmp_path / "a")
    with LayerWriter(io.BytesIO()) as writer:
        writer.add(FILES)
        for other in before:  # what comes below it is put in one by one
            writer.add_batch(other, [place])
        with pytest.raises(ValueError, match="shorter"):
            writer.add_batch(Batch("Files", ["a", "b"], [0, 0], 0x20, SECURITY, TIMES), [place])
        writer.abort()


def test_an_empty_file_of_a_batch_has_to_be_there(tmp_path: Path) -> None:
    with LayerWriter(io.BytesIO()) as writer:
        writer.add(FILES)
        with pytest.raises(ContextError) as caught:
            writer.add_batch(Batch("Files", ["a"], [0], 0x20, SECURITY, TIMES), [str(tmp_path / "a")])
        assert caught.value.lines() == [f"cannot read {tmp_path / 'a'} for Files/a", os.strerror(errno.ENOENT)]


@pytest.mark.parametrize(("count", "size"), [(40, SMALL), (600, 0)])
def test_small_files_of_a_batch_are_handed_on_some_at_a_time(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                             count: int, size: int) -> None:
    (tmp_path / "a").write_bytes(bytes(range(256)) * (size // 256))
    many = Batch("Files", [f"{number:03}" for number in range(count)], [size] * count, 0x20, SECURITY, TIMES)
    sink, lengths = io.BytesIO(), list[int]()
    with LayerWriter(sink, Compression.parse("none")) as writer:
        write_on = writer._out.write

        def spy(data: bytes) -> None:
            lengths.append(len(data))
            write_on(data)

        monkeypatch.setattr(writer._out, "write", spy)
        writer.add(FILES)
        writer.add_batch(many, [str(tmp_path / "a")] * count)
        writer.add(*HIVES)
        writer.finish()
    assert max(lengths) < 4 * _GATHERED
    assert sink.getvalue() == write([FILES, *((item, tmp_path / "a") for item in many.entries())])


# --- what is refused, in full ---------------------------------------------------------------------------------------

FILES = folder("Files")
ONCE = "a layer has each name once, and names that differ only in case are one to Windows"
IN_PLACE = ("Windows finds the target of a hard link only earlier in the same layer, spelt the same, or in a layer "
            "below")
NO_LINK = "only files have hard links, and a link leads to the file, not to another link"
NOT_BELOW = "is not a plain directory: nothing can stand below a file, link or junction"


def link(path: str, target: str) -> Entry:
    return entry(path, Kind.HARD_LINK, target=target)


@pytest.mark.parametrize(("before", "wrong", "what", "why"), [
    ([], entry("Files/a"), "cannot put Files/a into a layer", "its parent Files must come before it"),
    ([FILES, folder("Files/A")], entry("Files/a/x"), "cannot put Files/a/x into a layer",
     "its parent was spelt Files/A before"),
    ([FILES, entry("Files/a")], entry("Files/a/b"), "cannot put Files/a/b into a layer", f"Files/a {NOT_BELOW}"),
    ([FILES, folder("Files/A")], entry("Files/a"), "cannot put Files/a into a layer beside Files/A", ONCE),
    ([FILES, entry("Files/a")], entry("Files/a"), "cannot put Files/a into a layer twice", ONCE),
    ([FILES, entry("Files/a")], entry("Files/w", Kind.WHITEOUT), "cannot remove Files/w here",
     "whiteouts stand right after their parent directory, Files, as Windows has it"),
    ([FILES, entry("Files/a", Kind.SYMLINK, target="x")], entry("Files/w", Kind.WHITEOUT), "cannot remove Files/w here",
     "whiteouts stand right after their parent directory, Files, as Windows has it"),
    ([FILES], link("Files/b", "a"), "cannot link Files/b to a",
     "the target of a hard link is a path of the layer, below Files or UtilityVM/Files"),
    ([FILES], link("Files/b", "Files/a"), "cannot link Files/b to Files/a", IN_PLACE),
    ([FILES, entry("Files/a")], link("Files/b", "Files/A"), "cannot link Files/b to Files/A", IN_PLACE),
    ([FILES, folder("Files/a")], link("Files/b", "Files/a"), "cannot link Files/b to Files/a", NO_LINK),
    ([FILES, entry("Files/a", Kind.WHITEOUT)], link("Files/b", "Files/a"), "cannot link Files/b to Files/a", NO_LINK),
])
def test_a_refused_entry_is_told_in_full(before: list[Entry], wrong: Entry, what: str, why: str) -> None:
    with LayerWriter(io.BytesIO()) as layer:
        for item in before:
            layer.add(item)
        with pytest.raises(InputError) as caught:
            layer.add(wrong)
        assert (caught.value.lines(), caught.value.facts) == ([what, why], {"path": wrong.path})
        layer.abort()


def test_a_refused_name_is_told_with_its_path() -> None:
    with LayerWriter(io.BytesIO()) as layer:
        layer.add(FILES)
        with pytest.raises(UnsupportedError) as caught:
            layer.add(entry("Files/a:s"))
        assert (caught.value.what, caught.value.facts) == ("cannot put Files/a:s into a layer", {"path": "Files/a:s"})
        layer.abort()


def test_an_entry_of_another_kind_with_the_same_values_is_still_of_its_kind() -> None:
    items = [FILES, entry("Files/a"), entry("Files/b", Kind.HARD_LINK, target="Files/a", security=SECURITY)]
    assert [item for item, _ in entries_of(write(items))][:-1] == items


def test_links_may_stand_below_the_utility_vm_and_lead_there() -> None:
    items = [FILES, *HIVES, folder("UtilityVM"), folder("UtilityVM/Files"), entry("UtilityVM/Files/a"),
             link("UtilityVM/Files/b", "UtilityVM/Files/a")]
    sink = io.BytesIO()
    with LayerWriter(sink) as layer:
        for item in items:
            layer.add(item)
        layer.finish()
    assert [item for item, _ in entries_of(sink.getvalue())] == items


def test_a_whiteout_in_a_base_is_told_in_full() -> None:
    with LayerWriter(io.BytesIO(), base=True) as layer:
        layer.add(FILES)
        with pytest.raises(UnsupportedError) as caught:
            layer.add(entry("Files/a", Kind.WHITEOUT))
        assert caught.value.lines() == ["cannot remove Files/a in a base layer", "there is no layer below it"]
        assert caught.value.facts == {"path": "Files/a"}
        layer.abort()


@pytest.mark.parametrize(("items", "base", "missing"), [
    ([], False, "Files and no Hives"), (TOP, False, "Hives"), (HIVES, False, "Files"), ([], True, "Files")])
def test_what_a_layer_lacks_at_its_end_is_told_in_full(items: list[Entry], base: bool, missing: str) -> None:
    layer = LayerWriter(io.BytesIO(), base=base)
    for item in items:
        layer.add(item)
    with pytest.raises(InputError) as caught:
        layer.finish()
    assert caught.value.lines() == ["cannot end the layer", f"it has no {missing}, and Windows would not import it"]


@pytest.mark.parametrize(("item", "content", "why"), [
    (entry("Files/a", size=5), None, "no content for its 5 bytes"),
    (folder("Files/a"), b"", "a directory has no content")])
def test_content_that_does_not_go_with_an_entry_is_told_in_full(item: Entry, content: bytes | None, why: str) -> None:
    with LayerWriter(io.BytesIO()) as layer:
        layer.add(FILES)
        with pytest.raises(InputError) as caught:
            layer.add(item, content)
        assert caught.value.lines() == ["cannot put Files/a into a layer", why]
        layer.abort()


@pytest.mark.parametrize("size", [0, 100, 3_000_000])
@pytest.mark.parametrize("change", [-1, 1])
@pytest.mark.parametrize("kind", ["path", "stream", "bytes", "view"])
def test_content_of_another_size_is_told_in_full(kind: str, change: int, size: int, tmp_path: Path) -> None:
    if size + change < 0:
        return
    path = tmp_path / "f"
    path.write_bytes(bytes(size + change))
    content: Any = {"path": path, "stream": io.BytesIO(bytes(size + change)), "bytes": bytes(size + change),
                    "view": memoryview(bytes(size + change)).cast("B")}[kind]
    found = size + change if kind in ("bytes", "view") else f"only {size - 1}" if change < 0 else f"more than {size}"
    layer = LayerWriter(io.BytesIO())
    layer.add(FILES)
    with pytest.raises(ContextError) as caught:
        layer.add(entry("Files/a", size=size), content)
    what = str(path) if kind == "path" else "its content"
    assert caught.value.lines() == [f"{what} has another size than announced for Files/a",
                                    f"{size} bytes were expected, {found} came",
                                    "nothing may change the files while a layer is written from them; try again"]
    assert caught.value.facts == {"path": "Files/a"}


def test_the_size_of_a_view_is_that_of_its_bytes() -> None:
    data = memoryview(bytes(range(64))).cast("I")
    assert entries_of(write([FILES, (entry("Files/a", size=64), data)]))[1][1] == bytes(range(64))


class Failing(io.RawIOBase):
    def __init__(self, error: OSError) -> None:
        super().__init__()
        self.error = error

    def read(self, size: int = -1) -> bytes:
        raise self.error


@pytest.mark.parametrize(("error", "why"), [
    (OSError(errno.EIO, "Input/output error"), "Input/output error"), (OSError("odd"), "odd")])
def test_a_stream_or_file_that_fails_is_told_in_full(error: OSError, why: str, tmp_path: Path,
                                                     monkeypatch: pytest.MonkeyPatch) -> None:
    (tmp_path / "f").write_bytes(b"12345")

    def fail(file: int, room: memoryview) -> int:
        raise error

    for content, what in ((Failing(error), "the content of Files/a"), (tmp_path / "f", f"{tmp_path / 'f'} for Files/a"),
                          (str(tmp_path / "f"), f"{tmp_path / 'f'} for Files/a")):
        monkeypatch.setattr("imagebuild.layer.writer._read_into", fail)
        with pytest.raises(ContextError) as caught, LayerWriter(io.BytesIO()) as layer:
            layer.add(FILES)
            layer.add(entry("Files/a", size=5), content)  # type: ignore[arg-type]
        assert (caught.value.lines(), caught.value.facts) == ([f"cannot read {what}", why], {"path": "Files/a"})


def test_a_file_that_is_missing_is_told_in_full(tmp_path: Path) -> None:
    with pytest.raises(ContextError) as caught, LayerWriter(io.BytesIO()) as layer:
        layer.add(FILES)
        layer.add(entry("Files/a", size=5), tmp_path / "missing")
    assert caught.value.lines() == [f"cannot read {tmp_path / 'missing'} for Files/a", "No such file or directory"]


def test_a_stream_is_asked_for_pieces_and_then_for_one_byte_more() -> None:
    asked = []

    class Asked(io.BytesIO):
        def read(self, size: int | None = -1) -> bytes:
            asked.append(size)
            return super().read(size)

    size = (1 << 18) + 7
    heard: list[int] = []
    with LayerWriter(io.BytesIO(), base=True) as layer:
        layer.add(FILES)
        layer.add(entry("Files/a", size=size), Asked(bytes(size)), heard=lambda piece: heard.append(len(piece)))
        layer.add(entry("Files/b"), Asked(b""))
        layer.finish()
    assert (asked, heard) == ([1 << 18, 7, 1, 1], [1 << 18, 7])


def test_a_path_of_some_length_is_checked_as_a_whole(monkeypatch: pytest.MonkeyPatch) -> None:
    checked: list[int] = []
    monkeypatch.setattr("imagebuild.layer.writer.check_length", lambda path: checked.append(len(path)))
    with LayerWriter(io.BytesIO(), base=True) as layer:
        layer.add(FILES)
        path = "Files"
        for name in ("a" * 198, "b" * 198, "c" * 198, "d" * 198):
            path += "/" + name
            layer.add(folder(path))
        for length in (1000, 1001):
            layer.add(entry(path + "/" + "x" * (length - len(path) - 1)))
        layer.abort()
    assert checked == [1001]


def test_the_values_of_an_entry_are_checked_again_where_another_place_wants_others() -> None:
    """Files wants a descriptor of what is below it, Hives and UtilityVM itself do not."""
    with LayerWriter(io.BytesIO()) as layer:
        for item in (FILES, *HIVES, entry("Hives/Sam_Delta")):
            layer.add(item)
        plain = entry("Files/a", security=None)
        with pytest.raises(InputError, match="no security"):
            layer.add(plain)
        layer.add(entry("Files/b"))
        layer.add(entry("Files/c"))
        for change in ({"attributes": 0x10}, {"times": None}, {"security": None}, {"eas": (("B", b""), ("A", b""))}):
            with pytest.raises(InputError):
                layer.add(entry("Files/d", **change))
        with pytest.raises(InputError, match="cannot have the size -1"):
            layer.add(entry("Files/d", size=-1))
        with pytest.raises(InputError, match="a file has no target"):
            layer.add(entry("Files/d", target="x"))
        layer.abort()
