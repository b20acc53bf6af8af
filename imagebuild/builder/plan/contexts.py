# SPDX-License-Identifier: Apache-2.0
"""``--build-context NAME=VALUE``: what replaces a stage or an image, and the names that ``--from`` can mean."""

from __future__ import annotations

from ...dockerfile import Stage
from ...dockerfile.instructions import Instruction
from ...errors import UsageError
from ...oci import Platform, Reference
from ..request import Pairs
from .plan import Here, OfImage, OfStage, Origin, Wanted

IMAGE_SCHEMES = {"docker-image://": "", "oci-layout://": "oci:", "docker://": "docker://", "oci:": "oci:",
                 "oci-archive:": "oci-archive:", "docker-archive:": "docker-archive:"}


class NamedContexts:
    """The named contexts of one build, by the name they replace."""

    def __init__(self, pairs: Pairs) -> None:
        self._values = {_normal(name): value for name, value in pairs}
        self._unused = {_normal(name): name for name, _unused in pairs}

    def get(self, name: str, platform: Platform) -> Here | OfImage | None:
        """What replaces ``name`` (a stage, or an image in any spelling of its reference), if anything does."""
        value = self._values.get(_normal(name))
        if value is None:
            return None
        self._unused.pop(_normal(name), None)
        for scheme, ours in IMAGE_SCHEMES.items():
            if value.startswith(scheme):
                return OfImage(Wanted(ours + value.removeprefix(scheme), platform))
        return Here(value)

    def unused(self) -> list[str]:
        """The names, as they were given, that were asked for by no instruction so far."""
        return sorted(self._unused.values())


def _normal(name: str) -> str:
    """Names are compared without case, references in their full form: ``nats:1`` is ``docker.io/library/nats:1``."""
    try:
        return str(Reference.parse(name).tagged()) if any(c in name for c in "/:.@") else name.lower()
    except UsageError:
        return name.lower()


def origin_of(instruction: Instruction, word: str, before: tuple[Stage, ...], contexts: NamedContexts,
              platform: Platform) -> Origin:
    """What ``--from=word`` means: a named context, an earlier stage by name or number, else an image."""
    named = contexts.get(word, platform)
    if named is not None:
        return named
    if word.isdigit():
        index = int(word)
        if index >= len(before):
            raise instruction.error(f"--from={word} names no earlier stage",
                                    why=f"there are {len(before)} stages before this one, counted from 0",
                                    hint="name the stage, or write its number")
        return replaced(before[index], contexts, platform)
    for stage in reversed(before):
        if stage.name and stage.name == word.lower():
            return replaced(stage, contexts, platform)
    return OfImage(Wanted(word, platform))


def replaced(stage: Stage, contexts: NamedContexts, platform: Platform) -> Origin:
    """The stage, or what was given in its place."""
    named = contexts.get(stage.name or str(stage.index), platform)
    return named if named is not None else OfStage(stage.index)
