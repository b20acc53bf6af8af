# SPDX-License-Identifier: Apache-2.0
"""The folder of one box on this machine, and how to touch it while its programs run.

::

    folder/
      prefix/         Wine's prefix: system.reg user.reg userdef.reg, dosdevices/, drives/ (D: and on)
      upper/ work/    what was written to drive C, and the overlay's own
      run/            what the host and launcher.exe tell each other about programs (:mod:`.talks`)

Programs of the box can write in ``prefix`` and ``upper``, links too, so the host opens nothing there by a path that
they could have changed. ``run`` is the host's own, and made anew each time.
"""

from __future__ import annotations

import os
import shutil
from contextlib import suppress
from pathlib import Path
from typing import BinaryIO

from ...errors import NotFoundError, UsageError, quoted
from ..linux.account import Account
from ..linux.drives import FOLDER
from ..port import BoxSpec, OpenFolder
from ..registry import identity
from ..snapshots import overlay
from ..snapshots.file import CREATE
from .template import HIVES, UPDATED

_HEAD = 4096
"""Bytes of a registry file that have its first key."""
REFUSED = "refused"
"""A file in ``prefix``: a program was started that stands for one which cannot run here (``programs/refuse.c``)."""


def make(spec: BoxSpec, template: Path, account: Account) -> None:
    """Make the folder of a box where it is missing, and write what may differ from start to start. OSError."""
    prefix = spec.folder / "prefix"
    if not prefix.is_dir():
        new = spec.folder / "prefix.new"
        shutil.rmtree(new, ignore_errors=True)
        new.mkdir(parents=True)
        account.own(new)
        inside = os.open(new, FOLDER)
        try:
            for name in ("dosdevices", "drive_c"):
                os.mkdir(name, dir_fd=inside)
                account.own(name, inside)
            os.symlink("../drive_c", "dosdevices/c:", dir_fd=inside)
            account.own("dosdevices/c:", inside)
            _registry(spec, template, inside, account)
        finally:
            os.close(inside)
        new.rename(prefix)
    for name in ("upper", "work"):
        if not (spec.folder / name).is_dir():
            (spec.folder / name).mkdir()
            account.own(spec.folder / name)
    overlay.remove_path(spec.folder / "run")
    (spec.folder / "run").mkdir()
    (spec.folder / "run").chmod(0o711)


def _registry(spec: BoxSpec, template: Path, prefix: int, account: Account) -> None:
    hostname = spec.hostname or spec.id[:12]
    more = {"system.reg": identity.system(hostname, spec.windows_build, spec.windows_revision, spec.user),
            "user.reg": identity.user(hostname, spec.user)}
    for name in HIVES:
        given = spec.registry / name if spec.registry else None
        source = given if given and given.is_file() else template / name
        if name == "user.reg" and identity.account(spec.user) == identity.OTHER_USER:
            data = identity.profile(source.read_bytes(), spec.user)
            at, lines = _before_all(spec, name, data)
            with _new(name, prefix, account) as file:
                file.write(data[:at] + lines + data[at:] + more[name])
            continue
        with source.open("rb", buffering=0) as hive, _new(name, prefix, account) as file:
            left = os.fstat(hive.fileno()).st_size
            if spec.powershell:
                head = hive.read(_HEAD)
                at, lines = _before_all(spec, name, head)
                file.write(head[:at] + lines)
                file.flush()
                hive.seek(at)
                left -= at
            while left and (sent := os.sendfile(file.fileno(), hive.fileno(), None, left)):
                left -= sent
            file.write(more.get(name, b""))
    with _new(UPDATED, prefix, account) as file:
        file.write(b"disable\n")


def _before_all(spec: BoxSpec, name: str, head: bytes) -> tuple[int, bytes]:
    if not spec.powershell:
        return 0, b""
    return identity.before_all(name, head, spec.windows_build, spec.windows_revision)


def _new(name: str, parent: int, account: Account) -> BinaryIO:
    """A file that is made in an open folder, the account's."""
    file = os.fdopen(os.open(name, CREATE, 0o644, dir_fd=parent), "wb")
    account.own(name, parent)
    return file


def refused(folder: Path) -> bool:
    """Whether a program of the box, whose folder this is, could not run here and said so."""
    return (folder / "prefix" / REFUSED).is_file()


def remove(folder: Path) -> None:
    """Take the folder of a box away, or as much of it as can be taken: what fails is left, and the rest goes. The
    overlay leaves a folder in ``work`` without any permissions, and a program of the box may have made others."""
    with suppress(OSError):
        overlay.remove_path(folder)


def open_source(path: Path) -> OpenFolder:
    """The folder to be mounted that a path leads to now; NotFoundError."""
    if not path.is_absolute():
        raise UsageError(f"cannot mount {quoted(str(path))}", why="the source must be an absolute path")
    try:
        return OpenFolder(os.open(path, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC))
    except OSError as error:
        raise NotFoundError(f"cannot mount {path}", why=error.strerror or str(error)) from error
