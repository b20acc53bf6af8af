# SPDX-License-Identifier: Apache-2.0
"""A blob's bytes from a registry, continued where a cut connection left off."""

from __future__ import annotations

import io
import re
from collections.abc import Callable
from typing import Any

from ...errors import RegistryError
from ...oci import Descriptor
from .wire.endpoint import Retrier
from .wire.transport import Answer

Get = Callable[[int, Retrier], Answer]
"""Asks for the blob from a byte on, within a budget; gives an answer of status 200 (from the start) or 206."""


class Download(io.RawIOBase):
    """The bytes of a blob from ``offset``. A cut is mended by asking for the rest, while the budget lasts; then
    ``elsewhere`` may name another place to get the rest from, with a budget of its own.

    The digest is not checked here (see ``verify``), so a registry that continues with another blob is found out.
    """

    def __init__(self, get: Get, descriptor: Descriptor, *, offset: int, retrier: Retrier, what: str,
                 elsewhere: Callable[[RegistryError], tuple[Get, Retrier] | None] = lambda error: None) -> None:
        self._get = get
        self._size = descriptor.size
        self._at = offset
        self._retrier = retrier
        self._what = what
        self._elsewhere = elsewhere
        self._answer: Answer | None = self._open()

    def readable(self) -> bool:
        return True

    def readinto(self, buffer: Any, /) -> int:
        view = memoryview(buffer).cast("B")
        if not view:
            return 0
        while True:
            try:
                if self._answer is None:
                    self._answer = self._open()
                count = self._answer.body.readinto(view)
                if not count and self._at < self._size:
                    raise RegistryError(self._what, why=f"it ended after {self._at} of {self._size} bytes",
                                        temporary=True)
            except RegistryError as error:
                self._release()
                if error.temporary and self._retrier.pause():
                    continue
                following = self._elsewhere(error)
                if following is None:
                    raise
                self._get, self._retrier = following
                continue
            if count:
                self._retrier.progressed()
            self._at += count
            return count

    def close(self) -> None:
        self._release()
        super().close()

    def _release(self) -> None:
        answer, self._answer = getattr(self, "_answer", None), None
        if answer is not None:
            answer.body.close()

    def _open(self) -> Answer:
        answer = self._get(self._at, self._retrier)
        begin = re.match(r"bytes (\d{1,19})-", answer.header("content-range")) if answer.status == 206 else None
        if begin is not None and int(begin[1]) != self._at:
            answer.body.close()
            raise RegistryError(self._what, why=f"asked for byte {self._at} and on, the answer begins at {begin[1]}",
                                temporary=True)
        # A server may ignore Range and begin at the beginning.
        skip = self._at if answer.status == 200 else 0
        waste = memoryview(bytearray(min(skip, 1 << 18)))
        while skip > 0:
            count = answer.body.readinto(waste[:skip])
            if not count:
                answer.body.close()
                raise RegistryError(self._what, why=f"it ended before byte {self._at}", temporary=True)
            skip -= count
        return answer
