# SPDX-License-Identifier: Apache-2.0
"""The instructions of a Dockerfile as values.

Words are kept as they were written: quotes, escapes and variables are still in them. :mod:`.rules` says which are
expanded and how; :attr:`Place.escape` is the escape character to do it with. Words that came from a JSON form are
decoded from JSON, and expanded afterwards like all others (that is why JSON COPY needs four backslashes under the
default escape).
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import ClassVar

from ..errors import DockerfileError
from .mounts import Mount
from .text.heredoc import Heredoc, heredoc_word
from .values import TargetPlatform


@dataclass(frozen=True, slots=True)
class Place:
    """Where an instruction stands.

    ``line`` to ``end_line`` (1-based, inclusive) cover continuations and heredocs. ``text`` is the instruction as one
    line, comments and continuations gone, as Docker records it in the history. ``source`` is every character of those
    lines as they stand in the file.
    """

    file: str
    line: int
    end_line: int
    text: str
    source: str
    escape: str


@dataclass(frozen=True, slots=True)
class Instruction:
    """What all instructions share."""

    place: Place
    keyword: ClassVar[str] = ""

    @property
    def line(self) -> int:
        """First line in the file, from 1."""
        return self.place.line

    @property
    def end_line(self) -> int:
        """Last line in the file."""
        return self.place.end_line

    @property
    def text(self) -> str:
        """The instruction as one line."""
        return self.place.text

    @property
    def escape(self) -> str:
        """The escape character that holds for its words."""
        return self.place.escape

    def error(self, what: str, *, why: str = "", hint: str = "", **facts: object) -> DockerfileError:
        """An error that names the file, the line and this instruction."""
        return DockerfileError(what, file=self.place.file, line=self.line, instruction=self.keyword, why=why,
                               hint=hint, **facts)


@dataclass(frozen=True, slots=True)
class From(Instruction):
    """``FROM [--platform=P] BASE [AS NAME]``. ``name`` is lower case, empty when the stage has none."""

    keyword: ClassVar[str] = "FROM"
    base: str
    name: str = ""
    platform: str = ""

    def target(self) -> TargetPlatform | None:
        """The platform as a value; only for one whose variables have been expanded."""
        return TargetPlatform.parse(self.platform) if self.platform else None


@dataclass(frozen=True, slots=True)
class ArgName:
    """One name of an ARG; ``default`` is ``None`` when it has none (not the same as empty)."""

    name: str
    default: str | None = None


@dataclass(frozen=True, slots=True)
class Arg(Instruction):
    """``ARG NAME[=DEFAULT] …``; each default sees the names before it."""

    keyword: ClassVar[str] = "ARG"
    args: tuple[ArgName, ...]


@dataclass(frozen=True, slots=True)
class Pair:
    """One ``key=value``; ``old_form`` when it was written ``key value``."""

    key: str
    value: str
    old_form: bool = False


@dataclass(frozen=True, slots=True)
class Env(Instruction):
    """``ENV KEY=VALUE …`` or ``ENV KEY VALUE``. All pairs are expanded with what held before the instruction."""

    keyword: ClassVar[str] = "ENV"
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Label(Instruction):
    """``LABEL KEY=VALUE …`` or ``LABEL KEY VALUE``."""

    keyword: ClassVar[str] = "LABEL"
    pairs: tuple[Pair, ...]


@dataclass(frozen=True, slots=True)
class Transfer(Instruction):
    """What COPY and ADD share. ``inline`` are sources given as heredocs, named by their word."""

    sources: tuple[str, ...]
    destination: str
    inline: tuple[Heredoc, ...] = ()
    chown: str = ""
    chmod: str = ""
    link: bool = False
    excludes: tuple[str, ...] = ()
    json: bool = False


@dataclass(frozen=True, slots=True)
class Copy(Transfer):
    """``COPY``. ``source_stage`` is ``--from``: a stage name or number, an image or a named context, never expanded."""

    keyword: ClassVar[str] = "COPY"
    source_stage: str = ""
    parents: bool = False


@dataclass(frozen=True, slots=True)
class Add(Transfer):
    """``ADD``. ``unpack`` and ``keep_git_dir`` are ``None`` when not given: the kind of source decides."""

    keyword: ClassVar[str] = "ADD"
    checksum: str = ""
    keep_git_dir: bool | None = None
    unpack: bool | None = None


@dataclass(frozen=True, slots=True)
class CommandLine(Instruction):
    """An instruction that holds a command: an argument vector (``json``), or one text for the shell.

    In shell form ``command`` has exactly one item, or none when nothing was given (``CMD`` alone).
    """

    command: tuple[str, ...]
    json: bool = False


@dataclass(frozen=True, slots=True)
class Run(CommandLine):
    """``RUN``. Never expanded, except the options of its mounts; the shell sees ARG and ENV as its environment."""

    keyword: ClassVar[str] = "RUN"
    heredocs: tuple[Heredoc, ...] = ()
    mounts: tuple[Mount, ...] = ()
    network: str = "default"
    security: str = "sandbox"

    @property
    def script(self) -> str:
        """The text the shell gets; empty in JSON form.

        A RUN that is only a heredoc runs its content. Otherwise the heredocs follow the line, for a shell that knows
        them (cmd and PowerShell do not).
        """
        if self.json or not self.command:
            return ""
        if not self.heredocs:
            return self.command[0]
        if heredoc_word(self.command[0]) is not None:
            return self.heredocs[0].text
        return "\n".join([self.command[0], *(doc.content + doc.name for doc in self.heredocs)])


@dataclass(frozen=True, slots=True)
class Cmd(CommandLine):
    """``CMD``."""

    keyword: ClassVar[str] = "CMD"


@dataclass(frozen=True, slots=True)
class Entrypoint(CommandLine):
    """``ENTRYPOINT``."""

    keyword: ClassVar[str] = "ENTRYPOINT"


@dataclass(frozen=True, slots=True)
class Shell(Instruction):
    """``SHELL ["powershell", "-Command"]``: always a JSON form with at least one string."""

    keyword: ClassVar[str] = "SHELL"
    command: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class HealthCheck(CommandLine):
    """``HEALTHCHECK``. ``none`` turns an inherited check off. Durations are nanoseconds; 0 is the engine's default."""

    keyword: ClassVar[str] = "HEALTHCHECK"
    none: bool = False
    interval: int = 0
    timeout: int = 0
    start_period: int = 0
    start_interval: int = 0
    retries: int = 0


@dataclass(frozen=True, slots=True)
class Workdir(Instruction):
    """``WORKDIR``: the whole rest of the line is one path."""

    keyword: ClassVar[str] = "WORKDIR"
    path: str


@dataclass(frozen=True, slots=True)
class User(Instruction):
    """``USER``."""

    keyword: ClassVar[str] = "USER"
    user: str


@dataclass(frozen=True, slots=True)
class Expose(Instruction):
    """``EXPOSE``: words still to be expanded and then read by :func:`.values.exposed_ports`."""

    keyword: ClassVar[str] = "EXPOSE"
    ports: tuple[str, ...]


@dataclass(frozen=True, slots=True)
class Volume(Instruction):
    """``VOLUME``."""

    keyword: ClassVar[str] = "VOLUME"
    paths: tuple[str, ...]
    json: bool = False


@dataclass(frozen=True, slots=True)
class StopSignal(Instruction):
    """``STOPSIGNAL``."""

    keyword: ClassVar[str] = "STOPSIGNAL"
    signal: str


@dataclass(frozen=True, slots=True)
class OnBuild(Instruction):
    """``ONBUILD``. ``expression`` goes into the image; ``trigger`` is the same instruction, checked.

    Whoever builds on the image reads the expression anew, with the default escape character.
    """

    keyword: ClassVar[str] = "ONBUILD"
    expression: str
    trigger: Instruction


@dataclass(frozen=True, slots=True)
class Maintainer(Instruction):
    """``MAINTAINER``, long deprecated."""

    keyword: ClassVar[str] = "MAINTAINER"
    name: str


INSTRUCTIONS: tuple[type[Instruction], ...] = (
    Add, Arg, Cmd, Copy, Entrypoint, Env, Expose, From, HealthCheck, Label, Maintainer, OnBuild, Run, Shell,
    StopSignal, User, Volume, Workdir)
#: The keywords of all instructions there are.
KEYWORDS = tuple(kind.keyword for kind in INSTRUCTIONS)
