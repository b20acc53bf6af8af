# SPDX-License-Identifier: Apache-2.0
"""The life of containers: started, ended, stopped, removed, by one client and by many, with all that can fail."""

from __future__ import annotations

import asyncio
import os
import threading
from pathlib import Path

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st
from support.engines import Heard, Sandbox, make, new, opened, run, until

from imagebuild.dockerapi import faults
from imagebuild.engine.containers.container import Container
from imagebuild.engine.core import Engine
from imagebuild.engine.streams.streams import Streams
from imagebuild.errors import StoreError, ToolError
from imagebuild.runtime.memory import MemoryBox
from imagebuild.runtime.port import KILLED, STOPPED, Box, BoxSpec, Command, Process, Stdio


def _descriptors() -> int:
    return sum(1 for _ in Path("/proc/self/fd").iterdir())


def test_a_container_starts_ends_and_is_removed(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            heard, one = Heard(engine), new(engine, "echo hello && exit 7", name="one")
            await engine.containers.start(one)
            assert one.running
            assert await (await engine.containers.wait(one)) == 7
            assert (one.status, one.exit_code, one.run) == ("exited", 7, None)
            assert [chunk.data for _, chunk in one.output.chunks()] == [b"hello\r\n"]
            await engine.containers.remove(one)
            assert heard.of(one) == ["create", "start", "die", "destroy"]
            assert heard.last("die").attributes["exitCode"] == "7"
            assert heard.last("die").attributes["execDuration"] == "0"
            assert not one.folder.exists()
            with pytest.raises(faults.NotFound):
                engine.containers.find("one")

    run(work())


def test_of_a_container_that_is_removed_at_its_end_no_registry_is_kept(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            assert isinstance(engine.sandbox, Sandbox)
            for remove in (False, True):
                one = new(engine, "exit 0", remove=remove)
                await engine.containers.start(one)
                await (await engine.containers.wait(one))
                assert engine.sandbox.specs[-1].discarded is remove

    run(work())


def test_a_container_is_found_by_id_name_and_beginning(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            one, two = new(engine, name="one"), new(engine, name="two")
            for reference in (one.id, "one", "/one", one.id[:20]):
                assert engine.containers.find(reference) is one
            shared = next(n for n in range(64) if one.id[:n] != two.id[:n]) - 1
            if shared:
                with pytest.raises(faults.BadRequest, match="multiple IDs found with provided prefix"):
                    engine.containers.find(one.id[:shared])
            assert engine.containers.find(one.id[:shared + 1]) is one
            for reference in ("", "/", "three", one.id + "0"):
                with pytest.raises(faults.NotFound):
                    engine.containers.find(reference)
            named = new(engine, name=one.id[:12])  # a name counts before a beginning of an id
            assert engine.containers.find(one.id[:12]) is named

    run(work())


def test_a_name_is_one_containers_only_and_free_when_it_is_gone(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            heard, one, two = Heard(engine), new(engine, name="one"), new(engine, name="two")
            with pytest.raises(faults.Conflict, match='The container name "/one" is already in use'):
                new(engine, name="one")
            with pytest.raises(faults.Conflict, match=r"^Error when allocating new name: Conflict\. The"):
                engine.containers.rename(two, "one")
            with pytest.raises(faults.BadRequest, match="same name"):
                engine.containers.rename(two, "two")
            with pytest.raises(faults.BadRequest, match=r"allocating new name: Invalid container name \(/no name\)"):
                engine.containers.rename(two, "no name")
            await engine.containers.remove(one)
            engine.containers.rename(two, "one")
            assert heard.last("rename").attributes["oldName"] == "/two"
            assert engine.containers.find("one") is two

    run(work())


def test_a_disk_that_is_full_keeps_nothing_half_made(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def full(self: Container, *, sync: bool = False) -> None:
        raise StoreError("cannot write", why="No space left on device")

    async def work() -> None:
        async with opened(tmp_path) as engine:
            old = new(engine, "sleep 60", name="old")
            with monkeypatch.context() as patch:
                patch.setattr(Container, "save", full)
                with pytest.raises(faults.Internal, match="No space left"):
                    new(engine, name="new")
                with pytest.raises(StoreError):
                    engine.containers.rename(old, "other")
                await engine.containers.start(old)  # what is there runs, ends and is removed all the same
                await engine.containers.stop(old, 1)
                await engine.containers.remove(old)
            assert list((tmp_path / "containers").iterdir()) == []
            assert list(engine.containers) == []
            new(engine, name="new")

    run(work())


# --- what fails

def test_a_start_that_fails_leaves_nothing_open_and_says_why(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine, "nonsense")
            before = _descriptors()
            for _ in range(3):
                with pytest.raises(faults.BadRequest, match=r"nonsense: .*The system cannot find the file specified"):
                    await engine.containers.start(one)
            assert (one.status, one.exit_code, one.running) == ("created", 127, False)
            assert "nonsense" in one.error
            assert engine.networks.attachment(one.id) is None
            assert _descriptors() == before
            engine.sandbox.fails = [ToolError("no sandbox", why="gone")]  # type: ignore[attr-defined]
            with pytest.raises(faults.Internal, match="no sandbox"):
                await engine.containers.start(one)
            one.command = "exit 0"
            await engine.containers.start(one)
            assert one.error == ""

    run(work())


def test_the_box_of_a_start_that_fails_is_closed(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            closed: list[Box] = []
            box_type = type(engine.sandbox.open(_spec(tmp_path)))
            close = box_type.close
            monkeypatch.setattr(box_type, "close", lambda box, **more: (closed.append(box), close(box, **more)))
            with pytest.raises(faults.Fault):
                await engine.containers.start(new(engine, "nonsense"))
            assert closed == [engine.sandbox.opened[-1]]  # type: ignore[attr-defined]

    run(work())


def test_one_that_is_to_be_removed_goes_when_it_cannot_start(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine, "nonsense", remove=True)
            gone = await engine.containers.wait(one, "removed")
            with pytest.raises(faults.Fault):
                await engine.containers.start(one)
            assert await gone == 127
            assert list(engine.containers) == []

    run(work())


def test_an_end_is_an_end_whatever_fails_meanwhile(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def broken(*_: object, **__: object) -> None:
        raise ToolError("the kernel is gone", why="no reason")

    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine)
            await engine.containers.start(one)
            assert one.run is not None
            with monkeypatch.context() as patch:
                patch.setattr(engine.networks, "detach", broken)
                await engine.containers.stop(one, 1)
            assert (one.status, one.exit_code) == ("exited", STOPPED)
            assert "the kernel is gone" in one.error

    run(work())


def test_a_program_whose_folder_cannot_be_removed_is_dead_until_it_can(tmp_path: Path,
                                                                      monkeypatch: pytest.MonkeyPatch) -> None:
    def busy(folder: Path) -> None:
        raise PermissionError(13, "Permission denied")

    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine)
            with monkeypatch.context() as patch:
                patch.setattr("imagebuild.engine.containers.lifecycle.clear", busy)
                with pytest.raises(faults.Internal, match="failed to remove"):
                    await engine.containers.remove(one)
            assert one.status == "dead"
            with pytest.raises(faults.Conflict, match="marked for removal"):
                await engine.containers.start(one)
            await engine.containers.remove(one)
            assert list(engine.containers) == []

    run(work())


def test_a_removal_at_the_end_that_fails_is_told_to_those_who_wait_for_it(tmp_path: Path,
                                                                         monkeypatch: pytest.MonkeyPatch) -> None:
    async def work(error: Exception, said: str) -> None:
        def busy(folder: Path) -> None:
            raise error

        async with opened(tmp_path) as engine:
            one = new(engine, "exit 3", remove=True)
            told, again, left = [await engine.containers.wait(one, "removed") for _ in range(3)]
            left.cancel()
            with monkeypatch.context() as patch:
                patch.setattr("imagebuild.engine.containers.lifecycle.clear", busy)
                await engine.containers.start(one)
                for waiting in (told, again):
                    with pytest.raises(faults.Internal, match=said):
                        await asyncio.wait_for(waiting, 10)
            gone = await engine.containers.wait(one, "removed")
            await engine.containers.remove(one)
            assert await asyncio.wait_for(gone, 10) == 3

    run(work(PermissionError(13, "Permission denied"), "failed to remove its folder: .* Permission denied"))
    run(work(RuntimeError("a fault of ours"), "a fault of ours"))


def test_a_volume_that_cannot_go_keeps_no_container(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    def stuck(*_: object, **__: object) -> None:
        raise faults.Internal("remove x: error removing volume path: Device or resource busy")

    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine)
            gone = await engine.containers.wait(one, "removed")
            monkeypatch.setattr(type(engine.volumes), "release", stuck)
            await engine.containers.remove(one, volumes=True)
            assert await asyncio.wait_for(gone, 10) == 0
            assert list(engine.containers) == []

    run(work())


def test_a_start_that_is_cancelled_closes_nothing_before_the_program_has_it(tmp_path: Path,
                                                                            monkeypatch: pytest.MonkeyPatch) -> None:
    begun, go, order = threading.Event(), threading.Event(), list[str]()
    start, close = MemoryBox.start, Streams.close

    def slow(self: MemoryBox, command: Command, stdio: Stdio) -> Process:
        begun.set()
        assert go.wait(10)
        order.append("started" if os.fstat(stdio.stdout) else "")
        return start(self, command, stdio)

    def closing(self: Streams) -> None:
        order.append("closed")
        close(self)

    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine)
            monkeypatch.setattr(MemoryBox, "start", slow)
            monkeypatch.setattr(Streams, "close", closing)
            starting = asyncio.ensure_future(engine.containers.start(one))
            await asyncio.to_thread(begun.wait)
            starting.cancel()
            asyncio.get_running_loop().call_later(0.1, go.set)
            with pytest.raises(asyncio.CancelledError):
                await starting
            assert order[:2] == ["started", "closed"]
            assert not one.running

    run(work())


@pytest.mark.parametrize("killed", [True, False])
def test_half_a_removal_is_a_removal_to_the_next_engine_unless_this_one_could_say_that_it_failed(
        tmp_path: Path, monkeypatch: pytest.MonkeyPatch, killed: bool) -> None:
    class Killed(BaseException):
        pass

    def half(folder: int, name: str) -> None:
        raise Killed if killed else PermissionError(13, "Permission denied")

    async def before() -> Path:
        engine = make(tmp_path)
        engine.open()
        one = new(engine)
        monkeypatch.setattr("imagebuild.runtime.snapshots.overlay.remove", half)
        with pytest.raises((Killed, faults.Internal)):
            await engine.containers.remove(one)
        monkeypatch.undo()
        return one.folder

    folder = run(before())
    assert folder.exists()
    assert run(_statuses(tmp_path)) == ([] if killed else ["dead"])
    assert folder.exists() is not killed


def test_folders_that_a_sandbox_closed_and_links_it_made_are_removed(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path / "root") as engine:
            kept = tmp_path / "kept"
            kept.mkdir()
            one = new(engine)
            inner = one.folder / "box" / "work" / "work"
            inner.mkdir(parents=True)
            (one.folder / "box" / "out").symlink_to(kept)
            (inner / "file").write_bytes(b"x")
            inner.chmod(0)
            await engine.containers.remove(one)
            assert not one.folder.exists()
            assert kept.exists()

    run(work())


# --- many at once

ACTS = ("start", "stop", "kill", "restart", "remove", "rename", "wait")


@settings(max_examples=25, deadline=None)
@given(acts=st.lists(st.tuples(st.sampled_from(ACTS), st.floats(0, 0.02)), min_size=2, max_size=14),
       line=st.sampled_from(["sleep 60", "exit 3", "sleep 0.01", "nonsense"]),
       policy=st.sampled_from(["", "always", "on-failure"]))
def test_many_who_start_stop_and_remove_one_container_leave_a_true_state(
        tmp_path_factory: pytest.TempPathFactory, acts: list[tuple[str, float]], line: str, policy: str) -> None:
    async def act(engine: Engine, one: Container, what: str, after: float, number: int) -> None:
        await asyncio.sleep(after)
        containers = engine.containers
        try:
            if what == "start":
                await containers.start(one)
            elif what == "stop":
                await containers.stop(one, 1)
            elif what == "kill":
                await containers.kill(one, "KILL")
            elif what == "restart":
                await containers.restart(one, 1)
            elif what == "remove":
                await containers.remove(one, force=number % 2 == 0)
            elif what == "rename":
                containers.rename(one, f"name{number}")
            elif one.id in {other.id for other in containers}:
                await asyncio.wait_for(await containers.wait(one), 0.01)
        except (faults.Fault, TimeoutError):
            return

    async def work() -> None:
        root = tmp_path_factory.mktemp("engine")
        async with opened(root) as engine:
            heard, one = Heard(engine), new(engine, line, policy=policy)
            await asyncio.gather(*(act(engine, one, what, after, number)
                                   for number, (what, after) in enumerate(acts)))
            there = one in list(engine.containers)
            if there and (one.running or one.status == "restarting"):
                await engine.containers.stop(one, 1)
            told = heard.of(one)
            assert told.count("start") == told.count("die")
            assert told.count("destroy") == (not there)
            assert not one.running
            assert one.status in ("created", "exited") if there else not one.folder.exists()
            if there:
                found = Container.load(one.folder)
                assert found is not None
                assert (found.status, found.exit_code, found.name) == (one.status, one.exit_code, one.name)
            assert engine.networks.attachment(one.id) is None
            assert all(box.processes() == () for box in engine.sandbox.opened)  # type: ignore[attr-defined]

    run(work())


def test_two_hundred_containers_run_at_once(tmp_path: Path) -> None:
    async def work() -> None:
        before = _descriptors()
        async with opened(tmp_path) as engine:
            every = [new(engine) for _ in range(200)]
            await asyncio.gather(*(engine.containers.start(one) for one in every))
            assert sum(one.running for one in engine.containers) == 200
            await asyncio.gather(*(engine.containers.stop(one, 5) for one in every[:100]))
            await asyncio.gather(*(engine.containers.remove(one, force=True) for one in every))
            assert list(engine.containers) == []
            assert list((tmp_path / "containers").iterdir()) == []
        assert _descriptors() <= before + 4  # of the loop

    run(work())


def test_stops_that_take_long_do_not_keep_others_from_starting(tmp_path: Path,
                                                              monkeypatch: pytest.MonkeyPatch) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            slow = [new(engine) for _ in range(40)]
            await asyncio.gather(*(engine.containers.start(one) for one in slow))
            kind = type(slow[0].run.box) if slow[0].run else object
            gate = threading.Event()
            monkeypatch.setattr(kind, "stop", lambda box, timeout: (gate.wait(30), box.kill()))
            stops = [asyncio.ensure_future(engine.containers.stop(one)) for one in slow]
            await asyncio.sleep(0.05)
            try:
                quick = new(engine, "exit 0")
                await asyncio.wait_for(engine.containers.start(quick), 5)
            finally:
                gate.set()
            await asyncio.gather(*stops)

    run(work())


# --- waiting

def test_a_wait_ends_with_what_it_waits_for(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            containers, one = engine.containers, new(engine, "exit 4")
            assert await (await containers.wait(one)) == 0  # it does not run
            following, removed = await containers.wait(one, "next-exit"), await containers.wait(one, "removed")
            await containers.start(one)
            assert await following == 4
            assert not removed.done()
            await containers.remove(one)
            assert await removed == 4

    run(work())


def test_who_waits_and_leaves_is_forgotten(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine)
            await engine.containers.start(one)
            for _ in range(100):
                (await engine.containers.wait(one)).cancel()
            await asyncio.sleep(0)
            assert not any(engine.containers._waiters.values())

    run(work())


def test_an_engine_that_stops_waits_for_a_start_and_ends_it(tmp_path: Path) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine)
            starting = asyncio.ensure_future(engine.containers.start(one))
            await asyncio.sleep(0)
            await engine.containers.close()
            await asyncio.gather(starting, return_exceptions=True)
            assert not one.running
            with pytest.raises(faults.Fault, match="the engine is stopping"):
                await engine.containers.start(new(engine))

    run(work())
    again = run(_statuses(tmp_path))
    assert "running" not in again


async def _statuses(root: Path) -> list[str]:
    async with opened(root, resume=False) as engine:
        return [one.status for one in engine.containers]


def test_what_a_killed_engine_left_is_reported_as_ended(tmp_path: Path) -> None:
    async def before() -> str:
        engine = make(tmp_path)
        engine.open()
        one = new(engine)
        half, gone = new(engine, name="half"), new(engine, name="gone")
        await engine.containers.start(one)
        (half.folder / "container.json").unlink()
        gone.status = "removing"
        gone.save()
        for box in engine.sandbox.opened:  # type: ignore[attr-defined]
            box.kill()  # as the kernel does
        return one.id

    async def after(identifier: str) -> None:
        async with opened(tmp_path) as engine:
            assert [found.id for found in engine.containers] == [identifier]
            one = engine.containers.find(identifier)
            assert (one.status, one.exit_code, one.running) == ("exited", KILLED, False)
            assert one.finished >= one.started > 0
            assert len(list((tmp_path / "containers").iterdir())) == 1
            await engine.containers.start(one)

    run(after(run(before())))


@pytest.mark.parametrize("record", ["{", '{"version": 99, "id": "of an engine to come"}'])
def test_a_container_whose_record_cannot_be_read_keeps_its_files(tmp_path: Path, record: str,
                                                                 caplog: pytest.LogCaptureFixture) -> None:
    async def work() -> None:
        async with opened(tmp_path) as engine:
            folder = new(engine).folder
            (folder / "data").write_text("kept")
            (folder / "container.json").write_text(record)
        async with opened(tmp_path) as engine:
            assert not list(engine.containers)
        assert (folder / "data").read_text() == "kept"
        assert str(folder / "container.json") in caplog.text

    run(work())


def test_a_state_that_is_not_written_down_is_told_in_the_log(tmp_path: Path, monkeypatch: pytest.MonkeyPatch,
                                                             caplog: pytest.LogCaptureFixture) -> None:
    def full(*_words: object, **_more: object) -> None:
        raise StoreError("cannot write the record", why="No space left on device")

    async def work() -> None:
        async with opened(tmp_path) as engine:
            one = new(engine, "sleep 0")
            await engine.containers.start(one)
            monkeypatch.setattr(type(one), "save", full)
            await until(lambda: one.status == "exited")
            monkeypatch.undo()

    run(work())
    assert "its state is not written down: cannot write the record: No space left on device" in caplog.text


def _spec(root: Path) -> BoxSpec:
    return BoxSpec("x", root / "box")
