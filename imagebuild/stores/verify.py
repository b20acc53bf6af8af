# SPDX-License-Identifier: Apache-2.0
"""Streams that check themselves: whoever reads to the end has verified."""

from __future__ import annotations

import io
from typing import BinaryIO, cast

from ..codec import VerifyingReader
from ..errors import FormatError
from ..oci import MAX_SIZE, Descriptor


def verified(source: BinaryIO, descriptor: Descriptor, *, offset: int = 0, what: str = "",
             hint: str = "") -> BinaryIO:
    """``source``, which stands at byte ``offset`` of a blob, as a stream that raises IntegrityError at its end unless
    digest and size are the descriptor's (from an offset: the size). Closing it closes ``source``, also when this fails.
    """
    try:
        descriptor.digest.hasher()  # says what is wrong with an algorithm nobody knows
        return cast(BinaryIO, VerifyingReader(source, descriptor.digest, descriptor.size, start=offset, owned=True,
                                              what=what or f"blob {descriptor.digest}", hint=hint))
    except BaseException:
        source.close()
        raise


def read_document(stream: BinaryIO, descriptor: Descriptor, *, what: str) -> bytes:
    """The whole of a small document out of a stream of :func:`verified`. FormatError when it is too large."""
    with stream:
        if descriptor.size > MAX_SIZE:
            raise FormatError(f"{what} is too large for a manifest or config", source=what,
                              why=f"{descriptor.size} bytes, at most {MAX_SIZE} are read")
        data = bytearray()
        while chunk := stream.read(1 << 20):
            data += chunk
        return bytes(data)


def check(data: bytes, descriptor: Descriptor, *, what: str) -> bytes:
    """``data`` itself, after comparing it with its descriptor."""
    return read_document(verified(io.BytesIO(data), descriptor, what=what), descriptor, what=what)
