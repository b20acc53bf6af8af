# SPDX-License-Identifier: Apache-2.0
"""What a test is told when something of ours fails: cause and remedy, without a traceback of ours."""

from __future__ import annotations

import re
import sysconfig
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

import pytest

if TYPE_CHECKING:
    from imagebuild.errors import WcowError

SHOWN = 8000
HEADLINE = 200
_LONG_ID = re.compile(r"\b([0-9a-f]{12})[0-9a-f]{52}\b")
_LIBRARY = Path(sysconfig.get_path("stdlib"))


@contextmanager
def told(missing: str = "fail") -> Iterator[None]:
    """Fail the test with the error's own lines, and the doctor's where it knows the cause; skip it instead where
    ``missing`` is ``skip``."""
    from imagebuild.errors import WcowError

    try:
        yield
    except WcowError as error:
        if missing == "skip":
            raise pytest.skip.Exception(words(error)) from None
        raise pytest.fail.Exception(words(error), pytrace=False) from None


def words(error: WcowError) -> str:
    """An error as text: what, why, what to do. A short reason goes on the first line, which is all that pytest's
    summary shows of an error."""
    lines = error.lines()
    if error.why and "\n" not in error.why and len(lines[0]) + len(lines[1]) < HEADLINE:
        lines = [f"{lines[0]}: {lines[1]}", *lines[2:]]
    said = remedy(str(error)) if not error.hint else ""
    return _LONG_ID.sub(r"\1", "\n".join([*lines, *([said] if said else [])]))[:SHOWN]


def remedy(text: str) -> str:
    """What the doctor says of an error text of an engine: cause and remedy; empty where it knows none."""
    from imagebuild.doctor import explain

    cause = explain(text[:SHOWN]).first
    return f"{cause.failure.title}. {cause.failure.cause} {cause.failure.remedy}" if cause is not None else ""


def without_ours(excinfo: pytest.ExceptionInfo[BaseException]) -> None:
    """Take our own frames out of an error of ours that a test met, and add its remedy as a note. A KeyError of a name
    that a container does not have is ours, too."""
    from imagebuild.errors import WcowError

    error = excinfo.value
    if isinstance(error, KeyError) and _ours(excinfo.traceback[-1].path):
        error.__cause__, error.__suppress_context__ = None, True
        _relink(error)
    if not isinstance(error, WcowError) or getattr(error, "_wcow_told", False):
        return
    error._wcow_told = True  # type: ignore[attr-defined]
    error.__cause__, error.__suppress_context__ = None, True
    said = error.hint or remedy(str(error))
    if said:
        error.add_note(said)
    _relink(error)


def _relink(error: BaseException) -> None:
    """Take our frames, and those of Python's library below them, out of the chain itself: pytest cuts it by the first
    one that is shown, and forgets filters."""
    entries = []
    entry, inside = error.__traceback__, False
    while entry is not None:
        path = Path(entry.tb_frame.f_code.co_filename)
        inside = _ours(path) or (inside and path.is_relative_to(_LIBRARY))
        if not inside:
            entries.append(entry)
        entry = entry.tb_next
    for one, following in zip(entries, [*entries[1:], None], strict=True):
        one.tb_next = following


def _ours(path: Path | str) -> bool:
    parts = Path(path).parts
    return any(part in ("imagebuild", "pytest_wcow") for part in parts[-4:-1]) and "tests" not in parts
