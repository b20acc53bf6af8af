# SPDX-License-Identifier: Apache-2.0
"""Who may enter and read the engine's folder: the engine alone, and on the way to their files the account of boxes.

An engine of root runs boxes as another account. bubblewrap looks the folders of a box up as that account, so it must be
able to pass (``--x``) where they lie, but never to list or to read records: those folders belong to root and to the
account's group, with 0710, as moby has them since CVE-2021-41091 (``daemon/daemon.go``: ``containers`` 0710, records
0600). An ordinary user's boxes run as that user, so nothing is open to a group: 0700 and 0600.
"""

from __future__ import annotations

import os
import stat
from collections.abc import Iterator
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ..errors import StoreError
from ..runtime.linux.account import Account, choose

PASSED = 0o710
"""Folders that the account of boxes passes through; 0700 where that is the engine's own."""
CLOSED = 0o700
RECORD = 0o600
UMASK = 0o022
"""Of the engine's process, whatever its user's is (moby ``cmd/dockerd/daemon_unix.go`` setDefaultUmask): what it
unpacks and gives to boxes depends on it."""


@dataclass(frozen=True, slots=True)
class Rule:
    """The mode of what matches ``pattern``, relative to the engine's folder (``""``)."""

    pattern: str
    mode: int


FOLDERS = (
    Rule("", PASSED), Rule("containers", PASSED), Rule("containers/*", PASSED), Rule("volumes", PASSED),
    Rule("volumes/*", PASSED), Rule("layers", PASSED), Rule("images", CLOSED), Rule("registries", CLOSED),
    Rule("cache", CLOSED), Rule("networks", CLOSED), Rule("tmp", CLOSED))
"""Below these, what a folder holds is as open as whoever wrote it left it: it cannot be reached."""
RECORDS = tuple(Rule(pattern, RECORD) for pattern in (
    "*.json", "*.lock", "*.log", "containers/*/*.json", "containers/*/output*", "volumes/*/volume.json",
    "networks/*.json"))

LOCKS = ("layers.lock", "start.lock")
"""Made before they are needed: an account that may open a lock may hold it, too."""


def make(folder: Path, account: Account | None = None) -> Path:
    """Make a folder that boxes pass through, and nobody else but the engine. OSError, when it is there, too."""
    folder.mkdir(mode=CLOSED)
    _set(folder, PASSED, account or choose(), stat.S_IFDIR)
    return folder


def claim(root: Path) -> None:
    """Take the engine's folder, made where it is missing, and its process for the engine: set its umask, and close what
    an earlier version left open. StoreError for a folder that another account has."""
    os.umask(UMASK)
    try:
        _claim(root, choose())
    except OSError as error:
        raise StoreError(f"cannot use {root} as an engine's folder", why=f"{error.filename or root}: {error.strerror}",
                         hint="choose a folder of your own with --root") from error


def _claim(root: Path, account: Account) -> None:
    root.mkdir(parents=True, exist_ok=True, mode=CLOSED)
    for rule in FOLDERS:
        for path in _matches(root, rule):
            _set(path, rule.mode, account, stat.S_IFDIR)
        if rule.pattern and "*" not in rule.pattern and not (root / rule.pattern).exists():
            (root / rule.pattern).mkdir(mode=CLOSED)
            _set(root / rule.pattern, rule.mode, account, stat.S_IFDIR)
    for name in LOCKS:
        os.close(os.open(root / name, os.O_RDONLY | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC, RECORD))
    for rule in RECORDS:
        for path in _matches(root, rule):
            with suppress(FileNotFoundError):  # a draft that its writer renamed meanwhile
                _set(path, rule.mode, account, stat.S_IFREG)


def _matches(root: Path, rule: Rule) -> Iterator[Path]:
    return iter([root]) if not rule.pattern else root.glob(rule.pattern)


def _set(path: Path, mode: int, account: Account, kind: int) -> None:
    """Give one path its mode and owners, where it has others. What is a link, or of another kind, is left alone."""
    about = path.lstat()
    if stat.S_IFMT(about.st_mode) != kind:
        if path.is_dir() and kind == stat.S_IFDIR:
            return _set(path.resolve(), mode, account, kind)  # the user's own link: the folder is elsewhere
        return None
    passed = mode == PASSED and account.drop
    mode = mode if passed or mode != PASSED else CLOSED
    group = account.gid if passed else about.st_gid
    if stat.S_IMODE(about.st_mode) == mode and about.st_gid == group:
        return None
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_CLOEXEC | os.O_NONBLOCK)
    try:
        if about.st_gid != group:
            os.fchown(descriptor, -1, group)
        os.fchmod(descriptor, mode)
    finally:
        os.close(descriptor)
    return None
