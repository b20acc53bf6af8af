# SPDX-License-Identifier: Apache-2.0
"""What the engine writes down of itself: ``engine.log`` in its folder.

Library code logs with :mod:`logging` under ``wcow``. Here its records become lines, as text or as JSON, in a file that
is turned over before it grows large. Of an error the file has where it came about and its type. It has its message only
where that cannot hold a value: messages hold variables, command lines and credentials, and none of these is logged.
"""

from __future__ import annotations

import json
import logging
import os
import sys
import time
import traceback
from collections.abc import Iterator
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from io import TextIOWrapper
from logging.handlers import RotatingFileHandler
from pathlib import Path
from typing import Literal

NAME = "engine.log"
ROOT = "wcow"
LARGEST, KEPT = 4 << 20, 3
"""Bytes of the file, and how many older ones are kept beside it."""

Format = Literal["text", "json"]
LEVELS = ("debug", "info", "warning", "error")

_INTERPRETERS = (AttributeError, NameError, ImportError, TypeError, IndexError, RecursionError, ZeroDivisionError)
"""Errors whose messages Python itself writes: they name what is in the code, and no value."""


@dataclass(frozen=True, slots=True)
class LogSettings:
    """``level`` is the least that is written; ``stderr`` also writes each line to standard error."""

    level: str = "info"
    format: Format = "text"
    stderr: bool = False


class Lines(logging.Formatter):
    """Makes a line of a record, and of its error the lines below; or one line of JSON with both."""

    def __init__(self, format: Format) -> None:
        super().__init__()
        self._json = format == "json"

    def format(self, record: logging.LogRecord) -> str:
        """See :meth:`logging.Formatter.format`."""
        seconds, parts = int(record.created), int(record.created % 1 * 1000)
        moment = f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{parts:03}Z"
        trace = outline(record.exc_info[1]) if record.exc_info and record.exc_info[1] else []
        message, fault = record.getMessage(), getattr(record, "fault", "")
        if self._json:
            return json.dumps({"time": moment, "level": record.levelname.lower(), "logger": record.name,
                               "message": message, **({"id": fault} if fault else {}),
                               **({"traceback": trace} if trace else {})})
        text = " ".join(message.splitlines())
        return "\n".join([f"{moment} {record.levelname:<7} {record.name}: {text}", *(f"  {line}" for line in trace)])


def outline(error: BaseException) -> list[str]:
    """Return the traceback of an error, and of those that it came from, as lines without any value."""
    chain: list[BaseException] = []
    one: BaseException | None = error
    while one is not None and one not in chain:
        chain.append(one)
        one = one.__cause__ or (None if one.__suppress_context__ else one.__context__)
    out: list[str] = []
    for one in reversed(chain):
        for frame in traceback.extract_tb(one.__traceback__):
            out += [f'File "{frame.filename}", line {frame.lineno}, in {frame.name}', f"  {frame.line}"]
        out.append(_described(one))
        if isinstance(one, BaseExceptionGroup):
            out += [f"  {line}" for inner in one.exceptions for line in outline(inner)]
    return out


def _described(error: BaseException) -> str:
    name = type(error).__name__
    if isinstance(error, OSError) and error.errno:
        return f"{name}: {os.strerror(error.errno)}"
    if isinstance(error, _INTERPRETERS) and type(error).__module__ == "builtins":
        return f"{name}: {' '.join(str(error).split())[:300]}"
    return name


class _File(RotatingFileHandler):
    """The file; only its owner reads it. Where standard error is the file, as in an engine that was started behind, it
    goes on in the new one."""

    def _open(self) -> TextIOWrapper:
        flags = os.O_WRONLY | os.O_CREAT | os.O_APPEND | os.O_NOFOLLOW | os.O_CLOEXEC
        return os.fdopen(os.open(self.baseFilename, flags, 0o600), "a", encoding="utf-8", errors="backslashreplace")

    def doRollover(self) -> None:
        """See :meth:`logging.handlers.RotatingFileHandler.doRollover`."""
        before, ours = self.stream, []
        if before is not None:
            ours = [fd for fd in (1, 2) if _same(fd, before.fileno())]
        super().doRollover()
        if self.stream is not None:
            for fd in ours:
                os.dup2(self.stream.fileno(), fd)


def _same(one: int, other: int) -> bool:
    with suppress(OSError):  # a file that is gone is another one
        return os.path.samestat(os.fstat(one), os.fstat(other))
    return False


@contextmanager
def written(root: Path, settings: LogSettings) -> Iterator[None]:
    """Write what is logged under ``wcow`` into the log of an engine's folder, for the block. A disk that is full, or a
    file that cannot be opened, keeps the engine from nothing."""
    logger = logging.getLogger(ROOT)
    handlers: list[logging.Handler] = []
    with suppress(OSError):
        handlers.append(_File(root / NAME, maxBytes=LARGEST, backupCount=KEPT))
    if settings.stderr:
        handlers.append(logging.StreamHandler(sys.stderr))
    before = logger.level
    logger.setLevel(settings.level.upper())
    for handler in handlers:
        handler.setFormatter(Lines(settings.format))
        handler.handleError = lambda record: None  # type: ignore[method-assign]
        logger.addHandler(handler)
    try:
        yield
    finally:
        logger.setLevel(before)
        for handler in handlers:
            logger.removeHandler(handler)
            handler.close()


def read_log(root: Path, *, tail: int | None = None, follow: bool = False) -> Iterator[str]:
    """Yield the lines of the log of an engine's folder, the last ``tail`` of them or all that are kept; with ``follow``
    those that come, too, as long as an engine runs there. NotFoundError when there is no log."""
    from ...errors import NotFoundError
    from .lock import running

    try:
        stream = (root / NAME).open(encoding="utf-8", errors="replace")
    except OSError as error:
        raise NotFoundError("there is no log of an engine", why=f"{root / NAME}: {error.strerror}",
                            hint="an engine that is started writes one: wcow engine start") from error
    try:
        older = [line for number in range(KEPT, 0, -1) for line in _whole(root / f"{NAME}.{number}")]
        lines = [*older, *stream.read().splitlines()]
        yield from lines if tail is None else lines[max(0, len(lines) - tail):]
        rest = ""
        while follow:
            alive = running(root) is not None
            *lines, rest = (rest + stream.read()).split("\n")
            yield from lines
            with suppress(OSError):
                if not os.path.samestat(os.fstat(stream.fileno()), (root / NAME).stat()):
                    ended, stream = stream, (root / NAME).open(encoding="utf-8", errors="replace")
                    rest += ended.read()
                    ended.close()
                    continue
            if not alive:
                return
            time.sleep(0.1)
    finally:
        stream.close()


def _whole(path: Path) -> list[str]:
    try:
        return path.read_text("utf-8", "replace").splitlines()
    except OSError:  # a log that is not there has no lines
        return []
