# SPDX-License-Identifier: Apache-2.0
"""An engine is there when it is needed, whoever starts it, however many ask; and it ends."""

from __future__ import annotations

import os
import signal
import socket as sockets
from collections.abc import Iterator
from pathlib import Path

import pytest
from support import programs, starters, users
from support.engines import served, wait_for

from imagebuild.dockerapi import Client
from imagebuild.engine import EngineSettings, ensure, running, start_engine, stop_engine
from imagebuild.engine.serving import starting
from imagebuild.engine.serving.lock import Lock
from imagebuild.errors import NotFoundError, StoreError, ToolError


@pytest.fixture
def root(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Iterator[Path]:
    """A folder whose engine, when one is started, is that of scripts, and is ended."""
    monkeypatch.setattr(starting, "_command", starters.command)
    here = Path(starters.__file__).parent
    monkeypatch.setenv("PYTHONPATH", os.pathsep.join([str(here.parent), str(here.parents[1])]))
    yield tmp_path / "engine"
    if running(tmp_path / "engine"):
        stop_engine(tmp_path / "engine")


def starts(root: Path) -> int:
    return (root / "starts").read_text().count("start")


def test_ten_processes_at_once_get_one_engine(root: Path) -> None:
    said = starters.run(root, 10).stdout.split()
    found = running(root)
    assert found is not None
    assert said == [str(found.pid)] * 10
    assert starts(root) == 1
    with Client.at(found.host) as client:
        assert client.ping().os_type == "windows"


def test_the_engine_that_runs_is_taken(root: Path) -> None:
    with served(root) as one:
        lock = Lock(root)
        lock.tell(one.socket, "127.0.0.1")
        try:
            assert ensure(EngineSettings(root)) == running(root)
            with pytest.raises(StoreError, match=f"process {os.getpid()}"):
                start_engine(EngineSettings(root), root / "engine.sock")
        finally:
            lock.close()


def test_a_new_engine_is_no_child_of_its_starter_and_tells_its_progress(root: Path) -> None:
    said: list[str] = []
    found = ensure(EngineSettings(root), root / "engine.sock", say=said.append)
    assert said == ["starting"]
    about = Path(f"/proc/{found.pid}/stat").read_text().rpartition(")")[2].split()
    assert int(about[1]) != os.getpid()
    stop_engine(root)
    assert running(root) is None
    assert not (root / "engine.sock").exists()
    with pytest.raises(NotFoundError, match="no engine runs"):
        stop_engine(root)


def test_an_engine_that_cannot_start_is_one_clear_error_for_all_who_wait(root: Path) -> None:
    said = starters.run(root, 10, WCOW_TEST_ENGINE="fails").stdout.splitlines()
    assert said == ["ToolError: the engine did not start: cannot run Windows programs: Wine is not installed"] * 10
    assert starts(root) == 1
    assert running(root) is None
    ensure(EngineSettings(root), root / "engine.sock")  # a failure of before keeps no later start


def test_an_engine_that_dies_while_ten_wait_is_one_clear_error_for_all(root: Path) -> None:
    said = starters.run(root, 10, WCOW_TEST_ENGINE="dies").stdout.splitlines()
    assert said == ["ToolError: the engine did not start: its process ended without a reason"] * 10
    assert starts(root) == 1


@pytest.mark.slow
def test_a_socket_that_a_killed_engine_left_is_replaced(root: Path) -> None:
    found = ensure(EngineSettings(root), root / "engine.sock")
    os.kill(found.pid, signal.SIGKILL)
    wait_for(lambda: running(root) is None)
    assert (root / "engine.sock").is_socket()
    assert ensure(EngineSettings(root), root / "engine.sock").pid != found.pid


def test_an_engine_that_does_not_answer_is_said_and_not_waited_for_long(root: Path, monkeypatch: pytest.MonkeyPatch
                                                                         ) -> None:
    monkeypatch.setattr(starting, "ANSWER_SECONDS", 0.2)
    lock = Lock(root)
    with sockets.socket(sockets.AF_UNIX) as silent:
        silent.bind(str(root / "silent"))
        silent.listen()
        for place in ("silent", "missing"):
            lock.tell(root / place, "127.0.0.1")
            with pytest.raises(ToolError, match=f"does not answer: process {os.getpid()} runs"):
                ensure(EngineSettings(root))
    lock.close()


@pytest.mark.skipif(os.getuid() != 0, reason="only root has a folder that another account may not enter")
def test_a_folder_of_another_account_is_refused(tmp_path: Path) -> None:
    own = tmp_path / "own"
    own.mkdir(mode=0o700)
    for folder in (tmp_path, *list(tmp_path.parents)[:2]):
        folder.chmod(0o755)
    child = os.fork()
    if not child:
        os.setgid(65534)
        os.setuid(65534)
        try:
            ensure(EngineSettings(own / "engine"))
        except StoreError as error:
            os._exit(0 if "cannot use" in str(error) else 2)
        os._exit(3)
    assert os.waitpid(child, 0)[1] == 0


# --- idle

def test_an_engine_ends_when_it_is_idle_and_not_while_a_client_is_connected(root: Path) -> None:
    found = ensure(EngineSettings(root), root / "engine.sock", idle=0.8)
    assert found.idle == 0.8
    with sockets.socket(sockets.AF_UNIX) as client:
        client.connect(str(found.socket))
        with pytest.raises(AssertionError):
            wait_for(lambda: running(root) is None, 2)
    wait_for(lambda: running(root) is None, 10)
    assert not found.socket.exists()


@pytest.mark.slow
def test_an_engine_in_which_something_runs_is_not_idle(root: Path) -> None:
    found = ensure(EngineSettings(root), root / "engine.sock", idle=0.8)
    with Client.at(found.host) as client:
        made = client.json("POST", "/containers/create", body={"Image": "app:1", "Cmd": ["sleep", "4"]})["Id"]
        client.call("POST", f"/containers/{made}/start").close()
    with pytest.raises(AssertionError):
        wait_for(lambda: running(root) is None, 2)
    wait_for(lambda: running(root) is None, 15)


def test_an_engine_that_may_not_be_looked_at_is_not_called_none() -> None:
    """Another user's, or root's: its folder is closed."""
    code = ("import sys\nfrom pathlib import Path\nfrom imagebuild.engine.serving.lock import running\n"
            "from imagebuild.errors import StoreError\n"
            "try:\n    print(running(Path(sys.argv[1])))\nexcept StoreError as error:\n    print(error)\n")
    with programs.skipping():
        user = users.ordinary()
        with user.folder() as folder:
            closed = folder / "engine"
            closed.mkdir(mode=0o700)
            (closed / "engine.lock").touch(mode=0o600)
            if not user.drop:
                closed.chmod(0)
            assert user.run(code, closed).startswith(f"cannot use {closed} as an engine's folder: ")
            assert user.run(code, folder / "nothing") == "None\n"
            closed.chmod(0o700)
