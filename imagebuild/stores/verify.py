# SPDX-License-Identifier: Apache-2.0
"""Streams that check themselves: whoever reads to the end has verified."""

from __future__ import annotations

import io
from typing import Any, BinaryIO, cast

from ..errors import FormatError, IntegrityError
from ..oci import MAX_SIZE, Descriptor, Digest


class VerifiedStream(io.RawIOBase):
    """A blob's bytes from ``source``; IntegrityError at the end if digest or size are not the descriptor's, and as
    soon as there are too many. From an ``offset`` only the size can be checked. Closing it closes ``source``."""

    def __init__(self, source: BinaryIO, descriptor: Descriptor, *, offset: int = 0, what: str = "") -> None:
        self._source = source
        self._descriptor = descriptor
        self._what = what or f"blob {descriptor.digest}"
        self._hasher = descriptor.digest.hasher() if offset == 0 else None
        self._at = offset
        self._checked = False
        if offset > descriptor.size:
            raise IntegrityError(f"cannot read {self._what} from byte {offset}", why=f"it has {descriptor.size} bytes",
                                 expected=descriptor.size, found=offset)

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        if not view:
            return 0
        read = getattr(self._source, "readinto", None)
        if read is not None:
            count = cast(int, read(view) or 0)
        else:
            data = self._source.read(len(view))
            count = len(data)
            view[:count] = data
        if count == 0:
            self._end()
            return 0
        self._at += count
        if self._at > self._descriptor.size:
            raise self._size_error("more")
        if self._hasher is not None:
            self._hasher.update(view[:count])
        return count

    def _end(self) -> None:
        if self._checked:
            return
        if self._at != self._descriptor.size:
            raise self._size_error(str(self._at))
        if self._hasher is not None:
            found = f"{self._descriptor.digest.algorithm}:{self._hasher.hexdigest()}"
            if found != self._descriptor.digest:
                raise IntegrityError(f"{self._what} is not what its digest says",
                                     why=f"wanted {self._descriptor.digest}, found {found}",
                                     expected=self._descriptor.digest, found=Digest(found))
        self._checked = True

    def _size_error(self, found: str) -> IntegrityError:
        return IntegrityError(f"{self._what} has not the size its descriptor says",
                              why=f"wanted {self._descriptor.size} bytes, found {found}",
                              expected=self._descriptor.size, found=self._at)

    def close(self) -> None:
        if not self.closed:
            self._source.close()
        super().close()


def verified(source: BinaryIO, descriptor: Descriptor, *, offset: int = 0, what: str = "") -> BinaryIO:
    """``source`` as a stream that checks itself."""
    try:
        return cast(BinaryIO, VerifiedStream(source, descriptor, offset=offset, what=what))
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
