# SPDX-License-Identifier: Apache-2.0
"""Trees of keys for the tests of the registry: random ones that have much in common, and what they amount to."""

from __future__ import annotations

import os
from collections.abc import Iterator
from pathlib import Path

from hypothesis import strategies as st

from imagebuild.hive import DEFAULT_SECURITY, Key, KeyLike, Value
from imagebuild.windows.upcase import fold

SHARED = Path(os.environ.get("WCOW_SHARED", Path(__file__).parents[2].parent / "shared")) / "hives"
"""Other people's hives, where they are at hand."""

OTHER = DEFAULT_SECURITY[:2] + b"\x04\x84" + DEFAULT_SECURITY[4:]
THIRD = DEFAULT_SECURITY[:2] + b"\x04\x80" + DEFAULT_SECURITY[4:]

few_names = st.sampled_from(["a", "A", "b", "ß", "c\u00e9", "\u043a", "\U00010400", "long name"])
few_values = st.lists(
    st.builds(Value, st.sampled_from(["", "x", "X", "y", "\u0436"]), st.sampled_from([0, 1, 4, 0xFFFF0011]),
              st.sampled_from([b"", b"\1\0\0\0", b"longer than four"]), st.just(False)),
    max_size=3, unique_by=lambda value: fold(value.name)).map(tuple)
_what = (few_names, few_values)
_how = (st.sampled_from([None, OTHER, THIRD]), st.sampled_from([None, None, "Class", "Other"]),
        st.sampled_from([None, 5, 9]), st.sampled_from([0, 0, 0x10]), st.sampled_from([0, 0xA0]))


def _siblings(keys: st.SearchStrategy[Key]) -> st.SearchStrategy[tuple[Key, ...]]:
    return st.lists(keys, max_size=4, unique_by=lambda key: fold(key.name)).map(tuple)


_keys = st.recursive(st.builds(Key, *_what), lambda below: st.builds(Key, *_what, _siblings(below), *_how),
                     max_leaves=10)
plain_roots = st.builds(lambda values, subkeys, security: Key("ROOT", values, subkeys, security), few_values,
                        _siblings(_keys), st.sampled_from([None, OTHER]))
"""Roots of plain hives whose names and values come from a small stock, so that any two have much in common."""


def facts(key: KeyLike, security: bytes = DEFAULT_SECURITY, path: str = "") -> Iterator[tuple[object, ...]]:
    """What two registries have to agree in: keys, values in any order, class, security, flags; not times."""
    security = key.security or security
    yield (path, frozenset(key.values), key.class_name or None, security, key.flags & ~8, key.control)
    for child in sorted(key.subkeys, key=lambda child: fold(child.name)):
        yield from facts(child, security, f"{path}\\{child.name}")


def amount(key: KeyLike) -> list[tuple[object, ...]]:
    """:func:`facts` as one value to compare."""
    return list(facts(key))
