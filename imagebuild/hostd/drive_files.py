# SPDX-License-Identifier: Apache-2.0
"""Files on a host's drive, from outside. Programs of the host can write there: each folder is opened from the one above
and through no link, and a file is whole or not there."""

from __future__ import annotations

import os
import secrets
import shutil
from collections.abc import Iterator, Sequence
from contextlib import ExitStack, contextmanager, suppress
from typing import BinaryIO

from ..errors import StoreError
from .record import HostPlace

_FOLDER = os.O_RDONLY | getattr(os, "O_DIRECTORY", 0) | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0)
_FILE = os.O_RDONLY | getattr(os, "O_NOFOLLOW", 0) | getattr(os, "O_CLOEXEC", 0) | getattr(os, "O_NONBLOCK", 0)


@contextmanager
def _folder(place: HostPlace, parts: Sequence[str], *, make: bool) -> Iterator[tuple[int, os.stat_result]]:
    """Open a folder of the drive; yield it, with the drive's owner."""
    with ExitStack() as stack:
        here = os.open(place.drive, _FOLDER)
        stack.callback(os.close, here)
        owner = os.fstat(here)
        for part in parts:
            if make:
                with suppress(FileExistsError):
                    os.mkdir(part, 0o755, dir_fd=here)
                    os.chown(part, owner.st_uid, owner.st_gid, dir_fd=here, follow_symlinks=False)
            here = os.open(part, _FOLDER, dir_fd=here)
            stack.callback(os.close, here)
        yield here, owner


def put(place: HostPlace, folder: Sequence[str], name: str, content: BinaryIO) -> None:
    """Write a file into a folder of a host's drive, which is made where it is missing. StoreError."""
    try:
        with _folder(place, folder, make=True) as (here, owner):
            draft = f".{secrets.token_hex(8)}"
            fd = os.open(draft, os.O_WRONLY | os.O_CREAT | os.O_EXCL | os.O_NOFOLLOW | os.O_CLOEXEC, 0o644, dir_fd=here)
            try:
                with os.fdopen(fd, "wb") as target:
                    shutil.copyfileobj(content, target, 1 << 20)
                    os.fchown(target.fileno(), owner.st_uid, owner.st_gid)
                    os.fchmod(target.fileno(), 0o644)
                os.rename(draft, name, src_dir_fd=here, dst_dir_fd=here)
            except BaseException:
                with suppress(OSError):
                    os.unlink(draft, dir_fd=here)
                raise
    except OSError as error:
        raise StoreError(f"cannot put {name} on the host {place.name}", errno=error.errno,
                         why=f"{error.filename or place.drive}: {error.strerror}") from error


def get(place: HostPlace, folder: Sequence[str], name: str, limit: int) -> bytes | None:
    """Return a file of a host's drive, ``None`` when it is missing or is not a file. StoreError for one of more than
    ``limit`` bytes, and when the disk fails."""
    try:
        with _folder(place, folder, make=False) as (here, _unused):
            fd = os.open(name, _FILE, dir_fd=here)
            with os.fdopen(fd, "rb") as file:
                data = file.read(limit + 1)
    except (FileNotFoundError, NotADirectoryError, IsADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot read {name} on the host {place.name}", errno=error.errno,
                         why=error.strerror or str(error)) from error
    if len(data) > limit:
        raise StoreError(f"cannot read {name} on the host {place.name}", why=f"it has more than {limit} bytes")
    return data


def remove(place: HostPlace, folder: Sequence[str], name: str) -> None:
    """Remove a file of a host's drive; nothing when it is missing. StoreError."""
    try:
        with _folder(place, folder, make=False) as (here, _unused):
            os.unlink(name, dir_fd=here)
    except (FileNotFoundError, NotADirectoryError):
        return
    except OSError as error:
        raise StoreError(f"cannot remove {name} from the host {place.name}", errno=error.errno,
                         why=error.strerror or str(error)) from error
