# SPDX-License-Identifier: Apache-2.0
"""How much one user may ask of the service at once: the defaults of Windows Server 2012 and later."""

from __future__ import annotations

from collections import Counter
from collections.abc import Iterator
from contextlib import contextmanager
from dataclasses import dataclass, field

from .envelope import fault
from .envelope.fault import Fault

SHELLS = 30
"""Shells of one user: ``MaxShellsPerUser``."""
PROCESSES = 25
"""Commands that one shell may run at once: ``MaxProcessesPerShell``."""
OPERATIONS = 1500
"""Requests of one user that wait for an answer: ``MaxConcurrentOperationsPerUser``. Every client has a Receive open
for each command that runs."""


@dataclass(slots=True)
class Operations:
    """The requests of each user that are not answered yet."""

    limit: int = OPERATIONS
    _open: Counter[str] = field(default_factory=Counter)

    @contextmanager
    def one(self, user: str) -> Iterator[None]:
        """Count a request of a user for the block; Fault when there are too many."""
        if self._open[user] >= self.limit:
            raise Fault(fault.OPERATION_QUOTA)
        self._open[user] += 1
        try:
            yield
        finally:
            self._open[user] -= 1
            if not self._open[user]:
                del self._open[user]
