# SPDX-License-Identifier: Apache-2.0
"""A program in a window of tmux: a real terminal, whose screen can be read as a person sees it."""

from __future__ import annotations

import contextlib
import tempfile
import time
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass
from pathlib import Path

from . import programs
from .users import User


@dataclass(frozen=True, slots=True)
class Window:
    """One window; ``socket`` is of a tmux of its own."""

    tmux: Path
    socket: Path
    user: User

    def type(self, text: str) -> None:
        """Type a text as it is."""
        self._ask("send-keys", "-l", text)

    def press(self, *keys: str) -> None:
        """Press keys by tmux' names: ``Enter``, ``Tab``, ``C-c``."""
        self._ask("send-keys", *keys)

    def resize(self, rows: int, columns: int) -> None:
        """Another size of the window."""
        self._ask("resize-window", "-x", str(columns), "-y", str(rows))

    def screen(self) -> str:
        """What the window shows, without blanks at the ends of its lines and lines at its end."""
        return "\n".join(line.rstrip() for line in self._ask("capture-pane", "-p").splitlines()).rstrip()

    def until(self, true: Callable[[str], object], seconds: float = 60) -> str:
        """Wait until the screen is so, and return it; a failure shows the screen that is there instead."""
        end = time.monotonic() + seconds
        while not true(screen := self.screen()):
            assert time.monotonic() < end, f"not within {seconds:g} s; the screen is:\n{screen}"
            time.sleep(0.1)
        return screen

    def code(self, seconds: float = 60) -> int:
        """Wait until the program has ended: its exit code."""
        end = time.monotonic() + seconds
        while not (said := self._ask("list-panes", "-F", "#{pane_dead_status}").strip()):
            assert time.monotonic() < end, f"it goes on; the screen is:\n{self.screen()}"
            time.sleep(0.1)
        return int(said)

    def _ask(self, *args: str) -> str:
        return programs.run(self.tmux, "-S", self.socket, *args, user=self.user).stdout


@contextlib.contextmanager
def window(user: User, *argv: str | Path, env: Mapping[str, str], rows: int = 30,
           columns: int = 100) -> Iterator[Window]:
    """Start a program in a window as an account; it and its tmux are ended at the end. Unavailable without tmux."""
    tmux = programs.find("tmux")
    with tempfile.TemporaryDirectory(prefix="wcow-tmux-") as scratch:
        folder = user.own(Path(scratch))
        made = Window(tmux, folder / "tmux", user)
        programs.run(tmux, "-S", made.socket, "-f", "/dev/null", "start-server", ";", "set-option", "-g",
                     "remain-on-exit", "on", ";", "set-option", "-g", "default-shell", "/bin/sh", ";", "new-session",
                     "-d", "-x", str(columns), "-y", str(rows), "--", *argv,
                     env={**env, "TERM": "xterm", "LC_ALL": "C.UTF-8"}, user=user)
        try:
            yield made
        finally:
            programs.run(tmux, "-S", made.socket, "kill-server", user=user, ok=False)
