# SPDX-License-Identifier: Apache-2.0
"""Layers of Windows, crane, BuildKit, buildah and plain Linux become the entries that Windows would make of them."""

from __future__ import annotations

import base64
import gzip
import io
import tarfile
from typing import Any

import pytest
from support import rawtar
from support.layers import SECURITY, entry, folder, tar, write

from imagebuild.codec import VerifyingReader
from imagebuild.errors import FormatError, InputError, NotFoundError
from imagebuild.layer import Entry, Kind, Limits, Times, read, read_file
from imagebuild.layer.reader import Decoder
from imagebuild.layer.tarstream import TarStream
from imagebuild.windows.filetime import from_unix_ns, to_pax

DIR, SYM, LNK = {"type": tarfile.DIRTYPE}, tarfile.SYMTYPE, tarfile.LNKTYPE
BUILDKIT_FILE = base64.b64encode(SECURITY).decode()


def entries(blob: bytes, **options: Any) -> list[Entry]:
    return [item for item, _ in read(io.BytesIO(blob), **options)]


def windows(name: str, attributes: int, **values: Any) -> tuple[str, dict[str, Any]]:
    """A member as hcsshim exports it."""
    records = {"MSWINDOWS.fileattr": str(attributes), "MSWINDOWS.rawsd": BUILDKIT_FILE, "mtime": "1600000000.1234567",
               "atime": "1600000001", "ctime": "1600000002.5", "LIBARCHIVE.creationtime": "1500000000.0000001"}
    return name, {"pax_headers": {**records, **values.pop("pax", {})}, **values}


TIMES = Times(from_unix_ns(1500000000_000000100), from_unix_ns(1600000000_123456700), from_unix_ns(1600000001 * 10**9),
              from_unix_ns(1600000002_500000000))


def test_a_layer_as_windows_exports_it() -> None:
    blob = tar(windows("Files", 0x10, type=tarfile.DIRTYPE), ("Files/.wh.old", {}),
               windows("Files/a.dll", 0x20, data=b"dll", pax={"MSWINDOWS.xattr.$KERNEL.X": "AAE="}),
               windows("Files/b.dll", 0x20, type=LNK, linkname="Files/a.dll"),
               windows("Files/dir", 0x410, type=SYM, linkname="C:\\Windows"),
               windows("Files/jct", 0x410, type=SYM, linkname="C:\\Windows", pax={"MSWINDOWS.mountpoint": "1"}),
               windows("Files/lnk", 0x420, type=SYM, linkname="..\\x"))
    found = entries(blob)
    assert found[0] == Entry("Files", Kind.DIRECTORY, 0, 0x10, SECURITY, TIMES)
    assert found[1] == Entry("Files/old", Kind.WHITEOUT)
    assert found[2] == Entry("Files/a.dll", Kind.FILE, 3, 0x20, SECURITY, TIMES, eas=(("$KERNEL.X", b"\0\1"),))
    assert found[3] == Entry("Files/b.dll", Kind.HARD_LINK, 0, 0x20, SECURITY, TIMES, "Files/a.dll")
    assert [item.kind for item in found[4:]] == [Kind.DIRECTORY_SYMLINK, Kind.JUNCTION, Kind.SYMLINK]
    assert [item.target for item in found[4:]] == ["C:\\Windows", "C:\\Windows", "..\\x"]


def test_a_layer_as_crane_and_the_host_process_script_write_it() -> None:
    """No times but the old one, slashes after directories, links not prefixed."""
    blob = tar(("Files/", DIR), ("Files/app/", {"type": tarfile.DIRTYPE, "mtime": 5}), ("Files/app/x", {"mtime": 5}),
               ("Files/app/l", {"type": SYM, "linkname": "../x"}), ("Hives/", DIR), format=tarfile.USTAR_FORMAT)
    moment = Times.all(from_unix_ns(5 * 10**9))
    found = entries(blob)
    assert found[1:3] == [Entry("Files/app", Kind.DIRECTORY, times=moment),
    Entry("Files/app/x", Kind.FILE, times=moment)]
    assert (found[3].kind, found[3].target) == (Kind.SYMLINK, "..\\x")
    assert [item.path for item in found] == ["Files", "Files/app", "Files/app/x", "Files/app/l", "Hives"]


@pytest.mark.parametrize(("typeflag", "records", "kind"), [
    (SYM, {}, Kind.SYMLINK), (SYM, {"MSWINDOWS.fileattr": "1040"}, Kind.DIRECTORY_SYMLINK),
    (SYM, {"MSWINDOWS.fileattr": "1024"}, Kind.SYMLINK), (SYM, {"MSWINDOWS.mountpoint": ""}, Kind.JUNCTION),
    (SYM, {"MSWINDOWS.mountpoint": "0", "MSWINDOWS.fileattr": "1040"}, Kind.JUNCTION),
    (tarfile.REGTYPE, {"MSWINDOWS.fileattr": "1040"}, Kind.FILE), (tarfile.CHRTYPE, {}, Kind.FILE),
    (tarfile.BLKTYPE, {}, Kind.FILE), (tarfile.FIFOTYPE, {}, Kind.FILE), (tarfile.DIRTYPE, {}, Kind.DIRECTORY),
    (LNK, {}, Kind.HARD_LINK)])
def test_the_kind_is_what_the_importer_takes_it_for(typeflag: bytes, records: dict[str, str], kind: Kind) -> None:
    found = entries(tar(("Files/a", {"type": typeflag, "linkname": "Files/x", "pax_headers": records})))
    assert found[0].kind is kind
    assert found[0].size == 0


@pytest.mark.parametrize("typeflag", [tarfile.REGTYPE, tarfile.DIRTYPE, SYM, tarfile.CHRTYPE])
def test_a_whiteout_is_one_whatever_its_type(typeflag: bytes) -> None:
    assert entries(tar(("Files/d/.wh.x", {"type": typeflag}), (".wh.y", {}))) == [
        Entry("Files/d/x", Kind.WHITEOUT), Entry("y", Kind.WHITEOUT)]


@pytest.mark.parametrize("name", [".wh.", "Files/.wh..", "Files/.wh..."])
def test_a_whiteout_of_nothing_is_refused(name: str) -> None:
    with pytest.raises(FormatError, match="whiteout"):
        entries(tar((name, {})))


@pytest.mark.parametrize(("name", "path"), [
    ("./Files/a", "Files/a"), ("/Files/a", "Files/a"), ("Files//a", "Files/a"), ("Files/a/", "Files/a"),
    ("Files/./a", "Files/a"), ("Files\\a", "Files/a"), ("\\Files\\a", "Files/a"), ("Files/a..b", "Files/a..b"),
    ("Files/...", "Files/..."), ("Files/.a", "Files/.a"), ("Files/a:s", "Files/a:s")])
def test_paths_are_tidied(name: str, path: str) -> None:
    assert [item.path for item in entries(tar((name, {})))] == [path]


@pytest.mark.parametrize("name", ["./", ".", "/", "//", "./."])
def test_the_root_itself_is_no_entry(name: str) -> None:
    assert entries(tar((name, DIR), ("a", {}))) == entries(tar(("a", {})))


@pytest.mark.parametrize("name", ["..", "../a", "Files/../a", "Files/..", "Files\\..\\a", "/../a", "a/../../b"])
def test_a_path_that_leaves_the_layer_is_refused(name: str) -> None:
    with pytest.raises(FormatError, match="leads out"):
        entries(tar((name, {})))
    with pytest.raises(FormatError, match="leads out"):
        entries(tar(("Files/a", {"type": LNK, "linkname": name})))


def test_on_linux_a_backslash_is_part_of_a_name_and_targets_stay() -> None:
    blob = tar(("etc/a\\x2db", {}), ("etc/..\\c", {}), ("l", {"type": SYM, "linkname": "../a/b\\c"}))
    assert [(item.path, item.target) for item in entries(blob, linux=True)] == [
        ("etc/a\\x2db", ""), ("etc/..\\c", ""), ("l", "../a/b\\c")]
    with pytest.raises(FormatError):
        entries(tar(("../x", {})), linux=True)


def test_on_linux_opaque_whiteouts_stay_and_the_books_of_aufs_go() -> None:
    blob = tar(("d/.wh..wh..opq", {}), ("d/.wh..wh.plnk", {}), (".wh..wh.aufs", {}), ("d/.wh.x", {}))
    assert [item.path for item in entries(blob, linux=True)] == ["d/.wh..opq", "d/x"]
    assert len(entries(blob)) == 4


def test_names_that_are_not_utf_8_are_still_shown() -> None:
    blob = tar(("caf\udce9", {}), format=tarfile.GNU_FORMAT, errors="surrogateescape", encoding="utf-8")
    assert entries(blob)[0].path == "caf\ufffd"
    assert entries(blob, linux=True)[0].path == "caf\\xe9"


@pytest.mark.parametrize("limits", [Limits(path=20), Limits(depth=3)])
def test_paths_beyond_the_limits_are_refused(limits: Limits) -> None:
    entries(tar(("a/b/c", {})), limits=limits)
    with pytest.raises(FormatError):
        entries(tar(("aaaaaaa/bbbbbbbb/cccccccc/d", {})), limits=limits)


@pytest.mark.parametrize(("records", "times"), [
    ({}, (7, 7, 7, 7)), ({"mtime": "9"}, (9, 9, 9, 9)), ({"atime": "9"}, (7, 7, 9, 7)), ({"ctime": "9"}, (7, 7, 7, 9)),
    ({"LIBARCHIVE.creationtime": "9"}, (9, 7, 7, 7)), ({"MSWINDOWS.createtime": "9"}, (7, 7, 7, 7))])
def test_a_time_that_is_missing_is_the_modification_time(records: dict[str, str], times: tuple[int, ...]) -> None:
    found = entries(tar(("Files/a", {"mtime": 7, "pax_headers": records})))[0]
    assert found.times == Times(*(from_unix_ns(second * 10**9) for second in times))


@pytest.mark.parametrize(("key", "value"), [
    ("MSWINDOWS.fileattr", "x"), ("MSWINDOWS.fileattr", "-1"), ("MSWINDOWS.fileattr", "0x20"),
    ("MSWINDOWS.fileattr", str(1 << 32)), ("MSWINDOWS.fileattr", "9" * 5000), ("MSWINDOWS.rawsd", "!"),
    ("MSWINDOWS.rawsd", "AAA"), ("MSWINDOWS.xattr.A", "ä"), ("mtime", "x"), ("atime", "1.2.3"), ("ctime", "9" * 15),
    ("LIBARCHIVE.creationtime", "-"), ("MSWINDOWS.sd", "nonsense")])
def test_a_record_that_says_nonsense_is_refused(key: str, value: str) -> None:
    with pytest.raises(FormatError) as caught:
        entries(tar(("Files/a", {"pax_headers": {key: value}})))
    assert caught.value.offset == 0
    assert key.rpartition(".")[2] in str(caught.value) or key in str(caught.value)


def test_the_oldest_records_of_hcsshim_hold_sddl() -> None:
    sddl = pytest.importorskip("imagebuild.windows.acl.sddl")
    found = entries(tar(("Files/a", {"pax_headers": {"MSWINDOWS.sd": "O:BAG:BAD:(A;;FA;;;BA)"}})))
    assert found[0].security == sddl.parse_sddl("O:BAG:BAD:(A;;FA;;;BA)").to_bytes()
    both = entries(tar(("Files/a", {"pax_headers": {"MSWINDOWS.sd": "O:BA", "MSWINDOWS.rawsd": BUILDKIT_FILE}})))
    assert both[0].security == SECURITY


def test_records_of_one_entry_do_not_leak_into_the_next() -> None:
    blob = tar(windows("Files/a", 0x21), ("Files/b", {}), windows("Files/c", 0x22), windows("Files/d", 0x21))
    assert [item.attributes for item in entries(blob)] == [0x21, None, 0x22, 0x21]


def test_global_records_count_for_every_entry() -> None:
    blob = tar(("Files/a", {}), ("Files/b", {"pax_headers": {"MSWINDOWS.fileattr": "32"}}),
               pax_headers={"MSWINDOWS.fileattr": "33"})
    assert [item.attributes for item in entries(blob)] == [33, 32]


FILES = [folder("Files"), (entry("Files/a", size=3), b"one"), (entry("Files/b", size=600_000), bytes(600_000)),
         (entry("Files/C", size=5), b"three"), entry("Files/link", Kind.HARD_LINK, target="Files/a")]


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_content_can_be_read_skipped_or_left_half_read(compression: str) -> None:
    seen = {}
    for item, content in read(io.BytesIO(write(FILES, compression))):
        if item.path == "Files/b":
            assert content is not None
            content.read(10)
        elif item.kind is Kind.FILE:
            assert content is not None
            seen[item.path] = content.read()
        else:
            assert content is None
    assert seen == {"Files/a": b"one", "Files/C": b"three"}


@pytest.mark.parametrize("compression", ["gzip", "zstd", "none"])
def test_one_file_is_read_from_the_stream(compression: str) -> None:
    blob = write(FILES, compression)
    item, content = read_file(io.BytesIO(blob), "files/c")
    assert (item.path, content.read()) == ("Files/C", b"three")
    with pytest.raises(NotFoundError):
        read_file(io.BytesIO(blob), "Files/missing")
    with pytest.raises(NotFoundError):
        read_file(io.BytesIO(blob), "files/c", linux=True)
    with pytest.raises(InputError, match="hard link") as caught:
        read_file(io.BytesIO(blob), "Files/link")
    assert caught.value.facts["target"] == "Files/a"
    with pytest.raises(InputError, match="directory"):
        read_file(io.BytesIO(blob), "/Files/")


def test_reading_to_the_end_verifies_the_digest_underneath() -> None:
    import hashlib

    blob = write(FILES, "gzip")
    verifying = VerifyingReader(io.BytesIO(blob), "sha256:" + hashlib.sha256(blob).hexdigest(), len(blob))
    for _ in read(verifying):
        assert not verifying.verified or len(blob) < 200_000
    assert verifying.verified


@pytest.mark.parametrize("cut", [1, 512, 1024 + 100, 5000])
def test_a_truncated_layer_is_a_format_error(cut: int) -> None:
    blob = gzip.decompress(write(FILES, "gzip"))
    short = blob[:len(blob) - 1024 - 512 - cut]
    with pytest.raises(FormatError):
        entries(short[:len(short) // 512 * 512 + 7])
    with pytest.raises(FormatError):
        entries(gzip.compress(blob, 0)[:-cut])


# --- what is wrong, in full -----------------------------------------------------------------------------------------

def record_of(key: str, value: str) -> bytes:
    return tar(("Files/z", {}), ("Files/a", {"pax_headers": {key: value}}))


@pytest.mark.parametrize(("blob", "why", "offset"), [
    (tar(("Files/z", {}), ("Files/.wh...", {})), "a whiteout of '..'", 512),
    (tar(("Files/z", {}), ("Files/" + "a/" * 150 + "../b", {})),
     f"the path {('Files/' + 'a/' * 150)[:200]!r} leads out of the layer", 512),
    (tar(("Files/z", {}), ("Files/l", {"type": LNK, "linkname": "../a"})), "the path '../a' leads out of the layer",
     512),
    (record_of("MSWINDOWS.fileattr", "x" * 40),
     f"MSWINDOWS.fileattr is {b'x' * 30!r}, not a decimal number of 32 bits", 512),
    (record_of("MSWINDOWS.fileattr", "00000000032"),
     "MSWINDOWS.fileattr is b'00000000032', not a decimal number of 32 bits", 512),
    (record_of("MSWINDOWS.rawsd", "!"), "MSWINDOWS.rawsd is not base64", 512),
    (record_of("MSWINDOWS.rawsd", "AA\n=="), "MSWINDOWS.rawsd is not base64", 512),
    (record_of("MSWINDOWS.xattr." + "A" * 100, "!"), f"MSWINDOWS.xattr.{'A' * 84} is not base64", 512),
    (record_of("mtime", "x" * 40), f"the time mtime is {b'x' * 30!r}", 512),
    (record_of("atime", "\xe4"), f"the time atime is {'ä'.encode()!r}", 512),
    (record_of("ctime", "9" * 15),
     f"the time ctime is {b'9' * 15!r}, farther away than a FILETIME reaches", 512),
    (record_of("mtime", "9" * 15 + "." + "1" * 20),
     f"the time mtime is {b'9' * 15 + b'.' + b'1' * 14!r}, farther away than a FILETIME reaches", 512),
    (record_of("LIBARCHIVE.creationtime", "-" + "9" * 15),
     f"the time LIBARCHIVE.creationtime is {b'-' + b'9' * 15!r}, farther away than a FILETIME reaches", 512),
    (record_of("MSWINDOWS.sd", "O:BA?"),
     "MSWINDOWS.sd is not a security descriptor: cannot read the SDDL 'O:BA?' for a file: expected a SID or two "
     "letters after O: (at byte 2 of SDDL)", 512),
])
@pytest.mark.parametrize("source", [None, "layer 3"])
def test_what_is_wrong_with_an_entry_is_said_in_full(blob: bytes, why: str, offset: int, source: str | None) -> None:
    with pytest.raises(FormatError) as caught:
        entries(blob, **({} if source is None else {"source": source}))
    assert (caught.value.offset, caught.value.source) == (offset, source or "layer")
    assert caught.value.lines() == [f"cannot read the {source or 'layer'}",
                                    f"{why} (at byte {offset} of {source or 'layer'})"]


@pytest.mark.parametrize(("limits", "name", "why"), [
    (Limits(path=7), "Files/a", None), (Limits(path=7), "Files/ab", "a path of 8 characters"),
    (Limits(depth=2), "Files/a", None), (Limits(depth=2), "Files/a/b", "a path of 9 characters"),
    (Limits(depth=2), "a\\b\\c", "a path of 3 components"), (Limits(depth=3), "a\\b\\c", None)])
def test_a_path_may_be_as_long_and_as_deep_as_the_limit(limits: Limits, name: str, why: str | None) -> None:
    if why is None:
        assert len(entries(tar((name, {})), limits=limits)) == 1
        return
    with pytest.raises(FormatError) as caught:
        entries(tar((name, {})), limits=limits)
    assert caught.value.why == f"{why} (at byte 0 of layer)"


@pytest.mark.parametrize(("text", "value"), [("4294967295", 0xFFFFFFFF), ("0000000032", 32), ("0", 0)])
def test_attributes_have_up_to_ten_digits(text: str, value: int) -> None:
    assert entries(record_of("MSWINDOWS.fileattr", text))[1].attributes == value


def test_a_time_may_lie_half_a_filetime_away() -> None:
    for moment in ((1 << 62) - 1, -(1 << 62)):
        assert entries(record_of("mtime", to_pax(moment)))[1].times == Times.all(moment)
    for moment in (1 << 62, -(1 << 62) - 1):
        with pytest.raises(FormatError, match="farther away"):
            entries(record_of("mtime", to_pax(moment)))


def test_extended_attributes_are_sorted_by_their_bytes() -> None:
    records = {f"MSWINDOWS.xattr.{name}": "QQ==" for name in ("b", "\U00010000", "a", "\uffff", "B")}
    found = entries(tar(("Files/a", {"pax_headers": records})))[0]
    assert found.eas == tuple((name, b"A") for name in ("B", "a", "b", "\uffff", "\U00010000"))


def test_names_of_extended_attributes_that_are_not_utf_8_are_still_shown() -> None:
    key = b"MSWINDOWS.xattr.\xff"
    assert entries(rawtar.member("Files/a", records={key: b"QQ=="}))[0].eas == (("\\xff", b"A"),)
    with pytest.raises(FormatError, match="MSWINDOWS\\.xattr\\.\ufffd is not base64"):
        entries(rawtar.member("Files/a", records={key: b"!"}))


def test_entries_of_two_kinds_in_turn_share_what_their_records_say() -> None:
    first, second, third = entries(tar(windows("Files/a", 0x20), windows("Files/b", 0x21), windows("Files/c", 0x20)))
    assert first.times is third.times is not second.times
    assert (first.attributes, second.attributes, third.attributes) == (0x20, 0x21, 0x20)


def test_records_that_entries_share_are_read_once_and_long_ones_are_not_kept() -> None:
    def descriptors(*texts: str) -> list[bytes | None]:
        return [item.security for item in entries(tar(*(
            (f"Files/{number}", {"pax_headers": {"MSWINDOWS.rawsd": text, "comment": str(number)}})
            for number, text in enumerate(texts))))]

    first, second = descriptors(BUILDKIT_FILE, BUILDKIT_FILE)
    assert first is second
    for size, shared in ((1 << 13, True), ((1 << 13) + 4, False)):
        text = base64.b64encode(bytes(size // 4 * 3)).decode()
        assert len(text) == size
        first, second = descriptors(text, text)
        assert (first is second) is shared
    texts = [base64.b64encode(b"%04d" % number).decode() for number in range(1025)]
    kept = descriptors(*texts[:1024], texts[0])
    assert kept[0] is kept[1024]
    cleared = descriptors(*texts, texts[0])
    assert cleared[0] is not cleared[1025]


def test_values_are_kept_while_few_kinds_of_entries_come_in_turn() -> None:
    def times(count: int) -> list[Times | None]:
        blob = tar(*((f"Files/{number}", {"mtime": number % (count - 1)}) for number in range(count)),
                   format=tarfile.USTAR_FORMAT)
        return [item.times for item in entries(blob)]

    kept, cleared = times(17), times(18)
    assert kept[0] is kept[16]
    assert cleared[0] == cleared[17] and cleared[0] is not cleared[17]


def test_of_a_file_that_is_not_there_or_none_the_words_are_full() -> None:
    blob = write(FILES)
    with pytest.raises(NotFoundError) as missing:
        read_file(io.BytesIO(blob), "/Files/missing/")
    assert missing.value.lines() == ["Files/missing is not in the layer"]
    assert missing.value.facts == {"path": "Files/missing"}
    with pytest.raises(NotFoundError, match=r"^Files/missing is not in the third layer$"):
        read_file(io.BytesIO(blob), "Files/missing", source="third layer")
    with pytest.raises(InputError) as linked:
        read_file(io.BytesIO(blob), "files/LINK")
    assert linked.value.lines() == ["files/LINK is no file", "it is a hard link to Files/a"]
    assert linked.value.facts == {"path": "Files/link", "target": "Files/a"}
    with pytest.raises(InputError) as folder_:
        read_file(io.BytesIO(blob), "Files")
    assert folder_.value.lines() == ["Files is no file", "it is a directory"]


def test_one_file_is_looked_for_with_the_limits_and_the_rules_given() -> None:
    blob = tar(("X/x", {"data": b"1"}), ("d/.wh.a", {}), ("d/a", {"data": b"22"}))
    assert read_file(io.BytesIO(blob), "X/x", linux=True)[1].read() == b"1"
    assert read_file(io.BytesIO(blob), "D/A")[1].read() == b"22"
    assert read_file(io.BytesIO(tar(("d/a\\b", {"data": b"3"}))), "d/a\\b", linux=True)[1].read() == b"3"
    with pytest.raises(FormatError, match="cannot read the x: more than 1 entries"):
        read_file(io.BytesIO(blob), "d/a", limits=Limits(entries=1), source="x")
    with pytest.raises(FormatError, match="a path of 3 characters"):
        read_file(io.BytesIO(blob), "d/a", limits=Limits(path=2))
    with pytest.raises(NotFoundError):
        read_file(io.BytesIO(blob), "D/A", linux=True)


def test_a_decoder_reads_layers_of_windows_unless_something_else_is_said() -> None:
    stream = TarStream(io.BytesIO(tar(("a\\b", {}), (".wh.", {}))))
    good, bad = stream.next(), stream.next()
    assert good is not None and bad is not None
    decode = Decoder()
    item = decode(good)
    assert item is not None and item.path == "a/b"
    with pytest.raises(FormatError, match=r"^cannot read the layer: a whiteout of ''"):
        decode(bad)
