# SPDX-License-Identifier: Apache-2.0
"""Instructions become a plan: stages resolved, variables replaced, the config followed through every instruction."""

from __future__ import annotations

import re
from collections.abc import Mapping
from dataclasses import dataclass, replace

from ...dockerfile import Dockerfile, Stage, parse_trigger
from ...dockerfile.instructions import Copy, Instruction
from ...dockerfile.values import TargetPlatform
from ...errors import DockerfileError, FormatError, UsageError, quoted
from ...oci import Platform, RunConfig
from ..request import BuildRequest
from .contexts import NamedContexts, origin_of, replaced
from .plan import (
    BaseFacts,
    Execute,
    Files,
    Here,
    Missing,
    Note,
    OfImage,
    OfStage,
    Plan,
    PlannedStage,
    Step,
    Transfer,
    Wanted,
    shown_context,
    transfers,
)
from .scope import PROXY_ARGS, Scope, predefined
from .steps import Interpreter

DEFAULT_PLATFORM = Platform("windows", "amd64")
ARCHITECTURES = ("amd64", "arm64", "386", "arm")
"""What Windows images have been published for."""
_VERSION = re.compile(r"(\d{1,10}(\.\d{1,10}){0,3})?")


def target_platform(request: BuildRequest) -> Platform:
    """The platform the request is for; ``windows/amd64`` unless it says otherwise."""
    platform = DEFAULT_PLATFORM
    if request.platform:
        platform = _platform(request.platform, DEFAULT_PLATFORM)
    if request.os_version:
        platform = replace(platform, os_version=request.os_version)
    if platform.os != "windows":
        raise UsageError(f"cannot build for {platform}", why="wcow builds Windows images",
                         hint="--platform windows/amd64")
    if platform.architecture not in ARCHITECTURES:
        raise UsageError(f"cannot build for {platform}", why=f"there is no Windows for {quoted(platform.architecture)}",
                         hint="--platform windows/amd64 or windows/arm64")
    if not _VERSION.fullmatch(platform.os_version):
        raise UsageError(f"{quoted(platform.os_version)} is not a Windows version",
                         why="wanted 10.0.BUILD or 10.0.BUILD.REVISION", hint="--os-version 10.0.20348")
    return platform


def _platform(text: str, default: Platform) -> Platform:
    found = TargetPlatform.parse(text)
    return Platform(found.os or default.os, found.architecture or default.architecture, found.os_version,
                    found.os_features, found.variant)


def make_plan(dockerfile: Dockerfile, request: BuildRequest,
              images: Mapping[Wanted, BaseFacts]) -> Plan | Missing:
    """The plan of a build, or the images whose configs it still needs."""
    return _Planner(dockerfile, request, images).plan()


@dataclass(slots=True)
class _State:
    """A planned stage and the variables that a stage built on it inherits."""

    stage: PlannedStage
    scope: Scope


class _Planner:
    def __init__(self, dockerfile: Dockerfile, request: BuildRequest, images: Mapping[Wanted, BaseFacts]) -> None:
        self._dockerfile = dockerfile
        self._request = request
        self._images = images
        self._platform = target_platform(request)
        self._contexts = NamedContexts(request.build_contexts)
        self._args = dict(request.build_args)
        self._used_args: set[str] = set()
        self._states: dict[int, _State | None] = {}
        self._order: list[PlannedStage] = []
        self._missing: dict[Wanted, Instruction] = {}
        self._notes = [Note(w.code, w.message, w.line) for w in dockerfile.warnings]
        self._globals = self._global_scope()

    def plan(self) -> Plan | Missing:
        target = self._target()
        state = self._stage(target.index)
        if self._missing or state is None:
            return Missing(tuple(self._missing), tuple(self._missing.values()))
        final = state.stage
        if final.platform.os != "windows":
            raise target.start.error(f"the last stage is a {final.platform.os} image", why="wcow builds Windows images",
                                     hint="build a Windows stage with --target, or write --platform=windows/amd64")
        if self._request.labels:
            labels = tuple({**dict(final.run.labels), **dict(self._request.labels)}.items())
            self._order[-1] = replace(final, run=replace(final.run, labels=labels))
        for name in sorted(set(self._args) - self._used_args - set(predefined(self._platform))):
            if name.upper() not in PROXY_ARGS:
                text = f"--build-arg {name} is used by no ARG of a stage that is built"
                self._notes.append(Note("unused-build-arg", text, 0))
        for name in self._contexts.unused():
            text = f"--build-context {name} is used by no FROM or --from of a stage that is built"
            self._notes.append(Note("unused-build-context", text, 0))
        return Plan(self._dockerfile.file, tuple(self._order), tuple(self._notes), self._images)

    def _global_scope(self) -> Scope:
        scope = Scope(predefined(self._platform))
        for name, value in self._args.items():
            if name in predefined(self._platform):
                scope.set(name, value)
        for instruction in self._dockerfile.global_args:
            for arg in instruction.args:
                if arg.name in self._args:
                    self._used_args.add(arg.name)
                    scope.set(arg.name, self._args[arg.name])
                elif arg.default is not None:
                    scope.define(instruction, arg.name, scope.expand(instruction, arg.default))
        scope.take_unset()
        return scope

    def _target(self) -> Stage:
        stages = self._dockerfile.stages
        wanted = self._request.target
        if not wanted:
            return stages[-1]
        for stage in reversed(stages):
            if stage.name == wanted.lower() or str(stage.index) == wanted:
                return stage
        names = ", ".join(stage.name for stage in stages if stage.name)
        raise UsageError(f"--target {wanted} names no stage of {self._dockerfile.file}",
                         why=f"its stages are {names}" if names else "none of its stages has a name",
                         hint="name a stage with AS, or give its number, from 0")

    def _stage(self, index: int) -> _State | None:
        """Plan a stage and, first, all it stands on; ``None`` while a config it needs is missing."""
        if index in self._states:
            return self._states[index]
        self._states[index] = None
        stage = self._dockerfile.stages[index]
        start = stage.start
        base_word = self._from_word(stage)
        platform = self._platform
        if start.platform:
            try:
                platform = _platform(self._globals.expand(start, start.platform), self._platform)
            except FormatError as error:
                raise start.error(error.what, why=error.why, hint=error.hint) from None
            self._globals.take_unset()
        base, config, scope, prelude = self._base(stage, base_word, platform)
        if scope is None:
            self._look_ahead(stage, platform)
            return None
        interpreter = Interpreter(self._request, scope, config, self._globals, self._args, self._used_args,
                                  lambda asking, name: origin_of(asking, name, self._dockerfile.stages[:index],
                                                                 self._contexts, replace(platform, os_version="")))
        steps: list[Step] = list(prelude)
        triggers = [parse_trigger(text, name=f"ONBUILD of {base_word}") for text in config.on_build]
        interpreter.run = replace(config, on_build=())
        for instruction in (*triggers, *stage.instructions):
            steps += interpreter.step(instruction)
            self._notes += interpreter.take_notes()
        sources = [self._stage(number) for number in sorted(_stages_of(steps))]  # all of them, to miss all at once
        if None in sources:
            return None
        platform = self._settled(base, platform)
        if platform.os != "windows":
            steps = [replace(step, way=self._request.linux_builder) if isinstance(step, Execute) else step
                     for step in steps]
        planned = PlannedStage(index, stage.name, base, platform, tuple(steps), interpreter.run, start.place,
                               interpreter.author)
        self._order.append(planned)
        self._states[index] = state = _State(planned, interpreter.scope)
        return state

    def _settled(self, base: Wanted | OfStage | None, platform: Platform) -> Platform:
        """The platform a stage really has: what its base's config says, where there is a base."""
        if isinstance(base, Wanted):
            return self._images[base].config.platform
        if isinstance(base, OfStage):
            state = self._states[base.index]
            assert state is not None
            return state.stage.platform
        return platform

    def _from_word(self, stage: Stage) -> str:
        start = stage.start
        word = self._globals.expand(start, start.base)
        unset = self._globals.take_unset()
        if unset or not word:
            names = " and ".join(f"${{{name}}}" for name in unset) or start.base
            known = {arg.name for line in self._dockerfile.global_args for arg in line.args}
            absent = [name for name in unset if name not in known]
            raise start.error(f"{names} has no value" if len(unset) < 2 else f"{names} have no values",
                              why=f"there is no ARG {' and no ARG '.join(absent)} before the first FROM" if absent else
                              "FROM sees only the ARGs before the first FROM, and these have no default",
                              hint=f"write ARG {absent[0]}=… above the first FROM" if absent else
                              " ".join(f"--build-arg {name}=…" for name in unset) or "give the ARG a value")
        return word

    def _base(self, stage: Stage, word: str, platform: Platform
              ) -> tuple[Wanted | OfStage | None, RunConfig, Scope | None, list[Step]]:
        """What a stage stands on: its base, the config and variables it begins with (none: something is missing)."""
        before = self._dockerfile.stages[:stage.index]
        if word.lower() == "scratch":
            return None, RunConfig(), Scope(), []
        found = self._contexts.get(word, platform)
        if found is None:
            for other in reversed(before):
                if other.name and other.name == word.lower():
                    origin = replaced(other, self._contexts, platform)
                    found = origin if not isinstance(origin, OfStage) else None
                    if found is None:
                        state = self._stage(other.index)
                        if state is None:
                            return None, RunConfig(), None, []
                        return OfStage(other.index), state.stage.run, state.scope.copy(), []
                    break
        if isinstance(found, Here):
            copy = Transfer(instruction=stage.start, text=f"COPY {shown_context(found.value or '')} C:\\",
                            run=RunConfig(), sources=(Files(found, (".",)),), destination=(), into=True)
            return None, RunConfig(), Scope(), [copy]
        wanted = found.image if isinstance(found, OfImage) else Wanted(word, platform)
        facts = self._images.get(wanted)
        if facts is None:
            self._missing.setdefault(wanted, stage.start)
            return None, RunConfig(), None, []
        scope = Scope(path=facts.path if facts.config.os == "windows" else None)
        scope.set_env(facts.config.run.env)
        return wanted, facts.config.run, scope, []

    def _look_ahead(self, stage: Stage, platform: Platform) -> None:
        """While a base is missing, find out what else will be needed, so that one round of look-ups does."""
        for instruction in stage.instructions:
            if isinstance(instruction, Copy) and instruction.source_stage:
                try:
                    origin = origin_of(instruction, instruction.source_stage, self._dockerfile.stages[:stage.index],
                                       self._contexts, platform)
                except DockerfileError:
                    continue
                if isinstance(origin, OfStage):
                    self._stage(origin.index)


def _stages_of(steps: list[Step]) -> set[int]:
    """The stages that steps read from."""
    return {source.origin.index for step in steps for taken in transfers(step) for source in taken.sources
            if isinstance(source, Files) and isinstance(source.origin, OfStage)}
