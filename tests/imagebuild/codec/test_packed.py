# SPDX-License-Identifier: Apache-2.0
"""Archives packed in any way there is, and those that ask for more memory than they get."""

from __future__ import annotations

import bz2
import gzip
import io
import lzma
from collections.abc import Callable

import pytest
from support.bombs import opened

from imagebuild.codec.packed import decompressed
from imagebuild.errors import FormatError


@pytest.mark.parametrize("pack", [bytes, gzip.compress, bz2.compress, lzma.compress])
@pytest.mark.parametrize("data", [b"", b"ab", bytes(3 << 20)])
def test_what_was_packed_comes_out(pack: Callable[[bytes], bytes], data: bytes) -> None:
    stream, got = decompressed(io.BytesIO(pack(data)), "x"), b""
    while more := stream.read(1 << 16):
        got += more
    assert got == data


@pytest.mark.parametrize("name", ["xz that asks for 4 GiB", "zstd that asks for 2 GiB"])
def test_a_dictionary_that_is_too_large_is_a_format_error(name: str) -> None:
    with pytest.raises(FormatError, match="emory"):
        decompressed(opened(name), "x").read(1)
