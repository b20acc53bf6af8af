# SPDX-License-Identifier: Apache-2.0
"""A digest: the name content has because of its bytes (image-spec descriptor.md, "Digests")."""

from __future__ import annotations

import hashlib
import re

from ..errors import FormatError, UnsupportedError, quoted

_GRAMMAR = re.compile(r"[a-z0-9]+(?:[+._-][a-z0-9]+)*:[a-zA-Z0-9=_-]+")
_HEX_LENGTH = {"sha256": 64, "sha384": 96, "sha512": 128}
_MAX_LENGTH = 255


class Digest(str):
    """``algorithm:hex``, already checked.

    It is a ``str``, so it prints, sorts and compares as one. It never holds a slash or a dot after the colon, so
    ``blobs/<algorithm>/<hex>`` cannot leave its folder.
    """

    __slots__ = ()

    @classmethod
    def parse(cls, text: str, *, source: str = "digest") -> Digest:
        """The digest ``text`` spells. FormatError unless it does, in the lower-case hex the specification asks for."""
        if len(text) > _MAX_LENGTH or not _GRAMMAR.fullmatch(text):
            raise FormatError(f"{quoted(text[:80])} is not a digest", source=source, why="wanted algorithm:hex")
        algorithm, _unused, encoded = text.partition(":")
        length = _HEX_LENGTH.get(algorithm)
        if length is not None and not re.fullmatch(f"[0-9a-f]{{{length}}}", encoded):
            raise FormatError(f"{quoted(text[:80])} is not a {algorithm} digest", source=source,
                              why=f"wanted {length} lower-case hex digits after the colon")
        return cls(text)

    @classmethod
    def of(cls, data: bytes | bytearray | memoryview) -> Digest:
        """The sha256 digest of ``data``."""
        return cls("sha256:" + hashlib.sha256(data).hexdigest())

    @property
    def algorithm(self) -> str:
        """``sha256`` in ``sha256:…``."""
        return self.partition(":")[0]

    @property
    def hex(self) -> str:
        """What stands after the colon."""
        return self.partition(":")[2]

    def hasher(self) -> hashlib._Hash:
        """A fresh hash of this digest's algorithm. UnsupportedError for one we cannot compute."""
        if self.algorithm not in _HEX_LENGTH:
            raise UnsupportedError(f"cannot verify {self}", why=f"the algorithm {self.algorithm} is not known here",
                                   hint="use an image whose digests are sha256 or sha512")
        return hashlib.new(self.algorithm)

    def __repr__(self) -> str:
        return f"Digest({str(self)!r})"
