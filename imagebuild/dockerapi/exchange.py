# SPDX-License-Identifier: Apache-2.0
"""One connection of a client: a request goes out, its answer comes in, or the connection becomes a stream."""

from __future__ import annotations

import contextlib
from collections.abc import Iterable, Iterator
from dataclasses import dataclass
from types import TracebackType
from typing import TYPE_CHECKING

from ..errors import DaemonError
from . import streams
from .duplex import RECEIVE, Duplex

if TYPE_CHECKING:
    import h11

Headers = Iterable[tuple[str, str]]
_TOGETHER = 64 << 10


@dataclass(frozen=True, slots=True)
class Head:
    """Status and headers of an answer, their names in lower case."""

    status: int
    headers: dict[str, str]


class Line:
    """A connection to an engine, used for one exchange after another."""

    def __init__(self, duplex: Duplex) -> None:
        import h11

        self.duplex = duplex
        self.used = False  #: it served before: the engine may have ended it meanwhile
        self._wire = h11.Connection(h11.CLIENT, max_incomplete_event_size=256 << 10)

    def ask(self, method: str, target: str, headers: Headers, body: bytes | Iterable[bytes]) -> Head:
        """Send a request and wait for the head of its answer. DaemonError when the connection breaks."""
        import h11

        try:
            out = self._wire.send(h11.Request(method=method, target=target, headers=list(headers))) or b""
            if isinstance(body, bytes) and len(body) < _TOGETHER:  # one write, and so one packet
                out += (self._wire.send(h11.Data(data=body)) or b"") if body else b""
                body = b""
            try:
                self.duplex.send(out)
                for part in (body,) if isinstance(body, bytes) else body:
                    if part:
                        self._wire_send(h11.Data(data=part))
                self._wire_send(h11.EndOfMessage())
            except (BrokenPipeError, ConnectionResetError):
                self._wire.send_failed()  # refused before all was sent: its answer says why
            while True:
                event = self._next()
                if isinstance(event, h11.Response) or (isinstance(event, h11.InformationalResponse)
                                                       and event.status_code == 101):
                    return Head(event.status_code, {name.decode("ascii"): value.decode("utf-8", "replace")
                                                    for name, value in event.headers})
                if isinstance(event, h11.ConnectionClosed):
                    raise ConnectionResetError("it closed the connection without an answer")
        except (OSError, h11.ProtocolError) as error:
            raise broken(error) from error

    def parts(self) -> Iterator[bytes]:
        """The body of the answer. DaemonError when it is cut."""
        import h11

        try:
            while isinstance(event := self._next(), h11.Data):
                yield bytes(event.data)
        except (OSError, h11.ProtocolError) as error:
            raise broken(error) from error

    def again(self) -> bool:
        """Make ready for another exchange; whether there may be one."""
        import h11

        if self._wire.our_state is h11.DONE and self._wire.their_state is h11.DONE:
            self._wire.start_next_cycle()
            self.used = True
            return True
        return False

    def early(self) -> bytes:
        """What came after the head that ended HTTP."""
        return bytes(self._wire.trailing_data[0])

    def _wire_send(self, event: h11.Event) -> None:
        for piece in self._wire.send_with_data_passthrough(event) or ():
            if piece:
                self.duplex.send(piece)  # a long piece is sent from where it lies

    def _next(self) -> object:
        import h11

        while (event := self._wire.next_event()) is h11.NEED_DATA:
            self._wire.receive_data(self.duplex.receive(RECEIVE))
        return event


def broken(error: Exception) -> DaemonError:
    """The connection ended where it should not have."""
    return DaemonError("the connection to the engine broke", why=str(error) or type(error).__name__, status=0)


class Stream:
    """An attached container or exec: what it says comes out of it, what is written goes to its stdin.

    One thread may read while another writes. :meth:`pieces` separates stdout and stderr of what has no tty.
    """

    def __init__(self, duplex: Duplex, early: bytes, media_type: str) -> None:
        self._duplex = duplex
        self._early = early
        self.media_type = media_type

    @property
    def multiplexed(self) -> bool:
        """Whether the engine said that output comes in frames; before API 1.42 it does not say."""
        return "multiplexed" in self.media_type

    def read(self, size: int = RECEIVE) -> bytes:
        """What is there; ``b""`` at the end of output."""
        if self._early:
            data, self._early = self._early[:size], self._early[size:]
            return data
        try:
            return self._duplex.receive(size)
        except OSError as error:
            raise broken(error) from error

    def __iter__(self) -> Iterator[bytes]:
        while data := self.read():
            yield data

    def pieces(self) -> Iterator[streams.Piece]:
        """Output with its stream (1 stdout, 2 stderr). FormatError when it is not in frames, or cut in one."""
        return streams.separate(self)

    def write(self, data: bytes) -> None:
        """To stdin, all of it."""
        try:
            self._duplex.send(data)
        except OSError as error:
            raise broken(error) from error

    def end(self) -> None:
        """End of stdin; output goes on."""
        self._duplex.end()

    def close(self) -> None:
        """Detach."""
        with contextlib.suppress(OSError):
            self._duplex.close()

    def __enter__(self) -> Stream:
        return self

    def __exit__(self, kind: type[BaseException] | None, error: BaseException | None,
                 trace: TracebackType | None) -> None:
        self.close()
