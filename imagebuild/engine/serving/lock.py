# SPDX-License-Identifier: Apache-2.0
"""One engine for a folder: the lock that it holds while it lives, and what others learn from it.

Light: a program that only asks whether an engine runs loads nothing of the engine itself.
"""

from __future__ import annotations

import os
import time
from contextlib import suppress
from dataclasses import dataclass
from pathlib import Path

from ...errors import StoreError
from ..files import read_document, write_document

TRIES, PAUSE = 20, 0.01


@dataclass(frozen=True, slots=True)
class Running:
    """An engine that runs: its process, its socket, the address on which it publishes ports that have none of their
    own, and after how many idle seconds it ends (0: never). ``pid`` is 0 while it starts."""

    pid: int
    socket: Path
    publish_address: str = ""
    idle: float = 0

    @property
    def host(self) -> str:
        """The engine's address for a client, as in ``DOCKER_HOST``."""
        return f"unix://{self.socket}"


class Lock:
    """Held by the one engine of a folder. A kernel lock: it is gone when its process is, however that ends."""

    def __init__(self, root: Path) -> None:
        import fcntl  # here and below: Windows, which lacks it, can load this module

        from .. import modes

        modes.claim(root)
        self._root = root
        self._file = os.open(root / "engine.lock", os.O_RDWR | os.O_CREAT | os.O_CLOEXEC, 0o600)
        for _unused in range(TRIES):  # a process that asks whether an engine runs holds the lock for a moment, too
            with suppress(OSError):
                fcntl.flock(self._file, fcntl.LOCK_EX | fcntl.LOCK_NB)
                break
            time.sleep(PAUSE)
        else:
            os.close(self._file)
            found = running(root)
            raise StoreError(f"cannot start an engine in {root}",
                             why=f"one runs there already (process {found.pid})" if found and found.pid else
                             "one runs there already", hint="'wcow engine stop' ends it")
        with suppress(OSError):  # of an engine that was killed: it must not be taken for this one
            (root / "running.json").unlink()

    def tell(self, socket: Path, publish_address: str, idle: float = 0) -> None:
        """Say where this engine is, where its ports are, and after how many idle seconds it ends."""
        write_document(self._root / "running.json", {"pid": os.getpid(), "socket": str(socket),
                                                     "publish_address": publish_address, "idle": idle})

    def close(self) -> None:
        """Let go."""
        with suppress(OSError):
            (self._root / "running.json").unlink()
        os.close(self._file)


def running(root: Path) -> Running | None:
    """Return the engine of a folder; ``None`` when none runs there. Its process is 0 while it starts. StoreError for
    a folder that this user may not look into."""
    import fcntl

    try:
        file = os.open(root / "engine.lock", os.O_RDONLY | os.O_CLOEXEC)
    except (FileNotFoundError, NotADirectoryError):
        return None
    except OSError as error:
        raise StoreError(f"cannot use {root} as an engine's folder", why=f"{error.filename}: {error.strerror}",
                         hint="run this as the user whose engine it is, or choose a folder with --root") from error
    try:
        fcntl.flock(file, fcntl.LOCK_SH | fcntl.LOCK_NB)  # shared: two who ask do not take each other for it
    except OSError:
        document = read_document(root / "running.json")
        if isinstance(document, dict) and isinstance(document.get("pid"), int):
            idle = document.get("idle")
            return Running(document["pid"], Path(str(document.get("socket", ""))),
                           str(document.get("publish_address", "")), idle if isinstance(idle, int | float) else 0)
        return Running(0, Path())
    finally:
        os.close(file)
    return None
