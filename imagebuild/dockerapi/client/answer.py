# SPDX-License-Identifier: Apache-2.0
"""An answer: its head, and its body as it comes."""

from __future__ import annotations

import contextlib
from collections.abc import Callable, Iterator
from types import TracebackType

from ...errors import DaemonError
from .connection import BodyFailed, Connection, Patience
from .stream import Stream
from .trouble import broken
from .wire import Head, NotHttp

MAX_DOCUMENT = 64 << 20
_SHORT = 64 << 10
_SOON = 1.0  # seconds that a short answer that is not read any further may still take


class Answer:
    """Head of an answer, and its body as it comes. It is given back to the client when it is read to its end."""

    def __init__(self, connection: Connection, head: Head, patience: Patience, host: str,
                 give_back: Callable[[Connection], None]) -> None:
        self._connection: Connection | None = connection
        self._parts = connection.parts()
        self._patience = patience
        self._host = host
        self._give_back = give_back
        self.status = head.status
        self.headers = head.headers  #: names in lower case

    def header(self, name: str, default: str = "") -> str:
        """A header, whatever its case."""
        return self.headers.get(name.lower(), default)

    def __iter__(self) -> Iterator[bytes]:
        try:
            yield from self._parts
        except (OSError, NotHttp) as error:
            self._drop()
            raise broken(error, self._host, silence=self._patience.silence,
                         deadline=self._patience.passed()) from error
        except BodyFailed as failed:
            self._drop()
            raise failed.error from None
        connection, self._connection = self._connection, None
        if connection is not None:
            self._give_back(connection)

    def read(self, limit: int = MAX_DOCUMENT) -> bytes:
        """The whole body. DaemonError when it is longer than ``limit`` bytes."""
        out = bytearray()
        for part in self:
            out += part
            if len(out) > limit:
                raise DaemonError("the engine's answer is too long", why=f"more than {limit} bytes", status=self.status)
        return bytes(out)

    def hijacked(self) -> Stream:
        """The connection itself, after a head that ended HTTP."""
        connection, self._connection = self._connection, None
        assert connection is not None
        return Stream(connection.duplex, connection.early(), self.header("content-type"), host=self._host,
                      silence=self._patience.silence)

    def close(self) -> None:
        """Done with it. A long body that was not read is not waited for: the connection goes."""
        if self._connection is not None and (self.status in (204, 304) or 0 <= self._length() <= _SHORT):
            self._patience.hurry(_SOON)
            with contextlib.suppress(DaemonError):
                for _unused in self:
                    pass
        self._drop()

    def _length(self) -> int:
        text = self.headers.get("content-length", "")
        return int(text) if text.isascii() and text.isdigit() else -1

    def _drop(self) -> None:
        connection, self._connection = self._connection, None
        if connection is not None:
            connection.duplex.close()

    def __enter__(self) -> Answer:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
