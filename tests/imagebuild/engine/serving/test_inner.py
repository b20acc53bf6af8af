# SPDX-License-Identifier: Apache-2.0
"""An engine inside a process: one for all who need one at once, and it serves the last of them to the end."""

from __future__ import annotations

import threading
import time
from pathlib import Path

import pytest
from support import engines

from imagebuild.dockerapi import Client
from imagebuild.engine import inside, running
from imagebuild.engine.core import Engine
from imagebuild.errors import ToolError


def test_it_ends_with_the_block_however_that_ends(tmp_path: Path) -> None:
    for error in (None, KeyError("x")):
        try:
            with inside(lambda: engines.make(tmp_path), tmp_path) as found, Client.at(found.host) as client:
                assert client.ping().os_type == "windows"
                if error:
                    raise error
        except KeyError:
            assert error
        assert running(tmp_path) is None
        assert not found.socket.exists()


def test_of_five_at_once_one_makes_it_and_it_serves_the_last_to_the_end(tmp_path: Path) -> None:
    made: list[Engine] = []
    failed: list[BaseException] = []
    sockets: set[Path] = set()

    def make() -> Engine:
        made.append(engines.make(tmp_path))
        return made[-1]

    def use(number: int) -> None:
        try:
            with inside(make, tmp_path) as found, Client.at(found.host) as client:
                sockets.add(found.socket)
                time.sleep(0.2 * number)  # the one that made it leaves while others are still at it
                assert client.json("GET", "/containers/json") == []
        except BaseException as error:
            failed.append(error)

    threads = [threading.Thread(target=use, args=(number,)) for number in range(5)]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()
    assert failed == []
    assert (len(made), len(sockets)) == (1, 1)
    assert running(tmp_path) is None


def test_containers_that_always_run_are_started_and_keep_it_from_no_end(tmp_path: Path) -> None:
    with inside(lambda: engines.make(tmp_path), tmp_path) as found, Client.at(found.host) as client:
        body = {"Image": "app:1", "Cmd": ["sleep", "60"], "HostConfig": {"RestartPolicy": {"Name": "always"}}}
        made = client.json("POST", "/containers/create", body=body)["Id"]
        client.call("POST", f"/containers/{made}/start").close()
    with inside(lambda: engines.make(tmp_path), tmp_path) as found, Client.at(found.host) as client:
        engines.wait_for(lambda: client.json("GET", f"/containers/{made}/json")["State"]["Running"])
    assert running(tmp_path) is None


def test_what_keeps_it_from_starting_is_raised_and_nothing_is_held(tmp_path: Path, monkeypatch: pytest.MonkeyPatch
                                                                   ) -> None:
    def fails(self: engines.Sandbox, progress: object = None) -> None:
        raise ToolError("cannot run Windows programs")

    monkeypatch.setattr(engines.Sandbox, "prepare", fails)
    before = threading.active_count()
    with pytest.raises(ToolError, match="cannot run Windows programs"), \
            inside(lambda: engines.make(tmp_path), tmp_path):
        pass
    assert running(tmp_path) is None
    assert threading.active_count() <= before
