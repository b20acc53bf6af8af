# SPDX-License-Identifier: Apache-2.0
"""Registry files without what both have alike: the differences that are found are those of the whole files."""

from __future__ import annotations

from dataclasses import replace

import pytest
from hypothesis import given, settings

from imagebuild.errors import FormatError
from imagebuild.hive.edits.edit import Edit
from imagebuild.runtime.registry.registry import Prefix, changes_of
from imagebuild.runtime.registry.winereg import parse
from imagebuild.runtime.registry.winereg_reduce import reduced

from .test_registry import EDITS, TEMPLATE, edited

HEAD = b"WINE REGISTRY Version 2\n\n"


@settings(deadline=None, max_examples=150)
@given(EDITS, EDITS)
def test_the_same_changes_are_found(first: list[Edit], second: list[Edit]) -> None:
    before = replace(TEMPLATE, system=edited(TEMPLATE.system, *first))
    after = replace(TEMPLATE, system=edited(before.system, *second))
    pairs = [reduced(old, new) for old, new in zip(before.write(), after.write(), strict=True)]
    assert changes_of(Prefix.parse(*(old for old, _new in pairs)), Prefix.parse(*(new for _old, new in pairs))) \
        == changes_of(before, after)


def test_what_is_alike_is_left_out_and_what_stands_above_a_difference_stays() -> None:
    before = HEAD + (b'[A] 1\n#time=1\n"x"="1"\n\n[A\\\\B] 1\n#time=1\n"y"="1"\n\n[A\\\\B\\\\C] 1\n\n[D] 1\n"z"="1"\n')
    after = before.replace(b"] 1", b"] 2").replace(b"#time=1", b"#time=2").replace(b'"y"="1"', b'"y"="2"')
    old, new = reduced(before, after)
    assert (b"[A\\\\B] 1" in old, b"[A\\\\B] 2" in new) == (True, True)
    for data in (old, new):
        assert data.startswith(HEAD)
        assert b"[A] " in data
        assert b"[D]" not in data
        assert b"\\\\C]" not in data
    assert reduced(before, before) == (HEAD, HEAD)


def test_a_key_that_comes_twice_is_compared_whole() -> None:
    before = HEAD + b'[A] 1\n"x"="1"\n\n[a] 1\n"y"="2"\n'
    after = HEAD + b'[A] 1\n"x"="1"\n"y"="2"\n'
    old, new = reduced(before, after)
    assert parse(old).root.subkeys[0].values == parse(new).root.subkeys[0].values


def test_a_damaged_file_stays_damaged() -> None:
    before = HEAD + b'[A] 1\n"x"="1"\n\n[B] 1\n"y"="1"\n'
    _old, new = reduced(before, before.replace(b'"y"="1"', b'"y"=nonsense'))
    with pytest.raises(FormatError):
        parse(new)
