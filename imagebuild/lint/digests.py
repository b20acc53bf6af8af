# SPDX-License-Identifier: Apache-2.0
"""The digest of a stream, made on a thread beside whoever reads it: hashing then costs hardly any time."""

from __future__ import annotations

from types import TracebackType
from typing import BinaryIO, Self

from ..codec.aside import HasherAside
from ..oci import Digest


class HashedReader:
    """Passes a stream through; :meth:`digest` says what it was, once it was read to its end.

    The algorithm is that of ``like``; without one nothing is hashed, and the digest is ``None``.
    """

    def __init__(self, stream: BinaryIO, like: Digest | None) -> None:
        self._read = getattr(stream, "read1", stream.read)
        self._like = like
        if like is not None:
            self._hash = like.hasher()
            self._aside = HasherAside(self._hash)

    def read1(self, size: int = -1, /) -> bytes:
        """The next bytes."""
        data: bytes = self._read(size)
        if data and self._like is not None:
            self._aside.update(data)
        return data

    read = read1

    def digest(self) -> Digest | None:
        """The digest of what was read."""
        if self._like is None:
            return None
        self._aside.settle()
        return Digest(f"{self._like.algorithm}:{self._hash.hexdigest()}")

    def __enter__(self) -> Self:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        if self._like is not None:
            self._aside.close()


__all__ = ["HashedReader"]
