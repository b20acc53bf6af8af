# SPDX-License-Identifier: Apache-2.0
"""What the tests of .reg text share: trees of any names and data, and the edits a tree must come back as."""

from __future__ import annotations

from collections.abc import Iterable

from hypothesis import strategies as st

from imagebuild.hive.edits.edit import AddKey, DeleteKey, DeleteValue, Edit, SetValue
from imagebuild.hive.tree import Key, KeyLike, Value, walk

ROOT = "HKEY_LOCAL_MACHINE\\SOFTWARE"


def utf16(text: str) -> str:
    """The text as a hive gives it back: a high and a low half side by side are one character."""
    return text.encode("utf-16-le", "surrogatepass").decode("utf-16-le", "surrogatepass")


ODD = st.sampled_from(['"', "\\", "]", "[", "=", ";", "#", "@", "-", " ", "\t", "\0", "\x85", "\u2028", "\ufeff", "é",
                       "ж", "\U0001f600", "\ud800", "\udc00", "a", "b", "0"])
LETTERS = st.one_of(ODD, st.characters(categories=None))
KEY_NAMES = st.text(LETTERS.filter(lambda letter: letter not in "\\\r\n"), min_size=1, max_size=9).map(utf16)
VALUE_NAMES = st.text(st.one_of(LETTERS, st.sampled_from("\r\n")), max_size=9).map(utf16)
TEXTS = st.text(st.one_of(LETTERS, st.sampled_from("\r\n")), max_size=40)
DATA = st.one_of(
    st.binary(max_size=12), st.binary(min_size=20, max_size=120),
    TEXTS.map(lambda text: text.encode("utf-16-le", "surrogatepass") + b"\0\0"),
    TEXTS.map(lambda text: text.encode("utf-16-le", "surrogatepass")),
)
TYPES = st.one_of(st.integers(0, 11), st.sampled_from([0x20001, 0xFFFF0012, 0xFFFFFFFF]), st.just(1), st.just(4))
VALUES = st.builds(Value, VALUE_NAMES, TYPES, DATA, st.just(False))


def keys(depth: int = 2) -> st.SearchStrategy[Key]:
    """Trees as deep as that."""
    below = st.lists(keys(depth - 1), max_size=2) if depth else st.just([])
    return st.builds(Key, KEY_NAMES, st.lists(VALUES, max_size=4), below)


def edits_of(pairs: Iterable[tuple[str, KeyLike]]) -> list[Edit]:
    """What reading the export of these keys gives; tombstones, if any, are the only layered thing in them."""
    out: list[Edit] = []
    for path, key in pairs:
        if key.semantics:
            out.append(DeleteKey(path))
            continue
        out.append(AddKey(path))
        for value in key.values:
            out.append(DeleteValue(path, value.name) if value.deleted else SetValue(path, value))
    return out


def rebuilt(edits: Iterable[Edit]) -> list[tuple[str, Key]]:
    """The keys that edits without deletions make, in their order."""
    found: dict[str, list[Value]] = {}
    for edit in edits:
        values = found.setdefault(edit.path, [])
        if isinstance(edit, SetValue):
            values.append(edit.value)
    return [(path, Key(path.rpartition("\\")[2], values)) for path, values in found.items()]


def contents(key: KeyLike) -> dict[str, list[tuple[str, int, bytes]]]:
    """All keys below one by their paths, each with its values in an order of our own."""
    return {path: sorted((value.name, value.type, value.data) for value in below.values) for path, below in walk(key)}
