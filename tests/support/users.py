# SPDX-License-Identifier: Apache-2.0
"""The accounts that tests run an engine and its clients as: root, and an ordinary user.

Root hides mistakes: it may open every folder, own every file and kill every process. So where tests run as root they
start a part of themselves again as an account that may do nothing but what everybody may. That account has a number and
a home of its own, and no line in ``/etc/passwd``: tests change nothing of the machine, and a program that looks its
user's name up must go on without one, as it must in a container with ``--user 60999``. Where tests run as an ordinary
user already, that is the account, and the half of the tests that wants root is skipped.

Debian's own Python runs what the account starts when ours lies in a folder that is closed to others (root's home).
"""

from __future__ import annotations

import contextlib
import functools
import os
import pwd
import subprocess
import sys
import sysconfig
import tempfile
from collections.abc import Iterator
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from . import programs

HERE = Path(__file__).resolve().parents[2]
UID = 60999
"""In the range that no distribution and no systemd gives to an account (systemd's ``UIDS-GIDS``)."""
ROOT, USER = "root", "user"
KINDS = (ROOT, USER)


@dataclass(frozen=True, slots=True)
class User:
    """An account. ``drop``: we are root and become it; ``home`` stays from run to run."""

    kind: str
    uid: int
    gid: int
    home: Path
    drop: bool
    python: str

    def popen(self) -> dict[str, Any]:
        """Keyword arguments of ``subprocess.Popen`` that start a program as this account."""
        return {"user": self.uid, "group": self.gid, "extra_groups": []} if self.drop else {}

    def environment(self) -> dict[str, str]:
        """What its programs get: the test's own variables, but a home and folders that are the account's."""
        found = dict(os.environ)
        if not self.drop:
            return found
        kept = {name: value for name, value in found.items()
                if not name.startswith(("XDG_", "SUDO_")) and name not in ("USER", "LOGNAME", "MAIL", "DOCKER_CONFIG")}
        return {**kept, "HOME": str(self.home), "PYTHONPATH": self.python_path(), "PYTHONDONTWRITEBYTECODE": "1"}

    def python_path(self) -> str:
        """Where its Python finds the library and what that needs."""
        return os.pathsep.join((str(HERE), sysconfig.get_paths()["purelib"])) if self.drop else str(HERE)

    def own(self, path: Path) -> Path:
        """Give it a file or folder that we have made."""
        if self.drop:
            os.chown(path, self.uid, self.gid, follow_symlinks=False)
        return path

    def run(self, code: str, *args: str | Path, timeout: float = 120) -> str:
        """Run Python source as this account, with the library: what it printed. A failure fails the test."""
        return programs.run(self.python, "-c", code, *args, cwd=Path("/"), timeout=timeout, user=self).stdout

    @contextlib.contextmanager
    def folder(self) -> Iterator[Path]:
        """A folder of its own for a test, which boxes may enter."""
        with tempfile.TemporaryDirectory(prefix="wcow-test-", dir="/var/tmp", ignore_cleanup_errors=True) as made:
            Path(made).chmod(0o711)
            yield self.own(Path(made))


@functools.cache
def find(kind: str) -> User:
    """The account of a kind; :class:`~.programs.Unavailable` with the reason where it cannot be had."""
    if kind == ROOT and os.geteuid():
        raise programs.Unavailable("the tests do not run as root")
    if kind == ROOT or os.geteuid():
        return User(kind, os.geteuid(), os.getegid(), Path.home(), False, sys.executable)
    home = Path(f"/var/tmp/wcow-tests-user-{UID}")
    home.mkdir(mode=0o700, exist_ok=True)
    if home.stat().st_uid not in (0, UID) or home.is_symlink():
        raise programs.Unavailable(f"{home} is another user's")
    made = User(kind, UID, UID, home, True, "")
    made.own(home)
    (home / ".cache").mkdir(exist_ok=True)
    made.own(home / ".cache")
    return replace(made, python=_python(made))


def ourselves() -> User:
    """The account that the tests run as."""
    return find(USER if os.geteuid() else ROOT)


def another() -> User:
    """An account that is neither root, nor the ordinary user, nor the one that boxes run as; Unavailable where we are
    not root, and cannot become it."""
    if os.geteuid():
        raise programs.Unavailable("the tests do not run as root, and cannot become another user")
    return replace(ordinary(), uid=UID - 1, gid=UID - 1)


def ordinary() -> User:
    """An account that is not root."""
    return find(USER)


def _python(user: User) -> str:
    """A Python that the account may start and that finds the library with what it needs."""
    version = f"python{sys.version_info.major}.{sys.version_info.minor}"
    said = ""
    for python in (sys.executable, f"/usr/bin/{version}", f"/usr/local/bin/{version}"):
        try:
            done = subprocess.run([python, "-c", "import imagebuild.cli, click, h11, sys; print(sys.version_info[:2])"],
                                  capture_output=True, env=user.environment(), cwd="/", check=False, **user.popen())
        except OSError as error:
            said = said or f"{python}: {error.strerror}"
            continue
        if done.returncode == 0 and done.stdout.decode().strip() == repr(sys.version_info[:2]):
            return python
        said = said or f"{python}: {done.stderr.decode('utf-8', 'replace').strip()[-200:]}"
    raise programs.Unavailable(f"an ordinary user cannot start {version} with this library ({said}): "
                               f"make setup PYTHON=/usr/bin/{version}, in a folder that others may enter")


def named(folder: Path) -> dict[str, str]:
    """Return what gives this account a name in programs that end without one, such as OpenSSH's client: nothing where
    it has one, else libnss-wrapper with a line in a file of ``folder``."""
    try:
        pwd.getpwuid(os.geteuid())
    except KeyError:
        pass
    else:
        return {}
    library = next(iter(sorted(Path("/usr/lib").glob("*/libnss_wrapper.so"))), None)
    if library is None:
        raise programs.Unavailable("this account has no name, and libnss-wrapper is not installed (Debian package "
                                   "libnss-wrapper)")
    accounts, groups = folder / "passwd", folder / "group"
    accounts.write_text(f"tester:x:{os.geteuid()}:{os.getegid()}:tester:{folder}:/bin/sh\n")
    groups.write_text(f"tester:x:{os.getegid()}:\n")
    return {"LD_PRELOAD": str(library), "NSS_WRAPPER_PASSWD": str(accounts), "NSS_WRAPPER_GROUP": str(groups)}
