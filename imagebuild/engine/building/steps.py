# SPDX-License-Identifier: Apache-2.0
"""A build told as moby's classic builder tells it. Lines and their order are those of moby
``builder/dockerfile/builder.go`` and ``api/server/backend/build``."""

from __future__ import annotations

from collections.abc import Callable, Mapping

from ...builder import Built, Plan
from ...builder.execute.execute import Build
from ...dockerapi.jsonlines import Message
from ...errors import DockerfileError
from ...events import Event, Finish, Step, Warn
from ..images.names import short

Say = Callable[[Message], None]


def run(work: Build, ids: Mapping[str, str], say: Say) -> Built:
    """Plan and build, and say each instruction. ``ids`` are the ids of images by the names they were found under; it is
    filled while the work goes on."""
    planning = work.plan()
    while True:
        try:
            next(planning)
        except StopIteration as end:
            plan: Plan = end.value
            break
    teller = _Teller(plan, ids, say)  # pylint: disable=used-before-assignment
    running = work.run()
    while True:
        try:
            teller.hear(next(running))
        except StopIteration as end:
            built: Built = end.value
            teller.rest()
            return built
        except DockerfileError as error:
            teller.up_to(error.line)
            raise


class _Teller:
    """Says the instructions of a plan as the builder comes to them. It tells of layers only, so an instruction is said
    when the next layer begins, or the end comes."""

    def __init__(self, plan: Plan, ids: Mapping[str, str], say: Say) -> None:
        self._say = say
        self._ids = ids
        self._lines: list[tuple[str, int, str]] = []  # text, line, the layer it may make or the image it begins with
        for stage in plan.stages:
            base = getattr(stage.base, "name", "")
            self._lines.append((stage.place.text, stage.place.line, f"from {base}" if base else ""))
            layers = 0
            for step in stage.steps:
                makes = type(step).__name__ in ("MakeFolder", "Transfer", "Execute")
                layers += makes
                self._lines.append((step.instruction.text, step.instruction.line,
                                    f"layer {stage.index}.{layers}" if makes else ""))
        self._done = 0

    def hear(self, event: Event) -> None:
        """One event of the build."""
        if isinstance(event, Warn):
            self._say(Message(stream=f"[Warning] {event.text}\n"))
        elif isinstance(event, Step) and event.id.startswith("layer "):
            numbers = [number for number, line in enumerate(self._lines) if line[2] == event.id]
            self._tell(numbers[0] + 1 if numbers else self._done)
        elif isinstance(event, Finish) and event.id.startswith("layer ") and event.note == "cached":
            self._say(Message(stream=" ---> Using cache\n"))

    def up_to(self, line: int) -> None:
        """The build failed there."""
        self._tell(max((number + 1 for number, said in enumerate(self._lines) if said[1] <= line), default=0))

    def rest(self) -> None:
        """The build is done."""
        self._tell(len(self._lines))

    def _tell(self, end: int) -> None:
        while self._done < end:
            text, _unused, about = self._lines[self._done]
            self._done += 1
            self._say(Message(stream=f"Step {self._done}/{len(self._lines)} : {text}\n"))
            identifier = self._ids.get(about.removeprefix("from "), "")
            if identifier:
                self._say(Message(stream=f" ---> {short(identifier)}\n"))
