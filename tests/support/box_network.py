# SPDX-License-Identifier: Apache-2.0
"""A network for boxes with a server in it: a Python program in a network namespace of its own."""

from __future__ import annotations

import subprocess
from collections.abc import Iterator
from contextlib import contextmanager
from pathlib import Path

from imagebuild.runtime import Namespace
from imagebuild.runtime.linux.account import Account

from . import programs


@contextmanager
def serving(account: Account, program: str, *words: str) -> Iterator[tuple[Namespace, str]]:
    """A network in which ``program`` (Python source) runs with ``words``, and the line that it printed once it serves,
    empty where no namespace can be made. The network is the account's, as boxes' are."""
    python, unshare = programs.find("/usr/bin/python3"), programs.find("unshare")
    command = [unshare, "--user", "--map-root-user", "--net", "--", "/bin/sh", "-c",
               'ip link set lo up && exec "$@"', "sh", python, "-I", "-c", program, *words]
    server = subprocess.Popen(command, stdin=subprocess.PIPE, stdout=subprocess.PIPE, cwd="/",
                              env={"PATH": "/usr/bin:/bin:/usr/sbin:/sbin"}, **account.popen())
    try:
        assert server.stdout is not None
        line = server.stdout.readline().decode()
        spaces = Path(f"/proc/{server.pid}/ns")
        yield Namespace(spaces / "net", spaces / "user"), line
    finally:
        server.kill()
        server.communicate()
