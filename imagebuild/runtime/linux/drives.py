# SPDX-License-Identifier: Apache-2.0
"""Open folders of a box where its programs may have put links, and the folders of its drives other than C."""

from __future__ import annotations

import os
from contextlib import ExitStack, suppress

from ..port import BoxSpec
from .account import Account

FOLDER = os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC
"""How a folder is opened where a program of the box may have put a link."""


def drive(letter: str, spec: BoxSpec, account: Account) -> int:
    """A descriptor of the folder of a drive other than C, made where it is missing. A program of the box may have put
    links where it is to be: an OSError."""
    with ExitStack() as stack:
        def keep(descriptor: int) -> int:
            stack.callback(os.close, descriptor)
            return descriptor

        prefix = keep(os.open(spec.folder / "prefix", FOLDER))
        devices = keep(_enter("dosdevices", prefix, account))
        drives = keep(_enter("drives", prefix, account))
        made = _enter(letter, drives, account)
        with suppress(FileExistsError):
            os.symlink(f"../drives/{letter}", f"{letter}:", dir_fd=devices)
            account.own(f"{letter}:", devices)
        return made


def _enter(name: str, parent: int, account: Account) -> int:
    """A descriptor of a folder in an open one, made where it is missing."""
    with suppress(FileExistsError):
        os.mkdir(name, dir_fd=parent)
        account.own(name, parent)
    return os.open(name, FOLDER, dir_fd=parent)
