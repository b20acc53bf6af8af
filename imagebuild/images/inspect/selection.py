# SPDX-License-Identifier: Apache-2.0
"""A pattern of paths, matched on the way down a tree: whole folders that cannot match are never entered.

``C:\\\\app``, ``/app/*.dll``, ``/Users/**/NTUSER.DAT``: ``*``, ``?`` and ``[…]`` stand for something within one name,
``**`` for any number of folders. What is below a folder that matches is chosen, too.
"""

from __future__ import annotations

from collections.abc import Callable

from ...dockerfile.patterns.globs import match
from ...windows.names import parse_path

State = frozenset[int]
"""How far a path has come in the pattern, by every way that fits."""


class Selection:
    """The paths that ``pattern`` chooses; the empty one chooses all. ``key`` gives the form in which names are
    compared, ``below`` the folder in which the pattern's root stands.

    ``FormatError`` for a bad pattern, ``UnsupportedError`` for another drive.
    """

    def __init__(self, pattern: str = "", *, key: Callable[[str], str] = str, below: tuple[str, ...] = ()) -> None:
        self._key = key
        self._parts = tuple(key(name) for name in (*below, *parse_path(pattern))) if pattern else ()
        for part in self._parts:
            match(part, "")  # a bad pattern is told now, not when a name comes along
        self.start: State = self._closed({0})

    def step(self, state: State, name: str) -> State:
        """One name further down."""
        end = len(self._parts)
        if end in state:
            return state
        key = self._key(name)
        after = {at if self._parts[at] == "**" else at + 1 for at in state
                 if self._parts[at] == "**" or self._parts[at] == key or match(self._parts[at], key)}
        return self._closed(after)

    def chosen(self, state: State) -> bool:
        """Whether a path that came this far is chosen."""
        return len(self._parts) in state

    def _closed(self, state: set[int]) -> State:
        """``**`` may also stand for no folder at all."""
        for at in range(len(self._parts)):
            if at in state and self._parts[at] == "**":
                state.add(at + 1)
        return frozenset(state)


__all__ = ["Selection", "State"]
