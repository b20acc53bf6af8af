# SPDX-License-Identifier: Apache-2.0
"""A blob's bytes from a registry, continued where a cut connection left off."""

from __future__ import annotations

import io
from collections.abc import Callable
from typing import Any

from ..errors import RegistryError
from ..oci import Descriptor
from .endpoint import Retrier
from .transport import Answer

Get = Callable[[int], Answer]
"""Asks for the blob from a byte on; gives an answer of status 200 (from the start) or 206."""


class Download(io.RawIOBase):
    """The bytes of a blob from ``offset``. A cut is mended by asking for the rest, while the budget lasts.

    The digest is not checked here (see ``verify``), so a registry that continues with another blob is found out.
    """

    def __init__(self, get: Get, descriptor: Descriptor, *, offset: int, retrier: Retrier,
                 what: str) -> None:
        self._get = get
        self._size = descriptor.size
        self._at = offset
        self._retrier = retrier
        self._what = what
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
                data = self._answer.body.read(len(view))
                if not data and self._at < self._size:
                    raise RegistryError(self._what, why=f"it ended after {self._at} of {self._size} bytes",
                                        temporary=True)
            except RegistryError as error:
                self._release()
                if not error.temporary or not self._retrier.pause():
                    raise
                continue
            view[:len(data)] = data
            self._at += len(data)
            return len(data)

    def close(self) -> None:
        self._release()
        super().close()

    def _release(self) -> None:
        answer, self._answer = getattr(self, "_answer", None), None
        if answer is not None:
            answer.body.close()

    def _open(self) -> Answer:
        answer = self._get(self._at)
        # A server may ignore Range and begin at the beginning.
        skip = self._at if answer.status == 200 else 0
        while skip > 0:
            data = answer.body.read(min(skip, 1 << 20))
            if not data:
                answer.body.close()
                raise RegistryError(self._what, why=f"it ended before byte {self._at}", temporary=True)
            skip -= len(data)
        return answer
