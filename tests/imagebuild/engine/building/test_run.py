# SPDX-License-Identifier: Apache-2.0
"""RUN of ``docker build``: what its container is given, what the client hears, what is left."""

from __future__ import annotations

import asyncio
import io
import json
import threading
from collections.abc import Iterator
from concurrent.futures import Future
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pytest
from support import engines
from support.engine_images import Served, ground, owner, serving

from imagebuild.builder.run.label import STEP
from imagebuild.dockerapi import faults
from imagebuild.dockerapi.jsonlines import Message
from imagebuild.engine.building.classic import BuildProcess
from imagebuild.engine.building.run import CommandFault, StepCall, StepLimits, StepRunner
from imagebuild.engine.images.commit import Commitable
from imagebuild.errors import Interrupted
from imagebuild.oci import Reference, RunConfig
from imagebuild.runtime.snapshots.changes import changes, open_content
from imagebuild.runtime.snapshots.merged import Merged

from ..api.test_building import NANOSERVER, base, context


@dataclass
class Heard:
    """What a step said, and the containers whose changes were taken."""

    lines: list[str] = field(default_factory=list)
    taken: list[str] = field(default_factory=list)

    def say(self, message: Message) -> None:
        self.lines.append(message.stream)

    def commit(self, source: Commitable) -> None:
        assert not source.running
        self.taken.append(source.container)


def execute(root: Path, *words: str, heard: Heard, **more: Any) -> list[str]:
    """Run a step on an engine of fakes; return the names of the events that containers had."""
    async def work() -> list[str]:
        async with engines.opened(root) as engine:
            told: list[str] = []
            engine.events.publish = lambda event: told.append(event.action)  # type: ignore[method-assign]
            call = StepCall(engines.IMAGE, words, **more)
            future = StepRunner(engine).begin(call, heard.say, heard.commit)
            await asyncio.wait_for(asyncio.wrap_future(future), 20)
            assert not list(engine.containers)
            return told

    return engines.run(work())


def test_a_command_is_heard_taken_and_its_container_gone(tmp_path: Path) -> None:
    heard = Heard()
    told = execute(tmp_path, "echo", "%A%", "hi", "&&", "error", "bad", heard=heard, variables=("A=1",))
    identifier, = heard.taken
    short = identifier[:12]
    assert heard.lines == [f" ---> Running in {short}\n", "1 hi\r\n", "bad\r\n",
                           f" ---> Removed intermediate container {short}\n"]
    life = ["create", "start", "die", "destroy"]
    assert [one for one in told if one in life] == life


def test_a_command_that_fails_has_mobys_words_and_its_code(tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(CommandFault, match=r"^The command 'exit 0xC0000005' returned a non-zero code: 3221225477$"
                       ) as raised:
        execute(tmp_path, "exit", "0xC0000005", heard=heard)
    assert raised.value.line_code == 0xC0000005
    assert heard.taken == []
    assert not list((tmp_path / "containers").iterdir())


def test_a_command_that_is_not_there_is_a_fault_and_leaves_nothing(tmp_path: Path) -> None:
    heard = Heard()
    with pytest.raises(faults.Fault, match="cannot find the file specified"):
        execute(tmp_path, "nosuch.exe", heard=heard)
    assert not list((tmp_path / "containers").iterdir())


def test_a_cancelled_step_ends_its_container(tmp_path: Path) -> None:
    async def work() -> None:
        async with engines.opened(tmp_path) as engine:
            heard = Heard()
            future = StepRunner(engine).begin(StepCall(engines.IMAGE, ("echo", "x", "&&", "sleep", "60")), heard.say,
                                              heard.commit)
            await engines.until(lambda: "x\r\n" in heard.lines)
            future.cancel()
            await engines.until(lambda: not list(engine.containers))
            assert heard.taken == []

    engines.run(work())


def test_a_client_that_has_gone_ends_the_container(tmp_path: Path) -> None:
    class Gone(Heard):
        def say(self, message: Message) -> None:
            super().say(message)
            if message.stream == "x\r\n":
                raise faults.Internal("the client has gone")

    heard = Gone()
    with pytest.raises(faults.Internal, match="has gone"):
        execute(tmp_path, "echo", "x", "&&", "sleep", "60", heard=heard)
    assert heard.taken == []


def test_the_limits_of_the_call_and_the_network_of_the_step_are_the_containers(tmp_path: Path) -> None:
    async def work() -> None:
        async with engines.opened(tmp_path) as engine:
            limits = StepLimits(network="nat", hosts=("db:10.0.0.9",), memory=1 << 30)
            for step, expected in (("default", "nat"), ("none", "none")):
                heard = Heard()
                future = StepRunner(engine).begin(
                    StepCall(engines.IMAGE, ("echo", "x", "&&", "sleep", "60"), network=step, limits=limits), heard.say,
                    heard.commit)
                await engines.until(lambda heard=heard: "x\r\n" in heard.lines)
                container, = engine.containers
                assert (container.host.network_mode, container.host.memory, container.host.extra_hosts) == \
                    (expected, 1 << 30, ("db:10.0.0.9",))
                future.cancel()
                await engines.until(lambda: not list(engine.containers))

    engines.run(work())


def test_a_killed_engine_leaves_no_container_of_a_step(tmp_path: Path) -> None:
    async def first() -> None:
        engine = engines.make(tmp_path)
        engine.open()
        engines.new(engine, labels={STEP: "1"}, name="step")
        engines.new(engine, name="mine")

    async def second() -> None:
        async with engines.opened(tmp_path) as engine:
            assert [one.name for one in engine.containers] == ["mine"]
            assert len(list((tmp_path / "containers").iterdir())) == 1

    engines.run(first())
    engines.run(second())


# --- the build that asks for it


@dataclass
class Runner:
    """A double of StepRunner: each command writes the file ``made`` into ``upper`` with its own words, or fails."""

    engine: Any
    folder: Path
    calls: list[StepCall] = field(default_factory=list)

    def begin(self, call: StepCall, say: Any, commit: Any) -> Future[None]:
        future: Future[None] = Future()
        self.calls.append(call)
        words = " ".join(call.words)
        say(Message(stream=f"ran {words}\n"))
        try:
            if "fail" in words:
                raise CommandFault(call.words, 9009)
            upper = self.folder / f"upper{len(self.calls)}"
            upper.mkdir(parents=True)
            lower = Merged((*self.engine.images.ground().folders, *self.engine.images.unpack(call.image).layers))
            if "nothing" not in words:
                (upper / "made").write_text(words)
            commit(Commitable("c" * 64, call.image, False, RunConfig(), lambda: changes(upper, lower),
                              lambda path: open_content(upper, path), lambda: ()))
        except BaseException as error:
            future.set_exception(error)
        else:
            future.set_result(None)
        return future


@pytest.fixture
def served(tmp_path: Path) -> Iterator[Served]:
    engine = owner(tmp_path / "root")
    engine.images.ground = lambda: ground(tmp_path)
    engine.runner = Runner(engine, tmp_path / "steps")
    with serving(engine, tmp_path) as server:
        yield server


def build(served: Served, *lines: str, **query: Any) -> list[dict[str, Any]]:
    text = "\n".join([f"FROM {NANOSERVER}", *lines]) + "\n"
    return served.ask("POST", "/build", context({"Dockerfile": text}), **query).lines


def test_what_commands_made_is_in_the_image_once_each(served: Served) -> None:
    base(served)
    lines = build(served, "ARG WHO=me", "ENV A=1", "USER ContainerUser", "RUN one two", 'RUN ["nothing", "x"]',
                  "COPY Dockerfile C:/", 'LABEL x=y', "CMD a", t="app:1")
    assert lines[-1]["stream"] == "Successfully tagged app:1\n"
    said = "".join(line.get("stream", "") for line in lines)
    assert "RUN one two\nran cmd /S /C one two\nStep 6/9 : RUN" in said
    found = served.ask("GET", "/images/app:1/json").json
    assert len(found["RootFS"]["Layers"]) == 3  # the base, one two, COPY
    assert found["Config"]["Labels"]["x"] == "y"
    assert STEP not in json.dumps(found)
    one, two = served.engine.runner.calls
    assert (one.words, one.variables) == (("cmd", "/S", "/C", "one two"), ("WHO=me",)) or one.escaped
    assert two.words == ("nothing", "x")
    assert len(served.ask("GET", "/images/json", all="1").json) == 2  # no image of a step


def test_a_second_build_runs_nothing_again(served: Served) -> None:
    base(served)
    first = build(served, "RUN one")
    again = build(served, "RUN one")
    assert len(served.engine.runner.calls) == 1
    assert first[-1] == again[-1]
    build(served, "RUN one", nocache="1")
    assert len(served.engine.runner.calls) == 2


def test_a_command_that_fails_ends_the_build_with_its_code(served: Served) -> None:
    base(served)
    lines = build(served, "RUN one", "RUN fail")
    assert lines[-1] == {"errorDetail": {"code": 9009, "message":
                                         "The command 'cmd /S /C fail' returned a non-zero code: 9009"},
                         "error": "The command 'cmd /S /C fail' returned a non-zero code: 9009"}
    assert len(served.ask("GET", "/images/json", all="1").json) == 1


def test_a_build_that_is_cancelled_ends_its_step(tmp_path: Path) -> None:
    class Waits:
        def __init__(self) -> None:
            self.future: Future[None] = Future()

        def begin(self, call: StepCall, say: Any, commit: Any) -> Future[None]:
            return self.future

    runner: Any = Waits()
    process = BuildProcess(io.BytesIO(), runner)
    ended: list[BaseException] = []

    def execute() -> None:
        try:
            process._executed(StepCall("id", ("x",)), lambda message: None, lambda source: None)
        except Interrupted as error:
            ended.append(error)

    thread = threading.Thread(target=execute, daemon=True)
    thread.start()
    engines.wait_for(lambda: process._step is not None)
    process.cancel()
    thread.join(10)
    assert runner.future.cancelled()
    assert len(ended) == 1
    with pytest.raises(Interrupted):  # nor does another begin
        process._executed(StepCall("id", ("x",)), lambda message: None, lambda source: None)


def test_what_the_call_says_of_networks_and_memory_reaches_the_step(served: Served) -> None:
    base(served)
    build(served, "RUN one", networkmode="nat", memory=str(1 << 30), extrahosts=["a:1.2.3.4", "b:1.2.3.5"])
    call, = served.engine.runner.calls
    assert call.limits == StepLimits("nat", ("a:1.2.3.4", "b:1.2.3.5"), 1 << 30)


def test_images_of_a_step_that_a_killed_engine_left_are_removed(served: Served) -> None:
    base(served)
    shelf, ran = served.engine.images.shelf, []
    inner = served.engine.runner.begin

    def begin(call: StepCall, say: Any, commit: Any) -> Future[None]:
        ran.append({str(kept.id): dict(kept.image.config.run.labels) for kept in shelf.all().values()}[call.image])
        shelf.remove = lambda kept: None  # killed before it could
        return inner(call, say, commit)

    served.engine.runner.begin = begin
    build(served, "RUN one")
    assert STEP in ran[0]
    del shelf.remove
    left, = (kept for kept in shelf.all().values() if STEP in dict(kept.image.config.run.labels))
    for name, stays in (("mine:1", True), ("wcow.invalid/build/0:before", False)):  # the second: of 'wcow build'
        with shelf.writing() as store:
            shelf.keep(store, left.descriptor, [Reference.parse(name)])
        served.engine.images.tidy()
        assert (left.id in shelf.all()) is stays
        if stays:
            shelf.untag(shelf.all()[left.id], Reference.parse(name))
