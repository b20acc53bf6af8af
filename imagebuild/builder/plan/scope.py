# SPDX-License-Identifier: Apache-2.0
"""Which variables an instruction sees: ARG, ENV, the predefined platform arguments, and PATH of the registry.

Order of events decides, as in BuildKit: ENV and ARG both set the variable for what follows. Names are compared as
Windows compares variables, without regard to case.
"""

from __future__ import annotations

import platform as machine
from collections.abc import Callable, Iterable, Iterator, Mapping
from contextlib import contextmanager

from ...dockerfile.expand import expansion
from ...dockerfile.instructions import Instruction
from ...dockerfile.text import bounds
from ...errors import DockerfileError, FormatError
from ...oci import Platform
from ...windows.upcase import fold

PROXY_ARGS = ("HTTP_PROXY", "HTTPS_PROXY", "FTP_PROXY", "NO_PROXY", "ALL_PROXY")
"""Build arguments that RUN sees without an ARG (Dockerfile reference, "Predefined ARGs")."""


@contextmanager
def at(instruction: Instruction) -> Iterator[None]:
    """Name the instruction in what is refused."""
    try:
        yield
    except FormatError as error:
        raise instruction.error(error.what, why=error.why, hint=error.hint) from None


class Scope:
    """The variables of one stage, or of the FROM lines. ``path`` answers for PATH when nothing else has set it."""

    def __init__(self, values: Mapping[str, str] | None = None, *,
                 path: Callable[[], str | None] | None = None) -> None:
        self._values = {fold(name): value for name, value in (values or {}).items()}
        self._path = path
        self._length = 0
        self.unset: set[str] = set()

    def copy(self) -> Scope:
        """The scope that a stage built on this one starts with."""
        other = Scope(path=self._path)
        other._values = dict(self._values)
        other._length = self._length
        return other

    def set(self, name: str, value: str) -> None:
        """From here on ``name`` is ``value``."""
        self._values[fold(name)] = value

    def define(self, instruction: Instruction, name: str, value: str) -> None:
        """The same for what a Dockerfile says; DockerfileError when the value, or all of them, are too long."""
        self.set(name, value)
        self._length += len(value)
        with at(instruction):
            bounds.check_variable(name, value)
            bounds.check(self._length, bounds.CONFIG, "the variables have too many characters")

    def set_env(self, env: Iterable[str]) -> None:
        """Take over ``NAME=VALUE`` words of a config."""
        for item in env:
            name, _unused, value = item.partition("=")
            self.set(name, value)

    def lookup(self, name: str) -> str | None:
        """The value of a variable, or ``None``."""
        value = self._values.get(fold(name))
        if value is None and fold(name) == "PATH" and self._path is not None:
            return self._path()
        return value

    def expand(self, instruction: Instruction, word: str, **how: bool) -> str:
        """``word`` of ``instruction`` with its variables replaced; a word that cannot be read is a DockerfileError."""
        return self._expansion(instruction, word, how)[0]

    def expand_words(self, instruction: Instruction, word: str) -> tuple[str, ...]:
        """The same, split where space is not quoted."""
        return self._expansion(instruction, word, {})[1]

    def _expansion(self, instruction: Instruction, word: str, how: dict[str, bool]) -> tuple[str, tuple[str, ...]]:
        with at(instruction):
            found = expansion(word, self.lookup, instruction.escape, **how)
        self.unset |= found.undefined
        return found.text, found.words

    def take_unset(self) -> list[str]:
        """The names that were asked for since the last call and had no value, sorted."""
        names, self.unset = sorted(self.unset), set()
        return names


def build_platform() -> Platform:
    """What this machine is, in the words of images."""
    arch = {"x86_64": "amd64", "amd64": "amd64", "aarch64": "arm64", "arm64": "arm64"}.get(machine.machine().lower(),
                                                                                           machine.machine().lower())
    return Platform(os="windows" if machine.system() == "Windows" else "linux", architecture=arch)


def predefined(target: Platform) -> dict[str, str]:
    """The arguments every FROM sees and every stage can ask for with a bare ARG."""
    build = build_platform()
    out: dict[str, str] = {}
    for prefix, platform in (("BUILD", build), ("TARGET", target)):
        out[f"{prefix}PLATFORM"] = str(Platform(platform.os, platform.architecture, variant=platform.variant))
        out[f"{prefix}OS"] = platform.os
        out[f"{prefix}OSVERSION"] = platform.os_version
        out[f"{prefix}ARCH"] = platform.architecture
        out[f"{prefix}VARIANT"] = platform.variant
    return out


def unreadable_path(instruction: Instruction, why: str) -> DockerfileError:
    """The error for ``${PATH}`` where no one can say what it is."""
    return instruction.error("cannot resolve ${PATH}", why=why,
                             hint="write the folders out: ENV PATH=C:\\Windows\\System32;C:\\Windows;…")
