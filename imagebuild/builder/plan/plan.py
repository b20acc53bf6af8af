# SPDX-License-Identifier: Apache-2.0
"""What a build would do, as a value: stages in the order they run, and in each its steps with every word expanded.

Planning is pure. It needs the configs of the images that FROM names; what it lacks it names
(:class:`Missing`), the caller looks those up and asks again.
"""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field

from ...dockerfile.instructions import Instruction, Place
from ...fetch import is_git_url, redact
from ...oci import Config, Image, Platform, RunConfig
from ...windows.names import join
from ..context.changes import Components
from .secrets import SecretMount


@dataclass(frozen=True, slots=True)
class Wanted:
    """An image that a Dockerfile names, on the platform it is wanted for."""

    name: str
    platform: Platform


@dataclass(frozen=True, slots=True)
class BaseFacts:
    """What planning knows about a base: its config, and what PATH is in its registry (a call, since it may cost)."""

    config: Config
    path: Callable[[], str | None] | None = None


@dataclass(frozen=True, slots=True)
class Missing:
    """Planning stopped: the configs of these images are needed first. ``asked`` are the instructions that ask."""

    images: tuple[Wanted, ...]
    asked: tuple[Instruction, ...] = ()


@dataclass(frozen=True, slots=True)
class Here:
    """The build context, or a named one (``--build-context NAME=DIR``) by its value."""

    value: str | None = None


@dataclass(frozen=True, slots=True)
class OfStage:
    """What an earlier stage made."""

    index: int


@dataclass(frozen=True, slots=True)
class OfImage:
    """The files of an image."""

    image: Wanted


Origin = Here | OfStage | OfImage


@dataclass(frozen=True, slots=True)
class Files:
    """Sources taken from a tree of files, as written and expanded."""

    origin: Origin
    patterns: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Inline:
    """A file whose content stands in the Dockerfile."""

    name: str
    data: bytes


@dataclass(frozen=True, slots=True)
class Download:
    """A file behind a URL."""

    url: str
    checksum: str = ""


@dataclass(frozen=True, slots=True)
class Clone:
    """A git repository."""

    url: str
    checksum: str = ""
    keep_git_dir: bool | None = None


Source = Files | Inline | Download | Clone


@dataclass(frozen=True, slots=True, kw_only=True)
class Step:
    """One instruction. ``text`` is what the history says, ``run`` the config after it."""

    instruction: Instruction
    text: str
    run: RunConfig


@dataclass(frozen=True, slots=True, kw_only=True)
class Configure(Step):
    """An instruction that changes only the config."""


@dataclass(frozen=True, slots=True, kw_only=True)
class MakeFolder(Step):
    """WORKDIR: the folder is made when it is not there."""

    path: Components


@dataclass(frozen=True, slots=True, kw_only=True)
class Transfer(Step):
    """COPY or ADD. ``into`` says that the destination was written as a folder (a slash at its end, or many sources)."""

    sources: tuple[Source, ...]
    destination: Components
    into: bool
    owner: str = ""
    excludes: tuple[str, ...] = ()
    parents: bool = False
    unpack: bool = False


@dataclass(frozen=True, slots=True)
class RunMount:
    """One ``--mount`` of RUN but for secrets: its ``kind`` (bind, cache, tmpfs, ssh) and ``target``, a Windows path.

    A cache has an ``id`` and how it is shared. ``content`` is what a bind shows, and ``image`` the image of one layer
    that holds it, once it is there.
    """

    kind: str
    target: str = ""
    id: str = ""
    read_only: bool = False
    sharing: str = ""
    content: Transfer | None = None
    image: Image | None = None


@dataclass(frozen=True, slots=True, kw_only=True)
class Execute(Step):
    """RUN. ``words`` is its argument vector, or with ``escaped`` the one command line that Windows gets as it is.

    ``variables`` are the ARGs it sees besides the config's ENV, ``NAME=VALUE``; ``mounts``, ``secrets`` and ``network``
    are what the Dockerfile asks for; ``way`` is how it is executed: ``engine``, ``none``, or the address of a host.
    """

    words: tuple[str, ...]
    escaped: bool = False
    variables: tuple[str, ...] = ()
    mounts: tuple[RunMount, ...] = ()
    secrets: tuple[SecretMount, ...] = ()
    network: str = "default"
    security: str = "sandbox"
    way: str = "none"


@dataclass(frozen=True, slots=True)
class PlannedStage:
    """One stage. ``base`` is an image, an earlier stage, or ``None`` for scratch."""

    index: int
    name: str
    base: Wanted | OfStage | None
    platform: Platform
    steps: tuple[Step, ...]
    run: RunConfig
    place: Place
    author: str = ""

    def title(self) -> str:
        """How errors and progress call the stage."""
        return self.name or f"stage {self.index}"


UNUSED = ("unused-build-arg", "unused-build-context")
"""The codes of notes about an option that had no effect."""


@dataclass(frozen=True, slots=True)
class Note:
    """Something worth a warning, found while planning."""

    code: str
    text: str
    line: int


@dataclass(frozen=True, slots=True)
class Amount:
    """How much a COPY or ADD takes from a build context; ``size`` in bytes."""

    files: int
    size: int


@dataclass(frozen=True, slots=True)
class Plan:
    """The stages that are needed, in the order they run; the last one is the image.

    ``amounts`` says how much a step takes from a build context, by ``id(step)``, where that was measured. ``problems``
    are what a build of this plan would stop at, beside RUN: only a plan that was measured has them.
    """

    file: str
    stages: tuple[PlannedStage, ...]
    notes: tuple[Note, ...] = ()
    images: Mapping[Wanted, BaseFacts] = field(default_factory=dict)
    amounts: Mapping[int, Amount] = field(default_factory=dict)
    problems: tuple[Note, ...] = ()

    def target(self) -> PlannedStage:
        """The stage that becomes the image."""
        return self.stages[-1]

    def shipped(self) -> frozenset[int]:
        """The numbers of the stages whose layers the image has: the target and those it stands on."""
        by_index = {stage.index: stage for stage in self.stages}
        stage = self.target()
        out = {stage.index}
        while isinstance(stage.base, OfStage):
            stage = by_index[stage.base.index]
            out.add(stage.index)
        return frozenset(out)

    def unused(self) -> int:
        """How many --build-arg and --build-context no instruction uses."""
        return sum(note.code in UNUSED for note in self.notes)

    def unread(self) -> bool:
        """Whether files come from an image or a stage: planning reads no layer, so it cannot say if they are there."""
        return any(isinstance(source, Files) and not isinstance(source.origin, Here) for stage in self.stages
                   for step in stage.steps for taken in transfers(step) for source in taken.sources)

    def runs(self) -> list[tuple[PlannedStage, Execute]]:
        """Every RUN."""
        return [(stage, step) for stage in self.stages for step in stage.steps if isinstance(step, Execute)]

    def refused(self) -> list[tuple[PlannedStage, Execute, str]]:
        """Every RUN that stands in the way, with the reason."""
        return [(stage, step, why) for stage, step in self.runs() if (why := _refusal(stage, step))]


def _refusal(stage: PlannedStage, step: Execute) -> str:
    if stage.platform.os != "windows":
        return "" if step.way != "none" else "RUN of a Linux stage needs a Linux builder"
    if step.way == "none":
        return "nothing here executes it (--run none)"
    if any(mount.kind == "ssh" for mount in step.mounts):
        return "--mount=type=ssh: no agent's socket reaches programs in a Windows container; --mount=type=secret " \
               "gives a key or a token"
    if step.network not in ("default", "none"):
        return f"--network={step.network} is of Linux"
    if step.security != "sandbox":
        return f"--security={step.security} is of Linux"
    return "scratch holds no program" if stage.base is None else ""


def transfers(step: Step) -> tuple[Transfer, ...]:
    """The steps that take files: COPY and ADD, and of a RUN its binds."""
    if isinstance(step, Transfer):
        return (step,)
    return tuple(one.content for one in step.mounts if one.content) if isinstance(step, Execute) else ()


def describe(source: Source) -> str:
    """A source for people."""
    if isinstance(source, Files):
        origin = source.origin
        place = ("" if isinstance(origin, Here) and origin.value is None
                 else f" from {shown_context(origin.value or '')}" if isinstance(origin, Here)
                 else f" from stage {origin.index}" if isinstance(origin, OfStage)
                 else f" from {origin.image.name}")
        return " ".join(source.patterns) + place
    if isinstance(source, Inline):
        return f"<<{source.name} ({len(source.data)} bytes)"
    return redact(source.url)


def shown_context(value: str) -> str:
    """A context as the user named it, without the credentials of an address."""
    return redact(value) if "://" in value or is_git_url(value) else value


def where(path: Components) -> str:
    """A destination for people."""
    return join(path)
