# SPDX-License-Identifier: Apache-2.0
"""Wine's registry files: read, written, and whatever comes in place of one."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from imagebuild.errors import FormatError
from imagebuild.hive import REG_SZ, Key, Value, Values, walk
from imagebuild.hive.tree import SYMLINK
from imagebuild.runtime.registry.winereg import RegFile, parse
from imagebuild.runtime.registry.winereg_write import write
from imagebuild.windows.filetime import UNIX_EPOCH
from imagebuild.windows.upcase import fold

WINE = Path("/usr/lib/wine/wine64")
HEAD = b"WINE REGISTRY Version 2\n;; All keys relative to REGISTRY\\\\Machine\n\n#arch=win64\n"

# Any unit but those of pairs, which come as pairs; a NUL at the end of a name or class is lost, as Wine loses it.
TEXT = st.text(st.one_of(st.sampled_from('ab1f[]"\\@=#;\n\r\t\x00\x01\x1b\x7f\x80é中\U0001f600'),
                         st.characters(exclude_categories=["Cs"])), max_size=12)
NAMES = TEXT.map(lambda text: text.rstrip("\0"))
KEY_NAMES = NAMES.map(lambda text: text.replace("\\", "/")).filter(bool)
MOMENTS = st.integers(UNIX_EPOCH, UNIX_EPOCH + (1 << 32) * 10_000_000 - 1)
DATA = st.one_of(st.binary(max_size=60), TEXT.map(lambda text: text.encode("utf-16-le") + b"\0\0"))
VALUES = st.lists(st.builds(Value, NAMES, st.one_of(st.integers(0, 12), st.integers(0, 0xFFFFFFFF)), DATA,
                            st.just(False)),
                  max_size=4, unique_by=lambda value: fold(value.name)).map(Values)


def keys(children: st.SearchStrategy[Key]) -> st.SearchStrategy[Key]:
    return st.builds(Key, KEY_NAMES, VALUES, st.lists(children, max_size=3, unique_by=lambda key: fold(key.name)),
                     st.none(), st.none() | NAMES.filter(bool), MOMENTS, st.sampled_from([0, SYMLINK]))


ROOTS = st.recursive(st.builds(Key, KEY_NAMES, VALUES, last_write=MOMENTS), keys, max_leaves=8).map(
    lambda key: Key("", key.values, key.subkeys, None, key.class_name, key.last_write, key.flags))


def told(key: Key) -> list[tuple[object, ...]]:
    """What a file says of keys; of a key that is only implied there is no time."""
    return [(path, one.values, one.class_name, one.flags,
             one.last_write if one.values or one.class_name or one.flags or (path and not one.subkeys) else None)
            for path, one in walk(key)]


@settings(deadline=None, max_examples=150)
@given(ROOTS)
def test_what_is_written_is_read_back(root: Key) -> None:
    file = RegFile("REGISTRY\\Machine", "win64", root)
    data = write(file)
    found = parse(data)
    assert (found.base, found.arch) == (file.base, file.arch)
    assert told(found.root) == told(root)
    assert write(found) == data


@settings(deadline=None, max_examples=200)
@given(st.one_of(st.binary(max_size=200), st.lists(st.sampled_from(
    [b"[", b"]", b"\\", b"\\\\", b'"', b"=", b"@", b"\n", b"hex:", b"61,", b"\\\n  ", b"#time=", b"#class=", b"#link",
     b"dword:", b"str(2):", b"1", b"a", b"\xff", b"\\x", b"\0"]), max_size=30).map(b"".join)))
def test_whatever_comes_is_read_or_refused_with_its_place(data: bytes) -> None:
    for text in (data, HEAD + b"\n" + data, HEAD + b"\n[a] 1\n" + data):
        try:
            found = parse(text)
        except FormatError as error:
            assert error.offset is not None
            assert 0 <= error.offset <= len(text)
        else:
            written = write(found)
            assert write(parse(written)) == written


@pytest.mark.parametrize(("line", "name", "kind", "data"), [
    (b'@="default"', "", 1, "default\0".encode("utf-16-le")),
    (b'"n\\"q"="a\\\\b\\n\\x4e2d\\x00e9a"', 'n"q', 1, "a\\b\n\u4e2d\u00e9a\0".encode("utf-16-le")),
    (b'"e"=str(2):"%A%"', "e", 2, "%A%\0".encode("utf-16-le")),
    (b'"m"=str(7):"a\\0b\\0"', "m", 7, "a\0b\0\0".encode("utf-16-le")),
    (b'"d"=dword:00000007', "d", 4, b"\7\0\0\0"),
    (b'"b"=hex:61,62,\\\n  63', "b", 3, b"abc"),
    (b'"q"=hex(b):88,77,66,55,44,33,22,11', "q", 11, bytes.fromhex("8877665544332211")),
    (b'"none"=hex(0):', "none", 0, b""),
    (b'"odd"=hex(77):7a,7a', "odd", 0x77, b"zz"),
    (b'"o"="\\0001\\33"', "o", 1, "\x001\x1b\0".encode("utf-16-le")),
])
def test_each_form_of_a_value_is_read(line: bytes, name: str, kind: int, data: bytes) -> None:
    found = parse(HEAD + b"\n[Software\\\\T] 1795505215\n#time=1dd7be52ec24980\n" + line + b"\n").root["Software\\T"]
    assert found.values == (Value(name, kind, data),)
    assert found.last_write == 0x1dd7be52ec24980


def test_names_classes_links_and_implied_keys_are_read() -> None:
    root = parse(HEAD + b'\n[A\\\\Sub\\[a\\]\\\\"q"\\xe9] 10\n#class="Cls\\"Name"\n\n[L] 5\n#link\n'
                 b'"SymbolicLinkValue"=hex(6):5c,00\n').root
    key = root['A\\Sub[a]\\"q"\u00e9']
    assert (key.class_name, key.last_write) == ('Cls"Name', UNIX_EPOCH + 100_000_000)
    assert root["A"].last_write is None
    assert root["L"].flags == SYMLINK


def test_a_key_that_comes_twice_has_the_values_of_both_and_the_later_count() -> None:
    root = parse(HEAD + b'\n[K] 1\n"a"="1"\n"b"="1"\n\n[k] 2\n"A"="2"\n').root
    assert root["K"].values == (Value.sz("a", "2"), Value.sz("b", "1"))


@pytest.mark.parametrize("data", [b"", b"REGEDIT4\n", HEAD + b'\n"a"="b"\n', HEAD + b"\n[a\n", HEAD + b'\n[a] 1\n"x\n',
                                  HEAD + b"\n[a] 1\n@=hex:zz\n", HEAD + b"\n[a] 1\n@=hex:61,\\",
                                  HEAD + b"\n[a] 1\n@=what\n", HEAD + b"\n[a] 1\n#time=x\n",
                                  HEAD + b"\n[" + b"a\\\\" * 600 + b"a] 1\n", HEAD + b"\n[a\\\\\\\\b] 1\n"])
def test_a_bad_file_is_refused(data: bytes) -> None:
    with pytest.raises(FormatError, match="cannot read Wine's registry"):
        parse(data)


def test_a_string_without_its_end_is_kept_as_bytes() -> None:
    root = Key("", (), (Key("K", (Value("a", REG_SZ, b"a\0b\0"), Value("odd", REG_SZ, b"abc"))),))
    data = write(RegFile("REGISTRY\\Machine", "win64", root))
    assert b'"a"=hex(1):61,00,62,00\n"odd"=hex(1):61,62,63\n' in data
    assert parse(data).root["K"].values == root["K"].values


@pytest.mark.slow
@pytest.mark.skipif(not WINE.exists(), reason="needs wine64")
def test_a_registry_that_wine_made_comes_back_to_the_byte(tmp_path: Path) -> None:
    env = {"PATH": os.environ["PATH"], "HOME": str(tmp_path), "WINEPREFIX": str(tmp_path / "prefix"),
           "WINEDEBUG": "-all", "WINELOADER": str(WINE), "WINEDLLOVERRIDES": "mscoree,mshtml=;winemenubuilder.exe=d"}
    subprocess.run([WINE, "wineboot", "--init"], env=env, timeout=120, check=True, capture_output=True)
    subprocess.run([WINE.with_name("wineserver64"), "-w"], env=env, timeout=60, check=True, capture_output=True)
    try:
        for name in ("system.reg", "user.reg", "userdef.reg"):
            data = (tmp_path / "prefix" / name).read_bytes()
            assert write(parse(data)) == data
    finally:
        shutil.rmtree(tmp_path / "prefix")
