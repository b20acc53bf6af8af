# SPDX-License-Identifier: Apache-2.0
"""What an instruction wants to put into the image, before it has security, times and a place in a layer."""

from __future__ import annotations

import os
from collections.abc import Callable
from dataclasses import dataclass
from typing import BinaryIO

from ..layer import Kind, Times
from ..windows.sid import Sid

Components = tuple[str, ...]
"""A path below ``C:\\`` as its components; the empty tuple is ``C:\\`` itself."""

Content = bytes | os.PathLike[str] | Callable[[], BinaryIO]
"""Where a file's bytes come from: the bytes, a file on disk, or something that opens a stream."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file, folder or link that an instruction puts at ``path``.

    ``size`` counts for files, ``target`` (raw Windows form) for links and junctions. ``modified`` is the source's own
    FILETIME, used only with ``--timestamps source``. ``attributes`` are those the source had on Windows (``COPY --from``
    a Windows image), ``None`` for things that never had any. ``security`` and ``times`` are given only where the
    instruction itself decides them (hives of a base); everything else inherits.
    """

    path: Components
    kind: Kind
    size: int = 0
    content: Content | None = None
    target: str = ""
    modified: int | None = None
    attributes: int | None = None
    security: bytes | None = None
    times: Times | None = None


@dataclass(frozen=True, slots=True)
class Changes:
    """All an instruction wants, in no particular order; ``owner`` is the account of ``--chown``."""

    items: tuple[Change, ...]
    owner: Sid | None = None
