# SPDX-License-Identifier: Apache-2.0
"""What an instruction wants to put into the image, before it has security, times and a place in a layer."""

from __future__ import annotations

import os
from dataclasses import dataclass

from ..images.rootfs import Rootfs
from ..layer import Kind, Times
from ..windows.sid import Sid
from .context import Context

Components = tuple[str, ...]
"""A path below ``C:\\`` as its components; the empty tuple is ``C:\\`` itself."""

@dataclass(frozen=True, slots=True)
class Later:
    """A file of an image that is fetched only when its layer is really written; ``path`` is a layer path there."""

    rootfs: Rootfs
    path: str


@dataclass(frozen=True, slots=True)
class Local:
    """A file of a build context. Its digest is asked for only when the cache may know the layer."""

    context: Context
    path: str


Content = bytes | os.PathLike[str] | Later | Local
"""Where a file's bytes come from: the bytes themselves, a file on disk, one of an image, or one of a context."""


@dataclass(frozen=True, slots=True)
class Change:
    """One file, folder or link that an instruction puts at ``path``.

    ``size`` counts for files, ``target`` (raw Windows form) for links and junctions. ``modified`` is the source's own
    FILETIME, used only with ``--timestamps source``. ``attributes`` are those the source had on Windows (``COPY
    --from`` a Windows image), ``None`` for things that never had any. ``security`` and ``times`` are given only
    where the instruction itself decides them (hives of a base); everything else inherits. ``identity`` names a
    file's content: equal identities mean equal bytes, and the cache goes by it. It is empty for files of a context.
    """

    path: Components
    kind: Kind
    size: int = 0
    content: Content | None = None
    identity: str = ""
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
