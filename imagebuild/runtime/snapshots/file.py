# SPDX-License-Identifier: Apache-2.0
"""One file of a layer is written; and the process that does so for :mod:`.writer_process`.

That process is a program of its own (``python -I -S`` runs :func:`main`), so this file needs nothing but the standard
library.
"""

from __future__ import annotations

import marshal
import os
import struct
from collections.abc import Callable

CREATE = os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC
_FOLDER = os.O_RDONLY | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
ATTRIBUTES = "user.DOSATTRIB"
"""Where Samba and Wine keep what a mode cannot say."""
SECURITY = "user.wcow.security"
"""Where ``programs/security.c`` keeps a file's security descriptor."""
HEAD = struct.Struct("<I")
FAILED = struct.Struct("<Bi")
DONE = b"\0"
_OPEN_FOLDERS = 64

Facts = tuple[int | None, int | None, bytes, int | None, bytes]
"""Of a file: its mode where it has to be set, its owner where it is another, its attributes as text where it has any,
when it was changed (nanoseconds since 1970) where that is known, and its security descriptor where it has one of its
own."""
Job = tuple[tuple[str, ...], str, bytes, Facts]
"""A folder below the root, a name in it, the content, the facts."""


def write_file(above: int, name: str, read: Callable[[], bytes], facts: Facts) -> None:
    """Make a file in an open folder; ``read`` gives its content, piece by piece, empty at the end."""
    mode, owner, attributes, changed, security = facts
    number = os.open(name, CREATE, 0o644, dir_fd=above)
    try:
        while data := read():
            while (done := os.write(number, data)) < len(data):
                data = data[done:]
        if attributes:  # before the mode: only root may give them to a file that its owner cannot write
            os.setxattr(number, ATTRIBUTES, attributes)
        if security:
            os.setxattr(number, SECURITY, security)
        if mode is not None:
            os.fchmod(number, mode)
        if owner is not None:
            os.fchown(number, owner, owner)
        if changed is not None:
            os.utime(number, ns=(changed, changed))
    finally:
        os.close(number)


def _open(root: int, parts: tuple[str, ...]) -> int:
    number = os.dup(root)
    for part in parts:
        above = number
        try:
            number = os.open(part, _FOLDER, dir_fd=above)
        finally:
            os.close(above)
    return number


def main(jobs: int, answers: int, root: int) -> None:
    """Write what comes by the pipe ``jobs``, lists of :data:`Job` each behind its length, below the open folder
    ``root``; say on ``answers`` that we have begun, that one is done, or what was in the way, and then end."""
    folders: dict[tuple[str, ...], int] = {}
    os.write(answers, DONE)  # we have begun
    with open(jobs, "rb") as stream:
        while len(head := stream.read(HEAD.size)) == HEAD.size:
            (size,) = HEAD.unpack(head)
            data = stream.read(size)
            if len(data) < size:
                return  # who gave us work is gone
            try:
                for parts, name, content, facts in marshal.loads(data):
                    above = folders.get(parts)
                    if above is None:
                        if len(folders) >= _OPEN_FOLDERS:
                            for one in folders.values():
                                os.close(one)
                            folders.clear()
                        above = folders[parts] = _open(root, parts)
                    pieces = iter((content, b"")) if content else iter((b"",))
                    write_file(above, name, pieces.__next__, facts)
            except OSError as error:
                os.write(answers, FAILED.pack(1, error.errno or 5))
                return
            os.write(answers, DONE)
