# SPDX-License-Identifier: GPL-3.0-or-later
# GNU General Public License v3.0+ (see LICENSES/GPL-3.0-or-later.txt or https://www.gnu.org/licenses/gpl-3.0.txt)
"""What a module is asked and what it answers, apart from Ansible."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from typing import Any

from ...imagebuild.dockerapi import Client


class TaskError(Exception):
    """A task that fails: the message, and values that go into its result."""

    def __init__(self, message: str, **values: Any) -> None:
        super().__init__(message)
        self.values = values


@dataclass(frozen=True)
class Task:
    """One task on one host: its arguments after validation, and the engine that it is about.

    ``engine`` connects when it is first called. ``through`` says how the host is reached (``winrm``, ``psrp``, ``ssh``,
    ``docker_host``), ``tunnel`` opens or closes a socket of the control node
    that leads to the engine, ``note`` shows a line at a verbosity.
    """

    module: str
    args: Mapping[str, Any]
    check: bool
    engine: Callable[[], Client]
    through: str = ""
    tunnel: Callable[[bool], str] = lambda there: ""
    note: Callable[[str], None] = lambda text: None

    @property
    def client(self) -> Client:
        """The engine's client."""
        return self.engine()

    def text(self, name: str) -> str:
        """An argument that is a text; empty when it was not given."""
        return str(self.args.get(name) or "")


@dataclass
class Plan:
    """What a task will do, decided before anything is done: steps with their names, and the state before and after.

    A step is called when the task is no check; what it returns is dropped. So a check and a real run decide alike.
    """

    before: dict[str, Any] = field(default_factory=dict)
    after: dict[str, Any] = field(default_factory=dict)
    steps: list[tuple[str, Callable[[], object]]] = field(default_factory=list)

    def add(self, name: str, step: Callable[[], object]) -> None:
        """Have a step done after those before it."""
        self.steps.append((name, step))

    def differs(self, name: str, before: object, after: object) -> None:
        """Show a fact that changes."""
        self.before[name], self.after[name] = before, after

    @property
    def changed(self) -> bool:
        """Whether there is anything to do."""
        return bool(self.steps)

    def run(self, task: Task) -> dict[str, Any]:
        """Do the steps, unless this is a check, and return the result's common part."""
        done = []
        for name, step in self.steps:
            if not task.check:
                task.note(name)
                step()
            done.append(name)
        return {"changed": self.changed, "actions": done, "diff": {"before": self.before, "after": self.after}}


def filters_of(value: Any) -> dict[str, list[str]] | None:
    """Filters as the engine takes them: each name with a list of texts; ``None`` when there are none."""
    def texts(one: Any) -> list[str]:
        values = one if isinstance(one, list) else [one]
        return [str(text).lower() if isinstance(text, bool) else str(text) for text in values if text is not None]

    return {str(name): texts(one) for name, one in (value or {}).items()} or None


def plain(value: Any) -> Any:
    """A copy of what Ansible hands over without its tags: plain dictionaries, lists and texts."""
    if isinstance(value, Mapping):
        return {str(key): plain(inner) for key, inner in value.items()}
    if isinstance(value, str):
        return "".join(value)  # a str of its own, whatever class of text it was
    if isinstance(value, (list, tuple, set, frozenset)):
        return [plain(inner) for inner in value]
    if isinstance(value, bool) or value is None:
        return value
    if isinstance(value, int):
        return int(value)
    if isinstance(value, float):
        return float(value)
    return value
