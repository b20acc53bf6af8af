# SPDX-License-Identifier: Apache-2.0
"""Reproducible layers need the zlib we know."""

from __future__ import annotations

import hashlib
import zlib

import pytest

from imagebuild.codec.golden import GOLDEN, check_zlib, digest_of_zlib, golden_block
from imagebuild.errors import UnsupportedError


def test_the_golden_block_is_the_same_everywhere() -> None:
    assert len(golden_block()) == 1 << 17
    assert hashlib.sha256(golden_block()).hexdigest()[:16] == "4e15881ba593da6c"


@pytest.mark.parametrize("level", range(1, 10))
def test_this_zlib_gives_the_golden_bytes(level: int) -> None:
    assert digest_of_zlib(level) == GOLDEN[level]
    check_zlib(level)


def test_every_level_has_bytes_of_its_own() -> None:
    assert len(set(GOLDEN.values())) == 9


def test_a_zlib_with_other_bytes_is_refused_by_name(monkeypatch: pytest.MonkeyPatch) -> None:
    real = zlib.compressobj
    monkeypatch.setattr(zlib, "compressobj", lambda level, wbits: real(level, wbits=wbits, memLevel=9))
    monkeypatch.setattr(zlib, "ZLIB_RUNTIME_VERSION", "1.3.1.zlib-ng")
    with pytest.raises(UnsupportedError, match=r"1\.3\.1\.zlib-ng") as caught:
        check_zlib(6)
    assert caught.value.facts["expected"] == GOLDEN[6]
    assert caught.value.facts["found"] != GOLDEN[6]
