# SPDX-License-Identifier: Apache-2.0
"""Cables that are switched off and go a moment later.

To remove an interface the kernel waits until nobody can still be looking at it, 30 to 60 ms; for many at once it waits
once. Containers that start or end in the meantime must not wait with it.
"""

from __future__ import annotations

import threading
from contextlib import suppress
from queue import SimpleQueue

from .netlink import Netlink

_GROUP = 0x57434F57
"""Of interfaces that are about to go. Any number but 0, which all others are in."""


class Remover:
    """Removes interfaces of the network namespace that the thread is in when this is made, in a thread of its own."""

    def __init__(self) -> None:
        self._names: SimpleQueue[str] = SimpleQueue()
        self._netlink = Netlink()
        threading.Thread(target=self._run, name="remover", daemon=True).start()

    def remove(self, name: str) -> None:
        """Remove it soon. One that is gone by then, with the namespace that had its other end, is no error."""
        self._names.put(name)

    def _run(self) -> None:
        while True:
            names = [self._names.get()]
            while not self._names.empty():
                names.append(self._names.get())
            for name in names:
                with suppress(OSError):  # an interface that is gone is what was wanted
                    self._netlink.put_into_group(name, _GROUP)
            with suppress(OSError):  # an interface that is gone is what was wanted
                self._netlink.delete_group(_GROUP)
