# SPDX-License-Identifier: Apache-2.0
"""A container that runs, and what can be done in it."""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import cached_property
from typing import TypedDict, Unpack

from ..dockerapi import Client, shapes, streams
from ..windows import output
from . import execute, lifecycle
from .execute import Ways, cmd_words, powershell_words
from .outcome import Outcome
from .spec import Spec


class Options(TypedDict, total=False):
    """How a program is run: see :class:`~.execute.Ways`."""

    environ: Mapping[str, str] | None
    workdir: str
    user: str
    stdin: bytes
    tty: bool
    timeout: float


class Container:
    """A container of any engine. It was made by :func:`run_container`, or exists and is taken by its id."""

    def __init__(self, client: Client, identifier: str, spec: Spec) -> None:
        self.client = client
        self.id = identifier
        self.spec = spec

    def __repr__(self) -> str:
        return f"<Container {self.id[:12]} {self.spec}>"

    # --- programs

    def run(self, argv: Sequence[str], **options: Unpack[Options]) -> Outcome:
        """Run a program by its words, and wait for its end. Raises DeadlineError after ``timeout`` seconds."""
        return execute.execute(self.client, self.id, argv, Ways(**options))

    def cmd(self, text: str, **options: Unpack[Options]) -> Outcome:
        """Run a line of ``cmd``, as if it were typed there: ``cmd('echo "a" & dir C:\\')``."""
        argv, environ = cmd_words(text)
        if environ:
            options["environ"] = {**(options.get("environ") or {}), **environ}
        return self.run(argv, **options)

    def powershell(self, text: str, **options: Unpack[Options]) -> Outcome:
        """Run a script of Windows PowerShell. nanoserver has none."""
        return self.run(powershell_words(text), **options)

    # --- what is known of it

    def inspect(self) -> shapes.Inspect:
        """What the engine knows of it now."""
        return lifecycle.inspect(self.client, self.id)

    @cached_property
    def name(self) -> str:
        """Its name at the engine."""
        return self.inspect().name.removeprefix("/")

    def logs(self) -> str:
        """What its own program printed so far, both streams in the order in which they came."""
        with self.client.call("GET", f"/containers/{self.id}/logs", query={"stdout": True, "stderr": True}) as answer:
            data = b"".join(answer) if self.spec.tty else b"".join(piece.data for piece in streams.separate(answer))
        return output.decode(data)

    # --- its end

    def stop(self, seconds: int = lifecycle.STOP_SECONDS) -> None:
        """Stop it, and wait until it has ended."""
        lifecycle.stop(self.client, self.id, seconds=seconds)

    def remove(self) -> lifecycle.Leftover | None:
        """Stop and remove it. Returns what could not be removed."""
        return lifecycle.remove(self.client, self.id)


def run_container(client: Client, spec: Spec) -> Container:
    """Create and start a container. One that cannot be started is removed before the error is raised."""
    created = lifecycle.create(client, spec)
    made = Container(client, created.id, spec)
    try:
        lifecycle.start(client, made.id)
    except BaseException:
        lifecycle.remove(client, made.id)
        raise
    return made
