# SPDX-License-Identifier: Apache-2.0
"""Starts: by turn, again where Windows asks for it, and in words that say what its own words mean."""

from __future__ import annotations

import threading
import time
from pathlib import Path
from typing import Any, cast

import pytest

from imagebuild.containers import Deadline, DeadlineError, Starts, trouble_of
from imagebuild.containers.start import start_container
from imagebuild.dockerapi import Client, faults
from imagebuild.errors import DaemonError

PARALLEL = ("container 01 encountered an error during hcs::System::CreateComputeSystem: failure in a Windows system "
            "call: Incorrect function. (0x1)")
PORT = ("failed to create endpoint x on network nat: hnsCall failed in Win32: The process cannot access the file "
        "because it is being used by another process. (0x20)")


class Scripted:
    """A client whose starts fail with the texts that are left; ``busy`` is how many run at once at most."""

    def __init__(self, *texts: str, seconds: float = 0) -> None:
        self.texts, self.seconds, self.now, self.busy = list(texts), seconds, 0, 0
        self._lock = threading.Lock()

    def call(self, *_: Any, **_more: Any) -> Scripted:
        with self._lock:
            self.now += 1
            self.busy = max(self.busy, self.now)
        time.sleep(self.seconds)
        with self._lock:
            self.now -= 1
        if self.texts:
            raise faults.Internal(self.texts.pop(0))
        return self

    def __enter__(self) -> Scripted:
        return self

    def __exit__(self, *_: object) -> None:
        pass

    def read(self) -> bytes:
        return b""


def begin(client: Scripted, **more: Any) -> int:
    return start_container(cast(Client, client), "c", pauses=(0.0, 0.0), **more)


def test_an_error_of_parallel_starts_is_tried_again() -> None:
    assert begin(Scripted(PARALLEL, PARALLEL)) == 3


def test_an_error_that_stays_is_raised_with_the_number_of_tries() -> None:
    with pytest.raises(DaemonError, match=r"Incorrect function.*tried 3 times"):
        begin(Scripted(*[PARALLEL] * 5))


def test_a_taken_port_is_not_called_a_file_and_not_tried_again() -> None:
    client = Scripted(PORT, PORT)
    with pytest.raises(DaemonError, match="a port that it publishes is taken") as caught:
        begin(client)
    assert "ports=[80]" in caught.value.hint
    assert len(client.texts) == 1


def test_an_error_of_another_kind_is_the_engines_own() -> None:
    with pytest.raises(faults.Internal, match=r"^no$"):
        begin(Scripted("no"))


def test_two_starts_of_one_engine_wait_for_each_other_and_two_places_let_two_in(tmp_path: Path) -> None:
    for most in (1, 2):
        client, starts = Scripted(seconds=0.05), Starts(tmp_path, f"unix:///{most}", most)
        threads = [threading.Thread(target=begin, args=(client,), kwargs={"starts": starts}) for _ in range(4)]
        for thread in threads:
            thread.start()
        for thread in threads:
            thread.join()
        assert client.busy == most


def test_a_turn_that_does_not_come_is_an_error_with_the_option_that_helps(tmp_path: Path) -> None:
    starts = Starts(tmp_path, "unix:///x", 1)
    with starts.turn(Deadline(1)), pytest.raises(DeadlineError) as caught, starts.turn(Deadline(0.05)):
        pass
    assert "--wcow-max-starts" in caught.value.hint


@pytest.mark.parametrize(("text", "stage", "found"), [
    (PARALLEL, "start", "parallel-start"), (PORT, "start", "port-taken"), ("HCN_E_PORT_ALREADY_EXISTS", "start",
                                                                          "port-taken"),
    ("hcsshim::CreateComputeSystem 0123: The requested resource is in use.", "start", "in-use"),
    ("hcsshim::PrepareLayer failed in Win32: This operation returned because the timeout period expired. (0x5b4)",
     "start", "prepare-layer"),
    ("A connection could not be established with the Virtual Machine hosting the Container. (0xc0370108)", "start",
     "vm-connection"),
    ("encountered an error during hcs::System::Start: context deadline exceeded.", "start", "start-deadline"),
    ('driver "windowsfilter" failed to remove root filesystem: rename C:\\x: Access is denied.', "remove", "root-busy"),
    ("could not kill: tried to kill container, but did not receive an exit event", "remove", "exit-event"),
    ("open //./pipe/docker_engine: All pipe instances are busy.", "connect", "pipe-busy"),
    ("The container operating system does not match the host operating system.", "start", None)])
def test_the_words_of_windows_are_recognised(text: str, stage: Any, found: str | None) -> None:
    row = trouble_of(text, stage)
    assert (row.id if row else None) == found
