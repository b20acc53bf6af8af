# SPDX-License-Identifier: Apache-2.0
"""Stages for Linux: an ordinary Linux builder makes them, and their files are lent to the stages for Windows.

A stage that says ``FROM --platform=$BUILDPLATFORM golang`` compiles for Windows on this machine. wcow writes no Linux
layer; such a stage becomes a named build context, as if ``--build-context STAGE=DIR`` had been given with what the
builder made.
"""

from __future__ import annotations

from collections.abc import Generator
from dataclasses import dataclass
from pathlib import Path
from typing import Protocol

from ...dockerfile.instructions import Instruction
from ...errors import ToolError
from ...events import Event, Finish, Step
from ..plan.plan import Configure, Files, OfStage, Plan, PlannedStage, Transfer, transfers
from ..plan.planner import target_platform
from ..request import BuildRequest, Pairs
from .opening import Contexts
from .stage import placed


@dataclass(frozen=True, slots=True, kw_only=True)
class LinuxStage:
    """One stage to build. ``dockerfile`` and ``context`` are paths, ``target`` is the stage's name or number, and
    ``platform`` what the whole build makes, which TARGETOS and TARGETARCH say."""

    dockerfile: Path
    context: Path
    target: str
    platform: str
    build_args: Pairs = ()
    build_contexts: Pairs = ()
    no_cache: bool = False
    pull: bool = False


class LinuxBuilder(Protocol):
    """Builds stages for Linux."""

    name: str

    def build(self, stage: LinuxStage, out: Path, step: str) -> Generator[Event, None, None]:
        """Put the files of a stage into the folder ``out``. What the builder says comes as events of ``step``.

        ToolError when it cannot be started, or does not end well.
        """


def lent_stages(plan: Plan) -> list[PlannedStage]:
    """The stages for Linux that a builder has to make: those from which stages for Windows take files, and which do
    more than name an image. What they stand on is the builder's own business."""
    by_index = {stage.index: stage for stage in plan.stages}
    lent = {index for stage in plan.stages if stage.platform.os == "windows" for index in _taken_from(stage)
            if by_index[index].platform.os != "windows" and _works(by_index[index], by_index)}
    return [by_index[index] for index in sorted(lent)]


def build_lent(plan: Plan, lent: list[PlannedStage], request: BuildRequest, contexts: Contexts, done: dict[str, str],
               builder: LinuxBuilder | None) -> Generator[Event, None, None]:
    """Build stages that are not in ``done`` yet, which gets the folder with the files of each, by its name or number.

    DockerfileError where there is no builder, or a stage takes files from Windows; ToolError when the builder fails.
    """
    for stage in lent:
        start = contexts.dockerfile().stages[stage.index].start
        wrong = taken_from_windows(stage, plan)
        if wrong is not None:
            raise wrong.error("cannot be executed", why="a stage for Linux cannot take files from one for Windows",
                              hint="take them in a stage for Windows")
        if builder is None:
            raise start.error(f"cannot be built ({stage.title()}, linux)", why="no Linux builder is here",
                              hint=what_helps(stage))
        key = stage.name or str(stage.index)
        if key in done:
            continue
        dockerfile, context = contexts.paths()
        out, step = contexts.scratch / f"linux-{stage.index}", f"linux {stage.index}"
        platform = target_platform(request)
        yield Step(step, f"stage {stage.title()} by {builder.name}")
        try:
            yield from builder.build(LinuxStage(
                dockerfile=dockerfile, context=context, target=key, platform=f"{platform.os}/{platform.architecture}",
                build_args=request.build_args, build_contexts=request.build_contexts, no_cache=request.no_cache,
                pull=request.pull), out, step)
        except ToolError as error:
            raise placed(error, start) from error
        done[key] = str(out)
        yield Finish(step)


def what_helps(stage: PlannedStage) -> str:
    """What a user can do about a stage that nothing here executes."""
    elsewhere = f"build that stage elsewhere and give its files with --build-context {stage.name or 'NAME'}=DIR"
    return elsewhere if stage.platform.os == "windows" else f"install buildah, or docker with buildx; or {elsewhere}"


def taken_from_windows(stage: PlannedStage, plan: Plan) -> Instruction | None:
    """The first instruction of a stage for Linux, or of one below it, that takes files from a stage for Windows."""
    by_index = {one.index: one for one in plan.stages}
    for one in (by_index[index] for index in sorted(_below(stage, by_index))):
        for step in one.steps:
            if one.platform.os != "windows" and isinstance(step, Transfer) \
                    and any(by_index[index].platform.os == "windows" for index in _sources(step)):
                return step.instruction
    return None


def _works(stage: PlannedStage, by_index: dict[int, PlannedStage]) -> bool:
    return any(not isinstance(step, Configure) for index in _below(stage, by_index) for step in by_index[index].steps)


def _below(stage: PlannedStage, by_index: dict[int, PlannedStage]) -> set[int]:
    """The stage and all that it needs."""
    found, todo = set[int](), [stage.index]
    while todo:
        index = todo.pop()
        if index in found:
            continue
        found.add(index)
        one = by_index[index]
        todo += _taken_from(one)
        if isinstance(one.base, OfStage):
            todo.append(one.base.index)
    return found


def _taken_from(stage: PlannedStage) -> set[int]:
    return {index for step in stage.steps for taken in transfers(step) for index in _sources(taken)}


def _sources(step: Transfer) -> set[int]:
    return {source.origin.index for source in step.sources
            if isinstance(source, Files) and isinstance(source.origin, OfStage)}
