# SPDX-License-Identifier: Apache-2.0
"""What one process of a test run holds: its engine, what it made, what is left, and when everything happened."""

from __future__ import annotations

import os
import time
from collections.abc import Iterator, Mapping
from contextlib import contextmanager
from dataclasses import asdict, dataclass, field, replace
from functools import cached_property
from typing import TYPE_CHECKING, Any

import pytest

from ._options import read_options
from ._places import run_id, worker_id

if TYPE_CHECKING:
    from imagebuild.containers import Container, Owner, Staging

    from ._engines.engine import Engine


@dataclass(frozen=True, slots=True)
class Options:
    """What was asked for, each field as the option of its name says."""

    engines: tuple[str, ...]
    missing: str
    image: str
    servercore_image: str
    keep: bool
    reuse: bool
    max_starts: int
    artifacts: str
    artifacts_dir: str
    durations: int
    timeline: str
    check: bool


@dataclass
class Span:
    """Something that took time: ``what`` is pull, build, create, start, wait, test or stop."""

    what: str
    name: str
    begin: float
    end: float
    worker: str = ""
    test: str = ""
    failed: bool = False


@dataclass
class Made:
    """A container of this process, for what and by which fixture it was made, and whether a test that used it failed.
    """

    container: Container
    test: str
    fixture: str = ""
    failed: bool = False
    shared: bool = False
    ending: bool = False
    seconds: float = 0.0
    image: Mapping[str, Any] = field(default_factory=dict)


@dataclass
class Run:
    """The state of the plugin in one process; ``config.stash[STATE]``."""

    config: pytest.Config
    options: Options
    worker: str
    id: str
    spans: list[Span] = field(default_factory=list)
    leftovers: list[str] = field(default_factory=list)
    swept: list[str] = field(default_factory=list)
    made: dict[str, Made] = field(default_factory=dict)
    images: dict[str, dict[str, Any]] = field(default_factory=dict)
    engine: Engine | None = None
    controls: bool = False
    """It is the controller of xdist's workers."""

    @cached_property
    def owner(self) -> Owner:
        """This process, as the labels of what it makes name it."""
        from imagebuild.containers import owner

        return owner(self.id)

    @cached_property
    def whole_owner(self) -> Owner:
        """The process that lives as long as the run: this one, or the controller of this worker of xdist."""
        from imagebuild.containers import process_start

        parent = os.getppid()
        return replace(self.owner, pid=parent, started=process_start(parent) or "") if self.worker else self.owner

    @cached_property
    def staging(self) -> Staging:
        """Temporary folders for what cannot be mounted."""
        from imagebuild.containers import Staging

        return Staging()

    @contextmanager
    def span(self, what: str, name: str, test: str = "") -> Iterator[Span]:
        """Note how long the block takes, and whether it failed."""
        made = Span(what, name, time.time(), 0.0, self.worker, test, True)
        self.spans.append(made)
        try:
            yield made
            made.failed = False
        finally:
            made.end = time.time()

    def told(self) -> dict[str, Any]:
        """What a worker tells the controller at its end."""
        return {"spans": [asdict(one) for one in self.spans], "leftovers": self.leftovers, "swept": self.swept,
                "engine": repr_of(self.engine)}

    def take(self, told: dict[str, Any]) -> None:
        """Add what a worker told."""
        self.spans += [Span(**one) for one in told.get("spans", ())]
        self.leftovers += told.get("leftovers", ())
        self.swept += told.get("swept", ())


def repr_of(engine: Engine | None) -> str:
    """The engine's address, empty where none was needed."""
    return engine.address if engine is not None else ""


def new_run(config: pytest.Config) -> Run:
    """The state of a process that has none yet. Raises pytest.UsageError for an option that has no meaning."""
    return Run(config, Options(**read_options(config)), worker_id(config), run_id(config))
