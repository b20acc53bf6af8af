# SPDX-License-Identifier: Apache-2.0
"""The tasks of a playbook share one connection to a host's engine, which a broker keeps."""

from __future__ import annotations

import sys
import time
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import Any

import pytest
from support import ansible_winrm, engines, programs
from support.ansible_objects import ours

pytestmark = pytest.mark.slow  # a task takes most of a second of Ansible itself

#: Ends the broker of this playbook, which has its environment.
KILL = """
import os, pathlib
for one in pathlib.Path('/proc').glob('[0-9]*'):
    try:
        if b'host.broker' in (one / 'cmdline').read_bytes() and os.environ['WCOW_RESULTS'].encode() in \
(one / 'environ').read_bytes() and b'\\0-c\\0import sys' in (one / 'cmdline').read_bytes():
            os.kill(int(one.name), 9)
            print('killed')
    except OSError:
        pass
"""


@pytest.fixture(params=["psrp", "winrm"])
def reached(request: Any, served: engines.Served, tmp_path: Path) -> Any:
    with (programs.skipping(),
          ansible_winrm.winrm_host(tmp_path / "win", f"unix://{served.socket}", request.param) as one):
        yield one


def until_gone(folder: Path) -> None:
    end = time.monotonic() + 15
    while ansible_winrm.brokers(str(folder)):
        assert time.monotonic() < end
        time.sleep(0.05)


def test_tasks_share_one_way_to_the_engine(reached: Any) -> None:
    controller, served = reached
    volumes = [ours("volume", name=f"v{number}") for number in range(6)]
    played = controller.play(*volumes, ours("volume_info"))
    assert [one.state for one in played.outcomes] == ["ok"] * 7, played.printed
    assert len(played[6]["volumes"]) == 6
    dialled = [one.line for one in served.machine.started if "dial-stdio" in one.line]
    assert len(dialled) <= 3, dialled  # what tasks use, and what is kept ready
    until_gone(controller.folder)


def test_a_broker_that_was_killed_is_replaced_by_the_next_task(reached: Any) -> None:
    controller, _served = reached
    kill = {"ansible.builtin.command": {"argv": [sys.executable, "-c", KILL]}, "vars": {
        "ansible_connection": "local", "ansible_python_interpreter": sys.executable}}
    played = controller.play(ours("volume", name="one"), kill, ours("volume", name="two"), ours("volume_info"))
    assert [one.state for one in played.outcomes] == ["ok"] * 4, played.printed
    assert played[1]["stdout"] == "killed"
    assert [one["Name"] for one in played[3]["volumes"]] == ["one", "two"]
    until_gone(controller.folder)


def test_two_playbooks_at_once_have_a_broker_each(reached: Any) -> None:
    controller, _served = reached
    with ThreadPoolExecutor() as pool:
        running = [pool.submit(controller.play, *(ours("volume", name=f"{name}{number}") for number in range(3)))
                   for name in "xy"]
        seen: set[int] = set()
        while not all(one.done() for one in running):
            seen |= set(ansible_winrm.brokers(str(controller.folder)))
            time.sleep(0.05)
    assert [outcome.state for one in running for outcome in one.result().outcomes] == ["ok"] * 6
    assert len(seen) >= 2
    until_gone(controller.folder)
