# SPDX-License-Identifier: Apache-2.0
"""One connection of a client: a request goes out, its answer comes in, or the connection becomes a stream."""

from __future__ import annotations

import math
import time
from collections.abc import Iterator
from threading import Lock

from .duplex import Duplex, timed
from .request import Prepared
from .wire import Head, Reader

_TOGETHER = 64 << 10
_KEPT = 8  # idle connections


class Patience:
    """How long a call may wait: until ``deadline`` (seconds from now) in all, ``silence`` seconds for each byte."""

    __slots__ = ("_end", "deadline", "silence")

    def __init__(self, deadline: float | None, silence: float | None) -> None:
        deadline = self.deadline = None if deadline == math.inf else deadline
        self.silence = None if silence == math.inf else silence
        self._end = None if deadline is None else time.monotonic() + deadline

    def left(self) -> float | None:
        """How long the next send or receive may wait. TimeoutError when the call's time is over."""
        if self._end is None:
            return self.silence
        left = self._end - time.monotonic()
        if left <= 0:
            raise TimeoutError("timed out")
        return left if self.silence is None else min(left, self.silence)

    def passed(self) -> float | None:
        """The deadline, when it is over; None when it is not, or there is none."""
        return self.deadline if self._end is not None and time.monotonic() >= self._end else None

    def hurry(self, seconds: float) -> None:
        """Wait at most so long for all that is left."""
        self._end = time.monotonic() + min(seconds, self.left() or seconds)

    def answered(self) -> None:
        """The call is answered: from now on only silence counts."""
        self._end = None


class BodyFailed(Exception):
    """What the caller wanted to send cannot be read; ``error`` says why."""

    def __init__(self, error: OSError) -> None:
        super().__init__(str(error))
        self.error = error


class Connection:
    """A connection to an engine, used for one exchange after another."""

    def __init__(self, duplex: Duplex) -> None:
        self.duplex = timed(duplex)
        self.used = False  #: it served before: the engine may have ended it meanwhile
        self.heard = False  #: a byte of the answer has come
        self._patience = Patience(None, None)
        self._reader = Reader(self._receive)
        self._reusable = False
        self._through = True
        self._parts: Iterator[bytes] = iter(())
        self._outgoing: Iterator[bytes] = iter(())  # the body of the request, framed
        self._piece = memoryview(b"")
        self._sending = False
        self._refused = False  # the engine did not take all of a body

    def ask(self, method: str, head: bytes, body: Prepared, patience: Patience) -> Head:
        """Send a request and wait for the head of its answer. OSError, or NotHttp for an answer that is not HTTP.

        An engine may begin its answer before it has the whole body (progress, or a refusal): the rest is sent while
        the answer is read. BodyFailed when the body itself cannot be read.
        """
        self._patience = patience
        self._reusable = self._through = self.heard = False
        together = len(body.data) < _TOGETHER  # one write, and so one packet
        self._outgoing = _framed(body.data, body) if not together or body.parts is not None else iter(())
        self._piece = memoryview(b"")
        self._sending = True
        try:
            self._put(head + body.data if together else head)
        except (BrokenPipeError, ConnectionResetError):
            self._sending = False  # what the engine said before it closed may still be read
        answer = self._reader.head()
        self._parts, ends = self._reader.body(answer, method)
        if answer.status >= 400:
            self._refused = self._refused or self._sending
            self._sending = False
        self._reusable = ends and answer.persistent and answer.status != 101 and not self._refused
        return answer

    def parts(self) -> Iterator[bytes]:
        """The body of the answer. OSError or NotHttp when it is cut or wrongly framed."""
        yield from self._parts
        self._through = True

    def again(self) -> bool:
        """Whether there may be another exchange: this one is whole, and the engine keeps the connection."""
        self.used = True
        return self._reusable and self._through and self._reader.empty and not self._sending

    def early(self) -> bytes:
        """What came behind a head that ended HTTP."""
        return self._reader.rest()

    def _push(self) -> bool:
        """Send a bit more of the body. False when all is sent, or something has arrived."""
        if not self._piece:
            try:
                self._piece = memoryview(next(self._outgoing))
            except StopIteration:
                self._sending = False
                return False
            except OSError as error:
                raise BodyFailed(error) from error
        self.duplex.silent(self._patience.left())
        try:
            sent = self.duplex.offer(self._piece)
        except (BrokenPipeError, ConnectionResetError):
            self._sending, self._refused = False, True
            return False
        self._piece = self._piece[sent:]
        return bool(sent)

    def _put(self, data: bytes) -> None:
        self.duplex.silent(self._patience.left())
        self.duplex.send(data)

    def _receive(self, size: int) -> bytes:
        while self._sending and self._push():
            pass
        self.duplex.silent(self._patience.left())
        data = self.duplex.receive(size)
        self.heard = self.heard or bool(data)
        return data


def _framed(data: bytes, body: Prepared) -> Iterator[bytes]:
    """The bytes of a body as they go over the wire."""
    if body.parts is None:
        yield data
        return
    if body.length is not None:
        yield from filter(None, body.parts)
        return
    for part in filter(None, body.parts):
        if len(part) < _TOGETHER:
            yield b"%x\r\n%b\r\n" % (len(part), part)
        else:
            yield b"%x\r\n" % len(part)
            yield part  # from where it lies
            yield b"\r\n"
    yield b"0\r\n\r\n"


class Pool:
    """Idle connections of one client, for all its threads."""

    def __init__(self) -> None:
        self._idle: list[Connection] = []
        self._lock = Lock()

    def __len__(self) -> int:
        return len(self._idle)

    def take(self) -> Connection | None:
        """One that is idle and still open, the last used first; None when there is none."""
        while True:
            with self._lock:
                if not self._idle:
                    return None
                connection = self._idle.pop()
            if not connection.duplex.readable():
                return connection
            connection.duplex.close()  # the engine ended it, or said what nothing asked for

    def give(self, connection: Connection) -> None:
        """Keep it for another exchange when it can serve one, else close it."""
        if connection.again():
            with self._lock:
                if len(self._idle) < _KEPT:
                    self._idle.append(connection)
                    return
        connection.duplex.close()

    def close(self) -> None:
        """Close all that are idle."""
        with self._lock:
            idle, self._idle = self._idle, []
        for connection in idle:
            connection.duplex.close()
