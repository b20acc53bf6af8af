# SPDX-License-Identifier: Apache-2.0
"""The services of a container, by ``sc``."""

from __future__ import annotations

import re
import time
from collections.abc import Iterator, Mapping
from dataclasses import dataclass
from typing import TYPE_CHECKING

from ...errors import DaemonError
from ..deadline import Deadline, DeadlineError

if TYPE_CHECKING:
    from ..container import Container

_NAME = re.compile(r"^SERVICE_NAME: (.*)$", re.MULTILINE)
_STATE = re.compile(r"^\s+STATE\s+: \d+\s+([A-Z_]+)", re.MULTILINE)
SERVICES = r"HKLM\SYSTEM\CurrentControlSet\Services"


@dataclass(frozen=True)
class Service:
    """One service; ``state`` is asked each time: ``running``, ``stopped``, ``start_pending`` …"""

    container: Container
    name: str

    @property
    def state(self) -> str:
        """Its state now, in small letters. Raises KeyError when there is no such service."""
        said = self.container.run(["sc", "query", self.name])
        found = _STATE.search(said.stdout)
        if found is None:
            raise KeyError(self.name)
        return found[1].lower()

    def start(self, seconds: float = 30) -> None:
        """Start it, and wait until it runs."""
        self._become("start", "running", seconds)

    def stop(self, seconds: float = 30) -> None:
        """Stop it, and wait until it has stopped."""
        self._become("stop", "stopped", seconds)

    def _become(self, verb: str, state: str, seconds: float) -> None:
        deadline = Deadline(seconds)
        said = self.container.run(["sc", verb, self.name])
        if not said.ok and self.state != state:
            raise DaemonError(f"cannot {verb} the service {self.name}", status=0,
                              why=(said.stdout or said.stderr).strip())
        while self.state != state:
            if deadline.over:
                raise DeadlineError(f"the service {self.name} is not {state}", seconds)
            time.sleep(0.05)


class Services(Mapping[str, Service]):
    """Services by name, as Windows compares names."""

    def __init__(self, container: Container) -> None:
        self._container = container

    def __getitem__(self, name: str) -> Service:
        found = Service(self._container, name)
        found.state  # noqa: B018  # a service that is not there is a KeyError
        return found

    def __contains__(self, name: object) -> bool:
        return isinstance(name, str) and self._container.run(["sc", "query", name]).exit_code == 0

    def __iter__(self) -> Iterator[str]:
        said = self._container.run(["sc", "query", "state=", "all"])
        if said.ok:
            return iter(_NAME.findall(said.stdout))
        listed = self._container.registry[SERVICES].subkeys()  # Wine's sc lists none
        return iter([name for name in listed if "\\" not in name])

    def __len__(self) -> int:
        return len(list(iter(self)))
